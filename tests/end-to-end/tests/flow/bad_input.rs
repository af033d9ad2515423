//! Bad messages: each gets an answer that says what to fix, its original is kept, and the other
//! claims go on.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::api::Service;
use serde_json::{Value, json};

/// Sends a bad message in front of a good claim; answers the bad one's outcome.
async fn outcome_of(message: Value) -> Outcome {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-good")).await;
    harness.create(Target::named("asg-full").max_size(0)).await;
    harness
        .create(Target::named("asg-stranger").not_opted_in())
        .await;
    harness
        .create(Target::named("asg-far").zones(&["eu-west-1f"]))
        .await;
    harness.create(Target::named("asg-closed")).await;
    let suspend = json!({ "AutoScalingGroupName": "asg-closed", "ScalingProcesses": ["Launch"] });
    harness
        .call(Service::AutoScaling, "SuspendProcesses", suspend)
        .await
        .unwrap();

    let body = message
        .as_str()
        .map_or_else(|| message.to_string(), ToOwned::to_owned);
    harness.send_as(body.clone(), &harness.pool, "bad").await;
    harness.send(&claim("good", "asg-good")).await;

    assert_eq!(harness.outcome("good").await.outcome, Ending::Ready);
    let outcomes = harness.outcomes();
    let rejected: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.claim_id.as_deref() != Some("good"))
        .collect();
    assert_eq!(rejected.len(), 1, "{outcomes:#?}");
    assert_eq!(rejected[0].outcome, Ending::Rejected);
    assert_eq!(
        harness.bodies_in("RejectedQueue").await,
        [body],
        "the original is kept"
    );
    let outcome = rejected[0].clone();
    harness.end().await;
    outcome
}

fn aimed_at(target: &str) -> Value {
    claim("bad", target)
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_no_json_is_rejected() {
    let outcome = outcome_of(json!("hello?")).await;
    assert_eq!(outcome.reason, Reason::Malformed);
    // Without a claim id its sender finds it by what `SendMessage` answered.
    assert!(
        outcome.message.starts_with("SQS message ")
            && outcome
                .message
                .contains(": not valid JSON: a value is missing"),
        "{}",
        outcome.message
    );
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_option_is_rejected_by_name() {
    let mut message = aimed_at("asg-good");
    message["when_emtpy"] = json!("wait");
    let outcome = outcome_of(message).await;
    assert_eq!(outcome.claim_id.as_deref(), Some("bad"));
    assert!(
        outcome.message.contains("`when_emtpy` is an unknown field"),
        "{}",
        outcome.message
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_target_is_rejected() {
    let outcome = outcome_of(aimed_at("asg-nowhere")).await;
    assert_eq!(outcome.reason, Reason::UnknownTarget);
    assert!(
        outcome
            .message
            .contains("no Auto Scaling group asg-nowhere")
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_target_is_rejected() {
    let outcome = outcome_of(aimed_at("asg-full")).await;
    assert_eq!(outcome.reason, Reason::TargetFull);
    assert!(outcome.message.contains("raise its maximum size"));
}

#[tokio::test(start_paused = true)]
async fn a_claim_on_another_pool_s_queue_hears_which_pool_its_target_opted_in_to() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1").not_opted_in()).await;
    let tag = json!({ "Tags": [{ "ResourceId": "asg-1", "ResourceType": "auto-scaling-group",
        "Key": "ready-pool:pool", "Value": "large-pool", "PropagateAtLaunch": false }] });
    harness
        .call(Service::AutoScaling, "CreateOrUpdateTags", tag)
        .await
        .unwrap();
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::NotOptedIn);
    assert!(outcome.message.contains("the queue of large-pool"));
    assert_eq!(outcome.details.opted_in_to.as_deref(), Some("large-pool"));
    assert_eq!(outcome.pool.unwrap().as_str(), harness.pool);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_has_not_opted_in_is_rejected() {
    let outcome = outcome_of(aimed_at("asg-stranger")).await;
    assert_eq!(outcome.reason, Reason::NotOptedIn);
    assert!(
        outcome
            .message
            .contains("ready-pool:pool = ready-pool-pool")
    );
}

#[tokio::test(start_paused = true)]
async fn the_pool_itself_is_no_target() {
    assert_eq!(
        outcome_of(aimed_at("ready-pool-pool")).await.reason,
        Reason::TargetIsOurs
    );
    assert_eq!(
        outcome_of(aimed_at("ready-pool-retirement")).await.reason,
        Reason::TargetIsOurs
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_without_a_zone_in_common_is_rejected() {
    assert_eq!(
        outcome_of(aimed_at("asg-far")).await.reason,
        Reason::NoCommonZone
    );
}

/// Nothing but a subnet in common shows that pool and target are in one VPC; who knows that they are
/// can do without.
#[tokio::test(start_paused = true)]
async fn a_target_without_a_subnet_in_common_is_rejected_unless_the_stack_says_otherwise() {
    for (required, reason) in [
        ("true", Reason::NoCommonSubnet),
        ("false", Reason::Initialised),
    ] {
        let harness = Harness::builder()
            .parameter("RequireCommonSubnet", required)
            .start();
        harness.pool_is_ready(2).await;
        harness
            .create(Target::named("asg-elsewhere").in_another_vpc())
            .await;
        harness.send(&claim("c", "asg-elsewhere")).await;
        assert_eq!(harness.outcome("c").await.reason, reason);
        harness.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_attached_to_is_rejected() {
    let outcome = outcome_of(aimed_at("asg-closed")).await;
    assert_eq!(outcome.reason, Reason::TargetSuspended);
    assert!(outcome.message.contains("resume it"));
}

#[tokio::test(start_paused = true)]
async fn a_message_in_a_wrong_group_is_rejected_with_the_right_one() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    harness
        .send_as(claim("lost", "asg-1").to_string(), "lost", "lost")
        .await;
    harness.send(&claim("good", "asg-1")).await;

    let outcome = harness.outcome("lost").await;
    assert_eq!(outcome.reason, Reason::WrongMessageGroup);
    assert!(
        outcome.message.contains("\"ready-pool-pool\""),
        "{}",
        outcome.message
    );
    assert_eq!(harness.outcome("good").await.outcome, Ending::Ready);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn two_claims_for_the_last_place_of_a_target_get_one_yes_and_one_no() {
    let harness = Harness::with_ready_pool(3).await;
    harness.create(Target::named("asg-1").max_size(1)).await;
    harness.send_together(["first", "second"].map(|claim_id| claim(claim_id, "asg-1")));
    assert_eq!(harness.outcome("first").await.outcome, Ending::Ready);
    assert_eq!(harness.outcome("second").await.reason, Reason::TargetFull);
    harness.end().await;
}
