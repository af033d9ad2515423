//! replenish-pool: a look, one of the things it wants done, and that thing done, later.
//!
//! A pass does all it wants in sequence; here each look yields one thing, and everything else may
//! happen before it is done. That covers every order and every pass that fails half-way.

use crate::ask::{self, Sight};
use crate::aws::{Into, World};
use crate::configuration::{Configuration, Rule};
use crate::progress::{Chore, WriterStage};
use crate::state::{Clock, INSTANCES, InitMessage, Place, State};
use ready_pool_core::command::CommandStatus;

/// What it would want done, as far as that is of interest: a look at a claim whose instance was
/// not sent its command, before its deadline, finds nothing to do; nor does one whose command runs where
/// it should. `late`: it sees instances where they were
/// one move ago.
pub(crate) fn wanted(state: &State, config: &Configuration, late: bool) -> Vec<Chore> {
    if state.retirement_gone && config.lacks(Rule::ClaimsWithoutRetirement) {
        return Vec::new();
    }
    let sight = Sight {
        clock: state.clock,
        ledger: std::array::from_fn(|claim| {
            let shared = config.lacks(Rule::EntryPerClaim) && config.shared_target;
            state.ledger[if shared { 0 } else { claim }].now
        }),
        notes: state.notes,
        places: state.machines.each_ref().map(|machine| machine.seen(late)),
        online: state
            .machines
            .each_ref()
            .map(|machine| machine.agent.is_listed()),
        detached: state.machines.each_ref().map(|machine| machine.detached),
        histories: state
            .machines
            .each_ref()
            .map(|machine| match machine.place {
                Place::Free if config.lacks(Rule::RetireFailed) => Vec::new(),
                _ => machine.commands.clone(),
            }),
        shared_target: config.shared_target,
        wish: config.wish(),
        retirement_gone: state.retirement_gone,
        all_long_ago: config.lacks(Rule::SweepAfterDeadlines),
    };
    let mut chores = ask::chores(sight);
    // `act.rs`, `take_out`: nothing is moved in a pass that failed to note it.
    let noting: Vec<u8> = chores
        .iter()
        .filter_map(|chore| match chore {
            Chore::Note(instance, true) => Some(*instance),
            _ => None,
        })
        .collect();
    chores.retain(|chore| match chore {
        Chore::Detach(instance) | Chore::AttachToRetirement(instance) => !noting.contains(instance),
        _ => is_of_interest(state, *chore, config),
    });
    if config.attaches_late() {
        chores.retain(|chore| !comes_too_soon(state, *chore));
    }
    chores
}

/// Whether a pass would have to overtake a delivery that has chosen an instance and not entered it yet. Between
/// the note on an instance and its attach to the retirement group lie two passes and a detach, more than a minute; a
/// delivery enters what it chose within seconds. Where instances are attached first, the attach decides who has it.
fn comes_too_soon(state: &State, chore: Chore) -> bool {
    let Chore::AttachToRetirement(instance) = chore else {
        return false;
    };
    state.writers.iter().any(|writer| {
        let mut assignments = writer.assignments.iter();
        assignments.any(|item| item.instance == instance && !item.entered)
            || matches!(writer.stage, WriterStage::Places(groups)
                if groups.pool[usize::from(instance)] == Some(true))
    })
}

fn is_of_interest(state: &State, chore: Chore, config: &Configuration) -> bool {
    let Chore::LookAgain {
        claim,
        instance,
        attempt,
    } = chore
    else {
        return true;
    };
    let message = InitMessage::LookAgain { claim, attempt };
    // InitQueue swallows a second look within a minute.
    if state.init[group(claim, instance)].contains(&message) {
        return false;
    }
    let ended = instance.is_some_and(|instance| {
        let machine = &state.machines[usize::from(instance)];
        machine
            .commands
            .iter()
            .any(|command| command.claim != claim || command.status != CommandStatus::Running)
    });
    let running = instance.is_some_and(|instance| {
        let machine = &state.machines[usize::from(instance)];
        machine.commands.last().is_some_and(|command| {
            command.claim == claim && command.status == CommandStatus::Running
        })
    });
    // A read may miss it, too, that shows it where it was.
    let missing = instance.is_some_and(|instance| {
        let machine = &state.machines[usize::from(instance)];
        machine.place.target().is_none() || machine.was.is_some()
    });
    // Where it is attached late, one that runs is missing as a rule; not for ever.
    let missing = if config.attaches_late() {
        state.clock >= Clock::LongAfter
    } else {
        missing
    };
    ended || (running && missing) || (state.clock > Clock::Open && !running)
}

fn group(claim: u8, instance: Option<u8>) -> usize {
    instance.map_or(INSTANCES + usize::from(claim), usize::from)
}

/// Decides on one thing, and does it if nothing can come in between that matters: a look waits in
/// InitQueue anyway, a settled entry stays settled, and notes are nobody else's.
pub(crate) fn decide(world: &mut World<'_>, chore: Chore) {
    if waits(chore) {
        world.state.chore = Some(chore);
    } else {
        act(world, chore);
    }
}

/// Whether something may come between the decision and the doing.
pub(crate) fn waits(chore: Chore) -> bool {
    matches!(
        chore,
        Chore::Detach(_) | Chore::AttachToRetirement(_) | Chore::Terminate(_)
    )
}

/// Does what it decided on.
pub(crate) fn step(world: &mut World<'_>) {
    if let Some(chore) = world.state.chore.take() {
        act(world, chore);
    }
}

fn act(world: &mut World<'_>, chore: Chore) {
    match chore {
        Chore::LookAgain {
            claim,
            instance,
            attempt,
        } => {
            let message = InitMessage::LookAgain { claim, attempt };
            world.send_look(group(claim, instance), message);
        }
        Chore::RemoveEntry(claim) => world.write_line(claim, None, u8::MAX),
        Chore::Note(instance, retiring) => {
            world.state.notes[usize::from(instance)] = Some(retiring);
        }
        Chore::Forget(instance) => world.state.notes[usize::from(instance)] = None,
        Chore::Detach(instance) => {
            if world.config.lacks(Rule::RetireByGroup) {
                world.terminate(instance);
            } else {
                world.detach_from_pool(instance);
            }
        }
        Chore::AttachToRetirement(instance) => {
            world.attach(Into::Retirement, instance);
        }
        Chore::Terminate(instance) => world.terminate(instance),
    }
}
