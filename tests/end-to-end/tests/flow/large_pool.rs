//! A pool of 480: how long an instance whose agent is online waits to be let into service.

use end_to_end::Harness;
use ready_pool_core::Timestamp;
use region::api::Service;
use region::faults::{Calls, Failure, Moment, Rate};
use region::journal::Happening;
use region::settings::Spread;
use std::collections::BTreeMap;
use std::time::Duration;

const SIZE: usize = 480;

/// A pool of 480 that boots, its agents within this time of each other.
fn booting(apart: Duration) -> Harness {
    Harness::builder()
        .pool_size(SIZE)
        .parameter("PoolMaxSize", "500")
        .settings(|settings| {
            let first = Duration::from_secs(40);
            settings.timings.agent_registration = Spread::between(first, first + apart);
        })
        .start()
}

/// For how long each launch waited after its agent came online.
fn waits(harness: &Harness) -> Vec<Duration> {
    let mut ready: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut waits = Vec::new();
    for entry in harness.journal() {
        match entry.what {
            // In the hook and online, whichever comes last.
            Happening::Waiting { instance, .. } | Happening::AgentOnline { instance } => {
                ready.insert(instance, entry.at);
            }
            Happening::Called {
                operation,
                input,
                error: None,
                ..
            } if operation == "CompleteLifecycleAction" => {
                let instance = input["InstanceId"].as_str().unwrap();
                waits.push((entry.at - ready[instance]).unsigned_abs());
            }
            _ => {}
        }
    }
    waits
}

#[tokio::test(start_paused = true)]
async fn the_last_of_480_is_let_into_service_within_ten_seconds_of_its_agent() {
    for apart in [Duration::ZERO, Duration::from_secs(20)] {
        let harness = booting(apart);
        harness.pool_is_ready(SIZE).await;
        let waits = waits(&harness);
        let last = waits.iter().max().unwrap();
        println!("agents within {apart:?}: the last of {SIZE} waited {last:?}");
        assert_eq!(waits.len(), SIZE);
        assert!(*last <= Duration::from_secs(10), "{last:?}");
        harness.end().await;
    }
}

/// An account's bucket is empty soon: what is refused is asked again, and not all at once.
#[tokio::test(start_paused = true)]
async fn throttling_only_makes_it_slower() {
    let harness = booting(Duration::ZERO);
    harness.region.with(|world| {
        world.faults.rates.push(Rate {
            calls: Calls::of(Service::AutoScaling, "CompleteLifecycleAction"),
            chance: 0.5,
            moment: Moment::BeforeTheEffect,
            failure: Failure::Throttled,
        });
    });
    harness.pool_is_ready(SIZE).await;
    let refused = harness.refusals("CompleteLifecycleAction").len();
    println!("{refused} calls throttled for {SIZE} launches");
    // At a half each is asked about twice.
    assert!(refused < SIZE * 2, "{refused}");
    harness.end().await;
}
