//! A warm pool (Auto Scaling's) that somebody put on the pool's group: it is not supported, and said so.

use crate::error_lines::Errors;
use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use serde_json::json;
use std::time::Duration;

/// How often the warm pool was spoken of.
fn said(errors: &Errors) -> usize {
    errors.count("has a warm pool, which is not supported")
}

fn set(harness: &Harness, configuration: Option<serde_json::Value>) {
    harness.region.with(|world| {
        let group = world.autoscaling.groups.get_mut(&harness.pool).unwrap();
        group.warm_pool = configuration;
    });
}

#[tokio::test(start_paused = true)]
async fn it_is_said_once_an_hour_and_members_are_served_as_before() {
    let errors = Errors::default();
    let _guard = tracing::subscriber::set_default(errors.clone());
    let harness = Harness::with_ready_pool(2).await;
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(said(&errors), 0);
    set(
        &harness,
        Some(json!({ "MinSize": 2, "PoolState": "Stopped" })),
    );
    harness.create(Target::named("tenant")).await;
    harness.send(&claim("served", "tenant")).await;
    assert_eq!(harness.outcome("served").await.outcome, Ending::Ready);
    harness.pool_is_ready(2).await;
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(said(&errors), 1);
    harness.pass(Duration::from_hours(2)).await;
    assert_eq!(said(&errors), 3);
    // Somebody takes it away: AWS shows it until its last machine is gone.
    set(
        &harness,
        Some(json!({ "MinSize": 2, "PoolState": "Stopped", "Status": "PendingDelete" })),
    );
    harness.pass(Duration::from_hours(2)).await;
    assert_eq!(said(&errors), 3);
    harness.end().await;
}
