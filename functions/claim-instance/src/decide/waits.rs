//! Which claims found nothing ready when they came. replenish-pool keeps more ready for each of them
//! (docs/sizing.md).

use super::Decision;
use ready_pool_core::Timestamp;
use ready_pool_core::claim::Claim;
use ready_pool_core::reason::Reason;
use std::time::Duration;

/// A claim that is served within so long of its sending found an instance ready: a full batch before it, or a
/// cold start, takes as long.
const SERVED_AT_ONCE: Duration = Duration::from_secs(15);

/// Whether a claim that is entered now, sent then, has waited for an instance: the line stood for want of one
/// (`stood`, when it did last) while the claim was in it.
pub fn has_waited(sent: Option<Timestamp>, stood: Option<Timestamp>, now: Timestamp) -> bool {
    sent.is_some_and(|sent| now - sent > SERVED_AT_ONCE && stood.is_some_and(|stood| stood >= sent))
}

/// Whether the claim is turned away because nothing is ready.
pub fn is_turned_away(claim: &Claim, decision: &Decision) -> bool {
    let is_empty = matches!(
        decision,
        Decision::Reject {
            reason: Reason::PoolEmpty,
            ..
        }
    );
    is_empty && !claim.dry_run
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const SENT: Timestamp = datetime!(2026-11-22 20:00 UTC);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_a_claim_whose_line_stood_has_waited() {
        let now = SENT + SERVED_AT_ONCE + SECOND;
        assert!(has_waited(Some(SENT), Some(SENT), now));
        assert!(has_waited(Some(SENT), Some(now), now));
        assert!(
            !has_waited(Some(SENT), Some(SENT - SECOND), now),
            "before it came"
        );
        assert!(!has_waited(Some(SENT), None, now), "others took the time");
        assert!(!has_waited(Some(SENT), Some(SENT), SENT + SERVED_AT_ONCE));
        assert!(!has_waited(None, Some(SENT), now));
    }
}
