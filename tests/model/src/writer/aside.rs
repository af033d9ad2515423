//! Claims that step aside. Mirrors `functions/claim-instance/src/batch/aside.rs`; whether what a claim waits for is
//! particular, and whether somebody is behind it, is chance here.

use super::{Act, isolation};
use crate::aws::World;
use crate::configuration::{Configuration, Rule};
use crate::progress::{Writer, WriterStage};
use crate::state::{LAPS, State};
use crate::step::Answer;
use claim_instance::decide::Isolation;

/// Positions that may step aside, as bits: they wait, are no suspects, and were not begun in this delivery.
pub(super) fn eligible(writer: &Writer, config: &Configuration) -> u8 {
    let open = writer.open.iter().copied().filter(|position| {
        let request = writer.batch[usize::from(*position)];
        writer.waits & (1 << position) != 0
            && isolation(writer, *position) == Isolation::Batched
            && writer.memory.lines[usize::from(request.claim)].is_none()
            && request.lap < LAPS
    });
    if config.steps_aside && writer.aside == 0 {
        open.fold(0, |bits, position| bits | 1 << position)
    } else {
        0
    }
}

/// Which of them may go together.
pub(crate) fn may_step_aside(state: &State, config: &Configuration) -> impl Iterator<Item = u8> {
    let writer = &state.writers[0];
    let may = if writer.stage == WriterStage::Return {
        eligible(writer, config)
    } else {
        0
    };
    (1..=may).filter(move |bits| bits & !may == 0)
}

/// They go.
pub(crate) fn step_aside(world: &mut World<'_>, positions: u8) {
    let writer = &mut world.state.writers[0];
    writer.aside = positions;
    writer.stage = if world.config.lacks(Rule::CopyFirst) {
        WriterStage::DeleteCopied
    } else {
        WriterStage::Copy
    };
}

impl Act<'_, '_> {
    /// `batch/aside.rs`, `send_copies`: only what SQS says it has is settled.
    pub(super) fn copy(&mut self, answer: Answer) {
        let going = std::mem::take(&mut self.writer.aside);
        let confirms = !self.world.config.lacks(Rule::CopyConfirmed);
        let mut first = true;
        for position in (0_u8..8).filter(|position| going & (1 << position) != 0) {
            let request = self.writer.batch[usize::from(position)];
            let partly = answer == Answer::Partly && !std::mem::take(&mut first);
            if answer != Answer::LostNever && !partly {
                self.world.send_copy(request);
            }
            let confirmed = matches!(answer, Answer::Ok | Answer::Partly) && !partly;
            if confirmed || !confirms {
                self.writer.aside |= 1 << position;
            }
        }
        let gone = self.writer.aside;
        self.writer
            .open
            .retain(|position| gone & (1 << position) == 0);
        self.writer.stage = if gone == 0 || self.world.config.lacks(Rule::CopyFirst) {
            WriterStage::Return
        } else {
            WriterStage::DeleteCopied
        };
    }

    /// `batch.rs`, `delete_settled`, once copies were sent.
    pub(super) fn delete_copied(&mut self, answer: Answer) {
        let first = self.world.config.lacks(Rule::CopyFirst);
        if answer != Answer::LostNever {
            let gone = self.writer.aside;
            let open = self.writer.open.clone();
            let stays =
                |position: u8| open.contains(&position) && !(first && gone & (1 << position) != 0);
            self.leave_on_queue(|position| stays(position).then_some(false));
            let batch = (0_u8..).take(self.writer.batch.len());
            for position in batch.filter(|position| !stays(*position)) {
                self.writer.deleted |= 1 << position;
            }
        }
        self.writer.stage = if first {
            WriterStage::Copy
        } else {
            WriterStage::Return
        };
    }
}
