//! How work ends: executes the function's own conclusions, as `functions/init-instance/src/conclude.rs`
//! does, with a cut possible before and after each call.

use super::Turn;
use crate::ask::{self, Checked, Concluded, Reported};
use crate::configuration::Rule;
use crate::progress::{Doing, InitCommand, Look, Rest, Steps, Worker};
use crate::state::{Clock, InitMessage, Line, Place};
use crate::step::Answer;
use init_instance::decide::{Finding, KnownAttach, Occasion};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::Standing;

impl Turn<'_, '_> {
    /// Where a conclusion goes on. A retirement is carried out by calls of its own.
    pub(super) fn goes_on(rest: Rest) -> Worker {
        match (rest.entry, rest.steps.split_first()) {
            (None, None) => Worker::Acknowledge,
            (None, Some((Doing::Retire, then))) => Worker::RetireLook { then },
            (None, Some((Doing::SettleWith(other, status), _))) => Worker::Elsewhere {
                other,
                status,
                look: Look::First,
            },
            _ => Worker::Conclude(rest),
        }
    }

    /// The steps that are left.
    pub(super) fn then(steps: Steps) -> Worker {
        Self::goes_on(Rest { entry: None, steps })
    }

    /// The entry, or the first step.
    pub(super) fn conclude(&mut self, rest: Rest) -> Worker {
        let first = rest.steps.split_first();
        let entry_last = self.world.config.lacks(Rule::MoveOnFirst)
            && matches!(first, Some((Doing::Publish(_) | Doing::Retry(_), _)));
        match (rest.entry, first) {
            (Some(entry), _) if !entry_last => {
                if self.answer != Answer::LostNever {
                    self.world.write_line(self.claim(), Some(entry), self.by());
                }
                self.taken(Rest {
                    entry: None,
                    ..rest
                })
            }
            // `conclude.rs`, `take_out`: until it is out.
            (None, Some((Doing::TakeOut, steps))) => {
                self.out_of_pool();
                match self.seen() {
                    Place::Pool | Place::LeavingPool => Worker::Conclude(rest),
                    _ => self.taken(Rest { steps, ..rest }),
                }
            }
            (_, Some((doing, steps))) => {
                if self.answer != Answer::LostNever {
                    self.take(doing);
                }
                self.taken(Rest { steps, ..rest })
            }
            (_, None) => unreachable!("nothing was left to do"),
        }
    }

    fn take(&mut self, doing: Doing) {
        match doing {
            Doing::Publish(ending) => self.world.publish(self.claim(), ending),
            Doing::Retry(attempt) => self.world.send_retry(self.claim(), attempt),
            Doing::Retire | Doing::TakeOut | Doing::SettleWith(..) => {
                unreachable!("these have calls of their own")
            }
        }
    }

    /// A call was made; this is left, if its answer came.
    fn taken(&mut self, rest: Rest) -> Worker {
        if self.answer == Answer::Ok {
            Self::goes_on(rest)
        } else {
            self.comes_again()
        }
    }

    /// `look_again.rs`: the entry, then `check`.
    pub(super) fn look_entry(&mut self, command: InitCommand) -> Worker {
        let InitMessage::LookAgain { claim, attempt } = self.message else {
            unreachable!("only looks look");
        };
        let (instance, clock) = (self.instance(), self.clock());
        let entry = self.entry();
        let repeated = self.world.state.repeated & (1 << self.group) != 0;
        let policy = if self.world.config.lacks(Rule::KeepAgain) {
            OnInitFailure::Retire
        } else {
            self.policy()
        };
        let moved_on = entry.is_some_and(|line| line.instance != instance);
        let message = (claim, attempt, instance);
        let has_instance = instance.is_some() && self.has_instance();
        let delivered = (repeated, has_instance);
        let wish = (policy, self.world.config.attach_when);
        let concluded = match ask::check(message, command, entry, clock, delivered, wish) {
            Checked::CommandEnded(_)
                if self.world.config.lacks(Rule::LookAtReplaced) && moved_on =>
            {
                return Worker::Acknowledge;
            }
            Checked::CommandEnded(status) | Checked::Missing(status) => {
                return Worker::Settle {
                    status,
                    look: Look::First,
                    attach: KnownAttach::Unasked,
                };
            }
            Checked::NeverSent(end, retired) => {
                return Worker::Search {
                    end: end.rest,
                    retired: retired.rest,
                };
            }
            Checked::Conclude(concluded) => concluded,
        };
        match concluded.finding {
            Finding::Nothing if entry.is_none() && self.world.state.clock >= Clock::LongAfter => {
                self.world.left_unread(claim);
            }
            Finding::SettledBefore if self.world.config.lacks(Rule::PublishAgain) => {
                return Worker::Acknowledge;
            }
            _ => {}
        }
        Self::goes_on(concluded.rest)
    }

    /// Whether this read shows the instance as a member of its target that does not leave.
    fn has_instance(&self) -> bool {
        let target = self.world.target_of(self.claim());
        let ignored = self.world.config.lacks(Rule::MembershipOverStatus);
        ignored || self.seen_member().target() == Some(target)
    }

    /// Where a read shows the instance; without its rule a member in standby is on its way out.
    fn seen_member(&self) -> Place {
        match self.seen() {
            Place::Parked(target) if self.world.config.lacks(Rule::StandbyIsMember) => {
                Place::LeavingTarget(target)
            }
            place => place,
        }
    }

    /// `command_finished.rs`, `find_target`: by the entry, or by where the instance is.
    fn finds_target(&self, entry: Option<Line>) -> bool {
        let target = self.world.target_of(self.claim());
        let there = match self.seen() {
            Place::Target(place) | Place::Parked(place) | Place::LeavingTarget(place) => {
                place == target
            }
            _ => false,
        };
        let looks = matches!(self.message, InitMessage::LookAgain { .. });
        entry.is_some() || there || looks
    }

    /// `command_finished.rs`, `is_still_there`: nobody took it out of the world.
    fn is_still_there(&self) -> bool {
        let place = self.world.state.machines[self.group].place;
        matches!(place, Place::Pool | Place::LeavingPool | Place::Free)
    }

    /// `command_finished.rs`, `look`: the status is read again, too.
    fn status_now(&self, status: CommandStatus, look: Look) -> CommandStatus {
        if look == Look::First || status.is_final() {
            return status;
        }
        let commands = self.world.state.machines[self.group].visible(false);
        let command = (commands.into_iter()).rfind(|command| command.claim == self.claim());
        command.map_or(status, |command| command.status)
    }

    /// `look_again.rs`, `serving`: whoever was sent the claim's command.
    pub(super) fn search(&mut self, end: Rest, retired: Rest) -> Worker {
        let claim = self.claim();
        let own = self.group;
        if let InitCommand::Sent(status) = self.init_command(false) {
            return Worker::Settle {
                status,
                look: Look::First,
                attach: KnownAttach::Unasked,
            };
        }
        let others = (0_u8..).zip(&self.world.state.machines);
        let mut serving = others
            .filter(|(instance, _)| usize::from(*instance) != own)
            .filter_map(|(instance, machine)| {
                let mut commands = machine.visible(false).into_iter();
                let command = commands.rfind(|command| command.claim == claim)?;
                ask::serves(command.status).then_some((instance, command.status))
            });
        match serving.next() {
            Some((other, status)) if !self.world.config.lacks(Rule::AskElsewhere) => {
                let retire = retired.steps.split_first().map(|(doing, _)| doing);
                let settle = Some(Doing::SettleWith(other, status));
                let steps: Vec<Doing> = [retire, settle].into_iter().flatten().collect();
                Self::then(Steps::new(&steps))
            }
            _ => Self::goes_on(end),
        }
    }

    /// `command_finished.rs`, `settle`, with an instance that is not this message's.
    pub(super) fn settle_elsewhere(
        &mut self,
        other: u8,
        status: CommandStatus,
        look: Look,
    ) -> Worker {
        // A known limit: its command's event is at work in the same seconds.
        let attaches = self.world.config.attaches_late();
        if attaches && super::is_busy(self.world.state.workers[usize::from(other)]) {
            return self.comes_again();
        }
        let machine = &self.world.state.machines[usize::from(other)];
        let status = if look == Look::First || status.is_final() {
            status
        } else {
            let commands = machine.visible(false);
            let command = (commands.into_iter()).rfind(|command| command.claim == self.claim());
            command.map_or(status, |command| command.status)
        };
        if !ask::serves(status) {
            // It has failed meanwhile. The function says so at once; here the look comes again.
            return self.comes_again();
        }
        let target = self.world.target_of(self.claim());
        let place = machine.seen(self.answer == Answer::StalePlace);
        let (seen, now) = ((place, target), (self.clock(), self.world.config.wish()));
        // Its activities are asked where it matters; nothing is cut in between.
        let attach = if machine.logged {
            KnownAttach::Seen
        } else {
            KnownAttach::Never
        };
        let looked = (Occasion::Elsewhere, look, attach);
        let ended = (status, false);
        match ask::report(ended, self.entry(), true, other, seen, looked, now) {
            Reported::NotYet if look == Look::First => Worker::Elsewhere {
                other,
                status,
                look: Look::Last,
            },
            Reported::NotYet => self.comes_again(),
            Reported::StillRunning => Worker::Acknowledge,
            Reported::AskActivities | Reported::Attach => {
                unreachable!("attached by the messages of its own group alone")
            }
            Reported::Conclude(concluded) => {
                self.watch(&concluded, other, place);
                Self::goes_on(concluded.rest)
            }
        }
    }

    /// `command_finished.rs`, `nothing_ran`: what the script's end proves.
    fn nothing_ran(&self) -> bool {
        let machine = &self.world.state.machines[self.group];
        let ran = machine.runs[usize::from(self.claim())] > 0;
        !ran || self.world.config.lacks(Rule::OnlyWhereNothingRan)
    }

    /// Notes which rules a conclusion about an instance breaks.
    fn watch(&mut self, concluded: &Concluded, instance: u8, seen: Place) {
        let target = self.world.target_of(self.claim());
        let machine = &self.world.state.machines[usize::from(instance)];
        let initialised = machine.runs[usize::from(self.claim())] > 0;
        let is_there = machine.place.target() == Some(target);
        let known = (self.entry()).is_some_and(|line| line.standing == Standing::Ready);
        let seen_there = seen.target() == Some(target);
        let broken = &mut self.world.state.broken;
        match concluded.finding {
            Finding::Lost => broken.not_lost |= is_there,
            Finding::Ready => broken.ready_elsewhere |= !(known || seen_there && initialised),
            _ => {}
        }
    }

    /// `command_finished.rs`, `settle`: one look.
    pub(super) fn settle(
        &mut self,
        status: CommandStatus,
        look: Look,
        attach: KnownAttach,
    ) -> Worker {
        let entry = self.entry();
        let instance = self.this_instance();
        let place = self.seen_member();
        let status = self.status_now(status, look);
        let target = self.world.target_of(self.claim());
        let found = self.finds_target(entry);
        // `command_finished.rs`: a very late event of a claim that is over.
        let very_late = self.world.state.clock >= Clock::LongAfter;
        if !found && very_late && matches!(self.message, InitMessage::Finished { .. }) {
            self.world.left_unread(self.claim());
            return Worker::Acknowledge;
        }
        // `after_init.rs`: a success without an entry is young, and its entry may be read yet.
        let young = self.world.is_young(self.claim());
        let late = self.world.config.attaches_late();
        if late && young && entry.is_none() && status == CommandStatus::Succeeded {
            return self.comes_again();
        }
        // `command_finished.rs`: then the script says which target it is.
        let failed = status.is_final() && status != CommandStatus::Succeeded;
        let replaced = failed && self.policy() == OnInitFailure::Replace;
        let found = found || (replaced && !(late && self.is_still_there()));
        let (seen, now) = ((place, target), (self.clock(), self.world.config.wish()));
        let occasion = self.occasion();
        let again = status.is_final() || !self.has_instance();
        let looked = (occasion, look, attach);
        let ended = (status, self.nothing_ran());
        match ask::report(ended, entry, found, instance, seen, looked, now) {
            Reported::NotYet if look == Look::First && again => Worker::Settle {
                status,
                look: Look::Last,
                attach,
            },
            // Only under an open entry that names it.
            Reported::AskActivities => {
                Worker::Activities(entry.map_or(1, |line| line.attempt), look)
            }
            Reported::Attach => Worker::AttachLate(entry.map_or(1, |line| line.attempt)),
            // `handler.rs`: `Later`; or, within the invocation, the same look again.
            Reported::NotYet => self.comes_again(),
            Reported::StillRunning => Worker::Acknowledge,
            Reported::Conclude(concluded) => {
                let again = concluded.finding == Finding::ReplacedBefore;
                if again && self.world.config.lacks(Rule::ReplaceAgain) {
                    return Worker::Acknowledge;
                }
                self.watch(&concluded, instance, place);
                Self::goes_on(concluded.rest)
            }
        }
    }
}
