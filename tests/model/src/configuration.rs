//! What a run explores: how large the world is, what may go wrong, and which rule is left out.

use crate::ask::Wish;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::init_failure::OnInitFailure;

/// A kind of fault. Each occurrence costs one of the configuration's faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A handler dies between two calls; its message comes again.
    Crash,
    /// An answer is lost: the call took effect, or did not.
    LostAnswer,
    /// AWS refuses for now.
    Busy,
    /// A message is handled and yet delivered again.
    Duplicate,
    /// A read shows what was one write ago.
    StaleRead,
    /// A read shows instances where they were one move ago.
    StalePlace,
    /// A call that timed out takes effect later.
    LateEffect,
    /// The sender sends its claim again.
    Resend,
    /// An agent dies.
    AgentDies,
    /// An agent is not listed as online for a while.
    AgentAway,
    /// An instance dies, or the pool scales in.
    InstanceDies,
    /// A tenant detaches an instance from its target.
    Tenant,
    /// A tenant puts an instance of its target into standby, or takes it back.
    Standby,
    /// A tenant wipes the tags of its target.
    Wipe,
    /// A message runs out of receives.
    DeadLetter,
    /// A batch is received while Lambda is throttled, and comes to its handler after it was
    /// received again. (Without the lease, a delivery may also go on beside the next.)
    LateBatch,
    /// An event is lost.
    EventLost,
    /// An init script fails.
    ScriptFails,
    /// A machine has no place for a script (its disk is full), or its image has another claim's marker.
    NothingRuns,
    /// A target refuses to take an instance.
    TargetRefuses,
    /// Systems Manager refuses a command for good: on this instance, or on any.
    SendRefused,
    /// Somebody makes a claim's target, which did not exist.
    TargetMade,
    /// A detach from the pool is taken back: the instance is in service there again.
    TakenBack,
    /// Attaches to targets are denied, from now on.
    AttachDenied,
    /// Somebody deletes the empty retirement group. It is made again once every claim has its end.
    RetirementDeleted,
}

impl Fault {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::Crash,
        Self::LostAnswer,
        Self::Busy,
        Self::Duplicate,
        Self::StaleRead,
        Self::StalePlace,
        Self::LateEffect,
        Self::Resend,
        Self::AgentDies,
        Self::AgentAway,
        Self::InstanceDies,
        Self::Tenant,
        Self::Standby,
        Self::Wipe,
        Self::DeadLetter,
        Self::LateBatch,
        Self::EventLost,
        Self::ScriptFails,
        Self::NothingRuns,
        Self::TargetRefuses,
        Self::SendRefused,
        Self::TargetMade,
        Self::TakenBack,
        Self::AttachDenied,
        Self::RetirementDeleted,
    ];
}

/// A rule of the protocol that a weakened variant leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// An assignment is cleared only long after its message is gone.
    KeepEntries,
    /// An entry belongs to one claim, not to a target.
    EntryPerClaim,
    /// Fulfilled means that the command was sent, not "is in the target".
    FulfilledIsSent,
    /// InitQueue lets one instance through per attempt.
    OneInstancePerAttempt,
    /// Nothing is terminated by id outside the retirement group.
    RetireByGroup,
    /// The sweep waits until every claim must have expired.
    SweepAfterDeadlines,
    /// The SDK does not repeat a detach.
    NoRetryOnDetach,
    /// The history is read before anything is attached.
    HistoryFirst,
    /// The deadline is checked before anything is done.
    DeadlineFirst,
    /// The entry is written before the detach.
    EntryFirst,
    /// A delivery renews its lease first, and leaves what is somebody else's.
    Lease,
    /// The marker on the box.
    Marker,
    /// The entry moves on before another instance is asked for.
    MoveOnFirst,
    /// Entries are read again after the places that they are judged by.
    EntriesLast,
    /// What init-instance wrote since outranks what a delivery of claim-instance remembers.
    LedgerOverMemory,
    /// A claim's message is kept until the look that it asked for has settled the claim.
    KeepMessage,
    /// A look that comes again publishes a settled claim's end again.
    PublishAgain,
    /// A hand-over of a claim that was closed closes it again, although its command was sent.
    CloseAgain,
    /// Whoever publishes a claim's end again keeps its instance, too.
    KeepAgain,
    /// Whoever comes again goes on with a replacement that was begun.
    ReplaceAgain,
    /// So does a look.
    LookAtReplaced,
    /// A batch of which nobody knows how its last delivery ended is processed one by one.
    OneByOne,
    /// A member in standby is its target's.
    StandbyIsMember,
    /// An open claim whose machine has left its target ends, whatever Systems Manager says.
    MembershipOverStatus,
    /// Where an instance is, is asked before it is sent a command in no group.
    WhereBeforeSend,
    /// In another's detach nothing is sent.
    OwnDetach,
    /// The target's activities are asked before an attach that may be a second one.
    AskActivities,
    /// A free machine that was sent a command is retired only where a failed entry names it.
    RetireFailed,
    /// An attach after the init ends.
    AttachEnds,
    /// A detach that was taken back is made again before the claim is settled.
    DetachAgain,
    /// Of a claim that steps aside the copy is sent before the original is deleted.
    CopyFirst,
    /// The original is deleted only where SQS says that it has the copy.
    CopyConfirmed,
    /// A copy's deduplication id is that of the message it replaces, not of the claim.
    CopyOfMessage,
    /// Without being asked for, another instance is tried only where nothing of the claim ran.
    OnlyWhereNothingRan,
    /// Before a claim is said to have expired, it is asked whether another instance was sent its command.
    AskElsewhere,
    /// A target that exists, AWS says, is read again: the claim has no entry there.
    ExistingIsRead,
    /// A pass looks after claims though the retirement group is missing.
    ClaimsWithoutRetirement,
    /// The history is read for a hand-over that was never delivered, too.
    FreshHistory,
    /// Only a hand-over that was never delivered goes without a look at the ledger.
    FirstDelivery,
    /// Only an event that was never delivered leaves a settled claim to whoever settled it.
    EventAgain,
    /// And none that is older than minutes: redriven it counts as never delivered.
    FreshForMinutes,
    /// The same for an event, whose instance is attached without a look at the target's activities.
    FreshEventForMinutes,
}

impl Rule {
    /// All rules.
    pub const ALL: &[Self] = &[
        Self::KeepEntries,
        Self::EntryPerClaim,
        Self::FulfilledIsSent,
        Self::OneInstancePerAttempt,
        Self::RetireByGroup,
        Self::SweepAfterDeadlines,
        Self::NoRetryOnDetach,
        Self::HistoryFirst,
        Self::DeadlineFirst,
        Self::EntryFirst,
        Self::Lease,
        Self::Marker,
        Self::MoveOnFirst,
        Self::EntriesLast,
        Self::LedgerOverMemory,
        Self::KeepMessage,
        Self::PublishAgain,
        Self::CloseAgain,
        Self::KeepAgain,
        Self::ReplaceAgain,
        Self::LookAtReplaced,
        Self::OneByOne,
        Self::StandbyIsMember,
        Self::MembershipOverStatus,
        Self::WhereBeforeSend,
        Self::OwnDetach,
        Self::AskActivities,
        Self::RetireFailed,
        Self::AttachEnds,
        Self::DetachAgain,
        Self::CopyFirst,
        Self::CopyConfirmed,
        Self::CopyOfMessage,
        Self::OnlyWhereNothingRan,
        Self::AskElsewhere,
        Self::ExistingIsRead,
        Self::ClaimsWithoutRetirement,
        Self::FreshHistory,
        Self::FirstDelivery,
        Self::EventAgain,
        Self::FreshForMinutes,
        Self::FreshEventForMinutes,
    ];
}

/// What a run explores.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Configuration {
    /// Its name, for tables.
    pub name: &'static str,
    /// How many claims are sent.
    pub claims: u8,
    /// How many instances there can ever be.
    pub instances: u8,
    /// How many of them are in the pool at first; the others are launched later.
    pub ready: u8,
    /// Whether the claims share one target.
    pub shared_target: bool,
    /// Whether no target exists at first: the claims have theirs made.
    pub makes_targets: bool,
    /// How many faults may happen.
    pub faults: u8,
    /// Of which kinds.
    pub kinds: &'static [Fault],
    /// What the claims want done when their init fails.
    pub on_init_failure: OnInitFailure,
    /// When their instances are attached.
    pub attach_when: AttachWhen,
    /// Whether claim-instance's look is split into its two halves.
    pub split_look: bool,
    /// Whether the ledger and the messages must know of every instance that left the pool: not
    /// where reads are stale or tags are wiped.
    pub ledger_knows: bool,
    /// Whether a command stays `InProgress` on a machine that has died.
    pub dead_commands_stay: bool,
    /// Whether a claim that waits may step aside: what it waits for and who is behind it is chance.
    pub steps_aside: bool,
    /// A claim that ends every invocation of claim-instance that enters it. Then the deadline does
    /// not pass, and a good end is that all others are served.
    pub poison: Option<u8>,
    /// The rule that is left out.
    pub without: Option<Rule>,
    /// Numbers of the situations (`sometimes`) that cannot come up here.
    pub unseen: &'static [char],
    /// The size of its state space, where it is pinned.
    pub states: Option<usize>,
}

impl Configuration {
    /// Whether a kind of fault may happen here at all.
    pub fn allows(&self, fault: Fault) -> bool {
        self.kinds.contains(&fault)
    }

    /// What its claims want.
    pub(crate) fn wish(&self) -> Wish {
        (self.on_init_failure, self.attach_when)
    }

    /// Whether instances are attached after their init.
    pub fn attaches_late(&self) -> bool {
        self.attach_when == AttachWhen::AfterInit
    }

    /// Whether the protocol of this run lacks the rule.
    pub fn lacks(&self, rule: Rule) -> bool {
        self.without == Some(rule)
    }

    /// The same without a rule.
    #[must_use]
    pub fn weakened(&self, rule: Rule) -> Self {
        Self {
            without: Some(rule),
            states: None,
            ..self.clone()
        }
    }
}
