//! The model and the handlers make their calls in one order: what claim-instance and replenish-pool did
//! in the scenarios of the crash matrix, call by call, held against the program counters of the model
//! (`tests/model/src/calls.rs`).

use end_to_end::crash::{self, Scenario};
use end_to_end::{Harness, Target, claim};
use protocol_model::calls::{Call, Successors, Tagged, Task, successors, tasks};
use ready_pool_aws::lease::LEASE;
use region::api::Service;
use region::commands::Pretence;
use region::faults::{Calls, Failure, Moment, Rate};
use region::journal::{Entry, Happening};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

const CLAIM_INSTANCE: &str = "ready-pool-claim-instance";
const REPLENISH_POOL: &str = "ready-pool-replenish-pool";
const CLAIM_TAG: &str = "ready-pool:claim/";
const NOTE_TAG: &str = "ready-pool:note/";

/// Explored once for all tests.
static ORDER: LazyLock<Successors> = LazyLock::new(successors);

/// A recorded call: what it can be in the model, and which claims it is for; all of the batch, where
/// it names none.
#[derive(Clone, Debug)]
struct Recorded {
    calls: Vec<Call>,
    claims: Option<BTreeSet<String>>,
}

/// What one invocation of claim-instance did.
#[derive(Clone, Debug, Default)]
struct Delivery {
    recorded: Vec<Recorded>,
    /// Whether it ended by itself.
    returned: bool,
}

/// All deliveries of a journal that ran beside no other.
fn deliveries(journal: &[Entry]) -> Vec<Delivery> {
    let mut found = Vec::new();
    let mut running = 0;
    let mut current: Option<Delivery> = None;
    // Which claim each instance was entered for.
    let mut entered = BTreeMap::new();
    for entry in journal {
        match &entry.what {
            Happening::Invoked { function, .. } if function == CLAIM_INSTANCE => {
                running += 1;
                current = (running == 1).then(Delivery::default);
            }
            Happening::Returned {
                function, result, ..
            } if function == CLAIM_INSTANCE => {
                running -= 1;
                if let Some(mut delivery) = current.take() {
                    delivery.returned = result.is_ok();
                    found.push(delivery);
                }
            }
            Happening::Called {
                caller,
                operation,
                input,
                ..
            } if caller == CLAIM_INSTANCE => {
                let recorded = recorded(operation, input, &mut entered);
                if let (Some(delivery), Some(recorded)) = (&mut current, recorded) {
                    // The lease is renewed beside all the rest: that is no step.
                    let renews = recorded.calls == [Call::Lease] && !delivery.recorded.is_empty();
                    if !renews {
                        delivery.recorded.push(recorded);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// What a call is in the model; `None` for what the model leaves out: the length of the queue, which
/// dry runs ask for and who steps aside, and the originals of rejected messages.
fn recorded(
    operation: &str,
    input: &Value,
    entered: &mut BTreeMap<String, String>,
) -> Option<Recorded> {
    let is_it = |call: &Call| call.operation() == operation;
    let all_of_it: Vec<Call> = Call::ALL.into_iter().filter(is_it).collect();
    let of_all = |calls: Vec<Call>| {
        Some(Recorded {
            calls,
            claims: None,
        })
    };
    let of_some = |call: Call, claims: BTreeSet<String>| {
        assert!(is_it(&call), "{call:?} is no {operation}");
        Some(Recorded {
            calls: vec![call],
            claims: Some(claims),
        })
    };
    match operation {
        "GetQueueAttributes" => None,
        "ChangeMessageVisibilityBatch" => {
            let leases = input["Entries"][0]["VisibilityTimeout"] == LEASE.as_secs();
            of_all(vec![if leases { Call::Lease } else { Call::Release }])
        }
        "CreateOrUpdateTags" => {
            let tags = claim_tags(input);
            let assigned = |value: &str| value.contains(" assigned ");
            let call = if tags.iter().all(|(_, value)| assigned(value)) {
                Call::Enter
            } else {
                Call::Close
            };
            for (claim, value) in &tags {
                let instance = value.split(' ').nth(1).unwrap();
                entered.insert(instance.to_owned(), claim.clone());
            }
            of_some(call, tags.into_iter().map(|(claim, _)| claim).collect())
        }
        "DetachInstances" => {
            let instances = input["InstanceIds"].as_array().unwrap().iter();
            let claims = instances.map(|id| entered.get(id.as_str().unwrap()).cloned());
            // One that nobody entered is no claim's: no path begins with it.
            let claims = claims.map(|claim| claim.unwrap_or_default());
            of_some(Call::Detach, claims.collect())
        }
        "SendMessageBatch" => {
            let queue = input["QueueUrl"].as_str().unwrap();
            let entries = input["Entries"].as_array().unwrap().iter();
            let bodies: Vec<Option<Value>> = entries
                .map(|entry| serde_json::from_str(entry["MessageBody"].as_str().unwrap()).ok())
                .collect();
            let claims = bodies.iter().flatten();
            let claims = claims.filter_map(|body| Some(body["claim_id"].as_str()?.to_owned()));
            let claims = claims.collect();
            let kind = bodies[0].as_ref().map(|body| body["ready_pool"].clone());
            match kind {
                _ if queue.contains("rejected") => None,
                Some(kind) if kind == "hand-over" => of_some(Call::HandOver, claims),
                Some(kind) if kind == "retry" => of_some(Call::StepAside, claims),
                Some(kind) if kind == "look-again" => of_some(Call::LookAgain, claims),
                _ => of_some(Call::Publish, claims),
            }
        }
        _ => {
            assert!(!all_of_it.is_empty(), "the model has no {operation}");
            of_all(all_of_it)
        }
    }
}

/// Entries that a call writes or removes: the claim's id, and the value.
fn claim_tags(input: &Value) -> Vec<(String, String)> {
    tags(input, CLAIM_TAG)
}

fn tags(input: &Value, prefix: &str) -> Vec<(String, String)> {
    let tags = input["Tags"].as_array().unwrap().iter();
    tags.filter_map(|tag| {
        let name = tag["Key"].as_str()?.strip_prefix(prefix)?.to_owned();
        Some((name, tag["Value"].as_str().unwrap_or_default().to_owned()))
    })
    .collect()
}

/// The claims that a delivery made calls for; where it made none, one without a name.
fn claims_of(delivery: &Delivery) -> BTreeSet<String> {
    let named = delivery.recorded.iter();
    let named = named.filter_map(|recorded| recorded.claims.clone());
    let claims: BTreeSet<String> = named.flatten().collect();
    if claims.is_empty() {
        return BTreeSet::from([String::new()]);
    }
    claims
}

/// A delivery as one claim of its batch sees it.
fn seen_by(claim: &str, delivery: &Delivery) -> Vec<Vec<Call>> {
    let its = delivery.recorded.iter().filter(|recorded| {
        let claims = recorded.claims.as_ref();
        claims.is_none_or(|claims| claims.contains(claim))
    });
    let mut calls: Vec<Vec<Call>> = its.map(|recorded| recorded.calls.clone()).collect();
    // One step of the model may be several calls: of a chunk, a page, an instance each.
    calls.dedup();
    calls
}

/// Follows the calls along the model's order. Answers what was made, or where it leaves that order.
fn follow(order: &Successors, calls: &[Vec<Call>], ends: bool) -> Result<BTreeSet<Call>, String> {
    let mut made = BTreeSet::new();
    let mut at: BTreeSet<Option<Call>> = BTreeSet::from([None]);
    for (position, candidates) in calls.iter().enumerate() {
        let follows = |call: &Call| at.iter().any(|from| order.contains(&(*from, Some(*call))));
        let next: BTreeSet<Call> = candidates.iter().copied().filter(follows).collect();
        if next.is_empty() {
            return Err(format!("call {position} after {at:?} in {calls:?}"));
        }
        at = next.iter().copied().map(Some).collect();
        made.extend(next);
    }
    if ends && !at.iter().any(|from| order.contains(&(*from, None))) {
        return Err(format!("the end after {calls:?}"));
    }
    Ok(made)
}

/// Holds all deliveries of a journal against the model. Answers the calls that were made, and what
/// the model does not know.
fn check(order: &Successors, journal: &[Entry]) -> (BTreeSet<Call>, BTreeSet<String>) {
    let mut made = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for delivery in deliveries(journal) {
        for claim in claims_of(&delivery) {
            let calls = seen_by(&claim, &delivery);
            match follow(order, &calls, delivery.returned) {
                Ok(calls) => made.extend(calls),
                Err(error) => {
                    unknown.insert(error);
                }
            }
        }
    }
    (made, unknown)
}

/// A claim that cannot be handed over before its deadline: init-instance is asked to settle it.
async fn never_handed_over() -> Vec<Entry> {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    let hand_overs = Calls::of(Service::Sqs, "SendMessageBatch")
        .by(CLAIM_INSTANCE)
        .mentioning("hand-over");
    harness.region.with(|world| {
        world.faults.rates.push(Rate {
            calls: hand_overs,
            chance: 1.0,
            moment: Moment::BeforeTheEffect,
            failure: Failure::Internal,
        });
    });
    let mut message = claim("claim-1", "asg-1");
    message["expires_at"] = harness.in_future(Duration::from_mins(2)).into();
    harness.send(&message).await;
    harness.outcome("claim-1").await;
    let journal = harness.journal();
    harness.stop().await;
    journal
}

/// A claim whose first instance is replaced, and no other comes before its deadline.
async fn never_replaced() -> Vec<Entry> {
    let harness = Harness::builder()
        .pool_size(1)
        .scripts(|_| Pretence {
            exit_code: 7,
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(1).await;
    harness.create(Target::named("asg-1")).await;
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    let mut message = claim("claim-1", "asg-1");
    message["on_init_failure"] = "replace".into();
    message["expires_at"] = harness.in_future(Duration::from_mins(3)).into();
    harness.send(&message).await;
    harness.outcome("claim-1").await;
    let journal = harness.journal();
    harness.stop().await;
    journal
}

#[tokio::test(start_paused = true)]
async fn the_handlers_make_their_calls_in_the_order_of_the_model() {
    let order = &*ORDER;
    let known = tasks();
    let mut made = BTreeSet::new();
    let mut done = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    let mut journals = vec![never_handed_over().await, never_replaced().await];
    for scenario in Scenario::ALL {
        journals.push(crash::whole(scenario).await);
    }
    for journal in journals {
        let (calls, others) = check(order, &journal);
        made.extend(calls);
        unknown.extend(others);
        for task in tasks_of(&journal) {
            if !known.contains(&task) {
                unknown.insert(format!("{task:?}"));
            }
            done.insert(task.0);
        }
    }
    assert!(unknown.is_empty(), "the model does not know {unknown:#?}");
    // Nothing in the model that no handler does.
    assert_eq!(made, BTreeSet::from(Call::ALL));
    assert_eq!(made, order.iter().filter_map(|(_, call)| *call).collect());
    assert_eq!(done, known.iter().map(|(task, _)| *task).collect());
}

/// Two calls of one claim in the wrong order, or one left out.
#[test]
fn another_order_is_no_path_through_the_model() {
    let order = &*ORDER;
    let usual = [
        Call::Lease,
        Call::Groups,
        Call::Agents,
        Call::Enter,
        Call::Detach,
        Call::HandOver,
    ];
    let calls =
        |calls: &[Call]| -> Vec<Vec<Call>> { calls.iter().map(|call| vec![*call]).collect() };
    assert!(follow(order, &calls(&usual), true).is_ok());
    for swapped in 0..usual.len() - 1 {
        let mut other = usual;
        other.swap(swapped, swapped + 1);
        let result = follow(order, &calls(&other), true);
        assert!(result.is_err(), "{other:?}");
    }
    for left_out in [0, 1, 4, 5] {
        let mut other = usual.to_vec();
        other.remove(left_out);
        let result = follow(order, &calls(&other), true);
        assert!(result.is_err(), "{other:?}");
    }
    let closes = [Call::Lease, Call::Groups, Call::Close, Call::Publish];
    assert!(follow(order, &calls(&closes), true).is_ok());
    let published_first = [Call::Lease, Call::Groups, Call::Publish, Call::Close];
    assert!(follow(order, &calls(&published_first), true).is_err());
    let entries_first = [
        Call::Lease,
        Call::Groups,
        Call::Entries,
        Call::Places,
        Call::Histories,
    ];
    assert!(follow(order, &calls(&entries_first), false).is_err());
}

/// What a call does for one instance or claim.
struct Done {
    /// The instance or claim.
    of: String,
    /// As a task of replenish-pool.
    task: Option<Task>,
    /// What the tags say afterwards, where that changes.
    after: Option<Tagged>,
}

fn done(operation: &str, input: &Value) -> Vec<Done> {
    let all = |of: Vec<(String, String)>, done: fn(&str) -> (Option<Task>, Option<Tagged>)| {
        let of = of.into_iter().map(move |(of, value)| {
            let (task, after) = done(&value);
            Done { of, task, after }
        });
        of.collect::<Vec<Done>>()
    };
    let named = |text: &Value| (text.as_str().unwrap().to_owned(), String::new());
    match operation {
        "CreateOrUpdateTags" => {
            let notes = all(tags(input, NOTE_TAG), |value| {
                if value.starts_with("retiring") {
                    (Some(Task::Retire), Some(Tagged::Retiring))
                } else {
                    (Some(Task::Suspect), Some(Tagged::Suspect))
                }
            });
            let entries = all(claim_tags(input), |value| {
                let open = value.contains(" assigned ");
                let after = if open { Tagged::Open } else { Tagged::Settled };
                (None, Some(after))
            });
            notes.into_iter().chain(entries).collect()
        }
        "DeleteTags" => {
            let notes = all(tags(input, NOTE_TAG), |_| {
                (Some(Task::Forget), Some(Tagged::Not))
            });
            let entries = all(claim_tags(input), |_| {
                (Some(Task::RemoveEntry), Some(Tagged::Not))
            });
            notes.into_iter().chain(entries).collect()
        }
        "DetachInstances" => {
            let instances = input["InstanceIds"].as_array().unwrap().iter();
            all(instances.map(named).collect(), |_| {
                (Some(Task::Detach), None)
            })
        }
        "AttachInstances" => {
            let instances = input["InstanceIds"].as_array().unwrap().iter();
            all(instances.map(named).collect(), |_| {
                (Some(Task::Attach), None)
            })
        }
        "TerminateInstanceInAutoScalingGroup" => all(vec![named(&input["InstanceId"])], |_| {
            (Some(Task::Terminate), None)
        }),
        "SendMessageBatch" => {
            let sent = input["Entries"].as_array().unwrap().iter();
            let bodies = sent.map(|sent| {
                let body = sent["MessageBody"].as_str().unwrap();
                serde_json::from_str::<Value>(body).unwrap_or_default()
            });
            let looks = bodies.filter(|body| body["ready_pool"] == "look-again");
            let claims = looks.map(|body| named(&body["claim_id"])).collect();
            all(claims, |_| (Some(Task::LookAgain), None))
        }
        _ => Vec::new(),
    }
}

/// What replenish-pool did for instances and claims, each with what the tags said before.
fn tasks_of(journal: &[Entry]) -> Vec<(Task, Tagged)> {
    let mut tags_now: BTreeMap<String, Tagged> = BTreeMap::new();
    let mut found = Vec::new();
    for entry in journal {
        let Happening::Called {
            caller,
            operation,
            input,
            error: None,
            ..
        } = &entry.what
        else {
            continue;
        };
        for done in done(operation, input) {
            let before = tags_now.get(&done.of).copied().unwrap_or(Tagged::Not);
            if caller == REPLENISH_POOL {
                found.extend(done.task.map(|task| (task, before)));
            }
            tags_now.insert(done.of, done.after.unwrap_or(before));
        }
    }
    found
}

/// A machine moved before its note, an entry removed before its claim is settled.
#[test]
fn another_order_of_tasks_is_none_of_the_model() {
    let known = tasks();
    for (task, tagged) in [
        (Task::Detach, Tagged::Not),
        (Task::Detach, Tagged::Suspect),
        (Task::Attach, Tagged::Not),
        (Task::Attach, Tagged::Suspect),
        (Task::RemoveEntry, Tagged::Open),
        (Task::RemoveEntry, Tagged::Not),
    ] {
        assert!(!known.contains(&(task, tagged)), "{task:?} {tagged:?}");
    }
}
