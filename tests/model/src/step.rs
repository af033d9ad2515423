//! What can happen: actions, and how an AWS call can be answered.

use crate::configuration::Fault;

/// How one call of a handler goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// As it should.
    Ok,
    /// A read shows what was one write ago.
    Stale,
    /// A read shows instances where they were one move ago.
    StalePlace,
    /// Refused for now, without effect.
    Busy,
    /// It took effect, and the answer was lost.
    LostDone,
    /// It took no effect, and that is not known.
    LostNever,
    /// It takes effect later, and that is not known.
    LostLate,
    /// `DetachInstances` refused one and took the others all the same.
    Partly,
    /// The target will not take the instance.
    TargetRefuses,
    /// `SendCommand` knows that the agent is dead.
    AgentKnownDead,
    /// `SendCommand` is denied on the instance, which has lost its tag.
    MachineRefused,
    /// `SendCommand` does not take what the claim asks for.
    CommandRefused,
    /// The message is handled, and comes again all the same.
    Repeats,
}

impl Answer {
    /// The fault it is, if it is one that is counted.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Ok | Self::Partly | Self::AgentKnownDead => None,
            Self::Stale => Some(Fault::StaleRead),
            Self::StalePlace => Some(Fault::StalePlace),
            Self::Busy => Some(Fault::Busy),
            Self::LostDone | Self::LostNever => Some(Fault::LostAnswer),
            Self::LostLate => Some(Fault::LateEffect),
            Self::TargetRefuses => Some(Fault::TargetRefuses),
            Self::MachineRefused | Self::CommandRefused => Some(Fault::SendRefused),
            Self::Repeats => Some(Fault::Duplicate),
        }
    }
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// claim-instance: the delivery that holds the batch (0), or one whose lease ran out (1).
    Writer(u8),
    /// init-instance, on this message group.
    Worker(u8),
    /// replenish-pool.
    Replenisher,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A handler makes its next call.
    Step(Actor, Answer),
    /// claim-instance begins a batch of which nobody knows how its last delivery ended: one by
    /// one, and so, as if it were delivered for the so-manieth time.
    OneByOne(u8),
    /// claim-instance looks again within one delivery.
    LookAgain(u8),
    /// claim-instance lets the claims at these positions (bits) step aside.
    StepAside(u8),
    /// A handler dies.
    Crash(Actor),
    /// replenish-pool looks, and picks this of what it wants done.
    Decide(crate::progress::Chore),
    /// replenish-pool looks, sees instances where they were one move ago, and picks this.
    DecideOnStale(crate::progress::Chore),
    /// A batch comes to be visible again while its delivery goes on: there is no lease.
    LeaseEnds,
    /// A batch is received while Lambda is throttled.
    BatchIsLate,
    /// A detach is finished.
    DetachEnds(u8),
    /// A command ends: which, whether the script succeeded, whether its event comes.
    CommandEnds(u8, u8, bool, bool),
    /// A command ends, and nothing of its claim ran: which, and whether its event comes.
    CommandStopped(u8, u8, bool),
    /// A `SendCommand` that timed out takes effect.
    LateCommand(u8),
    /// An instance is launched into the pool.
    Launch(u8),
    /// An agent dies.
    AgentDies(u8),
    /// An agent is no longer listed as online.
    AgentAway(u8),
    /// It is again.
    AgentBack(u8),
    /// A dead agent is no longer listed as online.
    PingAges(u8),
    /// An instance dies, or the pool scales in.
    InstanceDies(u8),
    /// Its tenant takes an instance out of its target.
    TenantDetaches(u8),
    /// Its tenant puts an instance of its target into standby.
    TenantParks(u8),
    /// And takes it back into service.
    TenantTakesBack(u8),
    /// Somebody makes this claim's target, opted in.
    TargetMade(u8),
    /// A detach from the pool is taken back.
    TakenBack(u8),
    /// Attaches to targets are denied, from now on.
    AttachDenied,
    /// Somebody deletes the empty retirement group, and the notes with it.
    RetirementDeleted,
    /// Somebody makes it again.
    RetirementMade,
    /// A tenant wipes the tags of a target.
    Wipe(u8),
    /// The sender sends its claim again, on purpose.
    Resend(u8),
    /// The first message of ProvisionQueue runs out of receives.
    ClaimDies,
    /// The first message of this group of InitQueue does.
    InitDies(u8),
    /// An operator redrives ProvisionQueue's dead letters.
    RedriveClaims,
    /// An operator redrives InitQueue's.
    RedriveInit,
    /// Five minutes pass: SQS forgets deduplication ids, reads have caught up.
    FiveMinutes,
    /// The deadline passes, or the time after it.
    Time,
}

impl Action {
    /// The fault it is, if it is one that is counted.
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Step(_, answer) => answer.fault(),
            Self::DecideOnStale(_) => Some(Fault::StalePlace),
            Self::Crash(_) => Some(Fault::Crash),
            Self::LeaseEnds | Self::BatchIsLate => Some(Fault::LateBatch),
            Self::CommandEnds(_, _, _, false) => Some(Fault::EventLost),
            Self::CommandEnds(_, _, false, true) => Some(Fault::ScriptFails),
            Self::CommandStopped(..) => Some(Fault::NothingRuns),
            Self::AgentAway(_) => Some(Fault::AgentAway),
            Self::AgentDies(_) => Some(Fault::AgentDies),
            Self::InstanceDies(_) => Some(Fault::InstanceDies),
            Self::TenantDetaches(_) => Some(Fault::Tenant),
            Self::TenantParks(_) | Self::TenantTakesBack(_) => Some(Fault::Standby),
            Self::TargetMade(_) => Some(Fault::TargetMade),
            Self::TakenBack(_) => Some(Fault::TakenBack),
            Self::AttachDenied => Some(Fault::AttachDenied),
            Self::RetirementDeleted => Some(Fault::RetirementDeleted),
            Self::Wipe(_) => Some(Fault::Wipe),
            Self::Resend(_) => Some(Fault::Resend),
            Self::ClaimDies | Self::InitDies(_) => Some(Fault::DeadLetter),
            Self::OneByOne(_)
            | Self::LookAgain(_)
            | Self::StepAside(_)
            | Self::Decide(_)
            | Self::DetachEnds(_)
            | Self::CommandEnds(..)
            | Self::LateCommand(_)
            | Self::Launch(_)
            | Self::PingAges(_)
            | Self::AgentBack(_)
            | Self::RedriveClaims
            | Self::RedriveInit
            | Self::RetirementMade
            | Self::FiveMinutes
            | Self::Time => None,
        }
    }

    /// Whether it may be counted on when nothing goes wrong any more.
    pub fn is_regular(self) -> bool {
        self.fault().is_none() && !matches!(self, Self::Step(_, Answer::Partly))
    }
}
