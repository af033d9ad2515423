//! Quarter-hours in which waits, or all counts, say nothing: paused, held back, or at the maximum. One span of each
//! kind is kept, from a minute to the end of a quarter-hour.

use ready_pool_sizing::Minute;
use ready_pool_sizing::tags::{Checkpoint, Span};

/// Notes what is the matter now.
pub(super) fn note(checkpoint: &mut Checkpoint, now: Minute, is_held: bool, is_capped: bool) {
    let until = checkpoint.state.until();
    if is_held {
        checkpoint.held = to_quarter_end(checkpoint.held, now, until);
    }
    if is_capped {
        checkpoint.capped = to_quarter_end(checkpoint.capped, now, until);
    }
}

/// The span with what is left of this quarter-hour. One of which minutes are still to be learned is
/// lengthened, over a gap of good minutes if need be: two cannot be kept.
fn to_quarter_end(span: Span, now: Minute, until: Minute) -> Span {
    if span.contains(now) {
        return span;
    }
    let is_of_use = span.from < span.to && span.to > until && span.from < now;
    Span {
        from: if is_of_use { span.from } else { now },
        to: now.quarter_start().plus(15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ready_pool_sizing::State;

    const NOON: Minute = Minute::new(720);

    fn span(from: i64, to: i64) -> Span {
        Span {
            from: NOON.plus(from),
            to: NOON.plus(to),
        }
    }

    #[test]
    fn a_span_ends_with_its_quarter_hour_and_is_lengthened_by_the_next_one() {
        let began = to_quarter_end(Span::NONE, NOON.plus(3), NOON);
        assert_eq!(began, span(3, 15));
        assert_eq!(to_quarter_end(began, NOON.plus(14), NOON), began);
        assert_eq!(to_quarter_end(began, NOON.plus(15), NOON), span(3, 30));
        // Over a gap, while its minutes are still to be learned.
        assert_eq!(to_quarter_end(began, NOON.plus(31), NOON), span(3, 45));
        let until = NOON.plus(15);
        assert_eq!(to_quarter_end(began, NOON.plus(31), until), span(31, 45));
    }

    #[test]
    fn only_what_is_the_matter_is_noted() {
        let none = Checkpoint {
            state: State::new(NOON),
            held: Span::NONE,
            capped: Span::NONE,
            waited: Some(0),
        };
        let noted = |is_held, is_capped| {
            let mut checkpoint = none.clone();
            note(&mut checkpoint, NOON, is_held, is_capped);
            (checkpoint.held, checkpoint.capped)
        };
        assert_eq!(noted(false, false), (Span::NONE, Span::NONE));
        assert_eq!(noted(true, false), (span(0, 15), Span::NONE));
        assert_eq!(noted(false, true), (Span::NONE, span(0, 15)));
    }

    #[test]
    fn a_span_of_somebody_s_own_making_does_not_outlast_the_quarter_hour() {
        for odd in [span(60, 30), span(30, 600), span(-600, -600)] {
            assert_eq!(to_quarter_end(odd, NOON, NOON), span(0, 15), "{odd:?}");
        }
    }
}
