//! Messages at which a function crashes or runs out of time, each time it handles them: they end at
//! their own deadline, and nobody else has to wait for that.

use end_to_end::{Harness, Target, claim};
use ready_pool_aws::lease::LEASE;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::faults::{Calls, Failure, Fault, Moment, Rate};
use region::settings::Spread;
use std::time::Duration;

/// The command of the claim that is poison.
const POISON: &str = "bash /opt/poison.sh";
const DEADLINE: Duration = Duration::from_mins(10);

/// Every call of these is the last of its invocation.
fn each_time(calls: Calls, failure: Failure) -> Rate {
    Rate {
        calls,
        chance: 1.0,
        moment: Moment::BeforeTheEffect,
        failure,
    }
}

/// How long a claim may hold up others, and how long it waited itself.
struct Waits {
    harness: Harness,
    poison: Outcome,
    /// The longest that one of the others waited to be ready.
    others: Duration,
}

/// Sends one claim that is poison and four around it, which could wait for longer than it can.
async fn one_among_five(rate: Rate) -> Waits {
    // No long tail: what is measured is what the poison costs.
    let harness = Harness::builder()
        .pool_size(6)
        .settings(|settings| settings.timings.detach = Spread::exactly(Duration::from_secs(3)))
        .start();
    harness.pool_is_ready(6).await;
    for n in 0..5 {
        harness.create(Target::named(&format!("asg-{n}"))).await;
    }
    harness.region.with(|world| world.faults.rates.push(rate));
    let started = harness.now();
    harness.send_together((0..5).map(|n| {
        let mut claim = claim(&format!("claim-{n}"), &format!("asg-{n}"));
        claim["expires_at"] = harness.in_future(DEADLINE * 3).into();
        if n == 1 {
            claim["init"]["commands"] = vec![POISON].into();
            claim["expires_at"] = harness.in_future(DEADLINE).into();
        }
        claim
    }));
    let outcomes = harness.outcomes_of(5).await;
    let (poison, others): (Vec<Outcome>, Vec<Outcome>) = outcomes
        .into_iter()
        .partition(|outcome| outcome.claim_id.as_deref() == Some("claim-1"));
    for outcome in &others {
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    }
    let waited = |outcome: &Outcome| (outcome.at - started).unsigned_abs();
    let poison = poison.into_iter().next().unwrap();
    let others = others.iter().map(waited).max().unwrap();
    println!(
        "the poison waited {:?}, the others {others:?} at most",
        waited(&poison)
    );
    Waits {
        harness,
        poison,
        others,
    }
}

impl Waits {
    /// The poison ended as expired, nothing lies on a dead-letter queue, and all is clean.
    async fn end(self) {
        assert_eq!(self.poison.outcome, Ending::Failed);
        assert_eq!(self.poison.reason, Reason::Expired);
        let harness = self.harness;
        for queue in ["ProvisionDeadLetterQueue", "InitDeadLetterQueue"] {
            assert!(harness.bodies_in(queue).await.is_empty(), "{queue}");
        }
        harness.pool_is_ready(6).await;
        harness.pass(Duration::from_mins(5)).await;
        harness.end().await;
    }
}

/// Each time init-instance wants to send an instance the claim's command.
fn when_sent(failure: Failure) -> Rate {
    let calls = Calls::of(Service::Ssm, "SendCommand").mentioning(POISON);
    each_time(calls, failure)
}

/// Each time claim-instance wants to enter the claim.
fn when_entered(failure: Failure) -> Rate {
    let calls = Calls::of(Service::AutoScaling, "CreateOrUpdateTags").mentioning("claim/claim-1");
    each_time(calls.by("ready-pool-claim-instance"), failure)
}

#[tokio::test(start_paused = true)]
async fn a_claim_at_which_init_instance_crashes_holds_up_nobody() {
    let waits = one_among_five(when_sent(Failure::Kill)).await;
    assert!(waits.others < Duration::from_secs(30));
    waits.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_at_which_init_instance_runs_out_of_time_holds_up_nobody() {
    let waits = one_among_five(when_sent(Failure::Freeze)).await;
    assert!(waits.others < Duration::from_secs(30));
    waits.end().await;
}

// claim-instance guards what it does with a single claim; what it does with a batch is one call for
// all. Should that die of one of them, the batch comes again and is processed one by one. Each
// delivery that dies costs those in line the queue's visibility time-out, and two find the claim.

/// The longest that a delivery that died holds up the line, with what it needs itself.
const ONE_DEATH: Duration = LEASE.saturating_add(Duration::from_secs(10));

#[tokio::test(start_paused = true)]
async fn a_claim_at_which_claim_instance_crashes_costs_those_beside_it_two_deliveries() {
    let waits = one_among_five(when_entered(Failure::Kill)).await;
    assert!(waits.others < ONE_DEATH * 2);
    waits.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_at_which_claim_instance_runs_out_of_time_costs_those_beside_it_two_deliveries() {
    let waits = one_among_five(when_entered(Failure::Freeze)).await;
    assert!(waits.others < ONE_DEATH * 2);
    waits.end().await;
}

/// A claim that is poison, then one every so often for another target. Answers how long each of
/// those waited.
async fn one_and_those_who_come_later(pool: usize, count: u32, every: Duration) -> Vec<Duration> {
    let harness = Harness::with_ready_pool(pool).await;
    for target in ["asg-1", "asg-2"] {
        harness.create(Target::named(target)).await;
    }
    let rate = when_entered(Failure::Kill);
    harness.region.with(|world| world.faults.rates.push(rate));
    let mut poison = claim("claim-1", "asg-1");
    poison["expires_at"] = harness.in_future(DEADLINE * 2).into();
    harness.send(&poison).await;
    let mut waited = Vec::new();
    for n in 0..count {
        harness.pass(every).await;
        let claim_id = format!("later-{n}");
        let mut later = claim(&claim_id, "asg-2");
        later["expires_at"] = harness.in_future(DEADLINE * 3).into();
        let sent = harness.now();
        harness.send(&later).await;
        let outcome = harness.outcome(&claim_id).await;
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        waited.push((outcome.at - sent).unsigned_abs());
    }
    assert_eq!(harness.outcome("claim-1").await.reason, Reason::Expired);
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
    let sum: Duration = waited.iter().sum();
    println!(
        "behind a poison, at a pool of {pool}: {count} waited {:?} on average, {:?} at most",
        sum / count,
        waited.iter().max().unwrap()
    );
    waited
}

#[tokio::test(start_paused = true)]
async fn those_who_come_later_wait_for_one_delivery_and_one_in_eight_for_two() {
    let waited = one_and_those_who_come_later(4, 16, Duration::from_secs(37)).await;
    assert!(waited.iter().all(|waited| *waited < ONE_DEATH * 2));
    let two = waited.iter().filter(|waited| **waited > ONE_DEATH);
    assert!(two.count() <= 2, "{waited:?}");
}

/// The one instance that is ready is not kept for the claim that cannot take it.
#[tokio::test(start_paused = true)]
async fn they_are_served_by_a_pool_of_one_too() {
    let waited = one_and_those_who_come_later(1, 4, Duration::from_secs(157)).await;
    assert!(waited.iter().all(|waited| *waited < ONE_DEATH));
}

#[tokio::test(start_paused = true)]
async fn a_long_line_goes_on_around_a_claim_at_which_claim_instance_crashes() {
    let harness = Harness::with_ready_pool(50).await;
    for n in 0..6 {
        harness.create(Target::named(&format!("asg-{n}"))).await;
    }
    let rate = when_entered(Failure::Kill);
    harness.region.with(|world| world.faults.rates.push(rate));
    let started = harness.now();
    harness.send_together((0..50).map(|n| {
        let claim_id = if n == 1 {
            "claim-1".to_owned()
        } else {
            format!("other-{n}")
        };
        let mut claim = claim(&claim_id, &format!("asg-{}", n % 6));
        claim["expires_at"] = harness.in_future(DEADLINE).into();
        claim
    }));
    let outcomes = harness.outcomes_of(50).await;
    let (poison, others): (Vec<Outcome>, Vec<Outcome>) = outcomes
        .into_iter()
        .partition(|outcome| outcome.claim_id.as_deref() == Some("claim-1"));
    assert_eq!(poison[0].reason, Reason::Expired);
    let waited = |outcome: &Outcome| (outcome.at - started).unsigned_abs();
    let longest = others.iter().map(waited).max().unwrap();
    println!("a line of 50 with a poison in it: the others waited {longest:?} at most");
    assert!(
        others
            .iter()
            .all(|outcome| outcome.outcome == Ending::Ready)
    );
    assert!(longest < ONE_DEATH * 4);
    harness.pass(Duration::from_mins(5)).await;
    harness.end().await;
}

/// A delivery that nobody knows the end of, and no poison: one by one costs next to nothing.
#[tokio::test(start_paused = true)]
async fn ten_claims_that_are_processed_one_by_one_wait_little_longer() {
    let mut took = Vec::new();
    for dies_once in [false, true] {
        let harness = Harness::with_ready_pool(10).await;
        harness.create(Target::named("asg-1")).await;
        if dies_once {
            let calls = Calls::of(Service::AutoScaling, "CreateOrUpdateTags");
            let calls = calls.by("ready-pool-claim-instance");
            let fault = Fault::nth(calls, 1, Moment::BeforeTheEffect, Failure::Kill);
            harness.region.with(|world| world.faults.add(fault));
        }
        let started = harness.now();
        harness.send_together((0..10).map(|n| claim(&format!("claim-{n}"), "asg-1")));
        let outcomes = harness.outcomes_of(10).await;
        let last = outcomes.iter().map(|outcome| outcome.at).max().unwrap();
        took.push((last - started).unsigned_abs());
        harness.end().await;
    }
    let [together, after_a_death] = took.try_into().unwrap();
    println!("ten claims: {together:?} together, {after_a_death:?} after a delivery that died");
    assert!(after_a_death < together + ONE_DEATH);
}
