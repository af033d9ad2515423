//! Time-outs, visibility, receives and waiting are one table (docs/architecture.md), and the
//! template and the code must agree on it.

use claim_instance::config as claim;
use end_to_end::Harness;
use init_instance::config as init;
use ready_pool_aws::lease::{LEASE, LEFT_FOR_A_CALL, RENEW_EVERY};
use ready_pool_core::claim::MAX_TIME_TO_EXPIRY;
use serde_json::Value;
use std::time::Duration;

fn seconds(value: &Value) -> Duration {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    Duration::from_secs(number.expect("a number"))
}

struct Queue {
    visibility: Duration,
    max_receives: u32,
    retention: Duration,
}

fn queue(harness: &Harness, logical_id: &str) -> Queue {
    let properties = &harness.region.stack().resources[logical_id].properties;
    let max_receives = &properties["RedrivePolicy"]["maxReceiveCount"];
    Queue {
        visibility: seconds(&properties["VisibilityTimeout"]),
        max_receives: u32::try_from(seconds(max_receives).as_secs()).unwrap(),
        retention: seconds(&properties["MessageRetentionPeriod"]),
    }
}

fn timeout(harness: &Harness, logical_id: &str) -> Duration {
    harness.region.stack().functions[logical_id].timeout
}

#[tokio::test(start_paused = true)]
async fn a_killed_claim_instance_stalls_the_pool_for_less_than_a_minute() {
    let harness = Harness::builder().start();
    let provision = queue(&harness, "ProvisionQueue");
    assert!(timeout(&harness, "ClaimInstanceFunction") <= provision.visibility);
    assert!(provision.visibility < Duration::from_mins(1));
    // From when it has begun.
    assert!(LEASE <= Duration::from_secs(30));
}

#[test]
fn a_lease_is_renewed_in_time_and_its_work_ends_before_it() {
    assert!(RENEW_EVERY + LEFT_FOR_A_CALL < LEASE);
    // The call that was under way then has ended: the SDK tries no more.
    assert!(init::TIME_FOR_A_CALL <= LEFT_FOR_A_CALL);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_claim_reaches_its_deadline_before_it_runs_out_of_receives() {
    let harness = Harness::builder().start();
    let provision = queue(&harness, "ProvisionQueue");
    // A delivery looks for this long before it gives the batch back.
    let shortest_delivery = claim::LOOK_FOR.saturating_sub(claim::LOOK_EVERY);
    let waiting = shortest_delivery * provision.max_receives;
    assert!(waiting > MAX_TIME_TO_EXPIRY.unsigned_abs(), "{waiting:?}");
    // And a message that fails forever gets to the dead-letter queue before it is forgotten.
    assert!(provision.visibility * provision.max_receives < provision.retention);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_of_claims_can_look_to_the_end_and_still_assign() {
    let harness = Harness::builder().start();
    let needed = claim::LOOK_FOR + claim::TIME_TO_ASSIGN;
    assert!(needed <= timeout(&harness, "ClaimInstanceFunction"));
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_fits_its_invocation_and_outlasts_its_retries() {
    let harness = Harness::builder().start();
    let init_queue = queue(&harness, "InitQueue");
    let invocation = timeout(&harness, "InitInstanceFunction");
    assert!(invocation <= init_queue.visibility);
    // A lost answer to SendCommand is waited out within one invocation.
    let lost_answer = init::TIME_FOR_A_CALL + init::HISTORY_SETTLES + init::TIME_FOR_A_CALL;
    assert!(lost_answer <= invocation);
    // Tries that fail at once come again so late that they last to the deadline.
    let trying = init::COMES_AGAIN_AFTER_ERROR * init_queue.max_receives;
    assert!(trying > MAX_TIME_TO_EXPIRY.unsigned_abs(), "{trying:?}");
    assert!(init_queue.visibility * init_queue.max_receives < init_queue.retention);
}
