//! How far each handler is, as small program counters: each step ends with one call to AWS.

use crate::state::{CLAIMS, INSTANCES, InitMessage, Line, Request};
use claim_instance::decide::Isolation;
use init_instance::decide::KnownAttach;
use ready_pool_core::command::CommandStatus;
use ready_pool_core::reason::Reason;

/// One delivery of a batch to claim-instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Writer {
    /// The messages, in order; empty when no delivery is under way.
    pub batch: Vec<Request>,
    /// Positions in the batch that are not settled, in order.
    pub open: Vec<u8>,
    /// Where there are suspects: the order in which the batch is processed, and how.
    pub line: Vec<(u8, Isolation)>,
    /// What was decided on suspects whose turn comes.
    pub isolated: Vec<(u8, Verdict)>,
    /// Positions that are deleted already, as bits.
    pub deleted: u8,
    /// What it remembers.
    pub memory: Memory,
    /// How far it is.
    pub stage: WriterStage,
    /// Answers, in order.
    pub answers: Vec<(u8, Answering)>,
    /// Assignments that are being entered and detached.
    pub assignments: Vec<Assignment>,
    /// Of those, the ones still to be detached one by one.
    pub one_by_one: Vec<Assignment>,
    /// Messages for InitQueue.
    pub sends: Vec<Sending>,
    /// Positions that are pending after this look.
    pub pending: Vec<u8>,
    /// Of those, the ones that wait, as bits: only where claims step aside.
    pub waits: u8,
    /// Positions that step aside, as bits.
    pub aside: u8,
    /// Whether something was written that reads may not show yet.
    pub uncertain: bool,
}

/// claim-instance's own memory, as in `claim_instance::decide::Memory`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    /// Entries it wrote.
    pub lines: [Option<Line>; CLAIMS],
    /// Claims whose instance it certainly has not detached, as bits.
    pub untouched: u8,
    /// Instances it gave away or was refused, as bits.
    pub spent: u8,
    /// Targets that it tried to make, as bits: reads may not show them yet.
    pub tried: u8,
}

/// How far a delivery is. Named after the calls of `functions/claim-instance/src/{batch,observe,act}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WriterStage {
    /// About to look: `batch.rs`, `look`.
    #[default]
    Look,
    /// The batch was received, Lambda is throttled, and its lease has run out.
    Throttled,
    /// Between the two halves of `observe.rs`: groups were read, places and histories not yet.
    Places(Groups),
    /// Publishing and closing: `act/respond.rs`, and `act/hand_over.rs`, `look_again`.
    Answer,
    /// `act/assign.rs`, `enter`.
    Enter,
    /// `act/make_targets.rs`: a target with its first claim's entry, one by one.
    Make,
    /// `act/assign.rs`, `detach`.
    Detach,
    /// `act/assign.rs`, `detach_alone`.
    DetachAlone,
    /// `act/hand_over.rs`, `hand_over`.
    Send,
    /// `batch.rs`, `delete_settled`, before the next suspect's turn.
    Delete,
    /// `batch/aside.rs`, `send_copies`.
    Copy,
    /// `batch/aside.rs`: `delete_settled` after the copies.
    DeleteCopied,
    /// `batch.rs`, `release`, and the answer to SQS.
    Return,
}

/// The first half of claim-instance's look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Groups {
    /// The pool's members: `Some(true)` in service, `Some(false)` detaching.
    pub pool: [Option<bool>; INSTANCES],
    /// Agents online.
    pub online: [bool; INSTANCES],
    /// The ledger.
    pub ledger: [Option<Line>; CLAIMS],
    /// Targets that are there, as bits.
    pub there: u8,
}

/// An answer that claim-instance owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answering {
    /// Publish this.
    Publish(Ending),
    /// Publish that it is too late, without an entry.
    TooLate,
    /// Write the entry, then publish.
    Close(Line, Reason),
    /// Ask init-instance to settle the claim: instance, attempt.
    LookAgain(u8, u8),
}

/// The final word on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It has its instance.
    Ready,
    /// It failed.
    Failed(Reason),
    /// It was not tried.
    Rejected,
}

/// A claim, its position in the batch, and the instance it is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// Position in the batch.
    pub position: u8,
    /// The claim.
    pub claim: u8,
    /// The instance.
    pub instance: u8,
    /// The attempt.
    pub attempt: u8,
    /// Whether the ledger says so already.
    pub entered: bool,
    /// Whether its target is made with the entry.
    pub makes: bool,
    /// Whether AWS said that its detach was ours.
    pub proven: bool,
}

/// A message that claim-instance sends to InitQueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sending {
    /// Position in the batch.
    pub position: u8,
    /// The instance.
    pub instance: u8,
    /// The hand-over.
    pub message: InitMessage,
}

/// What claim-instance decided on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Not now. See `claim_instance::decide::Decision` for all of them.
    Wait,
    /// Its command was sent before.
    LeaveToInit,
    /// Not to be served.
    Reject,
    /// Settled before.
    Repeat(Line),
    /// Settle as failed.
    Close(Option<Line>, Reason),
    /// Hand over again: instance, attempt.
    HandOver(u8, u8),
    /// Let init-instance settle: instance, attempt.
    LookAgain(u8, u8),
    /// Enter, detach, hand over.
    Assign {
        /// The instance.
        instance: u8,
        /// The attempt.
        attempt: u8,
        /// Whether entered already.
        entered: bool,
        /// Whether its target is to be made.
        makes: bool,
    },
}

/// How far a worker of init-instance is with the first message of its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Worker {
    /// Nothing is under way.
    #[default]
    Idle,
    /// `hand_over.rs`, `begin`: the history was read, the entry is next.
    BeginEntry(InitCommand),
    /// `hand_over.rs`, `may_send`: where is it?
    Where,
    /// `hand_over.rs`, `attach`.
    Attach,
    /// `hand_over.rs`, `send`: `SendCommand`.
    Send,
    /// `hand_over.rs`, `send`: the answer was lost; looking into the history after a while.
    LookFirst,
    /// `look_again.rs`: the history was read, the entry is next.
    LookEntry(InitCommand),
    /// `command_finished.rs`, `settle`: with the command's status; the target's state is next.
    Settle {
        /// As read.
        status: CommandStatus,
        /// Which look this is.
        look: Look,
        /// Whether it was attached since its command was sent.
        attach: KnownAttach,
    },
    /// `attach_late.rs`, `known_attach`: under an open entry of this attempt, in this look.
    Activities(u8, Look),
    /// `attach_late.rs`, `attach_late`.
    AttachLate(u8),
    /// `attach_late.rs`, `out_of_pool`: was the detach taken back? It is made again, then.
    OutOfPool(u8),
    /// `look_again.rs`: about to ask which instance else was sent the claim's command. None: it ends like this.
    Search {
        /// How the claim ends.
        end: Rest,
        /// What is left to do for this instance where another one serves the claim.
        retired: Rest,
    },
    /// `look_again.rs`, `settle_with`: another instance serves the claim.
    Elsewhere {
        /// The instance.
        other: u8,
        /// Its command's status, as read.
        status: CommandStatus,
        /// Which look at it this is.
        look: Look,
    },
    /// `conclude.rs`: the entry is next, if there is one, or else the first step; never a retirement,
    /// which takes several calls.
    Conclude(Rest),
    /// `shared/aws/src/retirement.rs`: looking where the instance is.
    RetireLook {
        /// The steps after it.
        then: Steps,
    },
    /// `shared/aws/src/retirement.rs`: about to do this.
    RetireDo {
        /// What.
        call: Removing,
        /// The steps after it.
        then: Steps,
    },
    /// `handler.rs`: done; SQS deletes the message next.
    Acknowledge,
}

/// What is left of a conclusion, as the function decided it (`init_instance::decide::Conclusion`). The
/// model's targets take every entry, so `without_entry` has no place here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rest {
    /// The entry to write.
    pub entry: Option<Line>,
    /// The steps, in the order of the value.
    pub steps: Steps,
}

/// Steps that are still to be taken, in order: no conclusion has more than two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Steps([Option<Doing>; 2]);

impl Steps {
    /// These steps.
    pub fn new(steps: &[Doing]) -> Self {
        assert!(steps.len() <= 2, "a conclusion of {} steps", steps.len());
        Self([steps.first().copied(), steps.get(1).copied()])
    }

    /// The first of them, and the others.
    pub fn split_first(self) -> Option<(Doing, Self)> {
        let Self([first, second]) = self;
        Some((first?, Self([second, None])))
    }
}

/// A step of a conclusion, as in `init_instance::decide::Step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doing {
    /// Publish this.
    Publish(Ending),
    /// Ask for another instance, under this attempt.
    Retry(u8),
    /// Retire the instance.
    Retire,
    /// Take it out of the pool.
    TakeOut,
    /// Settle the claim with another instance, which was sent its command: its status as read.
    SettleWith(u8, CommandStatus),
}

/// A call of a retirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Removing {
    /// Detach it from the target.
    Detach,
    /// Detach it from the pool.
    DetachFromPool,
    /// Attach it to the retirement group.
    Attach,
    /// Terminate it.
    Terminate,
}

/// Which look at the target `settle` takes. Three looks a second apart are two for the model: the
/// first may be stale, the last is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// The first.
    First,
    /// The last.
    Last,
}

/// What a history says, as in `ready_pool_core::command::InitCommand`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InitCommand {
    /// No claim's command was sent.
    NotSent,
    /// This claim's command was, with its status.
    Sent(CommandStatus),
    /// Another claim's was.
    SentForAnother,
}

/// One thing that replenish-pool decided to do on what it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chore {
    /// Send a look at this claim.
    LookAgain {
        /// The claim.
        claim: u8,
        /// Its instance.
        instance: Option<u8>,
        /// Its attempt.
        attempt: u8,
    },
    /// Remove this claim's settled entry.
    RemoveEntry(u8),
    /// Note an instance; `true` is retiring.
    Note(u8, bool),
    /// Remove the note.
    Forget(u8),
    /// Detach it from the pool.
    Detach(u8),
    /// Attach it to the retirement group.
    AttachToRetirement(u8),
    /// Terminate it.
    Terminate(u8),
}
