//! Kills, refusals, limits and pauses while the pool is sized by its hit rate.

use super::*;
use ready_pool_sizing::Minute;
use region::autoscaling::Lifecycle;
use region::compute;
use region::faults::{Calls, Failure, Fault, Moment};

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
    // The capacity comes to what the tag says, whoever died between the two.
    harness
        .until("the pool has its size", |world| {
            let size = tags(world)["ready-pool:size"].replace("v1 ", "");
            let pool = &world.autoscaling.groups["ready-pool-pool"];
            let members = pool.members.values();
            let ready = members.filter(|member| member.lifecycle == Lifecycle::InService);
            [pool.desired.to_string(), ready.count().to_string()] == [size.clone(), size]
        })
        .await;
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
