//! Tags and comments that a tenant forged: nothing panics, no instance reaches two claims, and
//! other claims go on. A tenant that owns its group's tags can only harm its own claims.

use end_to_end::{Harness, Target, Violation, claim};
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::journal::Happening;
use serde_json::json;
use std::time::Duration;

const DEADLINE: &str = "2026-11-22T20:30:00Z";

/// Writes a line of the ledger as only we should.
async fn forge(harness: &Harness, target: &str, claim_id: &str, value: &str) {
    let input = json!({ "Tags": [{
        "ResourceType": "auto-scaling-group", "ResourceId": target, "PropagateAtLaunch": false,
        "Key": format!("ready-pool:claim/{claim_id}"), "Value": value,
    }] });
    harness
        .call(Service::AutoScaling, "CreateOrUpdateTags", input)
        .await
        .expect("AWS takes any value");
}

async fn wipe(harness: &Harness, target: &str, claim_id: &str) {
    let input = json!({ "Tags": [{
        "ResourceType": "auto-scaling-group", "ResourceId": target,
        "Key": format!("ready-pool:claim/{claim_id}"),
    }] });
    harness
        .call(Service::AutoScaling, "DeleteTags", input)
        .await
        .expect("AWS removes any tag");
}

/// Runs a command with this comment, as only we should.
async fn comment(harness: &Harness, instance: &str, comment: &str) {
    let input = json!({
        "DocumentName": harness.region.stack().reference("ScriptDocument"),
        "InstanceIds": [instance], "Comment": comment,
        "Parameters": { "commands": ["true"] },
    });
    harness
        .call(Service::Ssm, "SendCommand", input)
        .await
        .expect("AWS takes any comment");
    // The history lags by about a second.
    harness.pass(Duration::from_secs(5)).await;
}

async fn harness_with_targets(pool_size: usize) -> Harness {
    let harness = Harness::with_ready_pool(pool_size).await;
    harness.create(Target::named("asg-forger")).await;
    harness.create(Target::named("asg-good")).await;
    harness
}

/// A claim that comes after the forgery, of somebody else.
async fn others_go_on(harness: &Harness, claim_id: &str) -> Outcome {
    harness.send(&claim(claim_id, "asg-good")).await;
    let outcome = harness.outcome(claim_id).await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    outcome
}

/// Ends the harness: besides what must hold in every scenario, no invocation failed.
async fn end(harness: Harness) {
    nothing_panicked(&harness);
    harness.end().await;
}

fn nothing_panicked(harness: &Harness) {
    for entry in harness.journal() {
        if let Happening::Returned {
            function, result, ..
        } = entry.what
        {
            assert!(result.is_ok(), "{function}: {result:?}");
        }
    }
    for outcome in harness.outcomes() {
        assert_ne!(outcome.reason, Reason::InternalError, "{outcome:?}");
    }
}

/// Values that are no entries, or no entries of ours.
fn malformed() -> Vec<String> {
    let mut values: Vec<String> = [
        "",
        " ",
        "owner: billing",
        "v1",
        "v1 - 1 assigned",
        "v1 - 1 assigned soon",
        "v1 i-zz 1 assigned 2026-11-22T20:30:00Z",
        "v1 - 256 assigned 2026-11-22T20:30:00Z",
        "v1 - -1 assigned 2026-11-22T20:30:00Z",
        "v1 - 1 melted 2026-11-22T20:30:00Z",
        "v1 - 1 ready 10000-01-01T00:00:00Z",
        "v2 - 1 ready 2026-11-22T20:30:00Z",
        "v1\u{a0}- 1 ready 2026-11-22T20:30:00Z",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push("v1 ".repeat(85));
    values
}

#[tokio::test(start_paused = true)]
async fn entries_of_every_malformed_kind_are_written_over() {
    let harness = harness_with_targets(4).await;
    let values = malformed();
    for (number, value) in values.iter().enumerate() {
        forge(&harness, "asg-forger", &format!("claim-{number}"), value).await;
    }
    for number in 0..values.len() {
        harness
            .send(&claim(&format!("claim-{number}"), "asg-forger"))
            .await;
    }
    others_go_on(&harness, "good").await;
    for (number, value) in values.iter().enumerate() {
        let outcome = harness.outcome(&format!("claim-{number}")).await;
        assert_eq!(outcome.outcome, Ending::Ready, "{value:?}: {outcome:?}");
    }
    assert_eq!(harness.in_service("asg-forger").len(), values.len());
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn malformed_entries_that_nobody_claims_hold_up_nobody() {
    let harness = harness_with_targets(2).await;
    for (number, value) in malformed().iter().enumerate() {
        forge(&harness, "asg-forger", &format!("nobody-{number}"), value).await;
    }
    harness.send(&claim("own", "asg-forger")).await;
    assert_eq!(harness.outcome("own").await.outcome, Ending::Ready);
    others_go_on(&harness, "good").await;
    // A full round of replenish-pool, with the entries still there.
    harness.pass(Duration::from_mins(3)).await;
    others_go_on(&harness, "later").await;
    for number in 0..malformed().len() {
        wipe(&harness, "asg-forger", &format!("nobody-{number}")).await;
    }
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn extreme_deadlines_and_attempts_stop_nothing() {
    let harness = harness_with_targets(2).await;
    let forged = [
        ("far", "v1 - 1 assigned 9999-12-31T23:59:59.999999999-23:59"),
        ("old", "v1 - 1 assigned 0000-01-01T00:00:00+23:59"),
        (
            "far-settled",
            "v1 - 1 ready 9999-12-31T23:59:59.999999999-23:59",
        ),
        (
            "old-settled",
            "v1 - 1 failed 0000-01-01T00:00:00+23:59 expired",
        ),
        ("first", "v1 i-00000000 0 assigned 2026-11-22T20:30:00Z"),
        ("last", "v1 i-00000000 255 assigned 2026-11-22T20:30:00Z"),
    ];
    for (claim_id, value) in forged {
        forge(&harness, "asg-forger", claim_id, value).await;
    }
    harness.pass(Duration::from_mins(3)).await;
    assert_eq!(
        harness.entry("asg-forger", "old-settled"),
        None,
        "it has served its time"
    );
    for claim_id in ["far", "first", "last"] {
        harness.send(&claim(claim_id, "asg-forger")).await;
        harness.outcome(claim_id).await;
    }
    others_go_on(&harness, "good").await;
    wipe(&harness, "asg-forger", "far-settled").await;
    harness.pass(Duration::from_mins(3)).await;
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_names_a_pool_instance_gets_it_for_its_own_claim_or_not_at_all() {
    let harness = harness_with_targets(3).await;
    let named = harness.in_service(&harness.pool)[0].clone();
    forge(
        &harness,
        "asg-forger",
        "grab",
        &format!("v1 {named} 1 assigned {DEADLINE}"),
    )
    .await;
    // Nobody has claimed it: the entry alone moves nothing.
    harness.pass(Duration::from_mins(3)).await;
    assert!(harness.in_service(&harness.pool).contains(&named));
    harness.send_together([claim("good", "asg-good"), claim("grab", "asg-forger")]);
    let good = harness.outcome("good").await;
    let grab = harness.outcome("grab").await;
    assert_eq!(good.outcome, Ending::Ready);
    assert_eq!(grab.outcome, Ending::Ready);
    assert_ne!(good.instance_id, grab.instance_id);
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_names_an_instance_of_another_s_claim_gets_a_different_one() {
    let harness = harness_with_targets(3).await;
    let good = others_go_on(&harness, "good").await;
    let theirs = good.instance_id.unwrap();
    for (claim_id, deadline) in [("steal", DEADLINE), ("kill", "2026-11-22T20:00:00Z")] {
        let value = format!("v1 {theirs} 1 assigned {deadline}");
        forge(&harness, "asg-forger", claim_id, &value).await;
    }
    // Several rounds of looks at the entries, one of them past its deadline.
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(harness.in_service("asg-good"), [theirs.to_string()]);
    harness.send(&claim("steal", "asg-forger")).await;
    let stolen = harness.outcome("steal").await;
    assert_eq!(stolen.outcome, Ending::Ready);
    assert_ne!(stolen.instance_id, Some(theirs.clone()));
    assert_eq!(harness.in_service("asg-good"), [theirs.to_string()]);
    wipe(&harness, "asg-forger", "kill").await;
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn two_entries_for_one_pool_instance_give_it_to_one_claim() {
    let harness = harness_with_targets(3).await;
    let named = harness.in_service(&harness.pool)[0].clone();
    let value = format!("v1 {named} 1 assigned {DEADLINE}");
    forge(&harness, "asg-forger", "one", &value).await;
    forge(&harness, "asg-good", "two", &value).await;
    harness.send_together([claim("one", "asg-forger"), claim("two", "asg-good")]);
    let one = harness.outcome("one").await;
    let two = harness.outcome("two").await;
    assert_eq!(one.outcome, Ending::Ready);
    assert_eq!(two.outcome, Ending::Ready);
    assert_ne!(one.instance_id, two.instance_id);
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn one_instance_entered_for_claims_of_two_batches_is_sent_one_command() {
    let harness = harness_with_targets(3).await;
    let named = harness.in_service(&harness.pool)[0].clone();
    let value = format!("v1 {named} 1 assigned {DEADLINE}");
    forge(&harness, "asg-forger", "one", &value).await;
    forge(&harness, "asg-good", "two", &value).await;
    harness.send(&claim("one", "asg-forger")).await;
    // The first one's instance is between its groups, and not sent its command yet.
    harness.pass(Duration::from_secs(1)).await;
    harness.send(&claim("two", "asg-good")).await;
    let one = harness.outcome("one").await;
    let two = harness.outcome("two").await;
    assert_eq!(one.outcome, Ending::Ready);
    assert_eq!(two.outcome, Ending::Ready);
    assert_ne!(one.instance_id, two.instance_id);
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn a_forged_settlement_fools_only_the_forger() {
    let harness = harness_with_targets(2).await;
    forge(
        &harness,
        "asg-forger",
        "done",
        &format!("v1 i-00000000 1 failed {DEADLINE} script_failed"),
    )
    .await;
    harness.send(&claim("done", "asg-forger")).await;
    let outcome = harness.outcome("done").await;
    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Failed, Reason::ScriptFailed)
    );
    assert!(harness.in_service("asg-forger").is_empty());
    others_go_on(&harness, "good").await;
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn entries_that_name_the_whole_pool_do_not_hold_up_other_claims() {
    let harness = harness_with_targets(2).await;
    for (number, instance) in harness.in_service(&harness.pool).iter().enumerate() {
        let value = format!("v1 {instance} 1 assigned {DEADLINE}");
        forge(&harness, "asg-forger", &format!("hoard-{number}"), &value).await;
    }
    // The forger's own claim brings its group into the look.
    harness.send_together([claim("hoarder", "asg-forger"), claim("good", "asg-good")]);
    let sent = harness.now();
    assert_eq!(harness.outcome("good").await.outcome, Ending::Ready);
    let waited = harness.now() - sent;
    assert!(waited < Duration::from_mins(1), "it waited {waited}");
    for number in 0..2 {
        wipe(&harness, "asg-forger", &format!("hoard-{number}")).await;
    }
    assert_eq!(harness.outcome("hoarder").await.outcome, Ending::Ready);
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn a_comment_like_ours_on_a_pool_instance_keeps_claims_off_it_and_us_from_touching_it() {
    let harness = harness_with_targets(2).await;
    let marked = harness.in_service(&harness.pool)[0].clone();
    comment(&harness, &marked, "ready-pool x@00000000").await;
    harness.send_together([claim("own", "asg-forger"), claim("good", "asg-good")]);
    for claim_id in ["own", "good"] {
        let outcome = harness.outcome(claim_id).await;
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        assert_ne!(
            outcome.instance_id.map(|instance| instance.to_string()),
            Some(marked.clone())
        );
    }
    others_go_on(&harness, "later").await;
    // claim-instance does not ask each candidate's history (a call per claim, for what only those
    // can forge who may send pool instances commands). So the machine leaves the pool before it is found
    // out; then it is left alone, in no group, and the log says so: a person must look.
    for violation in harness.violations() {
        assert!(
            matches!(
                &violation,
                Violation::Leaked { instance } | Violation::SentAndRemoved { instance, .. }
                    if *instance == marked
            ),
            "{violation:?}"
        );
    }
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn comments_that_almost_look_like_ours_mean_nothing() {
    let harness = harness_with_targets(2).await;
    for (instance, text) in harness
        .in_service(&harness.pool)
        .iter()
        .zip(["ready-pool", "Ready-Pool good@00000000"])
    {
        comment(&harness, instance, text).await;
    }
    others_go_on(&harness, "good").await;
    end(harness).await;
}

#[tokio::test(start_paused = true)]
async fn a_comment_with_a_claim_s_own_key_ends_that_claim_and_no_other() {
    let harness = harness_with_targets(1).await;
    let key = ClaimKey::new(
        &ClaimId::try_from("victim").unwrap(),
        &GroupName::try_from("asg-forger").unwrap(),
    );
    let marked = harness.in_service(&harness.pool)[0].clone();
    comment(&harness, &marked, &format!("ready-pool {key}")).await;
    harness.send(&claim("victim", "asg-forger")).await;
    let outcome = harness.outcome("victim").await;
    assert_eq!(outcome.outcome, Ending::Failed, "{outcome:?}");
    others_go_on(&harness, "good").await;
    harness.gone(&marked).await;
    end(harness).await;
}
