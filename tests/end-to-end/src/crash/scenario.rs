//! What the matrix plays: the ways a claim can go.

mod play;

use super::site::Site;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use std::time::Duration;

/// One way a claim can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// One claim, and everything in order.
    Normal,
    /// Three claims for two targets in one batch.
    Batch,
    /// The init script fails.
    FailingScript,
    /// The init script fails on the first instance, and the claim wants another one then.
    Replaced,
    /// The same, and no event about a command arrives.
    ReplacedUnheard,
    /// Its instance is attached after its init.
    AfterInit,
    /// The same, and no event about a command arrives.
    AfterInitUnheard,
    /// Its instance is attached after its init, and its init fails on the first instance; another one follows.
    AfterInitReplaced,
    /// The agent of the first instance is gone: another instance, another attempt.
    AnotherInstance,
    /// The first instance has lost the tag without which no command may be sent to it: another one.
    Untagged,
    /// Nothing of the claim can run on the first instance, whose disk is full: another one.
    NothingRan,
    /// The first instance dies between its groups, and no group takes it: another one.
    MachineGone,
    /// The first instance dies between its entry and its detach, which is refused: another one.
    DetachRefused,
    /// Systems Manager takes the claim's command for no instance.
    CommandRefused,
    /// For a while the stack may not send its document to any instance.
    RightsMissing,
    /// A claim that was served is sent again after its target's tags were wiped: a second instance is detached for it.
    WipedAndSentAgain,
    /// Two claims and one instance: the second waits for the next to boot.
    Waiting,
    /// The target loses its room between detach and attach.
    TargetRefused,
    /// No event about a command arrives: the minute timer finds it out.
    LookAgain,
    /// A claim for a group that has not opted in.
    Rejected,
    /// A claim that was served is sent again.
    SentAgain,
    /// The pool stays empty to the deadline.
    Expired,
    /// The agent of the next instance never comes: its launch is abandoned.
    SilentLaunch,
    /// Somebody purges InitQueue: the instance is free and never sent its command, to the deadline.
    HandOverLost,
    /// The sender sends a claim again while its script runs.
    SentTwice,
    /// The detach takes longer than an invocation.
    SlowDetach,
    /// The agent of a pool member dies: the member is removed.
    AgentAway,
    /// The entry of a claim that ended long ago is removed.
    OldEntry,
    /// An instance left the pool five hours ago and nobody knows of it: it is removed.
    Leaked,
    /// A dry run in the message group of dry runs.
    DryRun,
    /// Three claims at a pool of two that has three: one of them decrements its capacity, in a call of its own.
    Surplus,
    /// Somebody receives a batch of three before claim-instance does: nobody knows how that
    /// delivery ended, so they are processed one by one.
    OneByOne,
    /// Three claims at a pool of one, which may not grow and is sized by its hit rate: two find nothing
    /// ready, and are counted.
    SizedByHitRate,
    /// A claim for a zone where nothing is ready steps aside for the one behind it, and the pool grows for it.
    SteppingAside,
    /// A claim for a group that does not exist: it is made.
    MadeTarget,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::Normal,
        Self::Batch,
        Self::FailingScript,
        Self::Replaced,
        Self::ReplacedUnheard,
        Self::AfterInit,
        Self::AfterInitUnheard,
        Self::AfterInitReplaced,
        Self::AnotherInstance,
        Self::Untagged,
        Self::NothingRan,
        Self::MachineGone,
        Self::DetachRefused,
        Self::CommandRefused,
        Self::RightsMissing,
        Self::WipedAndSentAgain,
        Self::Waiting,
        Self::TargetRefused,
        Self::LookAgain,
        Self::Rejected,
        Self::SentAgain,
        Self::Expired,
        Self::SilentLaunch,
        Self::HandOverLost,
        Self::SentTwice,
        Self::SlowDetach,
        Self::AgentAway,
        Self::OldEntry,
        Self::Leaked,
        Self::DryRun,
        Self::Surplus,
        Self::OneByOne,
        Self::SizedByHitRate,
        Self::SteppingAside,
        Self::MadeTarget,
    ];

    /// Ready instances that the scenario keeps.
    pub fn pool_size(self) -> usize {
        match self {
            Self::Batch | Self::OneByOne => 3,
            Self::Waiting | Self::Expired | Self::SizedByHitRate | Self::SteppingAside => 1,
            _ => 2,
        }
    }

    /// The claims that must have an outcome in the end.
    pub fn claims(self) -> Vec<String> {
        let count = match self {
            Self::Batch | Self::OneByOne | Self::Surplus | Self::SizedByHitRate => 3,
            Self::Waiting | Self::Expired | Self::SteppingAside => 2,
            Self::AgentAway | Self::OldEntry | Self::Leaked => 0,
            _ => 1,
        };
        (1..=count).map(|n| format!("claim-{n}")).collect()
    }

    /// Whether an outcome is the one that this claim must have, whatever single thing goes wrong.
    pub fn accepts(self, outcome: &Outcome) -> bool {
        let (ending, reason) = (outcome.outcome, outcome.reason);
        match self {
            Self::FailingScript => ending == Ending::Failed && reason == Reason::ScriptFailed,
            Self::CommandRefused => ending == Ending::Failed && reason == Reason::CommandRefused,
            // Whoever looks first at the full target says so.
            Self::TargetRefused => match ending {
                Ending::Failed => matches!(reason, Reason::TargetRefused | Reason::TargetFull),
                Ending::Ready | Ending::Rejected | Ending::DryRun => false,
            },
            // A hand-over that comes after the purge is not lost.
            Self::HandOverLost => {
                ending == Ending::Ready || (ending == Ending::Failed && reason == Reason::Expired)
            }
            Self::DryRun => ending == Ending::DryRun && reason == Reason::WouldBeServed,
            Self::Rejected => ending == Ending::Rejected && reason == Reason::NotOptedIn,
            Self::Expired if outcome.claim_id.as_deref() == Some("claim-2") => {
                ending == Ending::Failed && reason == Reason::Expired
            }
            _ => ending == Ending::Ready,
        }
    }

    /// Whether what goes wrong at this site matters to the scenario: the functions go through it
    /// in a way of its own. The rest is like another scenario.
    pub fn is_about(self, site: &Site) -> bool {
        let (claim, init, replenish, events) = match self {
            Self::Normal => (true, true, true, true),
            Self::Batch
            | Self::OneByOne
            | Self::Waiting
            | Self::Rejected
            | Self::SentAgain
            | Self::Expired
            | Self::DryRun
            | Self::Surplus
            | Self::DetachRefused
            | Self::MadeTarget
            | Self::SentTwice => (true, false, false, false),
            Self::FailingScript
            | Self::Replaced
            | Self::AfterInit
            | Self::AfterInitReplaced
            | Self::NothingRan
            | Self::TargetRefused => (false, true, false, true),
            Self::SlowDetach
            | Self::ReplacedUnheard
            | Self::AfterInitUnheard
            | Self::Untagged
            | Self::MachineGone
            | Self::CommandRefused
            | Self::RightsMissing
            | Self::WipedAndSentAgain => (false, true, false, false),
            Self::AnotherInstance => (true, true, false, false),
            Self::SizedByHitRate | Self::SteppingAside => (true, false, true, false),
            Self::LookAgain | Self::HandOverLost => (false, true, true, false),
            Self::SilentLaunch => (false, false, true, true),
            Self::AgentAway | Self::OldEntry | Self::Leaked => (false, false, true, false),
        };
        match site {
            Site::Call { operation, .. } => match operation.function.as_str() {
                "claim-instance" => claim,
                "init-instance" => init,
                _ => replenish,
            },
            Site::Delete { .. } => true,
            Site::Event { .. } => events,
        }
    }

    /// How long after it is sent a claim of this scenario expires.
    fn deadline(self) -> Duration {
        match self {
            // These wait for it.
            Self::Expired | Self::HandOverLost => Duration::from_mins(2),
            Self::WipedAndSentAgain => Duration::from_mins(4),
            _ => Duration::from_mins(10),
        }
    }

    /// How long the scenario, and then everything, may take to come to rest.
    pub(super) fn patience(self) -> Duration {
        match self {
            // A look at it that is lost comes again in an hour.
            Self::Leaked => Duration::from_mins(90),
            _ => Duration::from_mins(30),
        }
    }
}
