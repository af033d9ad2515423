//! A pool that is sized by its hit rate: it learns from its own claims, in tags of its group.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use ready_pool_sizing::Target as Asked;
use ready_pool_sizing::{Bounds, HitRate, Learner, Minute, Record, Situation};
use region::api::Service;
use region::autoscaling::Status;
use region::compute;
use region::faults::{Calls, Failure, Fault, Moment};
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

/// Machines that Auto Scaling began to terminate.
fn terminated(harness: &Harness) -> usize {
    let journal = harness.journal().into_iter();
    let is_terminated = |what: &Happening| matches!(what, Happening::Terminating { .. });
    journal.filter(|entry| is_terminated(&entry.what)).count()
}

/// What somebody decides who never stops learning, at each of the looks that were taken: when, the hit rate that he
/// predicts, the size.
fn decided_by_another(harness: &Harness, looks: &[i64], pool_size: u32) -> Vec<(i64, f64, u32)> {
    let asked = Asked {
        hit_rate: HitRate::of_percent(99.0).unwrap(),
        least_ready: 1,
    };
    let bounds = Bounds {
        pool_size,
        pool_max_size: 50,
        group_min: 0,
        group_max: 50,
    };
    let minute = |time: time::OffsetDateTime| Minute::of_unix_seconds(time.unix_timestamp());
    let activities = harness.region.read(|world| {
        let pool = &world.autoscaling.groups[&harness.pool];
        pool.activities.clone()
    });
    let mut detached: BTreeMap<Minute, u32> = BTreeMap::new();
    let mut booted: BTreeMap<Minute, Vec<(time::OffsetDateTime, String, f64)>> = BTreeMap::new();
    for one in activities {
        if one.description.starts_with("Detaching") {
            *detached.entry(minute(one.started_at)).or_default() += 1;
        } else if one.description.starts_with("Launching") && one.status == Status::Successful {
            // The API shows whole seconds.
            let whole = |time: time::OffsetDateTime| time.replace_nanosecond(0).unwrap();
            let (start, end) = (whole(one.started_at), whole(one.ended_at.unwrap()));
            let seconds = (end - start).as_seconds_f64() + 25.0;
            let line = (end, one.instance.unwrap(), seconds);
            booted.entry(minute(end)).or_default().push(line);
        }
    }
    let first = Minute::of_unix_seconds(looks[0]);
    // As the first look wrote down: the last quarter-hour whose activities all showed.
    let began = first.plus(-2).quarter_start();
    let mut learner = Learner::new(began);
    let mut size = pool_size;
    looks
        .iter()
        .map(|look| {
            let now = Minute::of_unix_seconds(*look);
            while learner.state().until() < now {
                let minute = learner.state().until();
                let mut launches = booted.remove(&minute).unwrap_or_default();
                launches.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
                let leads: Vec<f64> = launches.into_iter().map(|launch| launch.2).collect();
                let record = Record {
                    detached: detached.get(&minute).copied().unwrap_or(0),
                    lead_seconds: &leads,
                    ..Record::default()
                };
                learner.learn(&record, asked);
            }
            let situation = Situation {
                waiting: 0,
                size,
                bounds,
            };
            let decision = learner.decide(situation, asked);
            size = decision.size;
            (*look, decision.predicted_hit_rate, size)
        })
        .collect()
}

/// Somebody comes every seven minutes by day, and nobody at night.
async fn live(harness: &Harness, minutes: u32) {
    for _ in 0..minutes {
        let now = harness.now();
        if (8..18).contains(&now.hour()) && now.minute().is_multiple_of(7) {
            harness.pass(Duration::from_secs(20)).await;
            let claim_id = format!("claim-{}", now.unix_timestamp() / 60);
            harness.send(&message(harness, &claim_id)).await;
            harness.pass(Duration::from_secs(40)).await;
        } else {
            harness.pass(Duration::from_mins(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_learns_a_night_and_a_day_and_decides_as_whoever_never_stops() {
    let started = std::time::Instant::now();
    let harness = sized(4).start();
    harness.pool_is_ready(4).await;
    harness.create(Target::named("asg-1").max_size(1_000)).await;
    live(&harness, 40 * 60).await;

    let predicted = harness.figures.timeline("PredictedHitRate");
    let sizes: BTreeMap<i64, f64> = harness.figures.timeline("Size").into_iter().collect();
    let looks: Vec<i64> = predicted.iter().map(|(at, _)| *at).collect();
    assert!(looks.len() > 40 * 55, "a look a minute: {}", looks.len());
    let expected = decided_by_another(&harness, &looks, 4);
    let mut changes = 0;
    let mut before = 4;
    for ((at, hit_rate), (_, expected, size)) in predicted.into_iter().zip(expected) {
        // `serde_json` reads a figure's last bit not always right.
        assert!(
            (hit_rate - expected).abs() < 1e-12,
            "{at}: {hit_rate} for {expected}"
        );
        assert!((sizes[&at] - f64::from(size)).abs() < 0.5, "{at}: {size}");
        changes += usize::from(size != before);
        before = size;
    }
    println!(
        "{} looks, {changes} changes, {:?}",
        looks.len(),
        started.elapsed()
    );
    assert!((2..looks.len() / 5).contains(&changes), "{changes} changes");
    assert_eq!(tag(&harness, "ready-pool:waited"), None, "nobody waited");
    let outcomes = harness.outcomes();
    assert!(outcomes.len() > 80 && outcomes.iter().all(|one| one.outcome == Ending::Ready));
    assert_eq!(terminated_while_a_claim_waits(&harness), 0);
    // A size that was lowered leaves with the claims, and a few machines unused.
    let unused = terminated(&harness);
    assert!(unused < 15, "{unused} machines were terminated unused");

    // Somebody's tool wipes all tags: what the history says is there again.
    let size_before = size(&harness);
    delete_tags(&harness, &TAGS).await;
    harness.pass(Duration::from_mins(4)).await;
    let known = harness.region.read(tags);
    assert!(known.contains_key("ready-pool:demand/week-2"), "{known:?}");
    assert!(size(&harness).abs_diff(size_before) <= 1, "{known:?}");
    harness.end().await;
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
async fn a_kill_between_tag_and_capacity_is_made_good_by_the_next_look() {
    let harness = sized_pool(2).await;
    harness.break_next(Fault::nth(
        Calls::of(Service::AutoScaling, "CreateOrUpdateTags")
            .by(REPLENISH)
            .mentioning("ready-pool:size"),
        1,
        Moment::AfterTheEffect,
        Failure::Kill,
    ));
    send_together(&harness, "claim", 12);
    harness
        .until("the size is raised", |world| {
            tags(world)
                .get("ready-pool:size")
                .is_some_and(|size| size != "v1 2")
        })
        .await;
    let noted = size(&harness);
    assert_eq!(
        harness.region.read(|world| world.faults.waiting()),
        0,
        "it died"
    );
    assert!(noted > 2, "{noted}");
    harness.outcomes_of(12).await;
    let ready = usize::try_from(size(&harness)).unwrap();
    harness.pass(Duration::from_mins(3)).await;
    assert!(harness.in_service(&harness.pool).len() >= ready.min(2));
    assert_eq!(terminated_while_a_claim_waits(&harness), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_size_cannot_be_written_the_pool_goes_on_with_the_one_that_is() {
    let harness = sized_pool(2).await;
    let denied = region::api::CallError::sender("AccessDenied", "not authorized");
    harness.break_next(Fault {
        times: u32::MAX,
        ..Fault::nth(
            Calls::of(Service::AutoScaling, "CreateOrUpdateTags").by(REPLENISH),
            1,
            Moment::BeforeTheEffect,
            Failure::Error(denied),
        )
    });
    send_together(&harness, "claim", 12);
    let outcomes = harness.outcomes_of(12).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    assert_eq!(size(&harness), 2);
    harness.pass(Duration::from_mins(35)).await;
    assert_eq!(harness.desired(&harness.pool), 2);
    harness.region.with(|world| world.faults.stop());
    harness.pass(Duration::from_mins(3)).await;
    // It has caught up with what it could not write.
    let sizing = tag(&harness, "ready-pool:sizing").unwrap();
    let until: i64 = sizing.split(' ').nth(1).unwrap().parse().unwrap();
    let now = Minute::of_unix_seconds(harness.now().unix_timestamp());
    assert!(now.since(Minute::new(until)) < 17 + 1, "{sizing}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_pool_never_grows_beyond_its_maximum_and_says_so() {
    let harness = sized(2).parameter("PoolMaxSize", "3").start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1").max_size(1_000)).await;
    harness.pass(Duration::from_mins(3)).await;
    for round in 0..4 {
        send_together(&harness, &format!("round-{round}"), 8);
        harness.outcomes_of(8 * (round + 1)).await;
        assert!(size(&harness) <= 3);
    }
    let set: Vec<u64> = harness
        .journal()
        .into_iter()
        .filter_map(|entry| match entry.what {
            Happening::Called {
                operation,
                input,
                caller,
                ..
            } if operation == "SetDesiredCapacity" && caller == REPLENISH => {
                input["DesiredCapacity"].as_u64()
            }
            _ => None,
        })
        .collect();
    assert!(set.iter().all(|capacity| *capacity <= 3), "{set:?}");
    assert!(harness.figures.sum("SizeCapped", &[]) > 0.0);
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
async fn a_pause_teaches_nothing() {
    let harness = sized_pool(2).await;
    harness.pass(Duration::from_mins(20)).await;
    write_tag(&harness, "ready-pool:pause", "claims").await;
    send_together(&harness, "claim", 6);
    harness.pass(Duration::from_mins(40)).await;
    assert_eq!(size(&harness), 2);
    let calls = harness.calls("CreateOrUpdateTags");
    harness.pass(Duration::from_mins(15)).await;
    let calls = harness.calls("CreateOrUpdateTags") - calls;
    assert!(
        calls <= 2,
        "a checkpoint, and that the quarter-hour is held: {calls}"
    );
    delete_tags(&harness, &["ready-pool:pause"]).await;
    let outcomes = harness.outcomes_of(6).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    harness.pass(Duration::from_mins(20)).await;
    // The six came together, which is more than the pool's two, and are forgotten all the same.
    let sizing = tag(&harness, "ready-pool:sizing").unwrap();
    let words: Vec<&str> = sizing.split(' ').collect();
    let correction: f64 = words[21].parse().unwrap();
    assert!(correction <= 0.0, "no wait was learned: {sizing}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_retired_is_no_demand() {
    let harness = sized_pool(2).await;
    let silent = harness.in_service(&harness.pool)[0].clone();
    harness
        .region
        .with(|world| compute::kill_agent(world, &silent));
    harness.gone(&silent).await;
    let named = format!("v1 {}", silent.trim_start_matches("i-"));
    let mut order = Vec::new();
    for entry in harness.journal() {
        if let Happening::Called {
            caller,
            operation,
            input,
            ..
        } = entry.what
            && caller == REPLENISH
        {
            let writes = operation == "CreateOrUpdateTags" && input.to_string().contains(&named);
            let detaches = operation == "DetachInstances";
            order.extend(writes.then_some("own").or(detaches.then_some("detach")));
        }
    }
    assert_eq!(order, ["own", "detach"]);
    harness.pass(Duration::from_mins(40)).await;
    assert_eq!(tag(&harness, "ready-pool:own").as_deref(), Some("v1"));
    let forecasts = tag(&harness, "ready-pool:forecasts").unwrap();
    let counts = forecasts.as_bytes().chunks(5).map(|minute| &minute[3..]);
    assert!(
        counts.into_iter().all(|count| count == b"AA"),
        "{forecasts}"
    );
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
    // Eight checkpoints.
    assert!((8.0..=9.0).contains(&more), "{calls:?}");
}
