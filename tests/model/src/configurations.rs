//! The configurations that every test run explores. Several small ones find more than one large.

mod failing;
mod kinds;
mod late;
mod made;
mod one;
mod two;

use crate::configuration::Configuration;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::init_failure::OnInitFailure;

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
    let mut all = one::all();
    all.extend(failing::all());
    all.extend(made::all());
    all.extend(late::all());
    all.extend(two::all());
    all
}
