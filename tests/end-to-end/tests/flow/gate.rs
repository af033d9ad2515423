//! How long a launched machine whose agent is online waits in its hook. No event tells of agents, so the hook is looked
//! at while somebody waits in it, and only then.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::Timestamp;
use region::journal::Happening;
use region::settings::Spread;
use std::collections::BTreeMap;
use std::time::Duration;

const WATCHED: Duration = Duration::from_mins(10);
const SECOND: Duration = Duration::from_secs(1);

/// From when each launch was in its hook and its agent online until it was in service.
fn waits(harness: &Harness) -> Vec<Duration> {
    let mut ready: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut waits = Vec::new();
    for entry in harness.journal() {
        match entry.what {
            Happening::Waiting { instance, .. } | Happening::AgentOnline { instance } => {
                ready.insert(instance, entry.at);
            }
            Happening::InService { group, instance } if group == harness.pool => {
                waits.push((entry.at - ready[&instance]).unsigned_abs());
            }
            _ => {}
        }
    }
    waits
}

/// The longest such wait while claims come at this pace, to a pool that has enough for them.
async fn longest(harness: &Harness, pool: usize, pace: Duration) -> Duration {
    harness.pool_is_ready(pool).await;
    harness.create(Target::named("asg-1").max_size(1_000)).await;
    let filled = waits(harness).len();
    let end = harness.now() + WATCHED;
    let mut claims = 0;
    while harness.now() < end {
        let mut message = claim(&format!("claim-{claims}"), "asg-1");
        message["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
        harness.send(&message).await;
        claims += 1;
        harness.pass(pace).await;
    }
    harness.outcomes_of(claims).await;
    harness.pool_is_ready(pool).await;
    let waits = &waits(harness)[filled..];
    assert_eq!(waits.len(), claims);
    let longest = waits.iter().max().copied().unwrap_or_default();
    println!("a claim every {pace:?}: the longest wait of {claims} was {longest:?}");
    longest
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_in_service_within_ten_seconds_of_its_agent() {
    for (pace, pool) in [(60, 10), (10, 30), (4, 60)] {
        let harness = Harness::builder()
            .pool_size(pool)
            .parameter("PoolMaxSize", "100")
            .start();
        let longest = longest(&harness, pool, SECOND * pace).await;
        assert!(longest <= SECOND * 10, "at {pace} s: {longest:?}");
        harness.end().await;
    }
}

/// Agents that come a minute or two after their machines are in the hook: a pass looks for forty seconds, and the next
/// one comes with the timer.
#[tokio::test(start_paused = true)]
async fn one_whose_agent_is_late_is_in_service_within_half_a_minute_of_it() {
    let harness = Harness::builder()
        .pool_size(10)
        .settings(|settings| {
            settings.timings.agent_registration = Spread::between(SECOND * 60, SECOND * 150);
        })
        .start();
    let longest = longest(&harness, 10, SECOND * 60).await;
    assert!(longest <= SECOND * 30, "{longest:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn where_every_event_is_lost_it_is_in_service_a_minute_later() {
    let harness = Harness::with_ready_pool(10).await;
    harness
        .region
        .with(|world| world.events.unreliability.drop = 1.0);
    let longest = longest(&harness, 10, SECOND * 60).await;
    assert!(longest <= SECOND * 65, "{longest:?}");
    harness.end().await;
}
