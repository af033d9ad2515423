//! How work on a claim's instance ends: a value. Whoever decides names every step and their order;
//! [`crate::conclude`] carries it out, and so does the model.

use ready_pool_core::Timestamp;
use ready_pool_core::ids::{Attempt, MAX_ATTEMPTS};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::{HandOver, Retry, VERSION};
use ready_pool_core::reason::Reason;
use ready_pool_core::times::Times;
use std::fmt;

/// What is to be done: the entry, then each step in order. Whoever gets the message again after it
/// was cut goes on from the entry, so a step may be taken twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// What was found, for the log.
    pub finding: Finding,
    /// What the ledger is to say first; `None` where it is to stay as it is.
    pub entry: Option<Entry>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The steps instead, where the target's tags cannot be written and they depend on it.
    pub without_entry: Option<Vec<Step>>,
}

/// One step of a conclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Protect the instance from scale-in of its target. Whether it works or not, what follows is done.
    Protect,
    /// Publish that the claim is ready.
    PublishReady,
    /// Publish that it failed.
    PublishFailed(Reason),
    /// Ask for another instance. Boxed: it carries the claim.
    Retry(Box<Retry>),
    /// Retire the instance. What follows waits until it is gone.
    Retire,
    /// Take the instance out of the pool, should its detach have been taken back; nothing more.
    TakeOut,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// The init command was sent before: its end is reported when it comes.
    SentBefore,
    /// The claim has moved on past this hand-over.
    MovedOn,
    /// This hand-over was given up before, perhaps not to the end.
    GivenUpBefore,
    /// The instance has to be given up.
    GivenUp(Cause),
    /// Nothing to do, or not yet.
    Nothing,
    /// The init command is still running.
    StillRunning,
    /// The claim was settled before, perhaps not to the end.
    SettledBefore,
    /// The instance is initialised, in service in its target.
    Ready,
    /// The claim has failed.
    Failed,
    /// So it has, and keeps its instance.
    Kept,
    /// So it has, because its instance has left its target.
    Lost,
    /// Init failed, and another instance takes this one's place.
    Replaced,
    /// So it does, because nothing of the claim ran.
    NothingRan,
    /// The same, begun by an earlier delivery.
    ReplacedBefore,
    /// Init failed, and the claim has gone on without the instance, or ended without it.
    Superseded,
    /// The claim was sent again, and another instance was sent its command: this one is of no use.
    ServedElsewhere,
    /// The claim was sent again, its script had succeeded, and its instance has left its target since.
    ReadyBefore,
}

/// Why an instance is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It is gone, or in somebody else's group.
    Lost,
    /// It was sent another claim's init command.
    SentForAnother,
    /// Systems Manager takes no command for it.
    NotDelivered,
    /// Systems Manager does not take the claim's command, for any instance.
    CommandRefused,
    /// The target does not take it, and would take no other.
    TargetRefused,
    /// The claim has expired.
    Expired,
}

impl Cause {
    /// The claim's reason, if it fails for this.
    fn reason(self) -> Reason {
        match self {
            Self::Lost | Self::SentForAnother => Reason::InstanceLost,
            Self::NotDelivered => Reason::NotDelivered,
            Self::CommandRefused => Reason::CommandRefused,
            Self::TargetRefused => Reason::TargetRefused,
            Self::Expired => Reason::Expired,
        }
    }

    /// Whether another instance may do better.
    fn wants_another(self) -> bool {
        match self {
            Self::Lost | Self::SentForAnother | Self::NotDelivered => true,
            Self::CommandRefused | Self::TargetRefused | Self::Expired => false,
        }
    }

    /// Whether the instance is the claim's alone, and so to be retired.
    fn retires(self) -> bool {
        match self {
            Self::NotDelivered | Self::CommandRefused | Self::TargetRefused | Self::Expired => true,
            Self::Lost | Self::SentForAnother => false,
        }
    }
}

impl Conclusion {
    /// These steps, with the ledger as it is.
    pub(super) fn of(finding: Finding, steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            finding,
            entry: None,
            steps: steps.into_iter().collect(),
            without_entry: None,
        }
    }

    /// Nothing is left to do.
    pub(super) fn nothing(finding: Finding) -> Self {
        Self::of(finding, [])
    }

    /// Of these steps the instance's retirement alone, if it is one of them: the claim has another instance.
    #[must_use]
    pub fn without_the_claim(self) -> Self {
        let retire = self.steps.into_iter().filter(|step| *step == Step::Retire);
        Self::of(Finding::ServedElsewhere, retire)
    }

    /// The same, once the ledger says this.
    pub(super) fn entering(self, entry: Entry) -> Self {
        Self {
            entry: Some(entry),
            ..self
        }
    }
}

impl Step {
    /// Asking for another instance for this hand-over's claim.
    pub(super) fn retry(hand_over: &HandOver, attempt: Attempt) -> Self {
        Self::Retry(Box::new(Retry {
            version: VERSION,
            claim: hand_over.claim.clone(),
            attempt,
            begun: true,
            times: times_of_retry(&hand_over.times),
        }))
    }

    /// A retirement, where there is to be one.
    pub(super) fn retire_if(retire: bool) -> Option<Self> {
        retire.then_some(Self::Retire)
    }

    /// A protection, where there is to be one.
    pub(super) fn protect_if(protect: bool) -> Option<Self> {
        protect.then_some(Self::Protect)
    }

    /// Whether an outcome is published.
    pub fn publishes(&self) -> bool {
        matches!(self, Self::PublishReady | Self::PublishFailed(_))
    }
}

/// The steps after the claim's send are the next instance's to take.
pub(super) fn times_of_retry(times: &Times) -> Times {
    Times {
        sent: times.sent,
        ..Times::default()
    }
}

/// Gives a hand-over's instance up. The entry first: from then on a repeated hand-over of this
/// instance goes on from there. Then the claim's way on, which its sender waits for; then the
/// instance's way out, which takes its time.
pub fn give_up(hand_over: &HandOver, cause: Cause, now: Timestamp) -> Conclusion {
    let claim = &hand_over.claim;
    let fails = if claim.is_expired(now) {
        Some(Reason::Expired)
    } else if !cause.wants_another() {
        Some(cause.reason())
    } else if hand_over.attempt >= MAX_ATTEMPTS {
        Some(Reason::AttemptsExhausted)
    } else {
        None
    };
    let (instance, attempt, standing, step) = if let Some(reason) = fails {
        (
            Some(hand_over.instance_id.clone()),
            hand_over.attempt,
            Standing::Failed(reason),
            Step::PublishFailed(reason),
        )
    } else {
        let next = hand_over.attempt.saturating_add(1);
        (None, next, Standing::Assigned, Step::retry(hand_over, next))
    };
    let retire = Step::retire_if(cause.retires());
    let steps = [Some(step), retire].into_iter().flatten();
    Conclusion::of(Finding::GivenUp(cause), steps).entering(Entry {
        instance,
        attempt,
        standing,
        expires_at: claim.expires_at,
        instead_of: None,
    })
}

/// What is left once a hand-over's deadline has passed: asked before each call that attaches or
/// sends.
pub fn too_late(hand_over: &HandOver, now: Timestamp) -> Option<Conclusion> {
    let expired = hand_over.claim.is_expired(now);
    expired.then(|| give_up(hand_over, Cause::Expired, now))
}

/// As a log line says it: never the claim itself, which carries the sender's script.
impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protect => formatter.write_str("protect the instance from scale-in"),
            Self::PublishReady => formatter.write_str("publish ready"),
            Self::PublishFailed(reason) => write!(formatter, "publish failed: {}", reason.code()),
            Self::Retry(retry) => write!(formatter, "retry with attempt {}", retry.attempt),
            Self::Retire => formatter.write_str("retire the instance"),
            Self::TakeOut => formatter.write_str("see that the instance is not in the pool"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SentBefore => "the init command was sent before",
            Self::MovedOn => "the claim has moved on without this instance",
            Self::GivenUpBefore => "the instance was given up before; going on from there",
            Self::GivenUp(Cause::Lost) => "giving the instance up: it is gone, or in another group",
            Self::GivenUp(Cause::SentForAnother) => {
                "the instance came from the pool and was sent another claim's init command before; \
                 it is left alone, and perhaps nobody owns it"
            }
            Self::GivenUp(Cause::NotDelivered) => {
                "giving the instance up: Systems Manager takes no command for it"
            }
            Self::GivenUp(Cause::CommandRefused) => {
                "giving the instance up: Systems Manager does not take the claim's command"
            }
            Self::GivenUp(Cause::TargetRefused) => {
                "giving the instance up: the target does not take it"
            }
            Self::GivenUp(Cause::Expired) => {
                "giving the instance up: the claim expired before its command was sent"
            }
            Self::Nothing => "nothing to do",
            Self::StillRunning => "the init command is still running",
            Self::SettledBefore => "the claim has ended before; publishing its outcome again",
            Self::Ready => "the init command succeeded",
            Self::Failed => "the claim failed",
            Self::Kept => "the claim failed; its instance is kept",
            Self::Lost => {
                "the instance has left its target before the claim was ready; it is left alone"
            }
            Self::Replaced => "init failed; replacing the instance",
            Self::NothingRan => {
                "nothing of the claim ran on the instance; going on with another one"
            }
            Self::ReplacedBefore => "init failed; going on with the replacement",
            Self::Superseded => "init failed, and the claim has gone on; retiring the instance",
            Self::ServedElsewhere => {
                "the claim was sent again after its entry was wiped; another instance was sent its command before"
            }
            Self::ReadyBefore => {
                "the init command succeeded before; the instance has left its target since, and nothing more is published"
            }
        })
    }
}
