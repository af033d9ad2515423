//! Every event lost, every event doubled: the caller hears each end, once.

use super::caller::Caller;
use end_to_end::{Harness, Target, claim};
use region::commands::{CommandRun, Pretence};
use region::events::Unreliability;
use std::time::Duration;

const CLAIMS: [&str; 4] = ["good-1", "bad-1", "good-2", "bad-2"];

/// Four claims, two of which fail, in a region with such events.
async fn four_claims(unreliability: Unreliability) -> Harness {
    let harness = Harness::builder()
        .pool_size(4)
        .scripts(|run: &CommandRun| Pretence {
            exit_code: i32::from(run.script.starts_with("# ready-pool: claim bad-")),
            ..Pretence::default()
        })
        .start();
    harness
        .region
        .with(|world| world.events.unreliability = unreliability);
    harness.pool_is_ready(4).await;
    harness.create(Target::named("asg-1")).await;
    for claim_id in CLAIMS {
        harness.send(&claim(claim_id, "asg-1")).await;
    }
    harness
}

async fn each_is_heard_once(harness: &Harness) {
    let mut caller = Caller::of(harness);
    for claim_id in CLAIMS {
        let heard = caller.hear(claim_id).await;
        let expected = if claim_id.starts_with("good") {
            "ready"
        } else {
            "failed"
        };
        assert_eq!(heard.outcome["outcome"], expected, "{claim_id}");
        // However it came to be known, it is published in full.
        assert_eq!(heard.outcome["attempt"], 1, "{claim_id}");
        let exit_code = i32::from(claim_id.starts_with("bad"));
        assert_eq!(heard.outcome["command"]["exit_code"], exit_code);
    }
    // Whatever else is published is published again.
    harness.pass(Duration::from_mins(10)).await;
    caller.listen().await;
    assert_eq!(caller.heard.len(), CLAIMS.len());
    assert_eq!(caller.with("outcome", "ready").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn with_every_event_lost_every_claim_gets_its_outcome() {
    let harness = four_claims(Unreliability {
        drop: 1.0,
        ..Unreliability::default()
    })
    .await;
    each_is_heard_once(&harness).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_every_event_doubled_who_drops_repeats_hears_each_once() {
    let harness = four_claims(Unreliability {
        duplicate: 1.0,
        ..Unreliability::default()
    })
    .await;
    each_is_heard_once(&harness).await;
    harness.end().await;
}
