//! Claims for a zone where the pool has nothing: what is ready elsewhere does not count for them, and the pool grows
//! until that zone has what they need, and no further.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::journal::Happening;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];
/// As in `dead_agents.rs`.
const BOOT: Duration = Duration::from_secs(90);

/// A pool of two, and a target in the zone in which it has nothing.
async fn pool_of_two() -> (Harness, &'static str) {
    let harness = Harness::builder()
        .pool_size(2)
        .settings(|settings| {
            let spread = &mut settings.timings.agent_registration;
            *spread = region::settings::Spread::between(spread.min, spread.max);
        })
        .start();
    harness.pool_is_ready(2).await;
    let members = harness.in_service(&harness.pool);
    let taken: BTreeSet<String> = members.iter().map(|id| harness.zone(id)).collect();
    let free = ZONES.iter().find(|zone| !taken.contains(**zone));
    let lacking = *free.expect("two members are in two zones");
    harness
        .create(Target::named("asg-1").zones(&[lacking]))
        .await;
    harness.pass(Duration::from_mins(10)).await;
    (harness, lacking)
}

fn send(harness: &Harness, claims: usize) {
    harness.send_together((0..claims).map(|n| {
        let mut claim = claim(&format!("claim-{n:02}"), "asg-1");
        claim["expires_at"] = harness.in_future(Duration::from_mins(15)).into();
        claim
    }));
}

fn launched(harness: &Harness) -> usize {
    let journal = harness.journal();
    let launching = |what: &Happening| matches!(what, Happening::Launching { .. });
    journal
        .iter()
        .filter(|entry| launching(&entry.what))
        .count()
}

fn most_desired(harness: &Harness) -> f64 {
    let desired = harness.figures.values("Desired", &[]);
    desired.into_iter().fold(0.0, f64::max)
}

#[tokio::test(start_paused = true)]
async fn twelve_claims_for_a_zone_where_a_pool_of_two_has_nothing_are_served_within_two_boot_times()
{
    let (harness, _) = pool_of_two().await;
    let before = launched(&harness);
    let since = harness.now();
    send(&harness, 12);
    let outcomes = harness.outcomes_of(12).await;
    let mut waits: Vec<Duration> = Vec::new();
    for outcome in &outcomes {
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        waits.push((outcome.at - since).unsigned_abs());
    }
    waits.sort_unstable();
    let (launched, most) = (launched(&harness) - before, most_desired(&harness));
    println!("12 claims for a zone waited {waits:?}; {launched} launched, at most {most} wanted");
    assert!(waits[11] <= BOOT * 2, "{waits:?}");
    // Its size, and for each claim one in each of three zones.
    assert!(most <= 38.0 && launched <= 36, "{most} {launched}");
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(harness.desired(&harness.pool), 2);
    assert_eq!(harness.in_service(&harness.pool).len(), 2);
    // Nobody lacks anything any more.
    let tags = harness
        .region
        .with(|world| world.autoscaling.groups[&harness.pool].tags.clone());
    assert!(!tags.keys().any(|key| key.contains("lacking")), "{tags:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_claim_for_such_a_zone_launches_one() {
    let (harness, lacking) = pool_of_two().await;
    let before = launched(&harness);
    let since = harness.now();
    send(&harness, 1);
    let outcome = harness.outcome("claim-00").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    let waited = outcome.at - since;
    println!("one claim for a zone waited {waited}");
    assert!(waited <= BOOT * 2, "{waited}");
    assert_eq!(harness.zone(outcome.instance_id.unwrap().as_str()), lacking);
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(launched(&harness) - before, 1);
    assert_eq!(harness.desired(&harness.pool), 2);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn claims_that_expire_there_leave_the_pool_as_it_was() {
    let (harness, _) = pool_of_two().await;
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    send(&harness, 5);
    for outcome in harness.outcomes_of(5).await {
        assert_eq!(outcome.outcome, Ending::Failed, "{outcome:?}");
    }
    assert!(most_desired(&harness) <= 2.0 + 15.0);
    harness
        .region
        .with(|world| world.compute.capacity_refused = false);
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(harness.desired(&harness.pool), 2);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_writes_there_grows_nothing_while_nobody_waits() {
    let (harness, lacking) = pool_of_two().await;
    let value = format!("v1 40 {}", harness.in_future(Duration::from_hours(1)));
    let tag = json!({ "ResourceType": "auto-scaling-group", "ResourceId": harness.pool, "PropagateAtLaunch": false,
                      "Key": format!("ready-pool:lacking/{lacking}"), "Value": value });
    harness
        .call(
            Service::AutoScaling,
            "CreateOrUpdateTags",
            json!({ "Tags": [tag] }),
        )
        .await
        .unwrap();
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(harness.desired(&harness.pool), 2);
    harness.stop().await;
}
