//! The ledger reads back what it writes, and takes nothing else for an entry.

use crate::strategies::{config, entry, text};
use properties::readers;
use proptest::prelude::*;
use ready_pool_core::ledger::{Entry, claim_id_of, tag_key};

/// Characters of a tag value (Auto Scaling: letters, spaces, numbers and these).
fn may_stand_in_a_tag(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c)
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn an_entry_reads_back_and_fits_into_a_tag(entry in entry()) {
        readers::check_entry(&entry);
        prop_assert!(entry.to_string().chars().all(may_stand_in_a_tag), "{entry}");
    }

    #[test]
    fn words_that_a_newer_version_adds_do_not_matter(entry in entry(), more in "[a-z ]{0,20}") {
        let longer = format!("{entry} {more}");
        let read: Entry = longer.parse().unwrap();
        prop_assert_eq!(read.instance, entry.instance);
        prop_assert_eq!(read.attempt, entry.attempt);
        prop_assert_eq!(read.expires_at, entry.expires_at);
    }

    #[test]
    fn one_broken_character_makes_no_entry_that_cannot_be_written(
        entry in entry(),
        at in any::<prop::sample::Index>(),
        with in any::<char>(),
    ) {
        let mut broken: Vec<char> = entry.to_string().chars().collect();
        let at = at.index(broken.len());
        broken[at] = with;
        readers::ledger_entry(broken.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn anything_else_is_no_entry_or_reads_back(value in text(), key in text()) {
        readers::ledger_entry(value.as_bytes());
        if let Some(claim_id) = claim_id_of(&key) {
            prop_assert_eq!(tag_key(&claim_id), key);
        }
    }
}
