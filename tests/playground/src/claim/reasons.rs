//! What each reason means and what to do about it: read from the page of the docs that says so.

use ready_pool_core::outcome::Reason;

/// Reasons and advice, in tables.
const OUTCOMES: &str = include_str!("../../../../docs/outcomes.md");

/// What the docs say of a reason: what it means, and what to do.
pub(super) fn of(reason: Reason) -> Option<(&'static str, &'static str)> {
    let (_, tables) = OUTCOMES.split_once("\n## Reasons")?;
    tables.lines().find_map(|line| {
        let row = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let (name, cells) = row.split_once("` | ")?;
        (name == reason.code())
            .then(|| cells.split_once(" | "))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_docs_has_its_meaning_and_advice() {
        for reason in [
            Reason::Initialised,
            Reason::ScriptFailed,
            Reason::NotDelivered,
            Reason::TargetFull,
        ] {
            let (means, to_do) = of(reason).unwrap();
            assert!(!means.is_empty() && !to_do.is_empty(), "{reason:?}");
            assert!(!to_do.contains('|'), "{to_do}");
        }
        assert_eq!(
            of(Reason::PoolEmpty).unwrap().0,
            "nothing was ready, and the claim would not wait"
        );
    }
}
