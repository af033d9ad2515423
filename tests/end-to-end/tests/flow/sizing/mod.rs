//! A pool that is sized by its hit rate: it learns from its own claims, in tags of its group.

mod days;
mod learned;
mod troubles;

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::journal::Happening;
use region::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const REPLENISH: &str = "ready-pool-replenish-pool";

/// All keys that the functions may write on the pool's group.
const TAGS: [&str; 10] = [
    "ready-pool:demand/day-0",
    "ready-pool:demand/day-1",
    "ready-pool:demand/week-0",
    "ready-pool:demand/week-1",
    "ready-pool:demand/week-2",
    "ready-pool:forecasts",
    "ready-pool:own",
    "ready-pool:size",
    "ready-pool:sizing",
    "ready-pool:waited",
];

fn sized(pool_size: usize) -> HarnessBuilder {
    Harness::builder()
        .pool_size(pool_size)
        .parameter("HitRate", "99")
}

/// Once the pool is ready and its first size is noted.
async fn sized_pool(pool_size: usize) -> Harness {
    let harness = sized(pool_size).start();
    harness.pool_is_ready(pool_size).await;
    harness.create(Target::named("asg-1").max_size(1_000)).await;
    harness
        .until("a size is noted", |world| {
            tags(world).contains_key("ready-pool:size")
        })
        .await;
    harness
}

/// The tags of the pool's group that are of sizing.
fn tags(world: &World) -> BTreeMap<String, String> {
    let groups = world.autoscaling.groups.values();
    let mut pools = groups.filter(|group| group.name.ends_with("-pool"));
    let pool = pools.next().unwrap();
    let ours = pool
        .tags
        .iter()
        .filter(|(key, _)| TAGS.contains(&key.as_str()));
    ours.map(|(key, tag)| (key.clone(), tag.value.clone()))
        .collect()
}

fn tag(harness: &Harness, key: &str) -> Option<String> {
    harness.region.read(|world| tags(world).get(key).cloned())
}

fn size(harness: &Harness) -> u32 {
    let tag = tag(harness, "ready-pool:size").expect("a size is noted");
    tag.strip_prefix("v1 ").unwrap().parse().unwrap()
}

fn message(harness: &Harness, claim_id: &str) -> Value {
    let mut message = claim(claim_id, "asg-1");
    message["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
    message
}

fn send_together(harness: &Harness, prefix: &str, count: usize) {
    harness.send_together((0..count).map(|n| message(harness, &format!("{prefix}-{n}"))));
}

async fn write_tag(harness: &Harness, key: &str, value: &str) {
    let input = json!({ "Tags": [{
        "ResourceType": "auto-scaling-group", "ResourceId": harness.pool, "PropagateAtLaunch": false,
        "Key": key, "Value": value,
    }] });
    harness
        .call(Service::AutoScaling, "CreateOrUpdateTags", input)
        .await
        .unwrap();
}

async fn delete_tags(harness: &Harness, keys: &[&str]) {
    let tags = keys.iter().map(|key| {
        json!({ "ResourceType": "auto-scaling-group", "ResourceId": harness.pool, "Key": key })
    });
    let input = json!({ "Tags": tags.collect::<Vec<_>>() });
    harness
        .call(Service::AutoScaling, "DeleteTags", input)
        .await
        .unwrap();
}

/// Members of the pool that Auto Scaling began to terminate while a claim waited.
fn terminated_while_a_claim_waits(harness: &Harness) -> usize {
    let mut waiting = 0_i32;
    let mut found = 0;
    for entry in harness.journal() {
        match entry.what {
            Happening::MessageSent { queue, .. } if queue.ends_with("-provision.fifo") => {
                waiting += 1;
            }
            Happening::MessageDeleted { queue, .. } if queue.ends_with("-provision.fifo") => {
                waiting -= 1;
            }
            Happening::Terminating { .. } if waiting > 0 => found += 1,
            _ => {}
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn claims_that_find_nothing_ready_are_counted() {
    let harness = sized_pool(1).await;
    send_together(&harness, "claim", 3);
    for outcome in harness.outcomes_of(3).await {
        assert_eq!(outcome.outcome, Ending::Ready);
    }
    assert_eq!(tag(&harness, "ready-pool:waited").as_deref(), Some("v1 2"));
    let mut hasty = message(&harness, "hasty");
    hasty["when_empty"] = json!("reject");
    harness.send_together([message(&harness, "first"), hasty]);
    assert_eq!(harness.outcome("hasty").await.reason, Reason::PoolEmpty);
    harness.outcome("first").await;
    let hits = harness.figures.values("AchievedHitRate", &[]);
    // One of three, and one of these two, unless the pool was larger by then.
    let missed = hits.iter().filter(|hit| **hit == 0.0).count();
    assert_eq!(hits.len(), 5);
    assert_eq!(
        tag(&harness, "ready-pool:waited"),
        Some(format!("v1 {missed}"))
    );
    assert_eq!(terminated_while_a_claim_waits(&harness), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_fixed_size_writes_nothing_on_the_pool_and_counts_nothing() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1").max_size(1_000)).await;
    // Left behind by a hit rate that was asked for once.
    write_tag(&harness, "ready-pool:size", "v1 9").await;
    send_together(&harness, "claim", 3);
    harness.outcomes_of(3).await;
    harness.pass(Duration::from_mins(20)).await;
    let left = BTreeMap::from([("ready-pool:size".to_owned(), "v1 9".to_owned())]);
    assert_eq!(harness.region.read(tags), left);
    assert_eq!(harness.desired(&harness.pool), 1);
    for metric in ["PredictedHitRate", "AchievedHitRate", "WaitPrice"] {
        assert_eq!(harness.figures.values(metric, &[]), [0.0; 0], "{metric}");
    }
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn claim_instance_lets_go_of_what_is_beyond_the_size_on_the_pool() {
    let harness = sized_pool(3).await;
    let rules = |enabled: bool| {
        harness.region.with(|world| {
            for rule in world.events.rules.values_mut() {
                let is_replenish =
                    rule.name.ends_with("-every-minute") || rule.name.ends_with("-pool-changed");
                rule.enabled = enabled || !is_replenish;
            }
        });
    };
    rules(false);
    write_tag(&harness, "ready-pool:size", "v1 1").await;
    send_together(&harness, "claim", 3);
    harness.outcomes_of(3).await;
    assert_eq!(
        harness.desired(&harness.pool),
        1,
        "two left without a replacement"
    );
    rules(true);
    harness.pool_is_ready(3).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_minimum_is_the_least_size() {
    let harness = sized_pool(2).await;
    let minimum = |size: u32| json!({ "AutoScalingGroupName": harness.pool, "MinSize": size });
    harness
        .call(Service::AutoScaling, "UpdateAutoScalingGroup", minimum(6))
        .await
        .unwrap();
    harness.pass(Duration::from_mins(2)).await;
    assert_eq!(
        size(&harness),
        6,
        "claims do not try to shrink the group below it"
    );
    harness.pool_is_ready(6).await;
    harness
        .call(Service::AutoScaling, "UpdateAutoScalingGroup", minimum(0))
        .await
        .unwrap();
    harness.pass(Duration::from_mins(8)).await;
    assert_eq!(size(&harness), 2);
    assert_eq!(harness.desired(&harness.pool), 2);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_of_a_hit_rate_makes_few_calls_more() {
    let mut calls = Vec::new();
    for hit_rate in ["0", "99"] {
        let harness = Harness::builder()
            .pool_size(2)
            .parameter("HitRate", hit_rate)
            .start();
        harness.pool_is_ready(2).await;
        harness.pass(Duration::from_mins(5)).await;
        let count = || {
            harness
                .figures
                .sum("AwsCalls", &[("Function", "replenish-pool")])
        };
        let before = count();
        harness.pass(Duration::from_hours(2)).await;
        calls.push(count() - before);
        harness.end().await;
    }
    let more = calls[1] - calls[0];
    // A page of history a minute, which a fixed size is content without, and eight checkpoints.
    assert!((128.0..=129.0).contains(&more), "{calls:?}");
}
