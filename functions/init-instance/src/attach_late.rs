//! The attach of an instance whose init has succeeded (`attach_when`: `after_init`).

use crate::config::{ASK_WHERE_AFTER, LOOK_EVERY, REFUSED_EVERY, TIME_FOR_A_CALL};
use crate::decide::{CommandEnd, Conclusion, KnownAttach, LateAttached, after_late_attach, fails};
use crate::function::InitInstance;
use crate::pace;
use crate::stopped;
use ready_pool_aws::auto_scaling::Capacity;
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_aws::retirement::detach;
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::{GroupName, InstanceId};
use ready_pool_core::reason::Reason;
use std::time::Duration;
use tracing::{error, info, warn};

/// How far the clocks of Systems Manager and Auto Scaling may be apart. No attach of ours comes so soon.
const CLOCKS_APART: Duration = Duration::from_secs(30);

/// How trying to attach ended.
pub(crate) enum Tried {
    /// The target has it, or will in a moment.
    Attached,
    /// The invocation's time is up.
    Later,
    /// The claim ends without it.
    Conclude(Conclusion),
}

impl InitInstance {
    /// Whether the target's activities show an attach of the instance since its command was sent, one that did not
    /// fail. Asked before each first try: a message that comes again may have attached it before, and its tenant
    /// taken it out since.
    pub(crate) async fn known_attach(
        &self,
        instance: &InstanceId,
        target: &GroupName,
        since: Timestamp,
    ) -> Result<KnownAttach, CallError> {
        let is_attach = |activity: &Activity| {
            activity.kind == ActivityKind::Attach
                && !activity.failed
                && activity.instance.as_ref() == Some(instance)
        };
        let activities = self
            .auto_scaling
            .activities(target, since, |page| page.iter().any(is_attach))
            .await?;
        if activities.iter().any(is_attach) {
            return Ok(KnownAttach::Seen);
        }
        Ok(KnownAttach::Never)
    }

    /// Attaches, trying again while the detach from the pool is not finished. Where that was taken back, detaches
    /// again.
    pub(crate) async fn attach_late(
        &self,
        seen: &CommandEnd<'_>,
        target: &GroupName,
        invocation: &Invocation,
    ) -> Result<Tried, CallError> {
        let detached = seen.command.record.header.times.detached;
        sleep(pace::until_detached(detached, invocation.now())).await;
        let mut in_pool = 0;
        while invocation.has(TIME_FOR_A_CALL) {
            let result = self.auto_scaling.attach(target, seen.instance).await;
            match after_late_attach(&result, seen, target, &self.config.pool) {
                LateAttached::Look => {
                    info!("attached to the target");
                    return Ok(Tried::Attached);
                }
                LateAttached::InPool => {
                    in_pool += 1;
                    if in_pool >= ASK_WHERE_AFTER {
                        self.out_of_pool(seen.instance).await?;
                    }
                    sleep(pace::next_try(seen.instance, in_pool)).await;
                }
                LateAttached::Conclude(conclusion) => {
                    if result.is_err_and(|error| error.says_stopped()) {
                        stopped::say(seen.instance);
                    }
                    return Ok(Tried::Conclude(conclusion));
                }
                LateAttached::AskLater => return result.map(|()| Tried::Later),
                LateAttached::TryAgain => {
                    let Err(error) = result else { continue };
                    let denied = error.says_denied();
                    if denied && matches!(self.is_target(target).await, Ok(false)) {
                        warn!(%error, "the target is gone, or has opted out");
                        return Ok(Tried::Conclude(fails(seen, Reason::TargetRefused)));
                    }
                    if error.effect == Effect::Refused {
                        error!(%error, "refused, for every instance; trying again");
                        sleep(REFUSED_EVERY).await;
                    } else {
                        warn!(%error, "cannot attach; trying again");
                        sleep(LOOK_EVERY).await;
                    }
                }
            }
        }
        Ok(Tried::Later)
    }

    /// Waits until an instance is out of the pool; answers whether it is.
    pub(crate) async fn take_out(
        &self,
        instance: &InstanceId,
        invocation: &Invocation,
    ) -> Result<bool, CallError> {
        while invocation.has(TIME_FOR_A_CALL) {
            if self.out_of_pool(instance).await? {
                return Ok(true);
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(false)
    }

    /// Takes an instance out of the pool that was sent its command and is in service there again. Answers whether
    /// it was out before.
    async fn out_of_pool(&self, instance: &InstanceId) -> Result<bool, CallError> {
        let instances = std::slice::from_ref(instance);
        let places = self.auto_scaling.placements(instances).await?;
        let pool = &self.config.pool;
        let Some(place) = places.get(instance).filter(|place| place.group == *pool) else {
            return Ok(true);
        };
        if !place.lifecycle.leaves() {
            warn!("the detach from the pool was taken back; detaching again");
            detach(&self.auto_scaling, pool, instance, Capacity::Replace).await?;
        }
        Ok(place.lifecycle == Lifecycle::Terminating)
    }
}

/// From when on a target's activities are read, where a command was sent then.
pub(crate) fn since(sent_at: Timestamp) -> Timestamp {
    sent_at - CLOCKS_APART
}
