//! Messages at which a function crashes or runs out of time, each time it handles them: they end at
//! their own deadline, and hold up nobody for longer.

use end_to_end::{Stage, Target, claim};
use ready_pool_core::outcome::{Ending, Outcome, Reason};
use region::api::Service;
use region::faults::{Calls, Failure, Moment, Rate};
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
    stage: Stage,
    poison: Outcome,
    /// The longest that one of the others waited to be ready.
    others: Duration,
}

/// Sends one claim that is poison and four around it, which could wait for longer than it can.
async fn one_among_five(rate: Rate) -> Waits {
    let stage = Stage::with_ready_pool(6).await;
    for n in 0..5 {
        stage.create(Target::named(&format!("asg-{n}"))).await;
    }
    stage.region.with(|world| world.faults.rates.push(rate));
    let started = stage.now();
    stage.send_together((0..5).map(|n| {
        let mut claim = claim(&format!("claim-{n}"), &format!("asg-{n}"));
        claim["expires_at"] = stage.in_future(DEADLINE * 3).into();
        if n == 1 {
            claim["init"]["commands"] = vec![POISON].into();
            claim["expires_at"] = stage.in_future(DEADLINE).into();
        }
        claim
    }));
    let outcomes = stage.outcomes_of(5).await;
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
        stage,
        poison,
        others,
    }
}

impl Waits {
    /// The poison ended as expired, nothing lies on a dead-letter queue, and all is clean.
    async fn end(self) {
        assert_eq!(self.poison.outcome, Ending::Failed);
        assert_eq!(self.poison.reason, Reason::Expired);
        let stage = self.stage;
        for queue in ["ProvisionDeadLetterQueue", "InitDeadLetterQueue"] {
            assert!(stage.bodies_in(queue).await.is_empty(), "{queue}");
        }
        stage.pool_is_ready(6).await;
        stage.pass(Duration::from_mins(5)).await;
        stage.end().await;
    }
}

/// Each time init-instance wants to tell an instance of the claim.
fn when_told(failure: Failure) -> Rate {
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
    let waits = one_among_five(when_told(Failure::Kill)).await;
    assert!(waits.others < Duration::from_secs(30));
    waits.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_at_which_init_instance_runs_out_of_time_holds_up_nobody() {
    let waits = one_among_five(when_told(Failure::Freeze)).await;
    assert!(waits.others < Duration::from_secs(30));
    waits.end().await;
}

// claim-instance guards what it does with a single claim; what it does with a batch is one call for
// all. Should that die of one of them each time, the line stands until that one expires.

#[tokio::test(start_paused = true)]
async fn a_claim_at_which_claim_instance_crashes_holds_up_others_to_its_deadline() {
    let waits = one_among_five(when_entered(Failure::Kill)).await;
    assert!(waits.others < DEADLINE + Duration::from_mins(2));
    waits.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_at_which_claim_instance_runs_out_of_time_holds_up_others_to_its_deadline() {
    let waits = one_among_five(when_entered(Failure::Freeze)).await;
    assert!(waits.others < DEADLINE + Duration::from_mins(2));
    waits.end().await;
}
