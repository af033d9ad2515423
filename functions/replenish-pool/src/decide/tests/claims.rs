//! Open claims and settled entries.

use super::*;
use crate::decide::claims::CROWDED_TAGS;
use ready_pool_core::ids::Attempt;
use ready_pool_core::ledger::ENTRY_KEPT_AFTER_DEADLINE;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::VERSION;
use ready_pool_core::reason::Reason;

/// An open entry whose deadline is so far ahead.
fn open(number: Option<u32>, attempt: Attempt) -> Entry {
    Entry {
        instance: number.map(instance),
        attempt,
        standing: Standing::Assigned,
        expires_at: NOW + Duration::from_mins(5),
        instead_of: None,
    }
}

/// A settled entry whose deadline was so long ago.
fn settled(standing: Standing, ago: Duration) -> Entry {
    Entry {
        instance: Some(instance(1)),
        attempt: 1,
        standing,
        expires_at: NOW - ago,
        instead_of: None,
    }
}

/// A target with this ledger.
fn target(entries: &[(&str, Entry)]) -> Group {
    let mut target = group("tenant");
    for (claim_id, entry) in entries {
        target
            .tags
            .insert(tag_key(&claim(claim_id)), entry.to_string());
    }
    target
}

/// Groups that CloudFormation or EKS made.
#[test]
fn tags_of_aws_make_no_crowd() {
    let mut target = padded(
        target(&[("a", settled(Standing::Ready, Duration::ZERO))]),
        CROWDED_TAGS,
    );
    target
        .tags
        .insert("aws:eks:cluster".to_owned(), String::new());
    assert_eq!(decide(&with_target(target)).remove_tags, []);
}

/// The target with tags of its owner's, up to `count` in all.
fn padded(mut target: Group, count: usize) -> Group {
    for number in 0..count - target.tags.len() {
        target.tags.insert(format!("owner-{number}"), String::new());
    }
    target
}

fn claim(claim_id: &str) -> ClaimId {
    ClaimId::try_from(claim_id).unwrap()
}

/// The removal of a claim's entry.
fn removal(claim_id: &str) -> (GroupName, String) {
    (name("tenant"), tag_key(&claim(claim_id)))
}

#[test]
fn an_open_claim_with_an_instance_is_looked_at() {
    let plan = decide(&with_target(target(&[("a", open(Some(1), 2))])));
    let expected = LookAgain {
        version: VERSION,
        claim_id: claim("a"),
        target_group: name("tenant"),
        instance_id: Some(instance(1)),
        attempt: 2,
        expires_at: NOW + Duration::from_mins(5),
    };
    assert_eq!(plan.look_again, [expected]);
    assert_eq!(plan.remove_tags, []);
}

#[test]
fn an_open_claim_without_an_instance_is_looked_at_too() {
    let plan = decide(&with_target(target(&[("a", open(None, 2))])));
    let [look] = plan.look_again.as_slice() else {
        panic!("one look, not {plan:?}");
    };
    assert_eq!((&look.instance_id, look.attempt), (&None, 2));
    assert_eq!(look.group_id(), look.key().to_string());
}

#[test]
fn an_open_claim_past_its_deadline_is_looked_at_however_old() {
    for overdue in [Duration::from_secs(1), Duration::from_hours(24 * 30)] {
        let entry = Entry {
            expires_at: NOW - overdue,
            ..open(Some(1), 1)
        };
        let plan = decide(&with_target(target(&[("a", entry)])));
        assert_eq!(plan.look_again.len(), 1);
        assert_eq!(plan.remove_tags, []);
    }
}

#[test]
fn a_settled_claim_is_not_looked_at() {
    let entries = [
        ("a", settled(Standing::Ready, Duration::ZERO)),
        (
            "b",
            settled(Standing::Failed(Reason::Expired), Duration::ZERO),
        ),
    ];
    assert_eq!(decide(&with_target(target(&entries))), Plan::default());
}

#[test]
fn what_somebody_else_wrote_under_our_keys_is_left_alone() {
    let mut target = target(&[]);
    target.tags.insert(tag_key(&claim("a")), "hello".to_owned());
    assert_eq!(decide(&with_target(target)), Plan::default());
}

#[test]
fn every_target_is_looked_after() {
    let mut other = target(&[("b", open(Some(2), 1))]);
    other.name = name("other");
    let mut view = with_target(target(&[("a", open(Some(1), 1))]));
    view.scan().targets().push(other);
    let looks: Vec<_> = decide(&view)
        .look_again
        .into_iter()
        .map(|look| (look.target_group, look.claim_id))
        .collect();
    let expected = [(name("tenant"), claim("a")), (name("other"), claim("b"))];
    assert_eq!(looks, expected);
}

#[test]
fn a_settled_entry_is_removed_an_hour_after_its_deadline() {
    for standing in [Standing::Ready, Standing::Failed(Reason::Expired)] {
        let old = settled(standing, ENTRY_KEPT_AFTER_DEADLINE + Duration::from_secs(1));
        let plan = decide(&with_target(target(&[("a", old)])));
        let expected = Plan {
            remove_tags: vec![removal("a")],
            ..Plan::default()
        };
        assert_eq!(plan, expected);
    }
}

#[test]
fn a_settled_entry_is_kept_for_late_repeats_until_then() {
    let young = settled(Standing::Ready, ENTRY_KEPT_AFTER_DEADLINE);
    let plan = decide(&with_target(target(&[("a", young)])));
    assert_eq!(plan.remove_tags, []);
}

#[test]
fn an_open_entry_is_never_removed_however_old_or_crowded() {
    let old = Entry {
        expires_at: NOW - ENTRY_KEPT_AFTER_DEADLINE * 24,
        ..open(Some(1), 1)
    };
    let crowded = padded(target(&[("a", old)]), 50);
    let plan = decide(&with_target(crowded));
    assert_eq!(plan.remove_tags, []);
    assert_eq!(plan.look_again.len(), 1);
}

#[test]
fn the_latest_deadline_that_can_be_written_does_not_overflow() {
    for deadline in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"] {
        let mut target = target(&[]);
        for (claim_id, standing) in [("a", "assigned"), ("b", "ready"), ("c", "failed")] {
            let value = format!("v1 {} 1 {standing} {deadline}", instance(1));
            target.tags.insert(tag_key(&claim(claim_id)), value);
        }
        assert_eq!(target.entries().count(), 3, "{deadline}");
        let plan = decide(&with_target(target.clone()));
        assert_eq!(plan.look_again.len(), 1);
        assert_eq!(plan.remove_tags, []);
        let plan = decide(&with_target(padded(target, 50)));
        assert_eq!(plan.remove_tags, [removal("b"), removal("c")]);
    }
}

#[test]
fn the_earliest_deadline_that_can_be_written_is_long_past() {
    let mut target = target(&[]);
    let value = "v1 - 1 ready 0000-01-01T00:00:00+23:59".to_owned();
    target.tags.insert(tag_key(&claim("a")), value);
    let plan = decide(&with_target(target));
    assert_eq!(plan.remove_tags, [removal("a")]);
}

/// A target with so many tags; claims `oldest` and `newest` are settled, `open` is open.
fn crowded(tags: usize) -> View {
    let entries = [
        ("newest", settled(Standing::Ready, Duration::from_mins(1))),
        ("oldest", settled(Standing::Ready, Duration::from_mins(30))),
        ("open", open(Some(2), 1)),
    ];
    with_target(padded(target(&entries), tags))
}

#[test]
fn a_group_with_tags_to_spare_keeps_its_settled_entries() {
    assert_eq!(decide(&crowded(CROWDED_TAGS)).remove_tags, []);
}

#[test]
fn a_crowded_group_loses_its_oldest_settled_entry_first() {
    let plan = decide(&crowded(CROWDED_TAGS + 1));
    assert_eq!(plan.remove_tags, [removal("oldest")]);
}

#[test]
fn a_crowded_group_loses_as_many_settled_entries_as_crowd_it() {
    let expected = [removal("oldest"), removal("newest")];
    assert_eq!(decide(&crowded(CROWDED_TAGS + 2)).remove_tags, expected);
    assert_eq!(decide(&crowded(50)).remove_tags, expected);
}

#[test]
fn a_crowd_and_age_together_remove_no_entry_twice() {
    let old = ENTRY_KEPT_AFTER_DEADLINE * 2;
    let entries = [
        ("a", settled(Standing::Ready, old)),
        ("b", settled(Standing::Ready, old)),
        ("c", settled(Standing::Ready, Duration::ZERO)),
    ];
    let crowded = padded(target(&entries), CROWDED_TAGS + 1);
    let plan = decide(&with_target(crowded));
    assert_eq!(plan.remove_tags, [removal("a"), removal("b")]);
}

#[test]
fn one_group_s_crowd_is_not_another_s() {
    let mut view = crowded(CROWDED_TAGS + 1);
    let mut quiet = target(&[("quiet", settled(Standing::Ready, Duration::ZERO))]);
    quiet.name = name("quiet");
    view.scan().targets().push(quiet);
    assert_eq!(decide(&view).remove_tags, [removal("oldest")]);
}
