//! Entering and detaching: mirrors `functions/claim-instance/src/act/assign.rs`.

use super::{Act, BY};
use crate::configuration::Rule;
use crate::progress::{Assignment, WriterStage};
use crate::state::{Line, Place};
use crate::step::Answer;
use ready_pool_core::ledger::Standing;

impl Act<'_, '_> {
    /// `act/assign.rs`, `enter`: one call for all. A group that refuses is asked alone, so a fault hits
    /// one assignment (the first) and not the others.
    pub(super) fn enter(&mut self, answer: Answer) {
        let assignments = std::mem::take(&mut self.writer.assignments);
        let mut unlucky = answer != Answer::Ok;
        for mut assignment in assignments {
            if assignment.entered || assignment.makes {
                self.writer.assignments.push(assignment);
                continue;
            }
            let failed = std::mem::take(&mut unlucky);
            if !failed || answer == Answer::LostDone {
                let line = assigned(assignment, Some(assignment.instance));
                self.world.write_line(assignment.claim, Some(line), BY);
            }
            if failed {
                self.writer.uncertain |= answer != Answer::Busy;
                self.writer.pending.push(assignment.position);
                continue;
            }
            self.remember(assignment, Some(assignment.instance));
            self.writer.memory.untouched |= 1 << assignment.claim;
            assignment.entered = true;
            self.writer.assignments.push(assignment);
        }
    }

    /// `act/make_targets.rs`: the first target that is to be made, with the claim's entry in the same call.
    pub(super) fn make(&mut self, answer: Answer) {
        let items = &mut self.writer.assignments;
        let Some(next) = items.iter().position(|item| !item.entered) else {
            return;
        };
        let mut assignment = items.remove(next);
        let line = assigned(assignment, Some(assignment.instance));
        let acts = matches!(answer, Answer::Ok | Answer::LostDone);
        let made = acts && self.world.make_target(assignment.claim);
        if made {
            self.world.write_line(assignment.claim, Some(line), BY);
        }
        self.writer.memory.tried |= 1 << self.world.target_of(assignment.claim);
        let taken_for_made = made || self.world.config.lacks(Rule::ExistingIsRead);
        if answer == Answer::Ok && taken_for_made {
            self.remember(assignment, Some(assignment.instance));
            self.writer.memory.untouched |= 1 << assignment.claim;
            assignment.entered = true;
            self.writer.assignments.insert(next, assignment);
            return;
        }
        self.writer.uncertain |= !matches!(answer, Answer::Ok | Answer::Busy);
        self.writer.pending.push(assignment.position);
    }

    fn remember(&mut self, assignment: Assignment, instance: Option<u8>) {
        let memory = &mut self.writer.memory;
        memory.spent |= 1 << assignment.instance;
        memory.lines[usize::from(assignment.claim)] = Some(assigned(assignment, instance));
    }

    /// `act/assign.rs`, `detach`: all in one call.
    pub(super) fn detach(&mut self, answer: Answer) {
        let assignments = std::mem::take(&mut self.writer.assignments);
        let machines = &self.world.state.machines;
        let bad = assignments
            .iter()
            .find(|item| machines[usize::from(item.instance)].place != Place::Pool)
            .map(|item| item.instance);
        let repeated = self.repeated(answer).then(|| assignments[0].instance);
        let acts = match answer {
            Answer::Ok | Answer::LostDone => bad.is_none(),
            Answer::Partly => true,
            _ => false,
        };
        if acts {
            for assignment in &assignments {
                self.world.detach_from_pool(assignment.instance);
            }
        }
        match (answer, bad.or(repeated)) {
            (Answer::Ok, None) => {
                for assignment in assignments {
                    self.writer.memory.untouched &= !(1 << assignment.claim);
                    self.writer.assignments.push(Assignment {
                        proven: true,
                        ..assignment
                    });
                }
                let detach_first = self.world.config.lacks(Rule::EntryFirst);
                self.writer.stage = if detach_first {
                    WriterStage::Enter
                } else {
                    self.begin_sending()
                };
            }
            (Answer::Ok | Answer::Partly | Answer::LostDone, Some(named))
                if answer != Answer::LostDone || repeated.is_some() =>
            {
                self.detach_one_by_one(assignments, named);
            }
            _ => {
                for assignment in assignments {
                    self.detach_failed(assignment, answer != Answer::Busy);
                }
            }
        }
    }

    /// The variant in which the SDK repeats a detach whose answer was lost: the second call is
    /// refused, because the first took effect.
    fn repeated(&self, answer: Answer) -> bool {
        answer == Answer::LostDone && self.world.config.lacks(Rule::NoRetryOnDetach)
    }

    /// `act/assign.rs`, `detach_one_by_one`: only the one that AWS names is certainly where it was.
    fn detach_one_by_one(&mut self, assignments: Vec<Assignment>, named: u8) {
        let alone = assignments.len() == 1;
        self.writer.stage = WriterStage::DetachAlone;
        for assignment in assignments {
            if alone || assignment.instance == named {
                self.not_detachable(assignment);
            } else {
                self.writer.memory.untouched &= !(1 << assignment.claim);
                self.writer.one_by_one.push(assignment);
            }
        }
    }

    /// `act/assign.rs`, `detach_alone`.
    pub(super) fn detach_alone(&mut self, answer: Answer) {
        let assignment = self.writer.one_by_one.remove(0);
        let there =
            self.world.state.machines[usize::from(assignment.instance)].place == Place::Pool;
        if matches!(answer, Answer::Ok | Answer::LostDone) && there {
            self.world.detach_from_pool(assignment.instance);
        }
        match answer {
            Answer::Ok if there => {
                self.writer.memory.untouched &= !(1 << assignment.claim);
                self.writer.assignments.push(Assignment {
                    proven: true,
                    ..assignment
                });
            }
            Answer::Ok => self.not_detachable(assignment),
            Answer::LostDone if self.repeated(answer) => self.not_detachable(assignment),
            _ => self.detach_failed(assignment, answer != Answer::Busy),
        }
    }

    /// `act/assign.rs`, `not_detachable`.
    fn not_detachable(&mut self, assignment: Assignment) {
        let untouched = 1 << assignment.claim;
        if self.writer.memory.untouched & untouched == 0 {
            self.writer.assignments.push(assignment);
            return;
        }
        self.writer.memory.untouched &= !untouched;
        self.remember(assignment, None);
        self.writer.pending.push(assignment.position);
    }

    /// `act/assign.rs`, `detach_failed`.
    fn detach_failed(&mut self, assignment: Assignment, unknown: bool) {
        if unknown {
            self.writer.memory.untouched &= !(1 << assignment.claim);
            self.writer.uncertain = true;
        }
        self.writer.pending.push(assignment.position);
    }
}

fn assigned(assignment: Assignment, instance: Option<u8>) -> Line {
    Line {
        instance,
        attempt: assignment.attempt,
        standing: Standing::Assigned,
        instead_of: None,
    }
}
