use super::*;
use crate::pool::tests::{group, instance_id};
use ready_pool_core::claim::Init;
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::{ClaimId, GroupName};
use time::macros::datetime;

const DEADLINE: Timestamp = datetime!(2026-11-29 13:15 UTC);

fn claim() -> Claim {
    Claim::new(
        ClaimId::try_from("c-1").unwrap(),
        GroupName::try_from("tenant").unwrap(),
        Init::new(["true"]),
        DEADLINE,
    )
}

/// How the claim stands with this entry, so long after its deadline.
fn standing(entry: Option<&str>, late: Duration) -> Standing {
    let mut target = group("tenant", &[("i-00000002", Lifecycle::InService)]);
    if let Some(entry) = entry {
        let key = "ready-pool:claim/c-1".to_owned();
        target.tags.insert(key, entry.to_owned());
    }
    Standing::of(&claim(), Some(&target), None, false, DEADLINE + late)
}

#[test]
fn each_entry_and_each_silence_has_its_exit_status() {
    let before = Duration::minutes(-1);
    let deadline = "2026-11-29T13:15:00Z";
    for (entry, late, exit, word) in [
        ("", before, None, "open"),
        ("", SILENCE - Duration::seconds(1), None, "open"),
        ("", SILENCE, Some(Exit::Unknown), "unknown"),
        ("v1 i-00000001 1 assigned", before, None, "open"),
        ("v1 - 2 assigned", before, None, "open"),
        // A script may run on after the deadline: ten minutes, unless the claim says otherwise.
        (
            "v1 i-00000001 1 assigned",
            Duration::minutes(19),
            None,
            "open",
        ),
        (
            "v1 i-00000001 1 assigned",
            Duration::minutes(20),
            Some(Exit::Unknown),
            "unknown",
        ),
        ("v1 i-00000001 1 ready", before, Some(Exit::Done), "ready"),
        ("v1 i-00000001 1 failed", before, Some(Exit::Bad), "failed"),
    ] {
        let text = format!("{entry} {deadline} script_failed");
        let standing = standing((!entry.is_empty()).then_some(&text), late);
        assert_eq!(
            (standing.exit(), standing.code()),
            (exit, word),
            "{text} {late}"
        );
    }
}

#[test]
fn an_instance_arrives() {
    let arrived = |instance: &str| {
        let entry = format!("v1 {instance} 1 assigned 2026-11-29T13:15:00Z");
        match standing(Some(&entry), Duration::minutes(-1)) {
            Standing::Assigned { has_arrived, .. } => has_arrived,
            other => panic!("{other:?}"),
        }
    };
    assert!(!arrived("i-00000001"));
    assert!(arrived("i-00000002"));
}

#[test]
fn an_instance_that_is_attached_last_is_not_said_to_move() {
    let said = |instance: &str, when| {
        let entry = format!("v1 {instance} 1 assigned 2026-11-29T13:15:00Z");
        let standing = standing(Some(&entry), Duration::minutes(-1));
        let claim = Claim {
            attach_when: when,
            ..claim()
        };
        standing.words(&claim, "q")
    };
    for (instance, when, expected) in [
        (
            "i-00000001",
            AttachWhen::BeforeInit,
            "gets i-00000001, which moves to tenant",
        ),
        (
            "i-00000001",
            AttachWhen::AfterInit,
            "runs its script on i-00000001, then attaches it to tenant",
        ),
        (
            "i-00000002",
            AttachWhen::AfterInit,
            "i-00000002 is in tenant; its script has succeeded",
        ),
    ] {
        assert_eq!(said(instance, when), expected);
    }
}

#[test]
fn a_rejection_is_heard_unless_there_is_an_entry() {
    let rejected = Rejected {
        claim_id: "c-1".to_owned(),
        target_group: Some("tenant".to_owned()),
        reason: "target_full".to_owned(),
        message: "no room".to_owned(),
        at: None,
    };
    let target = group("tenant", &[]);
    let heard = Standing::of(&claim(), Some(&target), Some(&rejected), false, DEADLINE);
    assert_eq!(heard.exit(), Some(Exit::Bad));
    assert_eq!(
        heard.words(&claim(), "q"),
        "rejected (target_full): no room"
    );
    let mut entered = target;
    let entry = "v1 i-00000001 1 ready 2026-11-29T13:15:00Z".to_owned();
    entered
        .tags
        .insert("ready-pool:claim/c-1".to_owned(), entry);
    let ready = Standing::of(&claim(), Some(&entered), Some(&rejected), true, DEADLINE);
    assert_eq!(ready.instance(), Some(&instance_id("i-00000001")));
    assert_eq!(ready.exit(), Some(Exit::Done));
}

#[test]
fn a_wiped_entry_is_said_to_be_wiped() {
    let silent = Standing::of(&claim(), None, None, true, DEADLINE + SILENCE);
    assert_eq!(silent.exit(), Some(Exit::Unknown));
    assert!(
        silent
            .words(&claim(), "q")
            .contains("a tool removes tags of tenant")
    );
}
