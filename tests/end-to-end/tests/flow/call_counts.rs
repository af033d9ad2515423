//! What claims cost in calls may not grow unnoticed: Auto Scaling's calls share one unpublished limit of the whole
//! account. `cargo bench-claims` prints what they are made of; a change that lowers them lowers the pin too.

use end_to_end::Bench;
use std::time::Duration;

/// Less than `cargo bench-claims` measures: the counts hardly depend on how often.
const BENCH: Bench = Bench {
    seed: 1,
    rounds: 4,
    burst: 0,
    watched: Duration::from_mins(10),
};

#[track_caller]
fn at_most(pin: f64, calls: f64, what: &str) {
    assert!(calls <= pin, "{calls:.2} {what}, and {pin} are pinned");
    assert!(
        calls > pin * 0.85,
        "{calls:.2} {what}: lower the pin of {pin}, so that it stays so"
    );
}

#[tokio::test(start_paused = true)]
async fn a_single_claim() {
    let measured = BENCH.at_once(1, BENCH.rounds).await;
    at_most(
        6.0,
        measured.calls_of("claim-instance"),
        "calls of claim-instance",
    );
    at_most(
        9.8,
        measured.calls_of("init-instance"),
        "calls of init-instance",
    );
}

/// At most three more than where the instance is attached first.
#[tokio::test(start_paused = true)]
async fn a_single_claim_whose_instance_is_attached_after_its_init() {
    let measured = BENCH.after_init(false).await;
    at_most(
        14.8,
        measured.calls_of("init-instance"),
        "calls of init-instance",
    );
}

#[tokio::test(start_paused = true)]
async fn ten_claims_at_once() {
    let measured = BENCH.at_once(10, BENCH.rounds).await;
    at_most(10.6, measured.calls_of_both(), "calls a claim");
}

#[tokio::test(start_paused = true)]
async fn replenish_pool_at_one_claim_a_minute() {
    let measured = BENCH.steady(Duration::from_mins(1), 10).await;
    at_most(33.5, measured.calls_of("replenish-pool"), "calls a claim");
}

#[tokio::test(start_paused = true)]
async fn replenish_pool_at_one_claim_in_ten_seconds() {
    let measured = BENCH.steady(Duration::from_secs(10), 30).await;
    at_most(9.2, measured.calls_of("replenish-pool"), "calls a claim");
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do() {
    at_most(6.5, BENCH.idle().await, "calls a minute");
}
