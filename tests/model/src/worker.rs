//! init-instance, call by call: mirrors `functions/init-instance/src/{hand_over,look_again,
//! command_finished,attach_late}.rs` and `shared/aws/src/retirement.rs`.
//!
//! What it decides comes from `init_instance::decide` and `ready_pool_core::retirement`. How its work
//! ends, and in which order, is no copy: the function's own `Conclusion` is executed step by step
//! ([`concluding`]). Restated here is the order of the calls before that.

mod concluding;
mod late;

use crate::ask::{self, AfterAttach, AfterSend, BeforeSend, SendAnswer};
use crate::aws::{AttachAnswer, Into, World};
use crate::configuration::Rule;
use crate::progress::{InitCommand, Look, Removing, Steps, Worker};
use crate::state::{Agent, Clock, INSTANCES, InitMessage, Line, Place, State};
use crate::step::Answer;
use init_instance::decide::KnownAttach;
use ready_pool_core::init_failure::OnInitFailure;
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
        Worker::LookEntry(_)
        | Worker::Settle {
            look: Look::First, ..
        }
        | Worker::Elsewhere {
            look: Look::First, ..
        } => vec![Answer::Ok, Answer::Stale, Answer::StalePlace],
        Worker::Idle
        | Worker::Activities(..)
        | Worker::BeginEntry(_)
        | Worker::Settle {
            look: Look::Last, ..
        }
        | Worker::Elsewhere {
            look: Look::Last, ..
        } => vec![Answer::Ok, Answer::Stale],
        Worker::Attach | Worker::AttachLate(_) => {
            vec![Answer::Ok, Answer::LostDone, Answer::TargetRefuses]
        }
        Worker::Send => {
            let mut answers = vec![
                Answer::LostDone,
                Answer::LostNever,
                Answer::LostLate,
                Answer::MachineRefused,
                Answer::CommandRefused,
            ];
            answers.push(match agent {
                Some(Agent::Dead) => Answer::AgentKnownDead,
                _ => Answer::Ok,
            });
            answers
        }
        Worker::Conclude(_) => vec![Answer::Ok, Answer::LostDone, Answer::LostNever],
        Worker::LookFirst | Worker::Search { .. } => vec![Answer::Ok],
        Worker::Where | Worker::OutOfPool(_) | Worker::RetireLook { .. } => {
            vec![Answer::Ok, Answer::StalePlace]
        }
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

impl Turn<'_, '_> {
    fn step(&mut self, worker: Worker) -> Worker {
        match worker {
            Worker::Idle => self.begin(),
            Worker::BeginEntry(command) => self.begin_entry(command),
            Worker::Where => self.place_before_send(),
            Worker::Attach => self.attach(),
            Worker::Send => self.send(),
            Worker::LookFirst => self.look_first(),
            Worker::LookEntry(command) => self.look_entry(command),
            Worker::Settle {
                status,
                look,
                attach,
            } => self.settle(status, look, attach),
            Worker::Activities(attempt, look) => self.activities(attempt, look),
            Worker::AttachLate(attempt) => self.attach_late(attempt),
            Worker::OutOfPool(attempt) => {
                self.out_of_pool();
                Worker::AttachLate(attempt)
            }
            Worker::Search { end, retired } => self.search(end, retired),
            Worker::Elsewhere {
                other,
                status,
                look,
            } => self.settle_elsewhere(other, status, look),
            Worker::Conclude(rest) => self.conclude(rest),
            Worker::RetireLook { then } => self.retire_look(then),
            Worker::RetireDo { call, then } => self.retire_do(call, then),
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

    fn init_command(&self, stale: bool) -> InitCommand {
        let Some(instance) = self.instance() else {
            return InitCommand::NotSent;
        };
        let machine = &self.world.state.machines[usize::from(instance)];
        let shared = self.world.config.shared_target;
        ask::init_command(machine.visible(stale), self.claim(), shared)
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

    /// The message comes again (`handler.rs`: after 15 s when something failed), and reads have
    /// caught up with what was written here.
    fn comes_again(&mut self) -> Worker {
        self.world.is_delivered(self.group);
        self.world.settles(self.by());
        if let Some(instance) = self.instance() {
            self.world.machine(instance).hidden = false;
            self.world.machine(instance).log_hidden = false;
        }
        Worker::Idle
    }

    /// The first read of a message.
    fn begin(&mut self) -> Worker {
        match self.message {
            InitMessage::HandOver { fresh, .. } => {
                let unread = self.world.config.lacks(Rule::HistoryFirst)
                    || (fresh && self.world.config.lacks(Rule::FreshHistory));
                let command = if unread {
                    InitCommand::NotSent
                } else {
                    self.init_command(self.stale())
                };
                if ask::is_fresh(fresh) {
                    self.begin_with(command, None)
                } else {
                    Worker::BeginEntry(command)
                }
            }
            InitMessage::LookAgain { .. } => Worker::LookEntry(self.init_command(self.stale())),
            // `command_finished.rs`: the command's status.
            InitMessage::Finished { claim, .. } => {
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
                        attach: KnownAttach::Unasked,
                    },
                }
            }
        }
    }

    /// The hand-over: claim, attempt, instance.
    fn handed_over(&self) -> (u8, u8, u8) {
        let InitMessage::HandOver { claim, attempt, .. } = self.message else {
            unreachable!("only hand-overs attach and send");
        };
        (claim, attempt, self.this_instance())
    }

    /// `hand_over.rs`, `begin`: the entry, then the decision.
    fn begin_entry(&mut self, command: InitCommand) -> Worker {
        self.begin_with(command, self.entry())
    }

    /// A fresh hand-over's entry is not read where its instance is attached first.
    fn begin_with(&mut self, command: InitCommand, entry: Option<Line>) -> Worker {
        let message = self.handed_over();
        let shared = self.world.config.shared_target;
        let (clock, wish) = (self.clock(), self.world.config.wish());
        let sent = matches!(command, InitCommand::Sent(_));
        if sent && self.world.config.lacks(Rule::CloseAgain) {
            return Worker::Acknowledge;
        }
        ask::begin(message, command, entry, clock, shared, wish)
            .map_or(self.first_call(), |concluded| Self::goes_on(concluded.rest))
    }

    /// What a hand-over begins with, where nothing was done before.
    fn first_call(&self) -> Worker {
        if self.world.config.attaches_late() {
            Worker::Where
        } else {
            Worker::Attach
        }
    }

    /// `hand_over.rs`, `attach`: one try.
    fn attach(&mut self) -> Worker {
        let (message, clock) = (self.handed_over(), self.clock());
        if let Some(concluded) = ask::too_late(message, clock) {
            return Self::goes_on(concluded.rest);
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
        let shared = self.world.config.shared_target;
        match ask::after_attach(answer, message, clock, shared) {
            AfterAttach::Send => Worker::Send,
            AfterAttach::TryAgain => Worker::Attach,
            AfterAttach::Conclude(concluded) => Self::goes_on(concluded.rest),
        }
    }

    /// `hand_over.rs`, `may_send`: where is it?
    fn place_before_send(&mut self) -> Worker {
        let (message, clock) = (self.handed_over(), self.clock());
        if let Some(concluded) = ask::too_late(message, clock) {
            return Self::goes_on(concluded.rest);
        }
        let InitMessage::HandOver { proven, .. } = self.message else {
            unreachable!("only hand-overs send");
        };
        let proven = proven || self.world.config.lacks(Rule::OwnDetach);
        let shared = self.world.config.shared_target;
        let asked = if self.world.config.lacks(Rule::WhereBeforeSend) {
            BeforeSend::Send
        } else {
            ask::before_send(message, proven, self.seen(), clock, shared)
        };
        match asked {
            BeforeSend::Send => {
                let machine = &self.world.state.machines[self.group];
                let elsewhere = match machine.place {
                    Place::Pool => true,
                    Place::LeavingPool => !machine.ours,
                    _ => false,
                };
                self.world.state.broken.sent_in_pool |= elsewhere && self.answer == Answer::Ok;
                Worker::Send
            }
            BeforeSend::Wait => self.comes_again(),
            BeforeSend::Conclude(concluded) => Self::goes_on(concluded.rest),
        }
    }

    /// Before another try it is asked again where the instance is.
    fn send_again(&self) -> Worker {
        if self.world.config.attaches_late() {
            Worker::Where
        } else {
            Worker::Send
        }
    }

    /// `hand_over.rs`, `send`: one try.
    fn send(&mut self) -> Worker {
        let (message, clock) = (self.handed_over(), self.clock());
        if let Some(concluded) = ask::too_late(message, clock) {
            return Self::goes_on(concluded.rest);
        }
        let (instance, claim) = (self.this_instance(), self.claim());
        let late = self.world.expired();
        self.world.state.broken.too_late |= late;
        let gone = self.world.state.machines[self.group].place == Place::Gone;
        let answer = match self.answer {
            Answer::AgentKnownDead => SendAnswer::InvalidInstance,
            Answer::MachineRefused => SendAnswer::DeniedOnInstance,
            Answer::CommandRefused => SendAnswer::CommandRefused,
            Answer::Ok if gone => SendAnswer::InvalidInstance,
            Answer::Ok => {
                self.world.send_command(instance, claim);
                SendAnswer::Done
            }
            Answer::LostDone if !gone => {
                self.world.send_command(instance, claim);
                SendAnswer::Unknown
            }
            Answer::LostLate if !gone => {
                self.world.machine(instance).late = Some(claim);
                SendAnswer::Unknown
            }
            _ => SendAnswer::Unknown,
        };
        match ask::after_send(answer, message, clock) {
            AfterSend::Sent => Worker::Acknowledge,
            AfterSend::TryAgain => self.send_again(),
            AfterSend::LookFirst => Worker::LookFirst,
            AfterSend::Conclude(concluded) => Self::goes_on(concluded.rest),
        }
    }

    /// `hand_over.rs`, `send`: fifteen seconds later the history is believed.
    fn look_first(&mut self) -> Worker {
        self.world.machine(self.this_instance()).hidden = false;
        match self.init_command(false) {
            InitCommand::Sent(_) => Worker::Acknowledge,
            InitCommand::NotSent | InitCommand::SentForAnother => self.send_again(),
        }
    }

    /// `retirement.rs`, `retire`: where is it?
    fn retire_look(&mut self, then: Steps) -> Worker {
        let place = self.seen();
        let from = self.world.target_of(self.claim());
        let doing = |call| Worker::RetireDo { call, then };
        if self.world.config.lacks(Rule::RetireByGroup) {
            return doing(Removing::Terminate);
        }
        let late = self.world.config.attaches_late();
        let sent = !self.world.state.machines[self.group].commands.is_empty();
        match ask::step(place, from, late && sent) {
            Step::Done => Self::then(then),
            Step::Wait => Worker::RetireLook { then },
            Step::Detach | Step::DetachFromStandby => doing(Removing::Detach),
            Step::DetachFromPool if self.world.config.lacks(Rule::DetachAgain) => Self::then(then),
            Step::DetachFromPool => doing(Removing::DetachFromPool),
            Step::Attach => doing(Removing::Attach),
            Step::Terminate => doing(Removing::Terminate),
        }
    }

    /// `retirement.rs`, `retire`: the step.
    fn retire_do(&mut self, call: Removing, then: Steps) -> Worker {
        let instance = self.this_instance();
        match call {
            Removing::Detach => {
                let target = self.world.target_of(self.claim());
                self.world.detach_from_target(target, instance);
                Worker::RetireLook { then }
            }
            Removing::DetachFromPool => {
                self.world.detach_from_pool(instance);
                Worker::RetireLook { then }
            }
            Removing::Attach => match self.world.attach(Into::Retirement, instance) {
                AttachAnswer::Gone => Self::then(then),
                AttachAnswer::NoSuchGroup => self.comes_again(),
                _ if self.answer == Answer::LostDone => self.comes_again(),
                _ => Worker::RetireLook { then },
            },
            Removing::Terminate => {
                self.world.terminate(instance);
                Self::then(then)
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
