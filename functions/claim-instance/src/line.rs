//! What one environment of the function remembers of the line of claims. A lost memory (a new environment) costs a
//! few waits that are not counted, and a minute in which nobody says how many claims wait for which zone.

use ready_pool_core::Timestamp;
use ready_pool_core::ids::{ClaimId, GroupName};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A claim that was not seen for so long does not wait any more: its turn comes within a lap.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(5);
/// More claims than these are not remembered.
const MOST: usize = 1_000;
/// How long after the first claim that lacks something it is said how many do: those behind it have been seen by then.
const LACKING_COUNTED_FOR: Duration = Duration::from_secs(4);
/// How often it is said.
const LACKING_SAID_EVERY: Duration = Duration::from_mins(1);

/// The memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Mutex<Notes>>);

#[derive(Clone, Debug, Default)]
struct Notes {
    /// When a claim last waited for an instance.
    stood: Option<Timestamp>,
    /// The counter of claims that found nothing ready, as it was read or written last.
    waited: u64,
    /// Claims that wait for something particular, and when that was seen.
    particular: BTreeMap<(GroupName, ClaimId), (Particular, Timestamp)>,
    /// Since when claims lack an instance in a zone.
    lacking_since: Option<Timestamp>,
    /// When that was said last.
    lacking_said: Option<Timestamp>,
}

/// What a claim waits for that others do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Particular {
    /// An instance in this zone.
    Zone(String),
    /// Room in its target's ledger.
    Room,
}

impl Line {
    /// A claim waits for an instance now.
    pub(crate) fn stands(&self, now: Timestamp) {
        self.notes().stood = Some(now);
    }

    /// When a claim last waited for an instance, if that is remembered.
    pub(crate) fn stood(&self) -> Option<Timestamp> {
        self.notes().stood
    }

    /// The counter was read. A read may be older than what was written here.
    pub(crate) fn read(&self, waited: u64) {
        let mut notes = self.notes();
        notes.waited = notes.waited.max(waited);
    }

    /// The counter with so many claims more.
    pub(crate) fn count(&self, claims: u64) -> u64 {
        let mut notes = self.notes();
        notes.waited = notes.waited.saturating_add(claims);
        notes.waited
    }

    /// What a claim waits for at this look, if it is something particular.
    pub(crate) fn see(
        &self,
        claim: (GroupName, ClaimId),
        waits_for: Option<Particular>,
        now: Timestamp,
    ) {
        let mut notes = self.notes();
        match waits_for {
            Some(_) if notes.particular.len() >= MOST && !notes.particular.contains_key(&claim) => {
            }
            Some(particular) => {
                notes.particular.insert(claim, (particular, now));
            }
            None => {
                notes.particular.remove(&claim);
            }
        }
    }

    /// How many claims wait for something particular.
    pub(crate) fn particular(&self, now: Timestamp) -> usize {
        let mut notes = self.notes();
        notes.forget(now);
        notes.particular.len()
    }

    /// How many claims lack an instance, by zone, where that is to be said now.
    pub(crate) fn lacking_to_say(&self, now: Timestamp) -> BTreeMap<String, usize> {
        let mut notes = self.notes();
        notes.forget(now);
        let mut lacking: BTreeMap<String, usize> = BTreeMap::new();
        for (particular, _) in notes.particular.values() {
            if let Particular::Zone(zone) = particular {
                *lacking.entry(zone.clone()).or_default() += 1;
            }
        }
        if lacking.is_empty() {
            notes.lacking_since = None;
            return lacking;
        }
        let since = *notes.lacking_since.get_or_insert(now);
        let counted = now - since >= LACKING_COUNTED_FOR;
        let due = (notes.lacking_said).is_none_or(|said| now - said >= LACKING_SAID_EVERY);
        if !counted || !due {
            return BTreeMap::new();
        }
        notes.lacking_said = Some(now);
        lacking
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Each value is written whole: a panic leaves nothing half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn forget(&mut self, now: Timestamp) {
        (self.particular).retain(|_, (_, seen)| now - *seen < FORGOTTEN_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);

    fn claim(number: usize) -> (GroupName, ClaimId) {
        let name = GroupName::try_from("tenant").unwrap();
        (name, ClaimId::try_from(number.to_string()).unwrap())
    }

    fn in_zone(zone: &str) -> Particular {
        Particular::Zone(zone.to_owned())
    }

    #[test]
    fn what_is_lacking_is_said_once_it_is_counted_and_then_once_a_minute() {
        let line = Line::default();
        let said = |seconds| line.lacking_to_say(NOW + Duration::from_secs(seconds));
        line.see(claim(1), Some(in_zone("a")), NOW);
        assert!(said(0).is_empty(), "others may be behind it");
        line.see(claim(2), Some(in_zone("a")), NOW);
        line.see(claim(3), Some(in_zone("b")), NOW);
        line.see(claim(4), Some(Particular::Room), NOW);
        assert_eq!(line.particular(NOW), 4);
        let expected = [("a".to_owned(), 2), ("b".to_owned(), 1)];
        assert_eq!(said(4), BTreeMap::from(expected));
        line.see(claim(1), None, NOW);
        assert!(said(63).is_empty());
        assert_eq!(said(64)["a"], 1);
        // Nobody says that they are gone: what was said runs out.
        for n in 2..=4 {
            line.see(claim(n), None, NOW);
        }
        assert!(said(200).is_empty());
        assert_eq!(line.particular(NOW), 0);
    }

    #[test]
    fn a_claim_that_went_elsewhere_is_forgotten() {
        let line = Line::default();
        line.see(claim(1), Some(in_zone("a")), NOW);
        assert_eq!(line.particular(NOW + FORGOTTEN_AFTER), 0);
    }

    #[test]
    fn the_memory_is_bounded() {
        let line = Line::default();
        for number in 0..MOST + 5 {
            line.see(claim(number), Some(in_zone("a")), NOW);
        }
        assert_eq!(line.particular(NOW), MOST);
    }

    #[test]
    fn an_older_read_does_not_take_a_count_back() {
        let line = Line::default();
        line.read(5);
        assert_eq!(line.count(2), 7);
        line.read(5);
        assert_eq!(line.count(1), 8);
        line.read(20);
        assert_eq!(line.count(1), 21);
    }
}
