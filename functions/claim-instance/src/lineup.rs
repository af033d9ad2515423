//! In which order the messages of a batch are dealt with, and with whom: pure.
//!
//! An invocation that dies takes its whole batch along: all of it comes again. If it died of one
//! message, it dies of it again, and nobody in line with it is ever served. So a message of which
//! nobody knows how its last delivery ended is dealt with alone, after those that are certainly
//! good, and what is settled until then is deleted first.

/// What is known of a message's deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// How often SQS has delivered it, this time included.
    pub receives: u32,
    /// Whether its last delivery is known to have given it back in good order.
    pub given_back: bool,
}

impl Delivered {
    /// Whether the last delivery may have died of it.
    pub fn is_suspect(self) -> bool {
        self.receives > 1 && !self.given_back
    }
}

/// How a message is dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manner {
    /// In few calls for all of them.
    Together,
    /// Alone, after those.
    Alone,
    /// Not this time: it lets the others go first.
    Later,
}

/// One of so many deliveries of the only suspect is not given up for those behind it.
const ITS_TURN: u32 = 8;

/// The order of a batch, by positions in it, and how each is dealt with.
///
/// Suspects come last, so that they harm nobody else, and each time another one is the first of
/// them, so that none is always behind a harmful one. One that is the only suspect is most likely
/// the harmful one: while others stand in line it lets them go first, seven times out of eight,
/// because each delivery that it ends costs the line the queue's visibility time-out.
pub fn line_up(batch: &[Delivered]) -> Vec<(usize, Manner)> {
    let positions = 0..batch.len();
    let is_suspect = |position: &usize| batch.get(*position).is_some_and(|one| one.is_suspect());
    let (mut suspects, good): (Vec<usize>, Vec<usize>) = positions.partition(is_suspect);
    let receives = |position: &usize| batch.get(*position).map_or(0, |one| one.receives);
    let first = suspects.first().map_or(0, receives);
    let manner = if suspects.len() == 1 && !good.is_empty() && first % ITS_TURN != 0 {
        Manner::Later
    } else {
        Manner::Alone
    };
    // The second delivery is the first in which there are suspects.
    let turns = usize::try_from(first.saturating_sub(2)).unwrap_or_default();
    let count = suspects.len().max(1);
    suspects.rotate_left(turns % count);
    let good = good
        .into_iter()
        .map(|position| (position, Manner::Together));
    let suspects = suspects.into_iter().map(|position| (position, manner));
    good.chain(suspects).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspect(receives: u32) -> Delivered {
        Delivered {
            receives,
            given_back: false,
        }
    }

    const FRESH: Delivered = Delivered {
        receives: 1,
        given_back: false,
    };
    /// It has waited for hours.
    const WAITING: Delivered = Delivered {
        receives: 600,
        given_back: true,
    };

    fn positions(batch: &[Delivered]) -> Vec<usize> {
        let line = line_up(batch);
        line.into_iter().map(|(position, _)| position).collect()
    }

    #[test]
    fn claims_that_are_fresh_or_wait_keep_their_order_and_go_together() {
        let line = line_up(&[WAITING, FRESH, WAITING, FRESH]);
        let expected = (0..4).map(|position| (position, Manner::Together));
        assert_eq!(line, expected.collect::<Vec<_>>());
        assert_eq!(line_up(&[]), []);
    }

    #[test]
    fn a_batch_whose_delivery_died_is_dealt_with_one_by_one() {
        let line = line_up(&[suspect(2), suspect(2), suspect(2)]);
        let expected = (0..3).map(|position| (position, Manner::Alone));
        assert_eq!(line, expected.collect::<Vec<_>>());
    }

    #[test]
    fn suspects_come_last() {
        let line = line_up(&[suspect(2), FRESH, suspect(2), WAITING]);
        let expected = [
            (1, Manner::Together),
            (3, Manner::Together),
            (0, Manner::Alone),
            (2, Manner::Alone),
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
        let manner = |receives| line_up(&[suspect(receives), FRESH])[1];
        for receives in 2..8 {
            assert_eq!(manner(receives), (0, Manner::Later));
        }
        assert_eq!(manner(8), (0, Manner::Alone));
        assert_eq!(manner(9), (0, Manner::Later));
        assert_eq!(manner(16), (0, Manner::Alone));
    }

    #[test]
    fn the_only_suspect_goes_on_where_nobody_else_is() {
        assert_eq!(line_up(&[suspect(3)]), [(0, Manner::Alone)]);
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
