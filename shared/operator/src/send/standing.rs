//! How a claim that was sent stands, as far as its target's tags and the rejected queue tell. What has no entry (a claim
//! that is rejected, or expires in line) shows on the rejected queue or not at all.

use crate::exit::Exit;
use crate::rejected::Rejected;
use ready_pool_core::Timestamp;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::claim::Claim;
use ready_pool_core::group::Group;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::ledger;
use ready_pool_core::reason::Reason;
use time::Duration;

/// So long after its deadline a claim without an entry gets none any more: one that expired in line is closed within
/// a delivery.
const SILENCE: Duration = Duration::minutes(2);
/// So long after the last moment at which its script can end an entry should be settled.
const SETTLING: Duration = Duration::minutes(10);

/// How a claim stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no instance yet.
    InLine,
    /// It has an instance, which is on its way.
    Assigned {
        /// Which.
        instance: InstanceId,
        /// Which of the claim's instances that is.
        attempt: Attempt,
        /// Whether it is in its target already.
        has_arrived: bool,
    },
    /// An instance was given up, and it waits for another one.
    GivenUp {
        /// Which of the claim's instances is next.
        attempt: Attempt,
    },
    /// It ended well.
    Ready {
        /// Its instance.
        instance: Option<InstanceId>,
    },
    /// It ended badly.
    Failed {
        /// Why.
        reason: Reason,
        /// Its last instance.
        instance: Option<InstanceId>,
    },
    /// It was not tried.
    Rejected {
        /// Why, for programs.
        reason: String,
        /// Why, for people.
        message: String,
    },
    /// Its deadline is over, and it has no entry.
    Silent {
        /// Whether it had one: then somebody removed it.
        had_entry: bool,
    },
    /// Its entry is open, long after its script must have ended.
    Overdue,
}

impl Standing {
    /// How the claim stands now. `target` is its group, as far as it is there.
    pub(super) fn of(
        claim: &Claim,
        target: Option<&Group>,
        rejected: Option<&Rejected>,
        had_entry: bool,
        now: Timestamp,
    ) -> Self {
        let entry = target.and_then(|target| target.entry(&claim.claim_id));
        let Some(entry) = entry else {
            return match rejected {
                Some(rejected) => Self::Rejected {
                    reason: rejected.reason.clone(),
                    message: rejected.message.clone(),
                },
                None if now >= claim.expires_at + SILENCE => Self::Silent { had_entry },
                None => Self::InLine,
            };
        };
        let script = Duration::seconds(claim.init.execution_timeout_seconds.into());
        match (entry.standing, entry.instance) {
            (ledger::Standing::Ready, instance) => Self::Ready { instance },
            (ledger::Standing::Failed(reason), instance) => Self::Failed { reason, instance },
            (ledger::Standing::Assigned, _)
                if now >= claim.expires_at.max(entry.expires_at) + script + SETTLING =>
            {
                Self::Overdue
            }
            (ledger::Standing::Assigned, Some(instance)) => Self::Assigned {
                has_arrived: target.is_some_and(|target| target.has(&instance)),
                instance,
                attempt: entry.attempt,
            },
            (ledger::Standing::Assigned, None) => Self::GivenUp {
                attempt: entry.attempt,
            },
        }
    }

    /// How the command line ends with it; none while it may still change.
    pub(super) fn exit(&self) -> Option<Exit> {
        match self {
            Self::InLine | Self::Assigned { .. } | Self::GivenUp { .. } => None,
            Self::Ready { .. } => Some(Exit::Done),
            Self::Failed { .. } | Self::Rejected { .. } => Some(Exit::Bad),
            Self::Silent { .. } | Self::Overdue => Some(Exit::Unknown),
        }
    }

    /// The end as a word, as in outcomes; `open` and `unknown` are no ends.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::InLine | Self::Assigned { .. } | Self::GivenUp { .. } => "open",
            Self::Ready { .. } => "ready",
            Self::Failed { .. } => "failed",
            Self::Rejected { .. } => "rejected",
            Self::Silent { .. } | Self::Overdue => "unknown",
        }
    }

    /// The reason as a word, where there is one.
    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready { .. } => Some(Reason::Initialised.code()),
            Self::Failed { reason, .. } => Some(reason.code()),
            Self::Rejected { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The instance, where there is one.
    pub(super) fn instance(&self) -> Option<&InstanceId> {
        match self {
            Self::Assigned { instance, .. } => Some(instance),
            Self::Ready { instance } | Self::Failed { instance, .. } => instance.as_ref(),
            _ => None,
        }
    }

    /// How it stands, in words; `rejected_queue` is where what was rejected lies.
    pub(super) fn words(&self, claim: &Claim, rejected_queue: &str) -> String {
        let (id, target) = (&claim.claim_id, &claim.target_group);
        match self {
            Self::InLine => "waits for an instance".to_owned(),
            Self::Assigned {
                instance,
                attempt,
                has_arrived,
            } => {
                let attempt = match attempt {
                    1 => String::new(),
                    attempt => format!(" (attempt {attempt})"),
                };
                match (claim.attach_when, has_arrived) {
                    (AttachWhen::BeforeInit, false) => {
                        format!("gets {instance}{attempt}, which moves to {target}")
                    }
                    (AttachWhen::BeforeInit, true) => format!(
                        "{instance} is in {target}{attempt}; the script is about to run or running"
                    ),
                    (AttachWhen::AfterInit, false) => format!(
                        "runs its script on {instance}{attempt}, then attaches it to {target}"
                    ),
                    (AttachWhen::AfterInit, true) => {
                        format!("{instance} is in {target}{attempt}; its script has succeeded")
                    }
                }
            }
            Self::GivenUp { attempt } => {
                format!("its instance was given up; waits for another one (attempt {attempt})")
            }
            Self::Ready { instance } => match instance {
                Some(instance) => format!("ready: {instance}"),
                None => "ready".to_owned(),
            },
            Self::Failed { reason, .. } => format!(
                "failed ({}): {}; `ready-pool claim {id}` shows its command's output, and says what to do",
                reason.code(),
                reason.means()
            ),
            Self::Rejected { reason, message } => format!("rejected ({reason}): {message}"),
            Self::Silent { had_entry: false } => format!(
                "its deadline is over, and it has no entry: it expired in line, or was rejected. Look at {rejected_queue} \
                 and at the outcome queue"
            ),
            Self::Silent { had_entry: true } => format!(
                "its deadline is over, and its entry is gone: a tool removes tags of {target} (docs/operations.md, targets). \
                 `ready-pool claim {id}` finds its command; its outcome is on the outcome queue"
            ),
            Self::Overdue => format!(
                "still open, although its script must have ended: see `ready-pool claim {id}`, and the log of init-instance"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::tests::{group, instance_id};
    use ready_pool_core::claim::Init;
    use ready_pool_core::group::Lifecycle;
    use ready_pool_core::ids::{ClaimId, GroupName};
    use time::macros::datetime;

    const DEADLINE: Timestamp = datetime!(2026-11-29 13:15 UTC);

    fn claim() -> Claim {
        Claim::new(
            ClaimId::try_from("c-1").unwrap(),
            GroupName::try_from("tenant").unwrap(),
            Init::new(["true"]),
            DEADLINE,
        )
    }

    /// How the claim stands with this entry, so long after its deadline.
    fn standing(entry: Option<&str>, late: Duration) -> Standing {
        let mut target = group("tenant", &[("i-00000002", Lifecycle::InService)]);
        if let Some(entry) = entry {
            let key = "ready-pool:claim/c-1".to_owned();
            target.tags.insert(key, entry.to_owned());
        }
        Standing::of(&claim(), Some(&target), None, false, DEADLINE + late)
    }

    #[test]
    fn each_entry_and_each_silence_has_its_exit_status() {
        let before = Duration::minutes(-1);
        let deadline = "2026-11-29T13:15:00Z";
        for (entry, late, exit, word) in [
            ("", before, None, "open"),
            ("", SILENCE - Duration::seconds(1), None, "open"),
            ("", SILENCE, Some(Exit::Unknown), "unknown"),
            ("v1 i-00000001 1 assigned", before, None, "open"),
            ("v1 - 2 assigned", before, None, "open"),
            // A script may run on after the deadline: ten minutes, unless the claim says otherwise.
            (
                "v1 i-00000001 1 assigned",
                Duration::minutes(19),
                None,
                "open",
            ),
            (
                "v1 i-00000001 1 assigned",
                Duration::minutes(20),
                Some(Exit::Unknown),
                "unknown",
            ),
            ("v1 i-00000001 1 ready", before, Some(Exit::Done), "ready"),
            ("v1 i-00000001 1 failed", before, Some(Exit::Bad), "failed"),
        ] {
            let text = format!("{entry} {deadline} script_failed");
            let standing = standing((!entry.is_empty()).then_some(&text), late);
            assert_eq!(
                (standing.exit(), standing.code()),
                (exit, word),
                "{text} {late}"
            );
        }
    }

    #[test]
    fn an_instance_arrives() {
        let arrived = |instance: &str| {
            let entry = format!("v1 {instance} 1 assigned 2026-11-29T13:15:00Z");
            match standing(Some(&entry), Duration::minutes(-1)) {
                Standing::Assigned { has_arrived, .. } => has_arrived,
                other => panic!("{other:?}"),
            }
        };
        assert!(!arrived("i-00000001"));
        assert!(arrived("i-00000002"));
    }

    #[test]
    fn an_instance_that_is_attached_last_is_not_said_to_move() {
        let said = |instance: &str, when| {
            let entry = format!("v1 {instance} 1 assigned 2026-11-29T13:15:00Z");
            let standing = standing(Some(&entry), Duration::minutes(-1));
            let claim = Claim {
                attach_when: when,
                ..claim()
            };
            standing.words(&claim, "q")
        };
        for (instance, when, expected) in [
            (
                "i-00000001",
                AttachWhen::BeforeInit,
                "gets i-00000001, which moves to tenant",
            ),
            (
                "i-00000001",
                AttachWhen::AfterInit,
                "runs its script on i-00000001, then attaches it to tenant",
            ),
            (
                "i-00000002",
                AttachWhen::AfterInit,
                "i-00000002 is in tenant; its script has succeeded",
            ),
        ] {
            assert_eq!(said(instance, when), expected);
        }
    }

    #[test]
    fn a_rejection_is_heard_unless_there_is_an_entry() {
        let rejected = Rejected {
            claim_id: "c-1".to_owned(),
            target_group: Some("tenant".to_owned()),
            reason: "target_full".to_owned(),
            message: "no room".to_owned(),
            at: None,
        };
        let target = group("tenant", &[]);
        let heard = Standing::of(&claim(), Some(&target), Some(&rejected), false, DEADLINE);
        assert_eq!(heard.exit(), Some(Exit::Bad));
        assert_eq!(
            heard.words(&claim(), "q"),
            "rejected (target_full): no room"
        );
        let mut entered = target;
        let entry = "v1 i-00000001 1 ready 2026-11-29T13:15:00Z".to_owned();
        entered
            .tags
            .insert("ready-pool:claim/c-1".to_owned(), entry);
        let ready = Standing::of(&claim(), Some(&entered), Some(&rejected), true, DEADLINE);
        assert_eq!(ready.instance(), Some(&instance_id("i-00000001")));
        assert_eq!(ready.exit(), Some(Exit::Done));
    }

    #[test]
    fn a_wiped_entry_is_said_to_be_wiped() {
        let silent = Standing::of(&claim(), None, None, true, DEADLINE + SILENCE);
        assert_eq!(silent.exit(), Some(Exit::Unknown));
        assert!(
            silent
                .words(&claim(), "q")
                .contains("a tool removes tags of tenant")
        );
    }
}
