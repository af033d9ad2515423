//! How a claim ends: mirrors `functions/init-instance/src/report.rs`.

use super::Turn;
use crate::ask;
use crate::configuration::Rule;
use crate::progress::{Ending, Look, Told, Worker};
use crate::state::{Clock, InitMessage, Line, Place};
use crate::step::Answer;
use init_instance::decide::{Look as Found, Report};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::Standing;

impl Turn<'_, '_> {
    /// `report.rs`, `look_again`: the entry, then `look`.
    pub(super) fn look_entry(&mut self, told: Told) -> Worker {
        let InitMessage::LookAgain { claim, attempt } = self.message else {
            unreachable!("only looks look");
        };
        let (instance, expired) = (self.instance(), self.expired());
        let entry = self.entry();
        let first = self.world.state.repeated & (1 << self.group) == 0;
        let policy = if self.world.config.lacks(Rule::KeepAgain) {
            OnInitFailure::Retire
        } else {
            self.policy()
        };
        let moved_on = entry.is_some_and(|line| line.instance != instance);
        let message = (claim, attempt, instance);
        match ask::look(message, told, entry, expired, first, policy) {
            Found::Leave => {
                if entry.is_none() && self.world.state.clock >= Clock::LongAfter {
                    self.world.left_unread(claim);
                }
                Worker::Acknowledge
            }
            Found::Settled { .. } if self.world.config.lacks(Rule::TellAgain) => {
                Worker::Acknowledge
            }
            Found::Settled { standing, retire } => Worker::PublishEnd { standing, retire },
            Found::Report(command) if !command.status.is_final() => Worker::Acknowledge,
            Found::Report(_) if self.world.config.lacks(Rule::LookAtReplaced) && moved_on => {
                Worker::Acknowledge
            }
            Found::Report(command) => Worker::Settle {
                status: command.status,
                look: Look::First,
            },
            Found::GiveUp(giving_up) => self.give_up(giving_up),
        }
    }

    /// `report.rs`, `find_target`: by the entry, or by where the instance is.
    fn finds_target(&self, entry: Option<Line>) -> bool {
        let target = self.world.target_of(self.claim());
        let there = match self.seen() {
            Place::Target(place) | Place::LeavingTarget(place) => place == target,
            _ => false,
        };
        let looks = matches!(self.message, InitMessage::LookAgain { .. });
        entry.is_some() || there || looks
    }

    /// `report.rs`, `settle`: one look.
    pub(super) fn settle(&mut self, status: CommandStatus, look: Look) -> Worker {
        let entry = self.entry();
        let instance = self.this_instance();
        let place = self.seen();
        let target = self.world.target_of(self.claim());
        let found = self.finds_target(entry);
        // `report.rs`, `command_finished`: a very late event of a claim that is over.
        let very_late = self.world.state.clock >= Clock::LongAfter;
        if !found && very_late && matches!(self.message, InitMessage::Finished { .. }) {
            self.world.left_unread(self.claim());
            return Worker::Acknowledge;
        }
        // `report.rs`, `command_finished`: then the script says which target it is.
        let failed = status.is_final() && status != CommandStatus::Succeeded;
        let found = found || (failed && self.policy() == OnInitFailure::Replace);
        let (seen, now) = ((place, target), (self.clock(), self.policy()));
        match ask::report(status, entry, found, instance, seen, look, now) {
            Report::Replace { entered: true, .. }
                if self.world.config.lacks(Rule::ReplaceAgain) =>
            {
                Worker::Acknowledge
            }
            Report::Replace {
                attempt,
                entered: true,
                ..
            } => Worker::RetireLook {
                then: Some(attempt),
            },
            Report::Replace { attempt, .. } => Worker::MoveOn { attempt },
            Report::Retire => Self::then_retire(true),
            Report::NotYet if look == Look::First && status.is_final() => Worker::Settle {
                status,
                look: Look::Last,
            },
            // `delivery.rs`: `Later`; or, within the invocation, the same look again.
            Report::NotYet => self.comes_again(),
            Report::Leave => Worker::Acknowledge,
            Report::Ready => {
                let known = entry.is_some_and(|line| line.standing == Standing::Ready);
                let there = place == Place::Target(target);
                let machine = &self.world.state.machines[self.group];
                let initialised = machine.runs[usize::from(self.claim())] > 0;
                let wrong = !(there && initialised);
                self.world.state.broken.ready_elsewhere |= !known && wrong;
                self.end(entry, found, Standing::Ready)
            }
            Report::Failed(reason) => self.end(entry, found, Standing::Failed(reason)),
        }
    }

    /// `report.rs`, `tell_end`: the entry only where it says something else.
    fn end(&mut self, entry: Option<Line>, found: bool, standing: Standing) -> Worker {
        let settled = self.settled(entry, standing);
        if found && entry != Some(settled) {
            let attempt = settled.attempt;
            Worker::WriteEnd { standing, attempt }
        } else {
            let retire = found && self.retires(standing);
            Worker::PublishEnd { standing, retire }
        }
    }

    /// `report.rs`, `settle`: whether an instance is retired after its claim's end was told.
    fn retires(&self, standing: Standing) -> bool {
        match standing {
            Standing::Failed(reason) => !self.policy().keeps(reason),
            Standing::Ready | Standing::Assigned => false,
        }
    }

    fn settled(&self, entry: Option<Line>, standing: Standing) -> Line {
        Line {
            instance: self.instance(),
            attempt: entry.map_or(1, |line| line.attempt),
            standing,
            instead_of: None,
        }
    }

    pub(super) fn write_end(&mut self, standing: Standing, attempt: u8) -> Worker {
        if self.answer != Answer::LostNever {
            let line = Line {
                instance: self.instance(),
                attempt,
                standing,
                instead_of: None,
            };
            self.world.write_line(self.claim(), Some(line), self.by());
        }
        if self.answer == Answer::Ok {
            let retire = self.retires(standing);
            Worker::PublishEnd { standing, retire }
        } else {
            self.comes_again()
        }
    }

    pub(super) fn publish_end(&mut self, standing: Standing, retire: bool) -> Worker {
        let ending = match standing {
            Standing::Failed(reason) => Ending::Failed(reason),
            Standing::Ready | Standing::Assigned => Ending::Ready,
        };
        if self.answer != Answer::LostNever {
            self.world.publish(self.claim(), ending);
        }
        if self.answer != Answer::Ok {
            return self.comes_again();
        }
        Self::then_retire(retire)
    }
}
