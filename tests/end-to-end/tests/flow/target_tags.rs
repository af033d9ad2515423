//! Tags that are on a target already: its owner's, and those that AWS itself writes.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::autoscaling::write_tags_of_aws;
use serde_json::{Value, json};

/// A target with so many tags of its owner's beside the one that opts it in.
async fn tagged(harness: &Harness, name: &str, count: usize) {
    harness.create(Target::named(name)).await;
    let tags: Vec<Value> = (0..count)
        .map(|number| {
            json!({ "ResourceId": name, "ResourceType": "auto-scaling-group",
                    "Key": format!("cost-centre-{number}"), "Value": "1337",
                    "PropagateAtLaunch": false })
        })
        .collect();
    for tags in tags.chunks(25) {
        let input = json!({ "Tags": tags });
        harness
            .call(Service::AutoScaling, "CreateOrUpdateTags", input)
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_full_of_its_own_tags_does_not_hear_of_open_claims_that_are_none() {
    let harness = Harness::with_ready_pool(1).await;
    tagged(&harness, "asg-1", 49).await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Rejected);
    assert_eq!(outcome.reason, Reason::TargetTagsFull);
    let words = "group asg-1 has 50 tags (those of `aws:` not counted), none of them of an open claim; AWS allows \
         50, and each claim that is not settled needs one: remove some of its tags";
    assert!(outcome.message.starts_with(words), "{}", outcome.message);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_with_one_tag_left_is_served_one_claim_and_the_next_hears_whose_the_tags_are() {
    let harness = Harness::with_ready_pool(2).await;
    tagged(&harness, "asg-1", 48).await;
    harness.send_together(["first", "second"].map(|claim_id| claim(claim_id, "asg-1")));
    let second = harness.outcome("second").await;
    assert_eq!(second.reason, Reason::TooManyOpenClaims);
    let whose = "49 of its own and 1 of open claims";
    assert!(second.message.contains(whose), "{}", second.message);
    assert_eq!(harness.outcome("first").await.outcome, Ending::Ready);
    harness.end().await;
}

/// A group that CloudFormation made has three tags of AWS's own, one of EKS more: they are not among
/// the fifty.
#[tokio::test(start_paused = true)]
async fn a_target_that_cloud_formation_made_has_room_for_fifty_tags_beside_aws_s_own() {
    let harness = Harness::with_ready_pool(1).await;
    tagged(&harness, "asg-1", 48).await;
    harness.region.with(|world| {
        let tags = [
            ("cloudformation:stack-name", "tenant-1337"),
            ("cloudformation:stack-id", "arn:aws:cloudformation:…"),
            ("cloudformation:logical-id", "TenantGroup"),
            ("eks:cluster-name", "tenant-1337"),
        ];
        write_tags_of_aws(world, "asg-1", &tags);
    });
    harness.send(&claim("c", "asg-1")).await;
    assert_eq!(harness.outcome("c").await.outcome, Ending::Ready);
    harness.end().await;
}
