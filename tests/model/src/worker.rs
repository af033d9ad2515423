//! init-instance, call by call: mirrors `functions/init-instance/src/{delivery,hand_over,give_up,
//! report}.rs` and `shared/aws/src/retirement.rs`.
//!
//! What it decides comes from `init_instance::decide` and `ready_pool_core::retirement`; what is
//! restated here is the order of calls.

mod ending;

use crate::ask::{self, TellAnswer};
use crate::aws::{AttachAnswer, Into, World};
use crate::configuration::Rule;
use crate::progress::{Ending, Look, Removing, Told, Way, Worker};
use crate::state::{Agent, Clock, INSTANCES, InitMessage, Line, Place, State};
use crate::step::Answer;
use init_instance::decide::{AfterTelling, Attached, Beginning, GivingUp, goes_on};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::Standing;
use ready_pool_core::outcome::Reason;
use ready_pool_core::retirement::Step;

/// Whether this group's worker can take a step.
pub(crate) fn can_step(state: &State, group: usize) -> bool {
    !state.init[group].is_empty()
}

pub(crate) fn is_busy(worker: Worker) -> bool {
    worker != Worker::Idle
}

/// How the next call can be answered.
pub(crate) fn answers(state: &State, group: usize) -> Vec<Answer> {
    let agent = state.machines.get(group).map(|machine| machine.agent);
    match state.workers[group] {
        Worker::Idle
        | Worker::BeginEntry(_)
        | Worker::LookEntry(_)
        | Worker::Settle {
            look: Look::Last, ..
        } => vec![Answer::Ok, Answer::Stale],
        Worker::Settle {
            look: Look::First, ..
        } => vec![Answer::Ok, Answer::Stale, Answer::StalePlace],
        Worker::Attach => vec![Answer::Ok, Answer::LostDone, Answer::TargetRefuses],
        Worker::Tell => {
            let mut answers = vec![Answer::LostDone, Answer::LostNever, Answer::LostLate];
            answers.push(match agent {
                Some(Agent::Dead) => Answer::AgentKnownDead,
                _ => Answer::Ok,
            });
            answers
        }
        Worker::WriteWay { .. }
        | Worker::GoOn { .. }
        | Worker::MoveOn { .. }
        | Worker::Ask { .. }
        | Worker::WriteEnd { .. }
        | Worker::PublishEnd { .. } => vec![Answer::Ok, Answer::LostDone, Answer::LostNever],
        Worker::LookFirst => vec![Answer::Ok],
        Worker::RetireLook { .. } => vec![Answer::Ok, Answer::StalePlace],
        Worker::RetireDo { .. } => vec![Answer::Ok, Answer::LostDone],
        Worker::Acknowledge => vec![Answer::Ok, Answer::Repeats],
    }
}

/// One call.
pub(crate) fn step(world: &mut World<'_>, group: usize, answer: Answer) {
    let message = world.state.init[group][0];
    let worker = world.state.workers[group];
    let mut turn = Turn {
        world,
        group,
        message,
        answer,
    };
    let next = turn.step(worker);
    turn.world.state.workers[group] = next;
}

struct Turn<'a, 'b> {
    world: &'a mut World<'b>,
    group: usize,
    message: InitMessage,
    answer: Answer,
}

/// The deadline passed on the way: `hand_over.rs`, `TOO_LATE`.
const TOO_LATE: GivingUp = GivingUp {
    reason: Reason::Expired,
    another: false,
    retire: true,
};

impl Turn<'_, '_> {
    fn step(&mut self, worker: Worker) -> Worker {
        match worker {
            Worker::Idle => self.begin(),
            Worker::BeginEntry(told) => self.begin_entry(told),
            Worker::Attach => self.attach(),
            Worker::Tell => self.tell(),
            Worker::LookFirst => self.look_first(),
            Worker::WriteWay { way, retire } => self.write_way(way, retire),
            Worker::GoOn { way, retire } => self.go_on(way, retire),
            Worker::RetireLook { then } => self.retire_look(then),
            Worker::RetireDo { call, then } => self.retire_do(call, then),
            Worker::MoveOn { attempt } => self.move_on(attempt),
            Worker::Ask { attempt } => self.ask(attempt),
            Worker::LookEntry(told) => self.look_entry(told),
            Worker::Settle { status, look } => self.settle(status, look),
            Worker::WriteEnd { standing, attempt } => self.write_end(standing, attempt),
            Worker::PublishEnd { standing, retire } => self.publish_end(standing, retire),
            Worker::Acknowledge => self.acknowledge(),
        }
    }

    fn instance(&self) -> Option<u8> {
        (self.group < INSTANCES).then(|| u8::try_from(self.group).unwrap())
    }

    /// The instance that a hand-over and a command are always about.
    fn this_instance(&self) -> u8 {
        self.instance().unwrap()
    }

    fn claim(&self) -> u8 {
        self.message.claim()
    }

    fn by(&self) -> u8 {
        u8::try_from(self.group).unwrap() + 1
    }

    fn policy(&self) -> OnInitFailure {
        self.world.config.on_init_failure
    }

    fn stale(&self) -> bool {
        self.answer == Answer::Stale
    }

    /// Where a read shows the instance.
    fn seen(&self) -> Place {
        self.world.state.machines[self.group].seen(self.answer == Answer::StalePlace)
    }

    fn entry(&self) -> Option<Line> {
        self.world.read_line(self.claim(), self.stale())
    }

    fn told(&self, stale: bool) -> Told {
        let Some(instance) = self.instance() else {
            return Told::Nothing;
        };
        let machine = &self.world.state.machines[usize::from(instance)];
        let shared = self.world.config.shared_target;
        ask::told(machine.visible(stale), self.claim(), shared)
    }

    /// The deadline as the handlers see it.
    fn expired(&self) -> bool {
        self.world.expired() && !self.world.config.lacks(Rule::DeadlineFirst)
    }

    fn clock(&self) -> Clock {
        if self.expired() {
            self.world.state.clock
        } else {
            Clock::Open
        }
    }

    /// The message comes again (`delivery.rs`: after 15 s when something failed), and reads have
    /// caught up with what was written here.
    fn comes_again(&mut self) -> Worker {
        self.world.state.repeated |= 1 << self.group;
        self.world.settles(self.by());
        if let Some(instance) = self.instance() {
            self.world.machine(instance).hidden = false;
        }
        Worker::Idle
    }

    /// The first read of a message.
    fn begin(&mut self) -> Worker {
        match self.message {
            InitMessage::HandOver { .. } => {
                let told = if self.world.config.lacks(Rule::HistoryFirst) {
                    Told::Nothing
                } else {
                    self.told(self.stale())
                };
                Worker::BeginEntry(told)
            }
            InitMessage::LookAgain { .. } => Worker::LookEntry(self.told(self.stale())),
            // `report.rs`, `command_finished`: the command's status.
            InitMessage::Finished { claim } => {
                let machine = &self.world.state.machines[self.group];
                let command = machine
                    .visible(self.stale())
                    .into_iter()
                    .rfind(|command| command.claim == claim);
                match command {
                    None => Worker::Idle,
                    Some(command) => Worker::Settle {
                        status: command.status,
                        look: Look::First,
                    },
                }
            }
        }
    }

    /// `hand_over.rs`, `hand_over`: the entry, then `begin`.
    fn begin_entry(&mut self, told: Told) -> Worker {
        let InitMessage::HandOver { claim, attempt } = self.message else {
            unreachable!("only hand-overs begin");
        };
        let message = (claim, attempt, self.this_instance());
        let shared = self.world.config.shared_target;
        let lacks_closing = self.world.config.lacks(Rule::CloseAgain);
        let policy = self.policy();
        match ask::begin(message, told, self.entry(), self.clock(), shared, policy) {
            _ if lacks_closing && matches!(told, Told::This(_)) => Worker::Acknowledge,
            Beginning::ToldBefore | Beginning::Leave => Worker::Acknowledge,
            Beginning::Attach => Worker::Attach,
            Beginning::Abandon => Self::then_retire(true),
            Beginning::GivenUpBefore { way, retire } => {
                let way = ask::way(way);
                Worker::GoOn { way, retire }
            }
            Beginning::GiveUp(giving_up) => self.give_up(giving_up),
        }
    }

    /// `hand_over.rs`, `attach`: one try.
    fn attach(&mut self) -> Worker {
        if self.expired() {
            return self.give_up(TOO_LATE);
        }
        let target = self.world.target_of(self.claim());
        let instance = self.this_instance();
        let answer = match self.answer {
            Answer::TargetRefuses if self.world.state.machines[self.group].place == Place::Free => {
                AttachAnswer::TargetRefused
            }
            Answer::LostDone => {
                self.world.attach(Into::Target(target), instance);
                AttachAnswer::Unknown
            }
            _ => self.world.attach(Into::Target(target), instance),
        };
        match ask::after_attach(answer, target) {
            Attached::Tell => Worker::Tell,
            Attached::TryAgain => Worker::Attach,
            Attached::GiveUp(giving_up) => self.give_up(giving_up),
        }
    }

    /// `hand_over.rs`, `tell`: one try.
    fn tell(&mut self) -> Worker {
        if self.expired() {
            return self.give_up(TOO_LATE);
        }
        let (instance, claim) = (self.this_instance(), self.claim());
        let late = self.world.expired();
        self.world.state.broken.too_late |= late;
        let gone = self.world.state.machines[self.group].place == Place::Gone;
        let answer = match self.answer {
            Answer::AgentKnownDead => TellAnswer::InvalidInstance,
            Answer::Ok if gone => TellAnswer::InvalidInstance,
            Answer::Ok => {
                self.world.tell(instance, claim);
                TellAnswer::Done
            }
            Answer::LostDone if !gone => {
                self.world.tell(instance, claim);
                TellAnswer::Unknown
            }
            Answer::LostLate if !gone => {
                self.world.machine(instance).late = Some(claim);
                TellAnswer::Unknown
            }
            _ => TellAnswer::Unknown,
        };
        match ask::after_telling(answer) {
            AfterTelling::Done => Worker::Acknowledge,
            AfterTelling::TryAgain => Worker::Tell,
            AfterTelling::LookFirst => Worker::LookFirst,
            AfterTelling::GiveUp(giving_up) => self.give_up(giving_up),
        }
    }

    /// `hand_over.rs`, `tell`: fifteen seconds later the history is believed.
    fn look_first(&mut self) -> Worker {
        self.world.machine(self.this_instance()).hidden = false;
        match self.told(false) {
            Told::This(_) => Worker::Acknowledge,
            Told::Nothing | Told::Other => Worker::Tell,
        }
    }

    /// `give_up.rs`, `give_up`.
    fn give_up(&mut self, giving_up: GivingUp) -> Worker {
        let (attempt, whole) = match self.message {
            InitMessage::HandOver { attempt, .. } => (attempt, true),
            InitMessage::LookAgain { attempt, .. } => (attempt, false),
            InitMessage::Finished { .. } => unreachable!("a finished command is reported on"),
        };
        let another = giving_up.another && whole;
        let giving_up = GivingUp {
            another,
            ..giving_up
        };
        let way = ask::way(goes_on(giving_up, attempt, self.expired()));
        let retire = giving_up.retire && self.instance().is_some();
        if self.world.config.lacks(Rule::MoveOnFirst) {
            Worker::GoOn { way, retire }
        } else {
            Worker::WriteWay { way, retire }
        }
    }

    /// `give_up.rs`, `go_on`: the entry says how the claim goes on.
    fn write_way(&mut self, way: Way, retire: bool) -> Worker {
        let attempt = match self.message {
            InitMessage::HandOver { attempt, .. } | InitMessage::LookAgain { attempt, .. } => {
                attempt
            }
            InitMessage::Finished { .. } => unreachable!("a finished command is reported on"),
        };
        let line = match way {
            Way::Another(attempt) => Line {
                instance: None,
                attempt,
                standing: Standing::Assigned,
                instead_of: None,
            },
            Way::Closed(reason) => Line {
                instance: self.instance(),
                attempt,
                standing: Standing::Failed(reason),
                instead_of: None,
            },
        };
        if self.answer != Answer::LostNever {
            self.world.write_line(self.claim(), Some(line), self.by());
        }
        if self.answer != Answer::Ok {
            return self.comes_again();
        }
        if self.world.config.lacks(Rule::MoveOnFirst) {
            Self::then_retire(retire)
        } else {
            Worker::GoOn { way, retire }
        }
    }

    /// `give_up.rs`, `go_on_again`: ask for another instance, or tell the sender.
    fn go_on(&mut self, way: Way, retire: bool) -> Worker {
        let whole = matches!(self.message, InitMessage::HandOver { .. });
        if self.answer != Answer::LostNever {
            match way {
                Way::Another(attempt) if whole => self.world.send_retry(self.claim(), attempt),
                Way::Another(_) => {}
                Way::Closed(reason) => self.world.publish(self.claim(), Ending::Failed(reason)),
            }
        }
        if self.answer != Answer::Ok {
            return self.comes_again();
        }
        let moved_on = self.world.state.ledger[usize::from(self.claim())]
            .now
            .is_some_and(|line| line.instance != self.instance() || ask::is_settled(line));
        if self.world.config.lacks(Rule::MoveOnFirst) && !moved_on {
            return Worker::WriteWay { way, retire };
        }
        Self::then_retire(retire)
    }

    fn then_retire(retire: bool) -> Worker {
        if retire {
            Worker::RetireLook { then: None }
        } else {
            Worker::Acknowledge
        }
    }

    /// `retirement.rs`, `retire`: where is it?
    fn retire_look(&mut self, then: Option<u8>) -> Worker {
        let place = self.seen();
        let from = self.world.target_of(self.claim());
        let doing = |call| Worker::RetireDo { call, then };
        if self.world.config.lacks(Rule::RetireByGroup) {
            return doing(Removing::Terminate);
        }
        match ask::step(place, from) {
            Step::Done => Self::then_ask(then),
            Step::Wait => Worker::RetireLook { then },
            Step::Detach => doing(Removing::Detach),
            Step::Attach => doing(Removing::Attach),
            Step::Terminate => doing(Removing::Terminate),
        }
    }

    /// `replace.rs`, `replace`: what comes after the retirement.
    fn then_ask(then: Option<u8>) -> Worker {
        then.map_or(Worker::Acknowledge, |attempt| Worker::Ask { attempt })
    }

    /// `replace.rs`, `move_on`: the entry says with which attempt the claim goes on.
    fn move_on(&mut self, attempt: u8) -> Worker {
        let line = Line {
            instance: None,
            attempt,
            standing: Standing::Assigned,
            instead_of: self.instance(),
        };
        if self.answer != Answer::LostNever {
            self.world.write_line(self.claim(), Some(line), self.by());
        }
        if self.answer == Answer::Ok {
            Worker::RetireLook {
                then: Some(attempt),
            }
        } else {
            self.comes_again()
        }
    }

    /// `replace.rs`, `replace`: asking for another instance.
    fn ask(&mut self, attempt: u8) -> Worker {
        if self.answer != Answer::LostNever {
            self.world.send_retry(self.claim(), attempt);
        }
        if self.answer == Answer::Ok {
            Worker::Acknowledge
        } else {
            self.comes_again()
        }
    }

    /// `retirement.rs`, `retire`: the step.
    fn retire_do(&mut self, call: Removing, then: Option<u8>) -> Worker {
        let instance = self.this_instance();
        match call {
            Removing::Detach => {
                let target = self.world.target_of(self.claim());
                self.world.detach_from_target(target, instance);
                Worker::RetireLook { then }
            }
            Removing::Attach => match self.world.attach(Into::Retirement, instance) {
                AttachAnswer::Gone => Self::then_ask(then),
                _ if self.answer == Answer::LostDone => self.comes_again(),
                _ => Worker::RetireLook { then },
            },
            Removing::Terminate => {
                self.world.terminate(instance);
                Self::then_ask(then)
            }
        }
    }

    /// SQS deletes the message.
    fn acknowledge(&mut self) -> Worker {
        let next = self.comes_again();
        if self.answer == Answer::Ok {
            self.world.leaves_init(self.group);
        }
        next
    }
}
