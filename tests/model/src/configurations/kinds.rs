//! Kinds of faults that belong together.

use crate::configuration::Fault;

/// Faults of handlers and of calls.
pub(super) const OURS: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::LateEffect,
    Fault::LateBatch,
];

/// Faults under which the ledger still knows of every instance.
pub(super) const KNOWN: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::EventLost,
    Fault::LateBatch,
];

/// Faults of everything around the handlers.
pub(super) const THEIRS: &[Fault] = &[
    Fault::Crash,
    Fault::Duplicate,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::TargetRefuses,
    Fault::Tenant,
    Fault::DeadLetter,
    Fault::Resend,
    Fault::LateBatch,
];

/// Tags wiped, together with everything but what is documented as a limit: an event lost as
/// well. (With the claim sent again: [`WIPED_AND_RESENT`].)
pub(super) const WIPES: &[Fault] = &[
    Fault::Wipe,
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Duplicate,
    Fault::Tenant,
    Fault::DeadLetter,
    Fault::ScriptFails,
    Fault::LateBatch,
];

/// Groups read one move late, with what moves instances and what makes handlers come again.
pub(super) const PLACES: &[Fault] = &[
    Fault::StalePlace,
    Fault::StaleRead,
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Duplicate,
    Fault::TargetRefuses,
    Fault::Tenant,
    Fault::ScriptFails,
    Fault::Resend,
    Fault::DeadLetter,
];

pub(super) const MACHINES: &[Fault] = &[Fault::InstanceDies, Fault::Crash, Fault::EventLost];

/// What a tenant's tools do to a member, with what comes between its script's end and its claim's.
pub(super) const STANDBY: &[Fault] = &[
    Fault::Standby,
    Fault::Tenant,
    Fault::Crash,
    Fault::StalePlace,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::Duplicate,
];

/// What comes between a copy and its original.
pub(super) const ASIDE: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Duplicate,
    Fault::LateBatch,
    Fault::Resend,
    Fault::DeadLetter,
    Fault::Wipe,
];

/// Machines on which nothing of a claim runs, with what cuts going on with another one.
pub(super) const NOTHING: &[Fault] = &[
    Fault::NothingRuns,
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Duplicate,
    Fault::EventLost,
    Fault::Resend,
    Fault::Tenant,
    Fault::DeadLetter,
];

/// Tags wiped and the claim sent again within five minutes, with what makes handlers come again.
pub(super) const WIPED_AND_RESENT: &[Fault] =
    &[Fault::Wipe, Fault::Resend, Fault::Crash, Fault::Duplicate];

pub(super) const HANDLERS: &[Fault] = &[Fault::Crash, Fault::LostAnswer, Fault::Duplicate];

/// What comes between the look at a target that does not exist and the claim's end.
pub(super) const BIRTHS: &[Fault] = &[
    Fault::TargetMade,
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::Resend,
    Fault::LateBatch,
];

/// What comes between a script that fails and its claim's end.
pub(super) const FAILURES: &[Fault] = &[
    Fault::ScriptFails,
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::LateEffect,
    Fault::EventLost,
    Fault::Resend,
    Fault::Tenant,
    Fault::DeadLetter,
];

/// Any one fault.
pub(super) const ANY: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::LateEffect,
    Fault::LateBatch,
    Fault::Resend,
    Fault::InstanceDies,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::TargetRefuses,
    Fault::Tenant,
    Fault::Wipe,
    Fault::DeadLetter,
];

/// Any two: but for dead agents and wiped tags, which have configurations of their own.
pub(super) const ANY_TWO: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::LateEffect,
    Fault::LateBatch,
    Fault::Resend,
    Fault::InstanceDies,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::TargetRefuses,
    Fault::Tenant,
    Fault::DeadLetter,
];

/// The retirement group deleted, with what makes it wanted, or a claim wait for a pass.
pub(super) const NO_RETIREMENT: &[Fault] = &[
    Fault::RetirementDeleted,
    Fault::Crash,
    Fault::Duplicate,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::TargetRefuses,
    Fault::Tenant,
];
