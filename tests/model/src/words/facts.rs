//! A state as facts: what, and how it stands.

use super::handlers::{chore, group, line, listed, message, name, note, request, worker, writer};
use crate::state::{Agent, Broken, Clock, Heard, Machine, Place, State};
use crate::step::Actor;

/// What a fact is about, and what it says.
type Fact = (String, String);

/// All facts of a state. Those about nothing say "none", "empty" or "idle".
pub(super) fn facts(state: &State) -> Vec<Fact> {
    let mut facts = vec![
        ("time".to_owned(), clock(state.clock).to_owned()),
        ("faults left".to_owned(), state.faults.to_string()),
    ];
    let mut add = |what: String, value: String| facts.push((what, value));
    for (number, machine) in state.machines.iter().enumerate() {
        if machine.place != Place::Unborn {
            add(format!("instance {number}"), self::machine(machine));
        }
    }
    for (claim, slot) in state.ledger.iter().enumerate() {
        let entry = slot.now.map_or_else(|| "none".to_owned(), line);
        add(format!("entry of claim {claim}"), entry);
    }
    for (claim, heard) in state.heard.iter().enumerate() {
        add(format!("outcome of claim {claim}"), self::heard(*heard));
    }
    add(
        "ProvisionQueue".to_owned(),
        listed(state.provision.iter().copied().map(request), "empty"),
    );
    let dead = state.provision_dead.iter().copied().map(request);
    add(
        "ProvisionQueue's dead letters".to_owned(),
        listed(dead, "empty"),
    );
    for (number, messages) in (0..).zip(&state.init) {
        let messages = listed(messages.iter().copied().map(message), "empty");
        add(format!("InitQueue, {}", group(number)), messages);
    }
    let dead = state
        .init_dead
        .iter()
        .map(|(number, dead)| format!("{} ({})", message(*dead), group(*number)));
    add("InitQueue's dead letters".to_owned(), listed(dead, "empty"));
    for (slot, delivery) in (0..).zip(&state.writers) {
        add(Actor::Writer(slot).to_string(), writer(delivery));
    }
    for (number, at) in (0..).zip(&state.workers) {
        add(Actor::Worker(number).to_string(), worker(*at));
    }
    let wanted = state.chore.map_or_else(
        || "idle".to_owned(),
        |wanted| format!("is about to {}", chore(wanted)),
    );
    add(Actor::Replenisher.to_string(), wanted);
    for (number, stage) in state.notes.iter().enumerate() {
        let noted = stage.map_or("none", note);
        add(format!("note on instance {number}"), noted.to_owned());
    }
    add(
        "attaches to targets".to_owned(),
        if state.denied { "denied" } else { "none" }.to_owned(),
    );
    let retirement = if state.retirement_gone {
        "deleted"
    } else {
        "none"
    };
    add("retirement group".to_owned(), retirement.to_owned());
    add("broken".to_owned(), broken(state.broken));
    facts
}

fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Open => "before the deadline",
        Clock::Expired => "after the deadline",
        Clock::HoursAfter => "hours after the deadline",
        Clock::LongAfter => "half a day after the deadline",
        Clock::Ancient => "a month after the deadline",
    }
}

fn place(place: Place) -> String {
    match place {
        Place::Unborn => "not launched".to_owned(),
        Place::Pool => "in the pool".to_owned(),
        Place::LeavingPool => "detaching from the pool".to_owned(),
        Place::Free => "in no group".to_owned(),
        Place::Target(target) => format!("in target {target}"),
        Place::Parked(target) => format!("in standby in target {target}"),
        Place::LeavingTarget(target) => format!("detaching from target {target}"),
        Place::Retirement => "in the retirement group".to_owned(),
        Place::Gone => "terminated".to_owned(),
    }
}

fn machine(machine: &Machine) -> String {
    let mut facts = vec![place(machine.place)];
    if let Some((was, _)) = machine.was {
        facts.push(format!("reads may show it {}", place(was)));
    }
    if machine.agent != Agent::Online {
        facts.push(format!("agent {}", name(machine.agent)));
    }
    let commands = machine.commands.iter();
    facts.extend(
        commands.map(|one| format!("command of claim {}: {}", one.claim, name(one.status))),
    );
    if let Some(claim) = machine.late {
        facts.push(format!("command of claim {claim} may still come"));
    }
    if let Some((claim, succeeded)) = machine.marker {
        let status = if succeeded { "success" } else { "failure" };
        facts.push(format!("marker of claim {claim}, {status}"));
    }
    let runs = machine
        .runs
        .iter()
        .enumerate()
        .filter(|(_, runs)| **runs > 0);
    facts.extend(runs.map(|(claim, runs)| match runs {
        1 => format!("ran the script of claim {claim}"),
        _ => format!("ran the script of claim {claim} {runs} times"),
    }));
    if machine.tenants {
        facts.push("its tenant's".to_owned());
    }
    facts.join(", ")
}

fn heard(heard: Heard) -> String {
    let all = [
        (heard.ready, "ready"),
        (heard.failed, "failed"),
        (heard.rejected, "rejected"),
        (
            heard.too_late,
            "failed: expired, long after its command was sent",
        ),
    ];
    listed(chosen(all), "none")
}

fn broken(broken: Broken) -> String {
    let all = [
        (
            broken.ready_elsewhere,
            "ready while its instance was not in its target",
        ),
        (broken.two_endings, "a claim ended in two ways"),
        (
            broken.removed_sent,
            "an instance was removed that was sent a command of a claim that has not failed",
        ),
        (broken.too_late, "attached or sent after the deadline"),
        (
            broken.reattached_sent,
            "attached again after it was sent a command",
        ),
        (broken.not_lost, "called lost while its target had it"),
        (
            broken.sent_in_pool,
            "a command was sent to an instance of the pool",
        ),
    ];
    listed(chosen(all), "none")
}

fn chosen<const N: usize>(all: [(bool, &str); N]) -> impl Iterator<Item = String> {
    all.into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| what.to_owned())
}
