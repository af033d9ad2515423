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
        /// How its script ended there, where that could be read.
        exit_code: Option<i32>,
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
            (ledger::Standing::Failed(reason), instance) => Self::Failed {
                reason,
                instance,
                exit_code: None,
            },
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

    /// The exit code of a script that failed, where it could be read.
    pub(super) fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Failed { exit_code, .. } => *exit_code,
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
            Self::Failed {
                reason, exit_code, ..
            } => format!(
                "failed ({}): {}{}; `ready-pool claim {id}` shows its command's output, and says what to do",
                reason.code(),
                reason.means(),
                exit_code.map_or_else(String::new, |code| format!(" ({code})"))
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
mod tests;
