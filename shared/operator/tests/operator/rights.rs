//! The policies for operators in docs/permissions.md suffice, and nothing in them is idle.

use crate::operator::{harness, run_as};
use end_to_end::{Harness, claim};
use ready_pool_operator::Exit;
use region::iam::{Kind, Policy};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const PERMISSIONS: &str = include_str!("../../../../docs/permissions.md");

/// The policy documents of the page, in order: JSON blocks.
fn policy() -> Value {
    let (_, rest) = PERMISSIONS.split_once("## Operators").expect("the chapter");
    let (_, rest) = rest.split_once("```json\n").expect("the policy");
    let (text, _) = rest.split_once("```").expect("its end");
    // As whoever reads the page does.
    let text = text
        .replace("ACCOUNT", "123456789012")
        .replace("REGION", "eu-west-1");
    serde_json::from_str(&text).expect("the policy is JSON")
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_the_docs_is_what_an_operator_needs() {
    let harness = harness(Harness::builder()).await;
    let document = policy();
    harness.region.with(|world| {
        let arn = world.settings.global_arn("iam", "policy/operators");
        let policy = Policy::parse("operators", Kind::Identity, &document).expect("a policy");
        world.iam.managed_policies.insert(arn.clone(), policy);
        let settings = world.settings.clone();
        world.iam.add_user(&settings, "on-call", vec![arn]);
    });
    let on_call = |words: &'static [&'static str]| run_as(&harness, "on-call", words);
    let line = &[
        "send",
        "--target",
        "tenant",
        "--command",
        "true",
        "--id",
        "c-1",
        "--wait",
    ];
    on_call(line).await.is(Exit::Done, &["ready"]);
    harness.pass(Duration::from_secs(5)).await;
    on_call(&["status"]).await.is(Exit::Done, &[]);
    on_call(&["status", "--family", "ready"])
        .await
        .is(Exit::Done, &["pool"]);
    on_call(&["claim", "c-1"])
        .await
        .is(Exit::Done, &["exit code 0"]);
    on_call(&["claim", "nosuch"]).await.is(Exit::Unknown, &[]);
    on_call(&["doctor"]).await.is(Exit::Done, &["all is well"]);
    on_call(&["plan"])
        .await
        .is(Exit::Done, &["too little history"]);
    on_call(&["opt-out", "tenant"]).await.is(Exit::Done, &[]);
    on_call(&["opt-in", "tenant"]).await.is(Exit::Done, &[]);
    on_call(&["pause"]).await.is(Exit::Done, &[]);
    on_call(&["resume"]).await.is(Exit::Done, &[]);
    let (used, allowed, refused) = harness.region.with(|world| {
        let ours = |owner: &str| owner == "operators";
        let used = world.iam.uses().iter().cloned();
        let used: BTreeSet<_> = used.filter(|part| ours(&part.owner)).collect();
        let allowed = world.iam.allowed().into_iter();
        let allowed: BTreeSet<_> = allowed.filter(|part| ours(&part.owner)).collect();
        (used, allowed, world.iam.refused().clone())
    });
    assert!(refused.is_empty(), "{refused:#?}");
    let idle: Vec<_> = allowed
        .difference(&used)
        .filter(|part| part.resource == "*" || part.action.starts_with("autoscaling"))
        .map(|part| (&part.sid, &part.action))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn somebody_without_rights_hears_which_one_is_missing() {
    let harness = harness(Harness::builder()).await;
    harness.region.with(|world| {
        let settings = world.settings.clone();
        world.iam.add_user(&settings, "stranger", Vec::new());
    });
    for words in [
        &["status"][..],
        &["doctor"],
        &["pause"],
        &["opt-in", "tenant"],
        &["claim", "c-1"],
        &["plan"],
        &["send", "--target", "tenant", "--command", "true"],
    ] {
        let refused = run_as(&harness, "stranger", words).await;
        refused.is(
            Exit::NotDone,
            &["access denied: ", "sqs:", "docs/permissions.md"],
        );
    }
    harness.send(&claim("still-served", "tenant")).await;
    harness.outcome("still-served").await;
    harness.end().await;
}
