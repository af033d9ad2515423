//! Claims that were rejected: each message with the id that lies on the rejected queue.

use super::facts::Facts;
use crate::failure::Failure;
use crate::rejected::Rejected;
use crate::screen::{Screen, Tone};
use crate::words;
use ready_pool_core::reason::Reason;

/// So many are shown.
const SHOWN: usize = 5;

/// Prints them, the newest first.
pub(super) fn print(facts: &Facts, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let id = &facts.claim_id;
    let mut all: Vec<&Rejected> = facts.rejected.iter().collect();
    all.sort_by_key(|rejected| std::cmp::Reverse(rejected.at));
    for rejected in all.iter().take(SHOWN) {
        let target = rejected.target_group.as_deref().unwrap_or("no target");
        screen.heading(&format!(
            "{id} for {target}: rejected ({})",
            rejected.reason
        ))?;
        screen.field("message", &rejected.message, Tone::Bad)?;
        if let Some(at) = rejected.at {
            screen.field("at", &words::moment(at), Tone::Plain)?;
        }
        screen.field("next", &next(&rejected.reason), Tone::Plain)?;
    }
    let more = all.len().saturating_sub(SHOWN);
    if more > 0 {
        screen.heading(&format!("and {more} more with this id (--json has all)"))?;
    }
    Ok(())
}

/// What to do. Some claims are right, and come at a wrong time.
fn next(reason: &str) -> String {
    let what = match Reason::from_code(reason) {
        Some(Reason::PoolPaused) => {
            "send it again once the pool works (`ready-pool resume`), or with --when-empty wait"
        }
        Some(Reason::PoolEmpty) => {
            "send it again once instances are ready (`ready-pool status`), or with --when-empty wait"
        }
        Some(Reason::TooManyOpenClaims) => {
            "send it again once some of the target's claims have ended"
        }
        Some(Reason::InternalError) => {
            "read the functions' logs and report it; then it can be sent again"
        }
        _ => {
            "corrected, it can be sent again under its id (`ready-pool send` takes a fresh MessageDeduplicationId)"
        }
    };
    format!("it was not tried: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::tests::{claim, facts};
    use time::macros::datetime;

    #[test]
    fn all_rejections_of_an_id_are_said_the_newest_first() {
        let mut facts = facts(claim(""));
        facts.claims.clear();
        for number in 0..7 {
            facts.rejected.push(Rejected {
                claim_id: "signup-1".to_owned(),
                target_group: Some(format!("t-{number}")),
                reason: "target_full".to_owned(),
                message: "no room".to_owned(),
                at: Some(datetime!(2026-11-29 13:00 UTC) + time::Duration::minutes(number)),
            });
        }
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        print(&facts, &mut Screen::plain(&mut out, &mut errors)).unwrap();
        let printed = String::from_utf8(out).unwrap();
        assert!(
            printed.starts_with("signup-1 for t-6: rejected"),
            "{printed}"
        );
        assert!(printed.contains("signup-1 for t-2: rejected"), "{printed}");
        assert!(!printed.contains("for t-1:"), "{printed}");
        let end = "and 2 more with this id (--json has all)\n";
        assert!(printed.ends_with(end), "{printed}");
    }

    #[test]
    fn what_came_at_a_wrong_time_is_not_to_be_corrected() {
        for (reason, words) in [
            ("pool_paused", "once the pool works"),
            ("pool_empty", "once instances are ready"),
            ("too_many_open_claims", "have ended"),
            ("target_full", "corrected, it can be sent again"),
            ("of_a_newer_version", "corrected, it can be sent again"),
        ] {
            let said = next(reason);
            assert!(said.contains(words), "{reason}: {said}");
        }
    }
}
