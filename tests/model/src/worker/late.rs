//! The attach of an instance whose init has succeeded, call by call: mirrors
//! `functions/init-instance/src/attach_late.rs`.

use super::Turn;
use crate::ask::{self, LateAttached, Reported};
use crate::aws::{AttachAnswer, Into};
use crate::configuration::Rule;
use crate::progress::{Look, Worker};
use crate::state::{Clock, InitMessage, Line, Place};
use crate::step::Answer;
use init_instance::decide::{KnownAttach, Occasion};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::ledger::Standing;

impl Turn<'_, '_> {
    pub(super) fn occasion(&self) -> Occasion {
        match self.message {
            InitMessage::LookAgain { .. } => Occasion::Look,
            InitMessage::HandOver { .. } => Occasion::Event,
            InitMessage::Finished { fresh, .. } => ask::occasion_of_event(fresh),
        }
    }

    /// The entry that the instance is attached under.
    fn open_line(&self, attempt: u8) -> Line {
        Line {
            instance: self.instance(),
            attempt,
            standing: Standing::Assigned,
            instead_of: None,
        }
    }

    /// The clock as it is for an attach; without its rule that never ends.
    fn attach_clock(&self) -> Clock {
        if self.world.config.lacks(Rule::AttachEnds) {
            self.clock().min(Clock::HoursAfter)
        } else {
            self.clock()
        }
    }

    /// `known_attach`: the target's activities, which may lag; then the report goes on from what was read before.
    pub(super) fn activities(&mut self, attempt: u8, look: Look) -> Worker {
        let machine = &self.world.state.machines[self.group];
        let hidden = machine.log_hidden && self.stale();
        let seen = machine.logged && !hidden && !self.world.config.lacks(Rule::AskActivities);
        let attach = if seen {
            KnownAttach::Seen
        } else {
            KnownAttach::Never
        };
        let line = self.open_line(attempt);
        let target = self.world.target_of(self.claim());
        let looked = (self.occasion(), look, attach);
        let now = (self.attach_clock(), self.world.config.wish());
        let status = CommandStatus::Succeeded;
        let place = (Place::Free, target);
        let instance = self.this_instance();
        match ask::report(
            (status, false),
            Some(line),
            true,
            instance,
            place,
            looked,
            now,
        ) {
            Reported::Attach => Worker::AttachLate(attempt),
            Reported::NotYet if look == Look::First => Worker::Settle {
                status,
                look: Look::Last,
                attach,
            },
            Reported::Conclude(concluded) => {
                let is = self.world.state.machines[self.group].place.target();
                let lost = concluded.finding == init_instance::decide::Finding::Lost;
                self.world.state.broken.not_lost |= lost && is == Some(target);
                Self::goes_on(concluded.rest)
            }
            other => unreachable!("{other:?} after the activities were asked"),
        }
    }

    /// `attach_late`: one try.
    pub(super) fn attach_late(&mut self, attempt: u8) -> Worker {
        let target = self.world.target_of(self.claim());
        let instance = self.this_instance();
        let free = self.world.state.machines[self.group].place == Place::Free;
        let answer = match self.answer {
            Answer::TargetRefuses if free => AttachAnswer::TargetRefused,
            Answer::LostDone => {
                self.world.attach(Into::Target(target), instance);
                AttachAnswer::Unknown
            }
            _ => self.world.attach(Into::Target(target), instance),
        };
        let now = (self.clock(), self.world.config.wish());
        let line = self.open_line(attempt);
        match ask::after_late_attach(answer, line, instance, target, now) {
            LateAttached::Look => Worker::Settle {
                status: CommandStatus::Succeeded,
                look: Look::First,
                attach: KnownAttach::Seen,
            },
            LateAttached::InPool => Worker::OutOfPool(attempt),
            LateAttached::ComesAgain => self.comes_again(),
            LateAttached::Conclude(concluded) => Self::goes_on(concluded.rest),
        }
    }

    /// `out_of_pool`: where it is, and out with it.
    pub(super) fn out_of_pool(&mut self) {
        let back = self.seen() == Place::Pool && self.answer != Answer::LostNever;
        if back && !self.world.config.lacks(Rule::DetachAgain) {
            let instance = self.this_instance();
            self.world.detach_from_pool(instance);
        }
    }
}
