//! What the pool's group says, in tags, of a pool that is sized by its hit rate and of whoever sizes it: as far as two
//! functions need it, or instances are named. What the pool has learned is in `shared/sizing`.

use crate::group::Group;
use crate::ids::InstanceId;
use std::collections::BTreeSet;

/// The size that replenish-pool keeps: `v1 14`. It writes it before it sets the capacity.
pub const SIZE_TAG: &str = "ready-pool:size";
/// How many claims have found nothing ready, a counter: `v1 3141`. claim-instance writes it.
pub const WAITED_TAG: &str = "ready-pool:waited";
/// Instances that replenish-pool itself detached: `v1 0a1b2c3d4e5f67890 …`. They are no demand.
pub const OWN_TAG: &str = "ready-pool:own";

/// The first word of a value of this shape.
const VERSION: &str = "v1";
/// What an instance's id begins with; the tag leaves it out.
const ID_PREFIX: &str = "i-";
/// So many instances fit into a tag's 256 characters.
const MOST_OWN: usize = 13;
/// No group is larger; what says so was not written by us.
const MOST_SIZE: i32 = 100_000;

impl Group {
    /// How many ready instances this group, the pool, keeps by its tag; none where no tag says it.
    pub fn kept_size(&self) -> Option<i32> {
        let size = number(self.tags.get(SIZE_TAG)?)?;
        let size = i32::try_from(size).ok()?;
        (size <= MOST_SIZE).then_some(size)
    }

    /// How many claims have found nothing ready in this group, the pool, since somebody counts.
    pub fn waited(&self) -> u64 {
        let counter = self.tags.get(WAITED_TAG);
        counter.and_then(|value| number(value)).unwrap_or(0)
    }

    /// Instances that replenish-pool detached from this group, the pool. What is no id is left out.
    pub fn own_detaches(&self) -> BTreeSet<InstanceId> {
        let value = self.tags.get(OWN_TAG).map_or("", String::as_str);
        let ids = value.strip_prefix(VERSION).unwrap_or_default();
        ids.split_ascii_whitespace()
            .filter_map(|id| InstanceId::try_from(format!("{ID_PREFIX}{id}")).ok())
            .collect()
    }
}

fn number(value: &str) -> Option<u64> {
    value.strip_prefix(VERSION)?.strip_prefix(' ')?.parse().ok()
}

/// The value of [`SIZE_TAG`].
pub fn size_value(size: u32) -> String {
    format!("{VERSION} {size}")
}

/// The value of [`WAITED_TAG`].
pub fn waited_value(counter: u64) -> String {
    format!("{VERSION} {counter}")
}

/// The value of [`OWN_TAG`]; none where there is no room for so many.
pub fn own_value(instances: &BTreeSet<InstanceId>) -> Option<String> {
    if instances.len() > MOST_OWN {
        return None;
    }
    let mut value = VERSION.to_owned();
    for instance in instances {
        value.push(' ');
        value.push_str(instance.as_str().trim_start_matches(ID_PREFIX));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_and_a_counter_read_back() {
        for size in [0, 14, 100_000] {
            let read = Group::tagged(&[(SIZE_TAG, &size_value(size))]).kept_size();
            assert_eq!(read, i32::try_from(size).ok());
        }
        for counter in [0, 3_141, u64::MAX] {
            assert_eq!(
                Group::tagged(&[(WAITED_TAG, &waited_value(counter))]).waited(),
                counter
            );
        }
    }

    #[test]
    fn what_we_did_not_write_is_as_good_as_nothing() {
        for value in [
            "",
            "14",
            "v1",
            "v1 ",
            "v114",
            "v1  14",
            "v1 -1",
            "v1 1.5",
            "v2 14",
            "v1 14 15",
            "v1 100001",
            "v1 99999999999999999999",
        ] {
            assert_eq!(
                Group::tagged(&[(SIZE_TAG, value)]).kept_size(),
                None,
                "{value:?}"
            );
        }
        assert_eq!(Group::tagged(&[("size", "v1 14")]).kept_size(), None);
        for value in ["", "v1 x", "v1 18446744073709551616", "3"] {
            assert_eq!(
                Group::tagged(&[(WAITED_TAG, value)]).waited(),
                0,
                "{value:?}"
            );
        }
    }

    #[test]
    fn instances_read_back_as_many_as_a_tag_holds() {
        let instances = |count: u64| -> BTreeSet<InstanceId> {
            let ids = (0..count).map(|n| format!("i-{n:017x}"));
            ids.map(|id| InstanceId::try_from(id).unwrap()).collect()
        };
        for count in 0..=13 {
            let value = own_value(&instances(count)).unwrap();
            assert!(value.len() <= 256, "{}", value.len());
            assert_eq!(
                Group::tagged(&[(OWN_TAG, &value)]).own_detaches(),
                instances(count)
            );
        }
        assert_eq!(own_value(&instances(14)), None);
        let short = BTreeSet::from([InstanceId::try_from("i-0a1b2c3d").unwrap()]);
        assert_eq!(own_value(&short).unwrap(), "v1 0a1b2c3d");
    }

    #[test]
    fn an_id_that_is_none_does_not_spoil_the_others() {
        let own = Group::tagged(&[(OWN_TAG, "v1 what 0a1b2c3d i-0a1b2c3e")]).own_detaches();
        assert_eq!(
            own,
            BTreeSet::from([InstanceId::try_from("i-0a1b2c3d").unwrap()])
        );
        assert_eq!(
            Group::tagged(&[(OWN_TAG, "0a1b2c3d")]).own_detaches(),
            BTreeSet::new()
        );
    }
}
