//! In which order the messages of a batch are processed, and which of them by themselves: pure.
//!
//! An invocation that dies takes its whole batch along: all of it comes again. If it died of one
//! message, it dies of it again, and a claim that crashes the function would block the queue. So a
//! message of which nobody knows how its last delivery ended is processed by itself, after those
//! that are certainly good, and what is settled until then is deleted first.

use crate::decide::Isolation;

/// What is known of how a message was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How often SQS has delivered it, this time included.
    pub receives: u32,
    /// Whether its last delivery is known to have released it in good order.
    pub released: bool,
}

impl Delivery {
    /// Whether the last delivery may have died of it.
    pub fn is_suspect(self) -> bool {
        self.receives > 1 && !self.released
    }
}

/// One of so many deliveries of the only suspect is not given up for those behind it.
const ITS_TURN: u32 = 8;

/// The order of a batch, by positions in it, and how each is processed.
///
/// Suspects come last, so that they harm nobody else, and each time another one is the first of
/// them, so that none is always behind a harmful one. One that is the only suspect is most likely
/// the harmful one: while others wait it lets them go first, seven times out of eight,
/// because each delivery that it ends costs them the queue's visibility time-out.
pub fn isolate(batch: &[Delivery]) -> Vec<(usize, Isolation)> {
    let positions = 0..batch.len();
    let is_suspect = |position: &usize| batch.get(*position).is_some_and(|one| one.is_suspect());
    let (mut suspects, good): (Vec<usize>, Vec<usize>) = positions.partition(is_suspect);
    let receives = |position: &usize| batch.get(*position).map_or(0, |one| one.receives);
    let first = suspects.first().map_or(0, receives);
    let isolation = if suspects.len() == 1 && !good.is_empty() && first % ITS_TURN != 0 {
        Isolation::Deferred
    } else {
        Isolation::Isolated
    };
    // The second delivery is the first in which there are suspects.
    let turns = usize::try_from(first.saturating_sub(2)).unwrap_or_default();
    let count = suspects.len().max(1);
    suspects.rotate_left(turns % count);
    let good = good
        .into_iter()
        .map(|position| (position, Isolation::Batched));
    let suspects = suspects.into_iter().map(|position| (position, isolation));
    good.chain(suspects).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspect(receives: u32) -> Delivery {
        Delivery {
            receives,
            released: false,
        }
    }

    const FRESH: Delivery = Delivery {
        receives: 1,
        released: false,
    };
    /// It has waited for hours.
    const WAITING: Delivery = Delivery {
        receives: 600,
        released: true,
    };

    fn positions(batch: &[Delivery]) -> Vec<usize> {
        let line = isolate(batch);
        line.into_iter().map(|(position, _)| position).collect()
    }

    #[test]
    fn claims_that_are_fresh_or_wait_keep_their_order_and_go_together() {
        let line = isolate(&[WAITING, FRESH, WAITING, FRESH]);
        let expected = (0..4).map(|position| (position, Isolation::Batched));
        assert_eq!(line, expected.collect::<Vec<_>>());
        assert_eq!(isolate(&[]), []);
    }

    #[test]
    fn a_batch_whose_delivery_died_is_processed_one_by_one() {
        let line = isolate(&[suspect(2), suspect(2), suspect(2)]);
        let expected = (0..3).map(|position| (position, Isolation::Isolated));
        assert_eq!(line, expected.collect::<Vec<_>>());
    }

    #[test]
    fn suspects_come_last() {
        let line = isolate(&[suspect(2), FRESH, suspect(2), WAITING]);
        let expected = [
            (1, Isolation::Batched),
            (3, Isolation::Batched),
            (0, Isolation::Isolated),
            (2, Isolation::Isolated),
        ];
        assert_eq!(line, expected);
    }

    #[test]
    fn each_suspect_is_the_first_of_them_once() {
        for count in 1..=10 {
            let firsts = (2..2 + count).map(|receives| {
                let batch = vec![suspect(receives); usize::try_from(count).unwrap()];
                positions(&batch)[0]
            });
            let mut firsts: Vec<usize> = firsts.collect();
            firsts.sort_unstable();
            assert_eq!(firsts, (0..firsts.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_only_suspect_lets_the_others_go_first_but_for_one_time_in_eight() {
        let isolation = |receives| isolate(&[suspect(receives), FRESH])[1];
        for receives in 2..8 {
            assert_eq!(isolation(receives), (0, Isolation::Deferred));
        }
        assert_eq!(isolation(8), (0, Isolation::Isolated));
        assert_eq!(isolation(9), (0, Isolation::Deferred));
        assert_eq!(isolation(16), (0, Isolation::Isolated));
    }

    #[test]
    fn the_only_suspect_goes_on_where_nobody_else_is() {
        assert_eq!(isolate(&[suspect(3)]), [(0, Isolation::Isolated)]);
    }

    #[test]
    fn everybody_has_a_place() {
        let kinds = [FRESH, WAITING, suspect(2), suspect(7), suspect(1000)];
        for first in kinds {
            for second in kinds {
                for third in kinds {
                    let mut positions = positions(&[first, second, third]);
                    positions.sort_unstable();
                    assert_eq!(positions, [0, 1, 2]);
                }
            }
        }
    }
}
