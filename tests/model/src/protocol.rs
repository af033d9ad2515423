//! The protocol as a `stateright` model: its actions, its properties.

use crate::aws::{OTHERS, World};
use crate::configuration::{Configuration, Fault};
use crate::progress::Worker;
use crate::state::{
    Agent, Broken, CLAIMS, Clock, Command, GROUPS, Heard, INSTANCES, Machine, Place, Request,
    State, Swallowed,
};
use crate::step::{Action, Actor, Answer};
use crate::{environment, replenisher, worker, writer};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::init_failure::OnInitFailure;
use stateright::{Model, Property};

/// The protocol in one configuration.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// What is explored.
    pub config: Configuration,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.handlers(state, actions);
        environment::actions(state, &self.config, actions);
        let left = state.faults > 0;
        actions.retain(|action| {
            action
                .fault()
                .is_none_or(|fault| left && self.config.allows(fault))
        });
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        if action.fault().is_some() {
            next.faults -= 1;
        }
        let mut world = World {
            config: &self.config,
            state: &mut next,
            by: match action {
                Action::Step(Actor::Writer(_), _)
                | Action::LookAgain(_)
                | Action::OneByOne(_)
                | Action::StepAside(_) => writer::BY,
                Action::Step(Actor::Worker(group), _) => group + 1,
                _ => OTHERS,
            },
        };
        match action {
            Action::Step(Actor::Writer(slot), answer) => {
                writer::step(&mut world, usize::from(slot), answer);
            }
            Action::Step(Actor::Worker(group), answer) => {
                worker::step(&mut world, usize::from(group), answer);
            }
            Action::Step(Actor::Replenisher, _) => replenisher::step(&mut world),
            Action::OneByOne(receives) => writer::begin(&mut world, receives),
            Action::LookAgain(slot) => writer::look_again(&mut world, usize::from(slot)),
            Action::StepAside(positions) => writer::step_aside(&mut world, positions),
            Action::Decide(chore) | Action::DecideOnStale(chore) => {
                replenisher::decide(&mut world, chore);
            }
            action => environment::apply(&mut world, action),
        }
        world.normalise();
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        crate::properties::all(&self.config)
    }
}

impl Protocol {
    /// The model of a configuration.
    pub fn new(config: Configuration) -> Self {
        assert!(usize::from(config.instances) <= INSTANCES);
        assert!(usize::from(config.claims) <= CLAIMS);
        Self { config }
    }

    /// The claims have been sent, and nothing has happened yet.
    pub(crate) fn beginning(&self) -> State {
        let machine = |instance: usize| Machine {
            place: if instance < usize::from(self.config.ready) {
                Place::Pool
            } else {
                Place::Unborn
            },
            was: None,
            agent: Agent::Online,
            commands: Vec::new(),
            hidden: false,
            late: None,
            marker: None,
            runs: [0; CLAIMS],
            detached: false,
            tenants: false,
            ours: false,
            logged: false,
            log_hidden: false,
            died: false,
        };
        State {
            clock: Clock::Open,
            machines: std::array::from_fn(machine),
            ledger: Default::default(),
            notes: [None; INSTANCES],
            provision: (0..self.config.claims).map(Request::of).collect(),
            provision_dead: Vec::new(),
            init: Default::default(),
            init_dead: Vec::new(),
            repeated: 0,
            swallowed: Swallowed::default(),
            writers: Default::default(),
            workers: [Worker::Idle; GROUPS],
            chore: None,
            heard: [Heard::default(); CLAIMS],
            unread: 0,
            there: if self.config.makes_targets {
                0
            } else {
                u8::MAX
            },
            unseen: 0,
            wiped: 0,
            denied: false,
            retirement_gone: false,
            faults: self.config.faults,
            broken: Broken::default(),
        }
    }

    fn handlers(&self, state: &State, actions: &mut Vec<Action>) {
        let lags = self.config.allows(Fault::StaleRead) && {
            state.unseen != 0
                || state.ledger.iter().any(|slot| slot.before.is_some())
                || state
                    .machines
                    .iter()
                    .any(|machine| machine.hidden || machine.log_hidden)
        };
        let moves = state.machines.iter().any(|machine| machine.was.is_some());
        let mut steps = |actor: Actor, answers: Vec<Answer>| {
            actions.extend(
                answers
                    .into_iter()
                    .filter(|answer| match answer {
                        Answer::Stale => lags,
                        Answer::StalePlace => moves,
                        _ => true,
                    })
                    .map(|answer| Action::Step(actor, answer)),
            );
        };
        for slot in 0..2_u8 {
            if writer::can_step(state, &self.config, usize::from(slot)) {
                steps(
                    Actor::Writer(slot),
                    writer::answers(state, usize::from(slot)),
                );
            }
        }
        for group in 0..u8::try_from(GROUPS).unwrap() {
            if worker::can_step(state, usize::from(group)) {
                steps(
                    Actor::Worker(group),
                    worker::answers(state, usize::from(group)),
                );
            }
        }
        if state.chore.is_some() {
            steps(Actor::Replenisher, vec![Answer::Ok]);
        } else {
            let wanted = replenisher::wanted(state, &self.config, false);
            actions.extend(wanted.iter().copied().map(Action::Decide));
            if moves {
                let on_stale = replenisher::wanted(state, &self.config, true);
                let others = on_stale.into_iter().filter(|chore| !wanted.contains(chore));
                actions.extend(others.map(Action::DecideOnStale));
            }
        }
        actions.extend(writer::beginnings(state, &self.config).map(Action::OneByOne));
        actions.extend(writer::may_step_aside(state, &self.config).map(Action::StepAside));
        for slot in 0..2_u8 {
            if writer::may_look_again(&state.writers[usize::from(slot)]) {
                actions.push(Action::LookAgain(slot));
            }
        }
    }

    /// Whether nothing is under way, nothing will be, and nobody of ours wants anything done.
    pub fn is_quiet_for_good(&self, state: &State) -> bool {
        state.clock >= Clock::LongAfter
            && state.provision.is_empty()
            && state.provision_dead.is_empty()
            && state.init.iter().all(Vec::is_empty)
            && state.init_dead.is_empty()
            && state.chore.is_none()
            && !state.writers.iter().any(writer::is_busy)
            && (state.machines.iter()).all(|machine| is_still(machine, &self.config))
            && replenisher::wanted(state, &self.config, false).is_empty()
    }

    /// Whether everything ended well: nobody waits, nothing is under way, and every instance is
    /// in the pool, in a target with its command, or out of the world. Where a claim is poison: the others
    /// are served.
    pub fn is_good_end(&self, state: &State) -> bool {
        if let Some(poison) = self.config.poison {
            return (0..self.config.claims)
                .filter(|claim| *claim != poison)
                .all(|claim| state.heard[usize::from(claim)].ready);
        }
        let answered = (0..usize::from(self.config.claims))
            .all(|claim| state.heard[claim].anything() || state.unread & (1 << claim) != 0);
        let nothing_under_way = state.provision.is_empty()
            && state.provision_dead.is_empty()
            && state.init.iter().all(Vec::is_empty)
            && state.init_dead.is_empty();
        let at_rest = |machine: &Machine| {
            // Wiped tags name no target, and nothing else is believed: such a machine stays where it is.
            let late = self.config.attaches_late();
            let left = state.unread != 0 || (late && state.wiped != 0);
            let at_rest =
                is_at_rest(machine, left, &self.config) && !self.is_left_over(state, machine);
            at_rest || self.is_kept(state, machine)
        };
        answered && nothing_under_way && state.machines.iter().all(at_rest)
    }

    /// Whether an instance that was, or should have been, replaced is still in its target.
    fn is_left_over(&self, state: &State, machine: &Machine) -> bool {
        let claims = 0..self.config.claims;
        self.config.on_init_failure == OnInitFailure::Replace
            && machine.place.target().is_some()
            && claims
                .filter(|claim| state.unread & (1 << claim) == 0)
                .any(|claim| machine.has_failed(claim))
    }

    /// Whether it is left in a target for a look, although its agent never took the command up; or left free.
    fn is_kept(&self, state: &State, machine: &Machine) -> bool {
        let undelivered = |command: &Command| {
            [CommandStatus::NotDelivered, CommandStatus::Failed].contains(&command.status)
        };
        // After a month nobody remembers the command.
        let sent = machine.commands.iter().any(undelivered) || state.clock == Clock::Ancient;
        let failed = state.heard.iter().any(|heard| heard.failed);
        self.config.on_init_failure == OnInitFailure::Keep
            && ((sent
                && (failed || state.unread != 0)
                && machine.place.target().is_some()
                && (!machine.agent.is_alive() || machine.marker.is_none()))
                || is_kept_free(machine, state.clock, &self.config))
    }
}

/// Whether its claim failed with it before it was attached, and keeps it.
pub(crate) fn is_kept_free(machine: &Machine, clock: Clock, config: &Configuration) -> bool {
    let mut claims = 0..config.claims;
    config.on_init_failure == OnInitFailure::Keep
        && config.attaches_late()
        && machine.place == Place::Free
        && (clock == Clock::Ancient || claims.any(|claim| machine.has_failed(claim)))
}

/// Whether nothing is left to do for an instance. Where a dead letter was left to expire, a person
/// chose to leave things as they were.
fn is_at_rest(machine: &Machine, left: bool, config: &Configuration) -> bool {
    let place = match machine.place {
        Place::Unborn | Place::Gone => true,
        Place::Pool => machine.agent == Agent::Online && (left || !machine.is_sent()),
        Place::Target(_) | Place::Parked(_) => left || machine.runs.iter().any(|runs| *runs > 0),
        Place::Free => {
            let ran = machine.runs.iter().any(|runs| *runs > 0);
            machine.tenants || (left && (ran || config.attaches_late()))
        }
        Place::LeavingPool | Place::LeavingTarget(_) | Place::Retirement => false,
    };
    is_still(machine, config) && place
}

/// Whether nothing runs or moves there by itself.
fn is_still(machine: &Machine, config: &Configuration) -> bool {
    let moving = matches!(machine.place, Place::LeavingPool | Place::LeavingTarget(_));
    machine.late.is_none() && !moving && !machine.is_busy(config)
}
