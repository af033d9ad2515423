//! One message in, one ready instance out.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::outcome::{Ending, Reason};

#[tokio::test(start_paused = true)]
async fn a_claim_gets_a_ready_instance_and_the_pool_refills() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("asg-1")).await;

    stage.send(&claim("signup-1", "asg-1")).await;
    let outcome = stage.outcome("signup-1").await;

    assert_eq!(
        (outcome.outcome, outcome.reason),
        (Ending::Ready, Reason::Initialised)
    );
    let instance = outcome.instance_id.unwrap().to_string();
    assert_eq!(stage.in_service("asg-1"), [instance.clone()]);
    assert_eq!(
        stage.entry("asg-1", "signup-1").unwrap(),
        format!("v1 {instance} 1 ready 2026-11-22T20:30:00Z")
    );
    stage.pool_is_ready(2).await;
    assert!(!stage.in_service(&stage.pool).contains(&instance));
    stage.end().await;
}
