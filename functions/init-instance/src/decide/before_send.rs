//! Whether an init command may be sent to an instance that is not in its target yet.

use super::conclusion::{Cause, Conclusion, give_up};
use ready_pool_core::Timestamp;
use ready_pool_core::group::{Group, Lifecycle, Placement};
use ready_pool_core::ids::{GroupName, InstanceId};
use ready_pool_core::message::HandOver;

/// Whether the init command may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BeforeSend {
    /// It may.
    Send,
    /// The instance is the pool's, as far as anybody can know: look again a little later.
    Wait,
    /// The instance cannot be had for this claim, or its target could not take it.
    Conclude(Conclusion),
}

/// Where the instance is, if it is in one of these groups.
pub fn place_in<'a>(
    groups: impl IntoIterator<Item = &'a Group>,
    instance: &InstanceId,
) -> Option<Placement> {
    groups.into_iter().find_map(|group| {
        let member = group.member(instance)?;
        Some(Placement {
            group: group.name.clone(),
            lifecycle: member.lifecycle,
        })
    })
}

/// Decides whether the init command may be sent, from where the instance is (`None`: in no group). A detach from
/// the pool is ours where the hand-over proves that; another's looks the same, and the instance with it.
pub fn before_send(
    hand_over: &HandOver,
    place: Option<&Placement>,
    target: Option<&Group>,
    pool: &GroupName,
    now: Timestamp,
) -> BeforeSend {
    let given_up = |cause| BeforeSend::Conclude(give_up(hand_over, cause, now));
    let may = match place {
        None => BeforeSend::Send,
        Some(place) if place.group == hand_over.claim.target_group => {
            if place.lifecycle.leaves() {
                return given_up(Cause::Lost);
            }
            // Attached by an older version. There is room for it, then.
            return BeforeSend::Send;
        }
        Some(place) if place.group == *pool => match place.lifecycle {
            Lifecycle::Detaching if hand_over.times.detached.is_some() => BeforeSend::Send,
            Lifecycle::Terminating | Lifecycle::Warmed => return given_up(Cause::Lost),
            _ => BeforeSend::Wait,
        },
        Some(_) => return given_up(Cause::Lost),
    };
    if target.is_some_and(|target| takes_another(target, pool)) {
        may
    } else {
        given_up(Cause::TargetRefused)
    }
}

/// Whether the target would take an instance now. Which claim has which room was counted when they were entered.
fn takes_another(target: &Group, pool: &GroupName) -> bool {
    target.is_opted_in_to(pool)
        && target.launches_nothing().is_none()
        && target.desired_capacity < target.max_size
}
