//! What claims cost in calls may not grow unnoticed: Auto Scaling's calls share one unpublished limit of the whole
//! account. `cargo bench-claims` prints what they are made of; a change that lowers them lowers the pin too.

use end_to_end::{Bench, Harness, Target, claim};
use region::journal::Happening;
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
        5.0,
        measured.calls_but_leases_of("claim-instance"),
        "calls of claim-instance",
    );
    at_most(
        7.6,
        measured.calls_but_leases_of("init-instance"),
        "calls of init-instance",
    );
}

/// More than where the instance is attached first: its target's room and where it is, and looks until it is in service.
#[tokio::test(start_paused = true)]
async fn a_single_claim_whose_instance_is_attached_after_its_init() {
    let measured = BENCH.after_init(false).await;
    at_most(
        10.6,
        measured.calls_but_leases_of("init-instance"),
        "calls of init-instance",
    );
}

#[tokio::test(start_paused = true)]
async fn ten_claims_at_once() {
    let measured = BENCH.at_once(10, BENCH.rounds).await;
    at_most(8.4, measured.calls_of_both(), "calls a claim");
}

#[tokio::test(start_paused = true)]
async fn replenish_pool_at_one_claim_a_minute() {
    let measured = Bench {
        watched: Duration::from_mins(30),
        ..BENCH
    }
    .steady(end_to_end::A_MINUTE, 10)
    .await;
    at_most(12.0, measured.calls_of("replenish-pool"), "calls a claim");
}

#[tokio::test(start_paused = true)]
async fn replenish_pool_at_one_claim_in_ten_seconds() {
    let measured = BENCH.steady(Duration::from_secs(10), 30).await;
    at_most(5.6, measured.calls_of("replenish-pool"), "calls a claim");
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do() {
    at_most(4.0, BENCH.idle().await, "calls a minute");
}

const REPLENISH: &str = "ready-pool-replenish-pool";

/// Pages of activities that each of replenish-pool's passes reads, for half an hour at a claim a minute: the most in one
/// pass, and the mean.
async fn pages_a_pass(hit_rate: &str) -> (usize, f64) {
    let builder = Harness::builder().pool_size(10);
    let harness = builder.parameter("HitRate", hit_rate).start();
    harness.pool_is_ready(10).await;
    harness.create(Target::named("asg-1").max_size(1_000)).await;
    let mut since = 0;
    for minute in 0..60 {
        if minute == 30 {
            since = harness.region.read(|world| world.journal.end());
        }
        let mut message = claim(&format!("claim-{minute}"), "asg-1");
        message["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
        harness.send(&message).await;
        harness.pass(Duration::from_mins(1)).await;
    }
    let (entries, _) = harness.region.read(|world| world.journal.since(since));
    let mut passes = vec![0];
    for entry in entries {
        match entry.what {
            Happening::Invoked { function, .. } if function == REPLENISH => passes.push(0),
            Happening::Called {
                caller, operation, ..
            } if caller == REPLENISH && operation == "DescribeScalingActivities" => {
                *passes.last_mut().unwrap() += 1;
            }
            _ => {}
        }
    }
    harness.end().await;
    let sum: usize = passes.iter().sum();
    let most = passes.iter().copied().max().unwrap_or_default();
    let count = |number: usize| f64::from(u32::try_from(number).unwrap());
    (most, count(sum) / count(passes.len()))
}

#[tokio::test(start_paused = true)]
async fn a_hit_rate_reads_at_most_one_page_more_a_pass_up_to_a_claim_a_minute() {
    let (most, mean) = pages_a_pass("0").await;
    let (sized_most, sized_mean) = pages_a_pass("99").await;
    println!(
        "pages a pass: {most} at most, {mean:.2} in the mean; sized: {sized_most}, {sized_mean:.2}"
    );
    assert!(sized_most <= most + 1, "{sized_most} pages for {most}");
    assert!(
        sized_mean <= mean + 1.0,
        "{sized_mean:.2} pages for {mean:.2}"
    );
}
