//! The one way to remove an instance: detach it from the group it is believed to be in, attach it
//! to the retirement group, terminate it there.
//!
//! Nothing is ever terminated by id outside that group: `TerminateInstanceInAutoScalingGroup`
//! names no group, and would kill a tenant's instance that was claimed a moment ago.

use crate::group::{Lifecycle, Placement};
use crate::ids::GroupName;

/// The next step of a retirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Detach it from the group it is believed to be in.
    Detach,
    /// Its detach from the pool was taken back: detach it again.
    DetachFromPool,
    /// The same, from standby: it does not count towards the group's capacity, which stays as it is.
    DetachFromStandby,
    /// A detach or an attach is under way: look again.
    Wait,
    /// It is free: attach it to the retirement group.
    Attach,
    /// It is in the retirement group: terminate it.
    Terminate,
    /// It has moved on, or is going already: not ours to touch.
    Done,
}

/// The groups that a retirement has to do with.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The only group, besides the retirement group, that the instance is taken from.
    pub from: &'a GroupName,
    /// Where it came from: an unfinished detach from there is waited for.
    pub pool: &'a GroupName,
    /// Whether it is taken from the pool, too: it was sent its command on its way out, and is nobody's to have.
    pub from_pool: bool,
    /// Where it is terminated.
    pub retirement: &'a GroupName,
}

impl Route<'_> {
    /// Decides the next step from where the instance is now (`None`: in no group).
    pub fn next_step(&self, now: Option<&Placement>) -> Step {
        let Some(now) = now else {
            return Step::Attach;
        };
        let retired = now.group == *self.retirement;
        if now.group == *self.pool && now.lifecycle == Lifecycle::Detaching {
            return Step::Wait;
        }
        if self.from_pool && now.group == *self.pool {
            return match now.lifecycle {
                Lifecycle::InService | Lifecycle::Standby => Step::DetachFromPool,
                Lifecycle::Terminating | Lifecycle::Warmed => Step::Done,
                _ => Step::Wait,
            };
        }
        if !retired && now.group != *self.from {
            return Step::Done;
        }
        match now.lifecycle {
            Lifecycle::InService | Lifecycle::Standby if retired => Step::Terminate,
            Lifecycle::InService => Step::Detach,
            Lifecycle::Standby => Step::DetachFromStandby,
            Lifecycle::Terminating | Lifecycle::Warmed => Step::Done,
            Lifecycle::Pending
            | Lifecycle::PendingWait
            | Lifecycle::EnteringStandby
            | Lifecycle::Detaching
            | Lifecycle::Other => Step::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_step() {
        let group = |name: &str| GroupName::try_from(name).unwrap();
        let at = |name, lifecycle| Placement {
            group: group(name),
            lifecycle,
        };
        let [target, pool, retired] = ["target", "pool", "retired"].map(group);
        let route = Route {
            from: &target,
            pool: &pool,
            from_pool: false,
            retirement: &retired,
        };
        let cases = [
            (Some(at("target", Lifecycle::InService)), Step::Detach),
            (
                Some(at("target", Lifecycle::Standby)),
                Step::DetachFromStandby,
            ),
            (Some(at("target", Lifecycle::EnteringStandby)), Step::Wait),
            (Some(at("target", Lifecycle::Other)), Step::Wait),
            (Some(at("target", Lifecycle::Terminating)), Step::Done),
            (Some(at("target", Lifecycle::Warmed)), Step::Done),
            (Some(at("target", Lifecycle::Pending)), Step::Wait),
            (Some(at("target", Lifecycle::Detaching)), Step::Wait),
            (None, Step::Attach),
            (Some(at("retired", Lifecycle::Pending)), Step::Wait),
            (Some(at("retired", Lifecycle::InService)), Step::Terminate),
            (Some(at("retired", Lifecycle::Standby)), Step::Terminate),
            (Some(at("retired", Lifecycle::Terminating)), Step::Done),
            (Some(at("elsewhere", Lifecycle::InService)), Step::Done),
            (Some(at("elsewhere", Lifecycle::Detaching)), Step::Done),
            (Some(at("pool", Lifecycle::InService)), Step::Done),
            (Some(at("pool", Lifecycle::Detaching)), Step::Wait),
        ];
        for (now, step) in cases {
            assert_eq!(route.next_step(now.as_ref()), step, "{now:?}");
        }
        let route = Route {
            from_pool: true,
            ..route
        };
        for (lifecycle, step) in [
            (Lifecycle::InService, Step::DetachFromPool),
            (Lifecycle::Standby, Step::DetachFromPool),
            (Lifecycle::Detaching, Step::Wait),
            (Lifecycle::Pending, Step::Wait),
            (Lifecycle::Terminating, Step::Done),
        ] {
            let now = at("pool", lifecycle);
            assert_eq!(route.next_step(Some(&now)), step, "{now:?}");
        }
        let there = at("target", Lifecycle::InService);
        assert_eq!(route.next_step(Some(&there)), Step::Detach);
    }
}
