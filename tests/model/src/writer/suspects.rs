//! A batch of which nobody knows how its last delivery ended: in which order it is processed, and
//! what stays on the queue. Mirrors `functions/claim-instance/src/{handler,batch}.rs` and `intake`.

use super::{Act, BY, is_busy};
use crate::ask;
use crate::aws::World;
use crate::configuration::{Configuration, Rule};
use crate::progress::{Writer, WriterStage};
use crate::state::{Request, State};
use crate::step::Answer;
use claim_instance::decide::Isolation;

/// Whether nobody knows how the last delivery of what lies on the queue ended.
pub(super) fn is_suspected(state: &State, config: &Configuration) -> bool {
    !config.lacks(Rule::OneByOne) && state.provision.iter().any(|request| request.suspect)
}

/// As how-manieth delivery a batch with suspects can begin: one for each order that there is.
pub(crate) fn beginnings(state: &State, config: &Configuration) -> impl Iterator<Item = u8> {
    let begins = !is_busy(&state.writers[0]) && is_suspected(state, config);
    let mut orders = Vec::new();
    let receives: &[u8] = if begins { &[2, 3, 4, 8] } else { &[] };
    receives.iter().copied().filter(move |receives| {
        let order = isolate(state, *receives);
        let fresh = !orders.contains(&order);
        orders.push(order);
        fresh
    })
}

/// `intake/mod.rs`, `in_order`: positions by when the claims were sent first, which is their number.
pub(super) fn by_first_send(batch: &[Request]) -> Vec<u8> {
    let mut positions: Vec<u8> = (0_u8..).take(batch.len()).collect();
    positions.sort_by_key(|position| batch[usize::from(*position)].claim);
    positions
}

fn isolate(state: &State, receives: u8) -> Vec<(u8, Isolation)> {
    let order = by_first_send(&state.provision);
    let suspects = order
        .iter()
        .map(|position| state.provision[usize::from(*position)].suspect);
    ask::isolate(suspects.collect(), receives)
        .into_iter()
        .map(|(place, isolation)| (order[usize::from(place)], isolation))
        .collect()
}

/// Begins a batch with suspects in it.
pub(crate) fn begin(world: &mut World<'_>, receives: u8) {
    let line = isolate(world.state, receives);
    let writer = &mut world.state.writers[0];
    writer.batch = received(&world.state.provision);
    writer.open = line.iter().map(|(position, _)| *position).collect();
    writer.line = line;
    takes_up(world.state);
}

/// A batch as it is delivered.
pub(crate) fn received(provision: &[Request]) -> Vec<Request> {
    let known = |request: &Request| Request {
        suspect: false,
        ..*request
    };
    provision.iter().map(known).collect()
}

/// What becomes of the batch now, only this delivery knows.
pub(super) fn takes_up(state: &mut State) {
    state.provision = received(&state.provision);
}

/// Nobody will know how this delivery ended.
pub(crate) fn nobody_knows(state: &mut State) {
    for request in &mut state.provision {
        request.suspect = true;
    }
}

/// An invocation dies: its messages are visible again after the queue's time-out, and by then reads
/// have caught up with what it wrote.
pub(crate) fn dies(world: &mut World<'_>, slot: usize) {
    let writer = std::mem::take(&mut world.state.writers[slot]);
    if slot == 0 {
        let left = writer.batch.len() - writer.deleted.count_ones() as usize;
        for request in world.state.provision.iter_mut().take(left) {
            request.suspect = true;
        }
    }
    world.settles(BY);
}

/// How a position of the batch is processed.
pub(super) fn isolation(writer: &Writer, position: u8) -> Isolation {
    let place = writer.line.iter().find(|(other, _)| *other == position);
    place.map_or(Isolation::Batched, |(_, isolation)| *isolation)
}

impl Act<'_, '_> {
    /// The place of a position in the line.
    pub(super) fn place(&self, position: u8) -> usize {
        let line = &self.writer.line;
        let place = line.iter().position(|(other, _)| *other == position);
        place.unwrap_or_else(|| {
            let mut order = by_first_send(&self.writer.batch).into_iter();
            order.position(|other| other == position).unwrap()
        })
    }

    /// Positions that are settled and not deleted, as bits.
    pub(super) fn settled(&self) -> u8 {
        let writer = &self.writer;
        let alone = writer.isolated.iter().map(|(position, _)| position);
        let open = writer.pending.iter().chain(alone);
        let batch = (1 << writer.batch.len()) - 1;
        open.fold(batch & !writer.deleted, |left, position| {
            left & !(1 << position)
        })
    }

    /// The next suspect's turn.
    pub(super) fn next_isolated(&mut self) -> WriterStage {
        let (position, verdict) = self.writer.isolated.remove(0);
        self.take_up(position, verdict);
        WriterStage::Answer
    }

    /// `batch.rs`, `delete_settled`; then the next suspect has its turn, whatever came of it.
    pub(super) fn delete(&mut self, answer: Answer) {
        if answer != Answer::LostNever {
            let settled = self.settled();
            let keeps = |position: u8| settled & (1 << position) == 0;
            self.leave_on_queue(|position| keeps(position).then_some(false));
            self.writer.deleted |= settled;
        }
        self.writer.stage = self.next_isolated();
    }

    /// Of the batch's messages only these stay on the queue, as suspects or not.
    pub(super) fn leave_on_queue(&mut self, stays: impl Fn(u8) -> Option<bool>) {
        let deleted = self.writer.deleted;
        let mut positions = (0_u8..)
            .take(self.writer.batch.len())
            .filter(|position| deleted & (1 << position) == 0);
        self.world.state.provision.retain_mut(|request| {
            let Some(position) = positions.next() else {
                return true;
            };
            let suspect = stays(position);
            request.suspect = suspect.unwrap_or_default();
            suspect.is_some()
        });
    }

    /// `batch.rs`, `release`, and SQS, which deletes what is not named as failed.
    pub(super) fn release(&mut self, slot: usize, answer: Answer) {
        // Only the receipts of the latest delivery work.
        if slot == 0 {
            let writer = self.writer.clone();
            self.leave_on_queue(|position| {
                if writer.open.contains(&position) {
                    // What let others go first is as suspect as before.
                    Some(isolation(&writer, position) == Isolation::Deferred)
                } else {
                    // Nobody noted that it was released, for it was not.
                    (answer == Answer::Repeats).then_some(true)
                }
            });
        }
        self.writer = Writer::default();
        self.world.settles(BY);
    }
}
