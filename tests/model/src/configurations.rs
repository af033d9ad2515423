//! The configurations that every test run explores. Several small ones find more than one large.

mod late;

use crate::configuration::{Configuration, Fault};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::init_failure::OnInitFailure;

/// Faults of handlers and of calls.
const OURS: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::LateEffect,
    Fault::LateBatch,
];

/// Faults under which the ledger still knows of every instance.
const KNOWN: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::EventLost,
    Fault::LateBatch,
];

/// Faults of everything around the handlers.
const THEIRS: &[Fault] = &[
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
const WIPES: &[Fault] = &[
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
const PLACES: &[Fault] = &[
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

const MACHINES: &[Fault] = &[Fault::InstanceDies, Fault::Crash, Fault::EventLost];

/// What a tenant's tools do to a member, with what comes between its script's end and its claim's.
const STANDBY: &[Fault] = &[
    Fault::Standby,
    Fault::Tenant,
    Fault::Crash,
    Fault::StalePlace,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::Duplicate,
];

/// What comes between a copy and its original.
const ASIDE: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Duplicate,
    Fault::LateBatch,
    Fault::Resend,
    Fault::DeadLetter,
    Fault::Wipe,
];

/// Machines on which nothing of a claim runs, with what cuts going on with another one.
const NOTHING: &[Fault] = &[
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
const WIPED_AND_RESENT: &[Fault] = &[Fault::Wipe, Fault::Resend, Fault::Crash, Fault::Duplicate];

const HANDLERS: &[Fault] = &[Fault::Crash, Fault::LostAnswer, Fault::Duplicate];

/// What comes between the look at a target that does not exist and the claim's end.
const BIRTHS: &[Fault] = &[
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
const FAILURES: &[Fault] = &[
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
const ANY: &[Fault] = &[
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
const ANY_TWO: &[Fault] = &[
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
const NO_RETIREMENT: &[Fault] = &[
    Fault::RetirementDeleted,
    Fault::Crash,
    Fault::Duplicate,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::TargetRefuses,
    Fault::Tenant,
];

/// One claim that two instances can serve.
pub(crate) const ONE: Configuration = Configuration {
    name: "one claim, no fault",
    claims: 1,
    instances: 2,
    ready: 2,
    shared_target: false,
    on_init_failure: OnInitFailure::Retire,
    makes_targets: false,
    attach_when: AttachWhen::BeforeInit,
    faults: 0,
    kinds: &[],
    split_look: true,
    ledger_knows: false,
    dead_commands_stay: false,
    steps_aside: false,
    poison: None,
    without: None,
    unseen: &['6', '8', '9'],
    states: None,
};

/// Two claims that two instances can serve.
pub(crate) const TWO: Configuration = Configuration {
    name: "two claims, no fault",
    claims: 2,
    split_look: false,
    ..ONE
};

/// Two claims, and the first ends every invocation that enters it.
pub(crate) const POISON: Configuration = Configuration {
    name: "two claims, one is poison",
    poison: Some(0),
    ready: 1,
    unseen: &['3', '4', '5', '6', '7', '8', '9'],
    ..TWO
};

/// All of them.
pub fn all() -> Vec<Configuration> {
    let mut all = of_one_claim();
    all.push(without_retirement());
    all.extend(of_one_claim_without_an_instance());
    all.extend(of_one_claim_at_length());
    all.extend(of_failing_claims());
    all.extend(of_replaced_claims());
    all.extend(of_made_targets());
    all.extend(late::all());
    all.extend(of_two_claims());
    all
}

fn without_retirement() -> Configuration {
    Configuration {
        name: "one claim, its retirement group is deleted",
        faults: 2,
        kinds: NO_RETIREMENT,
        unseen: &['8'],
        states: Some(19_324),
        ..ONE
    }
}

fn of_made_targets() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "one claim, its target is made",
            makes_targets: true,
            faults: 2,
            kinds: BIRTHS,
            states: Some(43_919),
            ..ONE
        },
        Configuration {
            name: "two claims, their target is made",
            makes_targets: true,
            shared_target: true,
            faults: 1,
            kinds: &[Fault::TargetMade],
            states: Some(137_965),
            ..TWO
        },
    ]
}

fn of_one_claim() -> Vec<Configuration> {
    vec![
        Configuration {
            states: Some(401),
            ..ONE
        },
        Configuration {
            name: "one claim, any fault",
            faults: 1,
            kinds: ANY,
            unseen: &['8'],
            states: Some(27_541),
            ..ONE
        },
        Configuration {
            name: "one claim, two faults of ours",
            faults: 2,
            kinds: OURS,
            unseen: &['8', '9'],
            states: Some(23_550),
            ..ONE
        },
        Configuration {
            name: "one claim, two faults, the ledger knows",
            faults: 2,
            kinds: KNOWN,
            ledger_knows: true,
            states: Some(13_290),
            ..ONE
        },
        Configuration {
            name: "one claim, two faults of theirs",
            faults: 2,
            kinds: THEIRS,
            unseen: &['8'],
            states: Some(65_715),
            ..ONE
        },
        Configuration {
            name: "one claim, tags wiped",
            faults: 2,
            kinds: WIPES,
            unseen: &['8'],
            states: Some(50_159),
            ..ONE
        },
        Configuration {
            name: "one claim, wiped and sent again",
            faults: 3,
            kinds: WIPED_AND_RESENT,
            unseen: &['6', '8', '9'],
            states: Some(412_272),
            ..ONE
        },
        Configuration {
            name: "one claim, redriven",
            faults: 2,
            kinds: &[Fault::DeadLetter, Fault::Resend],
            states: Some(24_091),
            ..ONE
        },
        Configuration {
            name: "one claim, instances die",
            faults: 2,
            kinds: MACHINES,
            split_look: false,
            unseen: &['6', '8'],
            states: Some(299_454),
            ..ONE
        },
        Configuration {
            name: "one claim, instances die, their commands stay",
            faults: 2,
            kinds: MACHINES,
            split_look: false,
            dead_commands_stay: true,
            unseen: &['6', '8'],
            states: Some(296_982),
            ..ONE
        },
        Configuration {
            name: "one claim, in standby",
            faults: 3,
            kinds: STANDBY,
            unseen: &['8'],
            states: Some(45_879),
            ..ONE
        },
        Configuration {
            name: "one claim, an agent dies",
            faults: 1,
            kinds: &[Fault::AgentDies, Fault::AgentAway],
            split_look: false,
            unseen: &['9'],
            states: Some(561_895),
            ..ONE
        },
    ]
}

fn of_one_claim_without_an_instance() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "one claim, refused commands",
            faults: 2,
            kinds: &[Fault::SendRefused],
            states: Some(68_987),
            ..ONE
        },
        Configuration {
            name: "one claim, an empty pool",
            faults: 2,
            ready: 0,
            kinds: HANDLERS,
            states: Some(42_536),
            ..ONE
        },
        Configuration {
            name: "one claim, stepping aside",
            steps_aside: true,
            faults: 1,
            ready: 0,
            kinds: ASIDE,
            split_look: false,
            states: Some(225_224),
            ..ONE
        },
        Configuration {
            name: "one claim, stepping aside, two answers lost",
            steps_aside: true,
            faults: 2,
            ready: 0,
            kinds: &[Fault::LostAnswer],
            split_look: false,
            states: Some(896_794),
            ..ONE
        },
    ]
}

fn of_one_claim_at_length() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "one claim, stale places",
            faults: 2,
            kinds: PLACES,
            unseen: &['8'],
            states: Some(67_375),
            ..ONE
        },
        Configuration {
            name: "one claim, three faults of ours",
            faults: 3,
            kinds: OURS,
            unseen: &['8', '9'],
            states: Some(63_865),
            ..ONE
        },
        Configuration {
            name: "one claim, three faults of theirs",
            faults: 3,
            kinds: THEIRS,
            unseen: &['8'],
            states: Some(376_420),
            ..ONE
        },
        Configuration {
            name: "one claim, any two faults",
            faults: 2,
            kinds: ANY_TWO,
            unseen: &[],
            states: Some(890_618),
            ..ONE
        },
    ]
}

fn of_failing_claims() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "one claim, kept",
            on_init_failure: OnInitFailure::Keep,
            faults: 3,
            kinds: FAILURES,
            unseen: &['8'],
            states: Some(428_539),
            ..ONE
        },
        Configuration {
            name: "one claim, nothing runs",
            faults: 1,
            kinds: NOTHING,
            unseen: &[],
            states: Some(62_582),
            ..ONE
        },
        Configuration {
            name: "one claim, nothing runs, a crash",
            faults: 2,
            kinds: &[Fault::NothingRuns, Fault::Crash],
            unseen: &['9'],
            states: Some(1_227_241),
            ..ONE
        },
        Configuration {
            name: "one claim, kept, nothing runs",
            on_init_failure: OnInitFailure::Keep,
            faults: 1,
            kinds: NOTHING,
            unseen: &[],
            states: Some(62_352),
            ..ONE
        },
        Configuration {
            name: "one claim, kept, an agent dies",
            on_init_failure: OnInitFailure::Keep,
            faults: 1,
            kinds: &[Fault::AgentDies],
            split_look: false,
            unseen: &['9'],
            states: Some(385_201),
            ..ONE
        },
    ]
}

/// Where a claim gets another instance when init fails. Each failure begins a second claim's worth of
/// states, so these worlds have fewer kinds of faults.
fn of_replaced_claims() -> Vec<Configuration> {
    let replaced = Configuration {
        on_init_failure: OnInitFailure::Replace,
        unseen: &[],
        ..ONE
    };
    vec![
        Configuration {
            name: "one claim, replaced",
            faults: 1,
            kinds: FAILURES,
            states: Some(63_849),
            ..replaced.clone()
        },
        Configuration {
            name: "one claim, replaced, tags wiped",
            faults: 2,
            kinds: &[Fault::ScriptFails, Fault::Wipe],
            unseen: &['9'],
            states: Some(203_269),
            ..replaced.clone()
        },
        Configuration {
            name: "one claim, replaced, an agent dies",
            faults: 1,
            kinds: &[Fault::AgentDies],
            split_look: false,
            unseen: &['9'],
            states: Some(385_671),
            ..replaced.clone()
        },
        Configuration {
            name: "one claim, replaced, a crash",
            faults: 2,
            kinds: &[Fault::ScriptFails, Fault::Crash],
            unseen: &['9'],
            states: Some(1_188_573),
            ..replaced
        },
    ]
}

fn of_two_claims() -> Vec<Configuration> {
    vec![
        Configuration {
            states: Some(75_442),
            ..TWO
        },
        Configuration {
            name: "two claims, three instances",
            instances: 3,
            ready: 3,
            faults: 1,
            kinds: &[Fault::Crash],
            states: Some(1_313_126),
            ..TWO
        },
        Configuration {
            name: "two claims, one target",
            shared_target: true,
            faults: 1,
            kinds: &[Fault::LostAnswer],
            states: Some(749_076),
            ..TWO
        },
        Configuration {
            name: "two claims, one instance",
            instances: 2,
            ready: 1,
            faults: 1,
            kinds: &[Fault::Duplicate, Fault::StaleRead],
            states: Some(1_383_038),
            ..TWO
        },
        Configuration {
            name: "two claims, stale places",
            instances: 2,
            ready: 1,
            faults: 1,
            kinds: &[Fault::StalePlace],
            states: Some(367_138),
            ..TWO
        },
        Configuration {
            name: "two claims, stepping aside",
            steps_aside: true,
            ready: 1,
            states: Some(235_089),
            ..TWO
        },
        Configuration {
            name: "two claims, stepping aside, one is poison",
            steps_aside: true,
            ready: 0,
            states: Some(23_189),
            ..POISON
        },
        Configuration {
            states: Some(278),
            ..POISON
        },
    ]
}
