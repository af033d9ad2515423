//! `pause` and `resume`.

use crate::operator::{harness, run, words};
use end_to_end::{Harness, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_operator::Exit;
use serde_json::json;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_pause_holds_claims_until_it_ends() {
    let harness = harness(Harness::builder()).await;
    let paused = run(&harness, &["pause"]).await;
    paused.is(
        Exit::Done,
        &[
            "ready-pool-pool",
            "paused",
            "claims:",
            "`ready-pool resume`",
        ],
    );
    harness.send(&claim("waits", "tenant")).await;
    let line = words("send --target tenant --command true --id too");
    run(&harness, &line)
        .await
        .is(Exit::Done, &["claims are paused"]);
    run(&harness, &["claim", "too"])
        .await
        .is(Exit::Unknown, &["claims are paused", "`ready-pool resume`"]);
    harness.pass(Duration::from_mins(2)).await;
    assert!(harness.outcomes().is_empty(), "it was served");
    run(&harness, &["status"]).await.is(
        Exit::Done,
        &[
            "paused      claims: none gets an instance",
            "provision 0 and 2 in flight",
        ],
    );
    let resumed = run(&harness, &["resume"]).await;
    resumed.is(
        Exit::Done,
        &[
            "resumed     the pool works",
            "claims: none gets an instance",
        ],
    );
    for claim_id in ["waits", "too"] {
        assert_eq!(harness.outcome(claim_id).await.outcome, Ending::Ready);
    }
    // Again it changes nothing.
    let idle = run(&harness, &["resume"]).await;
    idle.is(Exit::Done, &["not paused"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn each_pause_is_what_the_functions_read() {
    let harness = harness(Harness::builder()).await;
    for (what, claims, replenishing) in [
        ("claims", true, false),
        ("replenishing", false, true),
        ("all", true, true),
    ] {
        run(&harness, &["resume"]).await.is(Exit::Done, &[]);
        run(&harness, &["pause", what]).await.is(Exit::Done, &[]);
        let read = run(&harness, &["status", "--json"]).await.json().remove(0);
        assert_eq!(read["paused"]["claims"], claims, "{what}");
        assert_eq!(read["paused"]["replenishing"], replenishing, "{what}");
        assert!(read["paused"].get("misspelt").is_none(), "{what}");
    }
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_pause_ends_no_other() {
    let harness = harness(Harness::builder()).await;
    run(&harness, &["pause", "replenishing"])
        .await
        .is(Exit::Done, &[]);
    let both = run(&harness, &["pause"]).await;
    both.is(
        Exit::Done,
        &[
            "paused      claims and replenishing",
            "replenishing was paused already",
        ],
    );
    let read = run(&harness, &["status", "--json"]).await.json().remove(0);
    assert_eq!(read["paused"]["claims"], true, "{read}");
    assert_eq!(read["paused"]["replenishing"], true, "{read}");
    let ended = run(&harness, &["resume", "--json"]).await.json().remove(0);
    assert_eq!(
        ended,
        json!({
            "stack": "ready-pool", "pool": "ready-pool-pool", "claims": false, "replenishing": false,
        })
    );
    harness.end().await;
}
