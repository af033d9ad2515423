//! The invariants, each as an `always`, and next to each a `sometimes` that shows that the
//! situation it is about comes up.

use crate::configuration::Configuration;
use crate::progress::Worker;
use crate::protocol::{Protocol, is_kept_free};
use crate::state::{CLAIMS, Clock, INSTANCES, Machine, Place, State};
use crate::writer;
use ready_pool_core::init_failure::OnInitFailure;
use stateright::Property;

/// All of them.
pub(crate) fn all(config: &Configuration) -> Vec<Property<Protocol>> {
    let mut all = of_instances();
    all.extend(of_endings());
    if config.attaches_late() {
        all.extend(of_late_attaches());
    }
    all.extend(of_replacements());
    all.extend(of_losses());
    if config.on_init_failure != OnInitFailure::Replace {
        all.extend(of_runs());
    }
    all
}

/// Where instances are attached after their init.
fn of_late_attaches() -> Vec<Property<Protocol>> {
    vec![
        Property::always(
            "A no command is sent to an instance of the pool's, but in our own detach",
            |_, state: &State| !state.broken.sent_in_pool,
        ),
        Property::sometimes(
            "A a command runs on an instance that is not attached yet",
            |_, state: &State| {
                state.machines.iter().any(|machine| {
                    matches!(machine.place, Place::LeavingPool | Place::Free)
                        && machine.is_sent()
                        && !machine.logged
                })
            },
        ),
        Property::always(
            "B no instance that was sent a command is in the pool when all is quiet",
            |model: &Protocol, state: &State| {
                !model.is_quiet_for_good(state)
                    || is_limit(state)
                    || (state.machines.iter())
                        .all(|machine| machine.place != Place::Pool || !machine.is_sent())
            },
        ),
        Property::sometimes(
            "B an instance that was sent a command is in the pool",
            |_, state: &State| {
                let mut machines = state.machines.iter();
                machines.any(|machine| machine.place == Place::Pool && machine.is_sent())
            },
        ),
    ]
}

/// Whether a documented limit applies: wiped tags, or a dead letter that nobody read.
fn is_limit(state: &State) -> bool {
    state.wiped != 0 || state.unread != 0
}

/// Where nobody asked for another instance when init fails.
fn of_runs() -> Vec<Property<Protocol>> {
    vec![
        Property::always(
            "10 a claim's script runs on one instance, but for one that died",
            |_, state: &State| {
                (0..CLAIMS).all(|claim| {
                    let ran = |machine: &&Machine| machine.runs[claim] > 0 && !machine.died;
                    state.machines.iter().filter(ran).count() <= 1
                })
            },
        ),
        Property::sometimes("10 a claim's script runs", |_, state: &State| {
            (0..CLAIMS).any(|claim| state.machines.iter().any(|machine| machine.runs[claim] > 0))
        }),
    ]
}

/// Where a claim gets another instance: init failed, and it wants that, or nothing of it ran.
fn of_replacements() -> Vec<Property<Protocol>> {
    vec![
        Property::always(
            "8 a claim has one instance with its command in its target that has not failed",
            |_, state: &State| {
                (0_u8..).take(CLAIMS).all(|claim| {
                    let members = state.machines.iter().filter(|machine| {
                        machine.place.target().is_some()
                            && machine.was_sent(claim)
                            && !machine.has_failed(claim)
                    });
                    members.count() <= 1
                })
            },
        ),
        Property::sometimes(
            "8 a claim ends ready after a failure",
            |_, state: &State| {
                (0_u8..).zip(&state.heard).any(|(claim, heard)| {
                    heard.ready
                        && state
                            .machines
                            .iter()
                            .any(|machine| machine.has_failed(claim))
                })
            },
        ),
    ]
}

fn of_instances() -> Vec<Property<Protocol>> {
    vec![
        Property::always(
            "1 an instance is initialised once, for one claim",
            |_, state: &State| {
                state.machines.iter().all(|machine| {
                    machine
                        .runs
                        .iter()
                        .map(|runs| u32::from(*runs))
                        .sum::<u32>()
                        <= 1
                })
            },
        ),
        Property::sometimes("1 an instance is initialised", |_, state: &State| {
            state
                .machines
                .iter()
                .any(|machine| machine.marker.is_some())
        }),
        Property::always(
            "2 a claim that ended ready has one instance, initialised, in its target",
            |model: &Protocol, state: &State| {
                let replaces = model.config.on_init_failure == OnInitFailure::Replace;
                !state.broken.ready_elsewhere
                    && (0..CLAIMS).all(|claim| {
                        !state.heard[claim].ready
                            || state
                                .machines
                                .iter()
                                .filter(|machine| owned(machine, claim, replaces))
                                .count()
                                <= 1
                    })
            },
        ),
        Property::sometimes("2 a claim ends ready", |_, state: &State| {
            state.heard.iter().any(|heard| heard.ready)
        }),
        Property::always(
            "3 no leak is left when all is quiet",
            |model: &Protocol, state: &State| {
                !model.is_quiet_for_good(state)
                    || (state.machines.iter())
                        .all(|machine| !is_leaked(machine, state, &model.config))
            },
        ),
        Property::always(
            "3 the ledger or a message knows of every instance that left the pool",
            |model: &Protocol, state: &State| {
                !model.config.ledger_knows
                    || (0..INSTANCES).all(|instance| is_known(state, instance))
            },
        ),
        Property::sometimes("3 all is quiet", |model: &Protocol, state: &State| {
            model.is_quiet_for_good(state)
        }),
    ]
}

fn of_endings() -> Vec<Property<Protocol>> {
    vec![
        Property::always("4 a claim ends in one way", |_, state: &State| {
            !state.broken.two_endings
        }),
        Property::sometimes("4 a claim ends failed", |_, state: &State| {
            state.heard.iter().any(|heard| heard.failed)
        }),
        Property::always(
            "5 no instance that was sent a command is removed, but for its own failed claim",
            |_, state: &State| !state.broken.removed_sent,
        ),
        Property::sometimes("5 an instance is removed", |_, state: &State| {
            state
                .machines
                .iter()
                .any(|machine| machine.place == Place::Retirement)
        }),
        Property::always(
            "6 no instance that was sent a command is attached again",
            |_, state: &State| !state.broken.reattached_sent,
        ),
        Property::sometimes(
            "6 an instance that was sent a command is in no group",
            |_, state: &State| {
                state
                    .machines
                    .iter()
                    .any(|machine| machine.place == Place::Free && !machine.commands.is_empty())
            },
        ),
        Property::always(
            "7 nothing is attached or sent after the deadline",
            |_, state: &State| !state.broken.too_late,
        ),
        Property::sometimes(
            "7 the deadline passes before an instance is attached or sent its command",
            |_, state: &State| state.clock == Clock::Expired && is_without_command(state),
        ),
    ]
}

fn of_losses() -> Vec<Property<Protocol>> {
    vec![
        Property::always(
            "9 a claim loses its instance only where that has left its target",
            |_, state: &State| !state.broken.not_lost,
        ),
        Property::sometimes(
            "9 an instance has left its target while its claim is open",
            |model: &Protocol, state: &State| state.misses_a_machine(&model.config),
        ),
    ]
}

/// Whether an instance that left the pool was not sent a command yet.
fn is_without_command(state: &State) -> bool {
    state.machines.iter().any(|machine| {
        let left = matches!(
            machine.place,
            Place::LeavingPool | Place::Free | Place::Target(_) | Place::Parked(_)
        );
        left && machine.commands.is_empty()
    })
}

/// A machine whose init failed is not its claim's where another one takes its place.
fn owned(machine: &Machine, claim: usize, replaces: bool) -> bool {
    let failed = replaces && machine.has_failed(u8::try_from(claim).unwrap());
    machine.runs[claim] > 0 && machine.place != Place::Gone && !failed
}

fn is_leaked(machine: &Machine, state: &State, config: &Configuration) -> bool {
    let free = machine.place == Place::Free && !machine.tenants;
    let owned = if config.attaches_late() {
        (machine.is_sent() && is_limit(state)) || is_kept_free(machine, state.clock, config)
    } else {
        machine.runs.iter().any(|runs| *runs > 0)
    };
    free && !owned
}

/// Whether somebody still knows of an instance that left the pool and was never sent a command.
fn is_known(state: &State, instance: usize) -> bool {
    let machine = &state.machines[instance];
    let number = u8::try_from(instance).unwrap();
    let left = matches!(machine.place, Place::LeavingPool | Place::Free);
    let sent = !machine.commands.is_empty() || machine.late.is_some();
    let entered = state
        .ledger
        .iter()
        .any(|slot| slot.now.is_some_and(|line| line.instance == Some(number)));
    let announced = !state.init[instance].is_empty()
        || state.init_dead.iter().any(|(group, _)| *group == number)
        || state.workers[instance] != Worker::Idle
        || state.notes[instance].is_some()
        || state.writers.iter().any(writer::is_busy);
    !left || sent || machine.tenants || entered || announced
}
