//! How far a claim is: one word for all that is known of it.

use super::facts::{ClaimFacts, PoolFacts};
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ledger::Standing;
use ready_pool_core::reason::Reason;

/// Where a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The ledger says that its instance is initialised.
    Ready,
    /// The ledger says that it failed.
    Failed(Reason),
    /// Its instance was given up, and it waits for another one.
    GivenUp,
    /// Its instance is still in the pool.
    Entered,
    /// Its instance leaves the pool.
    Detaching,
    /// Its instance is in no group.
    Free,
    /// Its instance joins the target.
    Attaching,
    /// Its instance is in the target, and was not sent its command, as far as the history shows.
    Attached,
    /// Its command was sent, and has not ended.
    Running,
    /// Its script is over, and the ledger does not say so yet.
    Reporting,
    /// Its instance is where no command reaches it any more.
    Lost,
    /// It was sent a command, and has no entry any more.
    NoEntry,
    /// The tag holds something that nobody here wrote.
    Unreadable,
}

impl Stage {
    /// The stage as a word, for programs.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Failed(_) => "failed",
            Self::GivenUp => "given_up",
            Self::Entered => "entered",
            Self::Detaching => "detaching",
            Self::Free => "free",
            Self::Attaching => "attaching",
            Self::Attached => "attached",
            Self::Running => "running",
            Self::Reporting => "reporting",
            Self::Lost => "lost",
            Self::NoEntry => "no_entry",
            Self::Unreadable => "unreadable",
        }
    }

    /// Where this claim stands.
    pub(super) fn of(claim: &ClaimFacts, pool: &PoolFacts) -> Self {
        let Some(entry) = &claim.entry else {
            return if claim.written.is_some() {
                Self::Unreadable
            } else {
                Self::NoEntry
            };
        };
        match entry.standing {
            Standing::Ready => return Self::Ready,
            Standing::Failed(reason) => return Self::Failed(reason),
            Standing::Assigned => {}
        }
        let (Some(id), Some(instance)) = (&entry.instance, &claim.instance) else {
            return Self::GivenUp;
        };
        let command = claim
            .commands
            .iter()
            .find(|command| command.instance == *id);
        let place = instance.placement.as_ref();
        let is_in_target = place.is_some_and(|place| Some(&place.group) == claim.target.as_ref());
        if let Some(command) = command {
            return match command.command.status.is_final() {
                true => Self::Reporting,
                false if place.is_some() && !is_in_target => Self::Lost,
                false => Self::Running,
            };
        }
        match place {
            None if instance.agent.is_none() => Self::Lost,
            None => Self::Free,
            Some(place) if place.group == pool.group => match place.lifecycle {
                Lifecycle::Detaching => Self::Detaching,
                _ => Self::Entered,
            },
            Some(place) if is_in_target => match place.lifecycle {
                Lifecycle::Pending | Lifecycle::PendingWait => Self::Attaching,
                lifecycle if lifecycle.leaves() => Self::Lost,
                _ => Self::Attached,
            },
            Some(_) => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::tests::{claim, command, pool};
    use ready_pool_core::agent::Agent;
    use ready_pool_core::command::CommandStatus;
    use ready_pool_core::group::Placement;
    use ready_pool_core::ids::GroupName;

    fn at(group: &str, lifecycle: Lifecycle) -> Placement {
        Placement {
            group: GroupName::try_from(group).unwrap(),
            lifecycle,
        }
    }

    #[test]
    fn an_open_claim_is_where_its_instance_is() {
        for (placement, stage) in [
            (Some(at("rp-pool", Lifecycle::InService)), Stage::Entered),
            (Some(at("rp-pool", Lifecycle::Detaching)), Stage::Detaching),
            (None, Stage::Free),
            (Some(at("tenant", Lifecycle::Pending)), Stage::Attaching),
            (Some(at("tenant", Lifecycle::InService)), Stage::Attached),
            (Some(at("tenant", Lifecycle::Standby)), Stage::Attached),
            (Some(at("tenant", Lifecycle::Terminating)), Stage::Lost),
            (Some(at("other", Lifecycle::InService)), Stage::Lost),
        ] {
            let mut claim = claim("v1 i-00000001 1 assigned 2026-11-29T13:15:00Z");
            claim.instance.as_mut().unwrap().placement = placement.clone();
            assert_eq!(Stage::of(&claim, &pool()), stage, "{placement:?}");
        }
    }

    #[test]
    fn an_instance_that_systems_manager_does_not_list_is_gone() {
        let mut claim = claim("v1 i-00000001 1 assigned 2026-11-29T13:15:00Z");
        let instance = claim.instance.as_mut().unwrap();
        (instance.placement, instance.agent) = (None, None);
        assert_eq!(Stage::of(&claim, &pool()), Stage::Lost);
    }

    #[test]
    fn its_command_says_more_than_its_place() {
        let mut claim = claim("v1 i-00000001 1 assigned 2026-11-29T13:15:00Z");
        claim.instance.as_mut().unwrap().placement = Some(at("tenant", Lifecycle::Pending));
        claim.commands.push(command(CommandStatus::Running));
        assert_eq!(Stage::of(&claim, &pool()), Stage::Running);
        claim.instance.as_mut().unwrap().placement = Some(at("other", Lifecycle::InService));
        assert_eq!(Stage::of(&claim, &pool()), Stage::Lost);
        claim.commands[0].command.status = CommandStatus::Failed;
        assert_eq!(Stage::of(&claim, &pool()), Stage::Reporting);
    }

    #[test]
    fn the_ledger_s_end_is_the_claim_s() {
        for (entry, stage) in [
            ("v1 i-00000001 1 ready 2026-11-29T13:15:00Z", Stage::Ready),
            (
                "v1 i-00000001 1 failed 2026-11-29T13:15:00Z script_failed",
                Stage::Failed(Reason::ScriptFailed),
            ),
            ("v1 - 2 assigned 2026-11-29T13:15:00Z", Stage::GivenUp),
            ("nonsense", Stage::Unreadable),
        ] {
            assert_eq!(Stage::of(&claim(entry), &pool()), stage, "{entry}");
        }
        let mut wiped = claim("");
        wiped.written = None;
        assert_eq!(Stage::of(&wiped, &pool()), Stage::NoEntry);
    }

    #[test]
    fn an_agent_that_is_away_is_no_reason_to_call_the_instance_lost() {
        let mut claim = claim("v1 i-00000001 1 assigned 2026-11-29T13:15:00Z");
        let instance = claim.instance.as_mut().unwrap();
        (instance.placement, instance.agent) = (
            None,
            Some(Agent {
                online: false,
                ..Agent::default()
            }),
        );
        assert_eq!(Stage::of(&claim, &pool()), Stage::Free);
    }
}
