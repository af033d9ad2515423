//! Worlds in which instances are attached after their init.

use super::ONE;
use super::kinds::{ANY, MACHINES, STANDBY, WIPES};
use crate::configuration::{Configuration, Fault};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::init_failure::OnInitFailure;

/// What may go wrong only here, with what decides who attaches what.
const ATTACH: &[Fault] = &[
    Fault::TakenBack,
    Fault::AttachDenied,
    Fault::StalePlace,
    Fault::Crash,
    Fault::LostAnswer,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::Tenant,
    Fault::TargetRefuses,
];

/// Any two, but for dead machines and wiped tags.
const ANY_TWO: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::StaleRead,
    Fault::LateEffect,
    Fault::LateBatch,
    Fault::Resend,
    Fault::EventLost,
    Fault::ScriptFails,
    Fault::TargetRefuses,
    Fault::Tenant,
    Fault::DeadLetter,
    Fault::TakenBack,
    Fault::AttachDenied,
];

/// What comes between a script that fails and its claim's end, and a detach that is taken back.
const FAILURES_TAKEN_BACK: &[Fault] = &[
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
    Fault::TakenBack,
];

/// One claim whose instance is attached after its init.
const LATE: Configuration = Configuration {
    name: "attached late, no fault",
    attach_when: AttachWhen::AfterInit,
    unseen: &['B', '8', '9'],
    ..ONE
};

pub(super) fn all() -> Vec<Configuration> {
    let mut all = of_one_claim();
    all.extend(of_failing_claims());
    all
}

fn of_one_claim() -> Vec<Configuration> {
    vec![
        Configuration {
            states: Some(519),
            ..LATE
        },
        Configuration {
            name: "attached late, any fault",
            faults: 1,
            kinds: ANY,
            unseen: &['B'],
            states: Some(159_920),
            ..LATE
        },
        Configuration {
            name: "attached late, any two faults",
            faults: 2,
            kinds: ANY_TWO,
            unseen: &['8'],
            states: Some(133_438),
            ..LATE
        },
        Configuration {
            name: "attached late, stale places",
            faults: 2,
            kinds: ATTACH,
            unseen: &['8'],
            states: Some(29_075),
            ..LATE
        },
        Configuration {
            name: "attached late, tags wiped",
            faults: 2,
            kinds: WIPES,
            unseen: &['B', '8'],
            states: Some(69_354),
            ..LATE
        },
        Configuration {
            name: "attached late, in standby",
            faults: 3,
            kinds: STANDBY,
            unseen: &['B', '8'],
            states: Some(34_318),
            ..LATE
        },
        Configuration {
            name: "attached late, instances die, their commands stay",
            faults: 1,
            kinds: MACHINES,
            split_look: false,
            dead_commands_stay: true,
            unseen: &['B', '8'],
            states: Some(37_602),
            ..LATE
        },
        Configuration {
            name: "attached late, an agent dies",
            faults: 1,
            kinds: &[Fault::AgentDies],
            split_look: false,
            unseen: &['B', '9'],
            states: Some(362_234),
            ..LATE
        },
    ]
}

fn of_failing_claims() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "attached late, kept",
            on_init_failure: OnInitFailure::Keep,
            faults: 2,
            kinds: FAILURES_TAKEN_BACK,
            unseen: &['8'],
            states: Some(89_457),
            ..LATE
        },
        Configuration {
            name: "attached late, nothing runs",
            faults: 2,
            kinds: &[
                Fault::NothingRuns,
                Fault::Crash,
                Fault::EventLost,
                Fault::TakenBack,
            ],
            unseen: &['9'],
            states: Some(1_301_556),
            ..LATE
        },
        Configuration {
            name: "attached late, replaced",
            on_init_failure: OnInitFailure::Replace,
            faults: 1,
            kinds: FAILURES_TAKEN_BACK,
            unseen: &[],
            states: Some(71_949),
            ..LATE
        },
        Configuration {
            name: "two claims, attached late",
            claims: 2,
            states: Some(92_894),
            unseen: &['B', '8', '9'],
            split_look: false,
            ..LATE
        },
    ]
}
