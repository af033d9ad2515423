//! Worlds in which an init fails, and what the claim wants then.

use super::ONE;
use super::kinds::{FAILURES, NOTHING};
use crate::configuration::{Configuration, Fault};
use ready_pool_core::init_failure::OnInitFailure;

pub(super) fn all() -> Vec<Configuration> {
    let mut all = of_failing_claims();
    all.extend(of_replaced_claims());
    all
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
