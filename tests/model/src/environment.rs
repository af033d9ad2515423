//! Everything that is not a step of ours: AWS's own doings, tenants, senders, operators, time.

use crate::aws::World;
use crate::configuration::{Configuration, Rule};
use crate::progress::{Chore, Worker, WriterStage};
use crate::state::{
    Agent, CLAIMS, Clock, Command, INSTANCES, InitMessage, Machine, Place, Request, Slot, State,
};
use crate::step::{Action, Actor};
use crate::{replenisher, worker, writer};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::init_failure::OnInitFailure;

/// What could happen besides the handlers' own steps.
pub(crate) fn actions(state: &State, config: &Configuration, actions: &mut Vec<Action>) {
    crashes(state, config, actions);
    for (instance, machine) in (0_u8..).zip(&state.machines) {
        if matches!(machine.place, Place::LeavingPool | Place::LeavingTarget(_)) {
            actions.push(Action::DetachEnds(instance));
        }
        if machine.place == Place::LeavingPool {
            actions.push(Action::TakenBack(instance));
        }
        // Nobody ends what ran on a dead machine, where Systems Manager does not.
        let stays = config.dead_commands_stay && machine.place == Place::Gone;
        for (position, command) in (0_u8..).zip(&machine.commands) {
            if command.status == CommandStatus::Running && !stays {
                actions.push(Action::CommandEnds(instance, position, true, true));
                actions.push(Action::CommandEnds(instance, position, true, false));
                actions.push(Action::CommandEnds(instance, position, false, true));
                actions.push(Action::CommandStopped(instance, position, true));
                actions.push(Action::CommandStopped(instance, position, false));
                // A failure that nobody hears of goes the way of the successes, but where it has
                // consequences of its own.
                if config.on_init_failure != OnInitFailure::Retire {
                    actions.push(Action::CommandEnds(instance, position, false, false));
                }
            }
        }
        if machine.late.is_some() {
            actions.push(Action::LateCommand(instance));
        }
        if machine.place == Place::Unborn && instance < config.instances {
            actions.push(Action::Launch(instance));
        }
        let alive = !matches!(machine.place, Place::Unborn | Place::Gone);
        if alive && machine.agent == Agent::Online {
            actions.push(Action::AgentDies(instance));
            actions.push(Action::AgentAway(instance));
        }
        if alive && machine.agent == Agent::Away {
            actions.push(Action::AgentBack(instance));
        }
        if alive && machine.agent == Agent::DeadListedOnline {
            actions.push(Action::PingAges(instance));
        }
        if alive && machine.place != Place::Retirement {
            actions.push(Action::InstanceDies(instance));
        }
        if let Place::Target(_) = machine.place {
            actions.push(Action::TenantDetaches(instance));
            actions.push(Action::TenantParks(instance));
        }
        if let Place::Parked(_) = machine.place {
            actions.push(Action::TenantTakesBack(instance));
        }
    }
    for claim in 0..config.claims {
        let target = if config.shared_target { 0 } else { claim };
        if state.there & (1 << target) == 0 {
            actions.push(Action::TargetMade(claim));
        }
    }
    if !state.denied {
        actions.push(Action::AttachDenied);
    }
    retirement_group(state, config, actions);
    wipes(state, config, actions);
    messages(state, config, actions);
    time(state, config, actions);
}

/// A clean-up rule deletes the group while it is empty. Who makes it again is in no hurry: by then every claim has its
/// end.
fn retirement_group(state: &State, config: &Configuration, actions: &mut Vec<Action>) {
    let mut claims = 0..config.claims;
    if state.retirement_gone {
        let has_ended = |claim: u8| {
            state.heard[usize::from(claim)].anything() || state.unread & (1 << claim) != 0
        };
        if claims.all(has_ended) {
            actions.push(Action::RetirementMade);
        }
    } else if !(state.machines.iter()).any(|machine| machine.place == Place::Retirement) {
        actions.push(Action::RetirementDeleted);
    }
}

fn crashes(state: &State, config: &Configuration, actions: &mut Vec<Action>) {
    for (slot, writer) in (0_u8..).zip(&state.writers) {
        if writer::is_busy(writer) {
            actions.push(Action::Crash(Actor::Writer(slot)));
        }
    }
    for (group, worker) in (0_u8..).zip(&state.workers) {
        if worker::is_busy(*worker) {
            actions.push(Action::Crash(Actor::Worker(group)));
        }
    }
    if state.chore.is_some() {
        actions.push(Action::Crash(Actor::Replenisher));
    }
    let [holder, late] = &state.writers;
    if writer::is_busy(late) {
        return;
    }
    if writer::is_busy(holder) {
        if config.lacks(Rule::Lease) {
            actions.push(Action::LeaseEnds);
        }
    } else if !state.provision.is_empty() {
        actions.push(Action::BatchIsLate);
    }
}

fn wipes(state: &State, config: &Configuration, actions: &mut Vec<Action>) {
    for target in 0..u8::try_from(CLAIMS).unwrap() {
        let entered = (0..CLAIMS).any(|claim| {
            let its = if config.shared_target { 0 } else { claim };
            its == usize::from(target) && state.ledger[claim].now.is_some()
        });
        let forgotten = (0..config.claims).any(|claim| {
            let waits = state.provision.iter().any(|request| request.claim == claim);
            let sent = state.machines.iter().any(|machine| machine.was_sent(claim));
            waits && sent && !is_swallowed(state, claim)
        });
        if entered && !forgotten {
            actions.push(Action::Wipe(target));
        }
    }
}

fn messages(state: &State, config: &Configuration, actions: &mut Vec<Action>) {
    for claim in 0..config.claims {
        let waiting = state
            .provision
            .iter()
            .filter(|request| request.claim == claim && request.asked.is_none());
        if waiting.count() < 2 && state.clock < Clock::Ancient && is_remembered(state, claim) {
            actions.push(Action::Resend(claim));
        }
    }
    if !state.provision.is_empty() && !writer::is_busy(&state.writers[0]) {
        actions.push(Action::ClaimDies);
    }
    for (group, queue) in (0_u8..).zip(&state.init) {
        // A thousand receives last longer than any deadline, and redriven a look counts from one.
        let looks = matches!(queue.first(), Some(InitMessage::LookAgain { .. }));
        let too_soon = looks && state.clock == Clock::Open;
        let busy = worker::is_busy(state.workers[usize::from(group)]);
        if !queue.is_empty() && !too_soon && !busy {
            actions.push(Action::InitDies(group));
        }
    }
    if !state.provision_dead.is_empty() {
        actions.push(Action::RedriveClaims);
    }
    if !state.init_dead.is_empty() {
        actions.push(Action::RedriveInit);
    }
}

/// Whether somebody knows of a claim that its sender may send again. Once its target's tags were wiped only
/// InitQueue does, for five minutes: later nobody can distinguish it from a new one, which is a documented limit.
fn is_remembered(state: &State, claim: u8) -> bool {
    state.wiped == 0 || is_swallowed(state, claim)
}

/// Whether InitQueue swallows a second hand-over of the claim.
fn is_swallowed(state: &State, claim: u8) -> bool {
    let without = state.swallowed.without(usize::from(claim));
    state.swallowed.hand_overs != without.hand_overs
}

fn time(state: &State, config: &Configuration, actions: &mut Vec<Action>) {
    let handlers_idle = !state.writers.iter().any(writer::is_busy)
        && state.workers.iter().all(|worker| *worker == Worker::Idle)
        && state.chore.is_none();
    let lags = state.unseen != 0
        || state.ledger.iter().any(|slot| slot.before.is_some())
        || state
            .machines
            .iter()
            .any(|machine| machine.hidden || machine.log_hidden || machine.was.is_some());
    let lags = lags || state.swallowed.copies != 0;
    if handlers_idle && (lags || (0..CLAIMS).any(|claim| is_forgotten(state, claim))) {
        actions.push(Action::FiveMinutes);
    }
    let queues_empty = state.provision.is_empty()
        && (0..state.init.len())
            .all(|group| state.init[group].is_empty() || waits_for_attach(state, group));
    let nothing_moves = !state.machines.iter().any(|machine| {
        machine.late.is_some()
            || matches!(machine.place, Place::LeavingPool | Place::LeavingTarget(_))
    });
    let nothing_runs = !(state.machines.iter()).any(|machine| machine.is_busy(config));
    // Each time replenish-pool has hours for what it wants done.
    let quiet = handlers_idle
        && queues_empty
        && nothing_moves
        && (replenisher::wanted(state, config, false).iter())
            .all(|chore| is_in_vain(state, *chore));
    // An alarm rings each minute in which the group is missing.
    let quiet = quiet && !state.retirement_gone;
    // Nor do hours pass over an open claim whose machine has gone: it is looked at each minute.
    let quiet = quiet && !(config.dead_commands_stay && state.misses_a_machine(config));
    let passes = match state.clock {
        // The others are to be served before the deadline.
        Clock::Open => config.poison.is_none(),
        Clock::Expired => quiet,
        Clock::HoursAfter | Clock::LongAfter => quiet && nothing_runs,
        Clock::Ancient => false,
    };
    if passes {
        actions.push(Action::Time);
    }
}

/// Whether the first message of a group comes again and again, for an attach that is denied.
fn waits_for_attach(state: &State, group: usize) -> bool {
    let hand_over = matches!(
        state.init[group].first(),
        Some(InitMessage::HandOver { .. })
    );
    !hand_over && (state.machines.get(group)).is_some_and(|machine| is_denied(state, machine))
}

/// Whether it is a look at a claim whose attach is denied.
fn is_in_vain(state: &State, chore: Chore) -> bool {
    let Chore::LookAgain { instance, .. } = chore else {
        return false;
    };
    let machine = instance.and_then(|instance| state.machines.get(usize::from(instance)));
    machine.is_some_and(|machine| is_denied(state, machine))
}

/// Whether its init has succeeded, and all that is left to do is denied; hours pass over that.
fn is_denied(state: &State, machine: &Machine) -> bool {
    let succeeded = |command: &Command| command.status == CommandStatus::Succeeded;
    state.denied
        && state.clock < Clock::LongAfter
        && matches!(machine.place, Place::Free | Place::Pool)
        && machine.commands.iter().any(succeeded)
}

/// Whether SQS has something to forget of a claim after five minutes. A message of the claim that
/// lies on a queue comes (again) within seconds, so as long as there is one, five minutes are not over.
fn is_forgotten(state: &State, claim: usize) -> bool {
    let number = u8::try_from(claim).unwrap();
    let lies_there = state
        .provision
        .iter()
        .any(|request| request.claim == number)
        || state
            .init
            .iter()
            .flatten()
            .any(|message| message.claim() == number);
    !lies_there && state.swallowed != state.swallowed.without(claim)
}

/// Makes it happen.
pub(crate) fn apply(world: &mut World<'_>, action: Action) {
    match action {
        Action::Crash(actor) => crash(world, actor),
        Action::LeaseEnds => {
            let writer = std::mem::take(&mut world.state.writers[0]);
            world.state.writers[1] = writer;
            writer::nobody_knows(world.state);
        }
        Action::BatchIsLate => {
            let late = &mut world.state.writers[1];
            late.batch = writer::received(&world.state.provision);
            late.open = (0_u8..).take(late.batch.len()).collect();
            late.stage = WriterStage::Throttled;
            writer::nobody_knows(world.state);
        }
        Action::DetachEnds(instance) => {
            world.moves(instance, Place::Free);
            world.machine(instance).ours = false;
        }
        Action::TakenBack(instance) => {
            world.moves(instance, Place::Pool);
            world.machine(instance).ours = false;
        }
        Action::AttachDenied => world.state.denied = true,
        Action::RetirementDeleted => {
            world.state.retirement_gone = true;
            world.state.notes = Default::default();
        }
        Action::RetirementMade => world.state.retirement_gone = false,
        Action::CommandEnds(instance, position, ok, event) => {
            world.command_ends(instance, usize::from(position), ok, event);
        }
        Action::CommandStopped(instance, position, event) => {
            world.command_stops(instance, usize::from(position), event);
        }
        Action::LateCommand(instance) => {
            let claim = world.machine(instance).late.take();
            world.send_command(instance, claim.unwrap());
        }
        Action::Launch(instance) => world.moves(instance, Place::Pool),
        Action::AgentDies(instance) => world.machine(instance).agent = Agent::DeadListedOnline,
        Action::AgentAway(instance) => world.machine(instance).agent = Agent::Away,
        Action::AgentBack(instance) => world.machine(instance).agent = Agent::Online,
        Action::PingAges(instance) => world.machine(instance).agent = Agent::Dead,
        Action::InstanceDies(instance) => {
            world.moves(instance, Place::Gone);
            let machine = world.machine(instance);
            machine.late = None;
            // That only matters of one where something ran.
            machine.died = machine.runs.iter().any(|runs| *runs > 0);
        }
        Action::TenantDetaches(instance) => {
            world.moves(instance, Place::Free);
            world.machine(instance).tenants = true;
        }
        Action::TenantParks(instance) => {
            if let Some(target) = world.machine(instance).place.target() {
                world.moves(instance, Place::Parked(target));
            }
        }
        Action::TenantTakesBack(instance) => {
            if let Some(target) = world.machine(instance).place.target() {
                world.moves(instance, Place::Target(target));
            }
        }
        Action::TargetMade(claim) => {
            world.make_target(claim);
        }
        Action::Wipe(target) => wipe(world, target),
        Action::Resend(claim) => world.state.provision.push(Request::of(claim)),
        Action::ClaimDies => {
            let request = world.state.provision.remove(0);
            world.state.provision_dead.push(request);
        }
        Action::InitDies(group) => init_dies(world, group),
        Action::RedriveClaims => {
            let dead = std::mem::take(&mut world.state.provision_dead);
            world.state.provision.extend(dead);
        }
        Action::RedriveInit => {
            for (group, message) in std::mem::take(&mut world.state.init_dead) {
                world.state.init[usize::from(group)].push(message);
            }
        }
        Action::FiveMinutes => minutes_pass(world),
        Action::Time => time_passes(world),
        Action::Step(..)
        | Action::OneByOne(_)
        | Action::LookAgain(_)
        | Action::StepAside(_)
        | Action::Decide(_)
        | Action::DecideOnStale(_) => unreachable!("a step of ours"),
    }
}

/// A message goes to the dead-letter queue.
fn init_dies(world: &mut World<'_>, group: u8) {
    let mut message = world.leaves_init(usize::from(group));
    // After a thousand receives what waited behind it is old, too. Redriven it counts as never delivered.
    let counts_as_fresh = match &mut message {
        InitMessage::HandOver { fresh, .. } => Some((fresh, Rule::FreshForMinutes)),
        InitMessage::Finished { fresh, .. } => Some((fresh, Rule::FreshEventForMinutes)),
        InitMessage::LookAgain { .. } => None,
    };
    if let Some((fresh, rule)) = counts_as_fresh
        && world.config.lacks(rule)
    {
        *fresh = true;
    } else {
        message.is_no_more_fresh();
        for behind in &mut world.state.init[usize::from(group)] {
            behind.is_no_more_fresh();
        }
    }
    world.state.init_dead.push((group, message));
}

/// A handler dies: its message is visible again after the queue's time-out, and by then reads
/// have caught up with what it wrote.
fn crash(world: &mut World<'_>, actor: Actor) {
    match actor {
        Actor::Writer(slot) => writer::dies(world, usize::from(slot)),
        Actor::Worker(group) => {
            world.state.workers[usize::from(group)] = Worker::Idle;
            world.is_delivered(usize::from(group));
            world.settles(group + 1);
            if usize::from(group) < INSTANCES {
                // More than a minute: a call that timed out has taken effect by now.
                if let Some(claim) = world.machine(group).late.take() {
                    world.send_command(group, claim);
                }
                world.machine(group).hidden = false;
                world.machine(group).log_hidden = false;
            }
        }
        Actor::Replenisher => world.state.chore = None,
    }
}

fn wipe(world: &mut World<'_>, target: u8) {
    world.state.wiped |= 1 << target;
    for claim in 0..CLAIMS {
        let its = world.target_of(u8::try_from(claim).unwrap());
        if its == target {
            world.state.ledger[claim] = Slot::default();
        }
    }
}

fn minutes_pass(world: &mut World<'_>) {
    for claim in 0..CLAIMS {
        if is_forgotten(world.state, claim) {
            world.state.swallowed = world.state.swallowed.without(claim);
        }
    }
    // However long it lies there.
    world.state.swallowed.copies = 0;
    world.state.unseen = 0;
    for slot in &mut world.state.ledger {
        slot.before = None;
        slot.by = 0;
    }
    for machine in &mut world.state.machines {
        machine.hidden = false;
        machine.log_hidden = false;
        machine.was = None;
    }
}

fn time_passes(world: &mut World<'_>) {
    world.state.clock = match world.state.clock {
        Clock::Open => Clock::Expired,
        Clock::Expired => Clock::HoursAfter,
        Clock::HoursAfter => Clock::LongAfter,
        Clock::LongAfter | Clock::Ancient => Clock::Ancient,
    };
    if world.state.clock >= Clock::HoursAfter {
        minutes_pass(world);
    }
    if world.state.clock == Clock::Ancient {
        // Messages live for fourteen days at most, command histories for thirty.
        for request in std::mem::take(&mut world.state.provision_dead) {
            world.state.unread |= 1 << request.claim;
        }
        for (_, message) in std::mem::take(&mut world.state.init_dead) {
            world.state.unread |= 1 << message.claim();
        }
        for machine in &mut world.state.machines {
            machine.commands.clear();
        }
    }
}
