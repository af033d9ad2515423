//! What the pool's group says, in tags, of claims that wait for particular zones: claim-instance writes it, and
//! replenish-pool makes the pool grow by it.

use crate::Timestamp;
use crate::group::Group;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;

/// What the keys begin with; the zone's name is the rest. The value is how many claims wait for an instance in that
/// zone, and until when that is to be believed: `v1 12 2026-11-22T20:02:00Z`.
pub const LACKING_PREFIX: &str = "ready-pool:lacking/";

/// The first word of a value of this shape.
const VERSION: &str = "v1";
/// No pool is larger; what says so was not written by us.
const MOST: u32 = 100_000;

/// What one tag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lacking {
    claims: u32,
    until: Timestamp,
}

impl Lacking {
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let (version, claims, until) = (words.next()?, words.next()?, words.next()?);
        let claims = claims.parse().ok().filter(|claims| *claims <= MOST)?;
        let until = Timestamp::parse(until, &Rfc3339).ok()?;
        (version == VERSION && words.next().is_none()).then_some(Self { claims, until })
    }
}

/// The key of a zone's tag.
pub fn lacking_key(zone: &str) -> String {
    format!("{LACKING_PREFIX}{zone}")
}

/// The value of such a tag.
pub fn lacking_value(claims: usize, until: Timestamp) -> String {
    let until = until.replace_nanosecond(0).unwrap_or(until);
    let until = until.format(&Rfc3339).unwrap_or_default();
    format!("{VERSION} {claims} {until}")
}

impl Group {
    /// How many claims wait, at `now`, for an instance of this group, the pool, in each of these zones.
    pub fn lacking(&self, now: Timestamp) -> BTreeMap<String, u32> {
        let lacking = self.tags.iter().filter_map(|(key, value)| {
            let zone = key.strip_prefix(LACKING_PREFIX)?;
            let lacking = Lacking::parse(value).filter(|lacking| lacking.until > now)?;
            (lacking.claims > 0).then(|| (zone.to_owned(), lacking.claims))
        });
        lacking.collect()
    }

    /// Keys of such tags that say nothing at `now` any more.
    pub fn lacking_no_more(&self, now: Timestamp) -> impl Iterator<Item = &String> {
        let tags = self.tags.iter();
        tags.filter(move |(key, value)| {
            key.starts_with(LACKING_PREFIX)
                && Lacking::parse(value).is_none_or(|lacking| lacking.until <= now)
        })
        .map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use time::macros::datetime;

    const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);

    #[test]
    fn what_is_lacking_reads_back_until_it_is_over() {
        let key = lacking_key("eu-west-1a");
        let value = lacking_value(12, NOW + Duration::from_millis(60_400));
        assert_eq!(value, "v1 12 2026-11-22T20:01:00Z");
        let pool = Group::tagged(&[(&key, &value)]);
        let expected = BTreeMap::from([("eu-west-1a".to_owned(), 12)]);
        assert_eq!(pool.lacking(NOW), expected);
        assert_eq!(pool.lacking_no_more(NOW).count(), 0);
        let later = NOW + Duration::from_mins(1);
        assert_eq!(pool.lacking(later), BTreeMap::new());
        assert_eq!(pool.lacking_no_more(later).collect::<Vec<_>>(), [&key]);
    }

    #[test]
    fn what_we_did_not_write_is_as_good_as_nothing() {
        for value in [
            "",
            "v1",
            "v1 3",
            "v1 3 tomorrow",
            "v1 -3 2026-11-22T20:01:00Z",
            "v1 100001 2026-11-22T20:01:00Z",
            "v1 0 2026-11-22T20:01:00Z",
            "v2 3 2026-11-22T20:01:00Z",
            "v1  3 2026-11-22T20:01:00Z",
            "v1 3 2026-11-22T20:01:00Z x",
        ] {
            let pool = Group::tagged(&[("ready-pool:lacking/a", value)]);
            assert_eq!(pool.lacking(NOW), BTreeMap::new(), "{value:?}");
        }
        let other = Group::tagged(&[("lacking/a", "v1 3 2026-11-22T20:01:00Z")]);
        assert_eq!(other.lacking(NOW), BTreeMap::new());
    }
}
