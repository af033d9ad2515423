//! How each way is played: what is set up, what happens, and what goes wrong on purpose.

use super::Scenario;
use crate::crash::refusals;
use crate::harness::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::command::STACK_TAG;
use ready_pool_core::ledger::ENTRY_KEPT_AFTER_DEADLINE;
use region::api::Service;
use region::commands::Pretence;
use region::compute;
use region::events::Trigger;
use region::faults::wipe_tags;
use region::journal::Happening;
use region::settings::Spread;
use replenish_pool::decide::LEAK_CHECKED_FROM;
use serde_json::{Value, json};
use std::time::Duration;

impl Scenario {
    pub(in crate::crash) fn builder(self) -> HarnessBuilder {
        let exactly = |seconds| Spread::exactly(Duration::from_secs(seconds));
        let builder = Harness::builder()
            .pool_size(self.pool_size())
            .parameter("BootLimitSeconds", "120")
            .settings(|settings| {
                // Quick boots: what a function does while it waits for one is all alike.
                settings.timings.launch_notice = exactly(4);
                settings.timings.instance_start = exactly(2);
                settings.timings.boot = exactly(6);
                settings.timings.agent_registration = exactly(8);
                settings.timings.terminate = exactly(5);
                settings.timings.detach.tail_chance = 0.0;
            });
        match self {
            Self::FailingScript => builder.scripts(|_| Pretence {
                exit_code: 7,
                ..Pretence::default()
            }),
            // As the first line of a script says.
            Self::Replaced | Self::ReplacedUnheard | Self::AfterInitReplaced => {
                builder.scripts(|run| Pretence {
                    exit_code: i32::from(run.script.contains(", attempt 1, ")) * 7,
                    ..Pretence::default()
                })
            }
            Self::NothingRan => builder.scripts(|run| {
                if run.script.contains(", attempt 1, ") {
                    refusals::by_the_wrapper()
                } else {
                    Pretence::default()
                }
            }),
            Self::SentTwice => builder.scripts(|_| Pretence {
                takes: Some(Duration::from_secs(40)),
                ..Pretence::default()
            }),
            Self::SizedByHitRate => builder
                .parameter("HitRate", "99")
                .parameter("PoolMaxSize", "1"),
            Self::MadeTarget => builder.makes_targets("asg-"),
            Self::SlowDetach => builder.settings(|settings| settings.timings.detach = exactly(70)),
            Self::TargetRefused | Self::MachineGone => {
                builder.settings(|settings| settings.timings.detach = exactly(10))
            }
            _ => builder,
        }
    }

    /// Everything up to the moment from which things go wrong.
    pub(in crate::crash) async fn prepare(self, harness: &Harness) {
        harness.pool_is_ready(self.pool_size()).await;
        for name in ["asg-1", "asg-2"] {
            if self == Self::MadeTarget {
                continue;
            }
            let target = Target::named(name);
            let target = if self == Self::SteppingAside && name == "asg-1" {
                target.zones(&zones_with_nothing_ready(harness))
            } else {
                target
            };
            harness
                .create(match self {
                    Self::Rejected => target.not_opted_in(),
                    Self::TargetRefused => target.max_size(1),
                    _ => target,
                })
                .await;
        }
        // Let what the pool's own boot set off come to its end.
        harness.pass(Duration::from_secs(10)).await;
        self.prepare_the_past(harness).await;
        let init_queue = harness.queue("InitQueue");
        let provision_queue = harness.queue("ProvisionQueue");
        let rule = harness.region.stack().reference("CommandFinishedRule");
        let pool = harness.in_service(&harness.pool);
        harness.region.with(|world| match self {
            Self::Untagged => {
                // The one that is handed out first.
                let machine = world.compute.instances.get_mut(&pool[0]);
                machine.expect("it runs").tags.remove(STACK_TAG);
            }
            Self::AnotherInstance => world.faults.add(refusals::of_the_machine()),
            Self::CommandRefused => world.faults.add(refusals::of_the_claim()),
            Self::RightsMissing => world.faults.add(refusals::of_all()),
            Self::LookAgain | Self::ReplacedUnheard | Self::AfterInitUnheard => {
                let rule = world.events.rules.get_mut(rule);
                rule.expect("the template has the rule").enabled = false;
            }
            Self::Expired => world.compute.capacity_refused = true,
            Self::SilentLaunch => world.compute.silent_launches = 1,
            // Nothing reads InitQueue until it is purged, or ProvisionQueue until somebody has.
            Self::HandOverLost | Self::OneByOne => {
                let queue = if self == Self::OneByOne {
                    &provision_queue
                } else {
                    &init_queue
                };
                let arn = &world.sqs.by_url(queue).expect("it is there").arn;
                for mapping in &mut world.lambda.mappings {
                    mapping.enabled = mapping.queue_arn != *arn;
                }
            }
            _ => {}
        });
    }

    /// What lies back where a scenario begins. The timer is off meanwhile: hours without work would
    /// be all that the matrix does.
    async fn prepare_the_past(self, harness: &Harness) {
        let past = match self {
            Self::OldEntry => {
                harness
                    .send(&message(self, harness, "claim-1", "asg-1"))
                    .await;
                harness.outcome("claim-1").await;
                harness.pool_is_ready(self.pool_size()).await;
                self.deadline() + ENTRY_KEPT_AFTER_DEADLINE
            }
            Self::Leaked => {
                let lost = harness.in_service(&harness.pool)[0].clone();
                let input = json!({ "AutoScalingGroupName": harness.pool, "InstanceIds": [lost],
                                    "ShouldDecrementDesiredCapacity": false });
                harness
                    .call(Service::AutoScaling, "DetachInstances", input)
                    .await
                    .expect("an operator can detach");
                harness.pass(Duration::from_mins(2)).await;
                harness.pool_is_ready(self.pool_size()).await;
                // Its turn comes with the first minutes of an hour.
                let due_at = harness.now() + LEAK_CHECKED_FROM;
                LEAK_CHECKED_FROM + Duration::from_mins(60 - u64::from(due_at.minute()))
            }
            Self::AgentAway => {
                let silent = harness.in_service(&harness.pool)[0].clone();
                harness
                    .region
                    .with(|world| compute::kill_agent(world, &silent));
                Duration::from_mins(7)
            }
            Self::Surplus => {
                let more = json!({ "AutoScalingGroupName": harness.pool, "DesiredCapacity": 3 });
                harness
                    .call(Service::AutoScaling, "SetDesiredCapacity", more)
                    .await
                    .expect("an operator can set it");
                harness.pool_is_ready(3).await;
                return;
            }
            _ => return,
        };
        let schedules = |on: bool| {
            harness.region.with(|world| {
                for rule in world.events.rules.values_mut() {
                    rule.enabled |= matches!(rule.trigger, Trigger::Rate { .. }) && on;
                    rule.enabled &= on || !matches!(rule.trigger, Trigger::Rate { .. });
                }
            });
        };
        schedules(false);
        harness.pass(past).await;
        schedules(true);
    }

    /// Sends the claims, and does what else belongs to the scenario.
    pub(in crate::crash) async fn play(self, harness: &Harness) {
        let claims = self.claims();
        if self == Self::DryRun {
            let mut message = message(self, harness, "claim-1", "asg-1");
            message["dry_run"] = json!(true);
            harness
                .send_as(message.to_string(), "dry-run", "dry-run")
                .await;
            return;
        }
        if self == Self::SteppingAside {
            step_aside(harness).await;
            return;
        }
        harness.send_together(claims.iter().enumerate().map(|(n, claim_id)| {
            let target = if n == 1 { "asg-2" } else { "asg-1" };
            message(self, harness, claim_id, target)
        }));
        match self {
            Self::SentTwice => {
                harness
                    .until("a command", |world| !world.ssm.commands.is_empty())
                    .await;
                harness.pass(Duration::from_secs(5)).await;
                let again = message(self, harness, "claim-1", "asg-1").to_string();
                harness.send_as(again, &harness.pool, "again").await;
            }
            Self::AgentAway => {
                harness
                    .until("an instance is gone", |world| {
                        let mut entries = world.journal.entries();
                        entries.any(|entry| matches!(&entry.what, Happening::Terminated { .. }))
                    })
                    .await;
            }
            Self::OldEntry => {
                harness
                    .until("the entry is gone", |world| {
                        let tags = &world.autoscaling.groups["asg-1"].tags;
                        !tags.keys().any(|key| key.contains(":claim/"))
                    })
                    .await;
            }
            Self::Leaked => {
                harness
                    .until("the leaked instance is gone", |world| {
                        let members = |id: &String| world.autoscaling.group_of(id).is_some();
                        let mut ids = world.compute.instances.keys();
                        ids.all(|id| members(id) || !world.compute.is_running(id))
                    })
                    .await;
            }
            Self::TargetRefused => {
                harness
                    .until("a detach", |world| {
                        let mut entries = world.journal.entries();
                        entries.any(|entry| matches!(&entry.what, Happening::Detaching { .. }))
                    })
                    .await;
                let grow = json!({ "AutoScalingGroupName": "asg-1", "DesiredCapacity": 1 });
                harness
                    .call(Service::AutoScaling, "SetDesiredCapacity", grow)
                    .await
                    .expect("the target can grow");
            }
            Self::SentAgain => {
                harness.outcome("claim-1").await;
                // Reads show by now that the claim is settled.
                harness.pass(Duration::from_secs(5)).await;
                let again = message(self, harness, "claim-1", "asg-1").to_string();
                harness.send_as(again, &harness.pool, "again").await;
                harness.outcomes_come(2).await;
            }
            Self::HandOverLost => {
                harness
                    .until("a detach", |world| {
                        let mut entries = world.journal.entries();
                        entries.any(|entry| matches!(&entry.what, Happening::Detached { .. }))
                    })
                    .await;
                let queue = harness.queue("InitQueue");
                let purge = json!({ "QueueUrl": queue });
                harness
                    .call(Service::Sqs, "PurgeQueue", purge)
                    .await
                    .expect("the queue can be purged");
                read_all_queues(harness);
                harness.pass(self.deadline()).await;
            }
            Self::Expired => {
                // Capacity comes back after the deadline.
                harness.pass(self.deadline() + Duration::from_mins(1)).await;
                harness
                    .region
                    .with(|world| world.compute.capacity_refused = false);
            }
            Self::OneByOne => receive_first(harness).await,
            _ => self.spoil(harness).await,
        }
    }

    /// What happens to a scenario's first instance, or to its target.
    async fn spoil(self, harness: &Harness) {
        match self {
            Self::MachineGone => {
                let machine = refusals::first_detached(harness).await;
                harness
                    .region
                    .with(|world| compute::kill_instance(world, &machine));
            }
            Self::DetachRefused => {
                let machine = refusals::first_entered(harness, "asg-1").await;
                harness
                    .region
                    .with(|world| compute::kill_instance(world, &machine));
            }
            Self::WipedAndSentAgain => {
                harness.outcome("claim-1").await;
                harness
                    .region
                    .with(|world| wipe_tags(world, "asg-1", "ready-pool:claim/"));
                let again = message(self, harness, "claim-1", "asg-1").to_string();
                harness.send_as(again, &harness.pool, "again").await;
                harness.pass(self.deadline() + Duration::from_mins(1)).await;
            }
            _ => {}
        }
    }
}

/// A claim that waits, and a moment later one that need not.
async fn step_aside(harness: &Harness) {
    for (claim_id, target) in [("claim-1", "asg-1"), ("claim-2", "asg-2")] {
        let message = message(Scenario::SteppingAside, harness, claim_id, target);
        harness.send(&message).await;
        harness.pass(Duration::from_secs(3)).await;
    }
}

/// The zones of the pool but for those of its members.
fn zones_with_nothing_ready(harness: &Harness) -> Vec<&'static str> {
    let members = harness.in_service(&harness.pool);
    let taken: Vec<String> = members.iter().map(|id| harness.zone(id)).collect();
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"].into_iter();
    let free = zones.filter(|zone| !taken.iter().any(|other| other == zone));
    free.take(1).collect()
}

/// Somebody receives what lies on ProvisionQueue; a moment later it can be received again.
async fn receive_first(harness: &Harness) {
    let queue = harness.queue("ProvisionQueue");
    let input = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 1 });
    harness
        .call(Service::Sqs, "ReceiveMessage", input)
        .await
        .expect("an operator can look at the queue");
    read_all_queues(harness);
}

fn read_all_queues(harness: &Harness) {
    harness.region.with(|world| {
        for mapping in &mut world.lambda.mappings {
            mapping.enabled = true;
        }
    });
}

fn message(scenario: Scenario, harness: &Harness, claim_id: &str, target: &str) -> Value {
    let mut message = claim(claim_id, target);
    message["expires_at"] = harness.in_future(scenario.deadline()).into();
    let late = [
        Scenario::AfterInit,
        Scenario::AfterInitUnheard,
        Scenario::AfterInitReplaced,
    ];
    if late.contains(&scenario) {
        message["attach_when"] = json!("after_init");
    }
    let replaced = [
        Scenario::Replaced,
        Scenario::ReplacedUnheard,
        Scenario::AfterInitReplaced,
    ];
    if replaced.contains(&scenario) {
        message["on_init_failure"] = json!("replace");
        message["protect"] = json!(true);
    }
    if scenario == Scenario::MadeTarget {
        message["create_target"] = json!({ "max_size": 4 });
    }
    message
}
