//! What the matrix plays: the ways a claim can go.

use super::refusals;
use super::site::Site;
use crate::harness::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::command::STACK_TAG;
use ready_pool_core::ledger::ENTRY_KEPT_AFTER_DEADLINE;
use ready_pool_core::outcome::{Ending, Outcome};
use ready_pool_core::reason::Reason;
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

/// One way a claim can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// One claim, and everything in order.
    Normal,
    /// Three claims for two targets in one batch.
    Batch,
    /// The init script fails.
    FailingScript,
    /// The init script fails on the first instance, and the claim wants another one then.
    Replaced,
    /// The same, and no event about a command arrives.
    ReplacedUnheard,
    /// Its instance is attached after its init.
    AfterInit,
    /// The same, and its init fails on the first instance; another one follows.
    AfterInitReplaced,
    /// The agent of the first instance is gone: another instance, another attempt.
    AnotherInstance,
    /// The first instance has lost the tag without which no command may be sent to it: another one.
    Untagged,
    /// Nothing of the claim can run on the first instance, whose disk is full: another one.
    NothingRan,
    /// The first instance dies between its groups, and no group takes it: another one.
    MachineGone,
    /// The first instance dies between its entry and its detach, which is refused: another one.
    DetachRefused,
    /// Systems Manager takes the claim's command for no instance.
    CommandRefused,
    /// For a while the stack may not send its document to any instance.
    RightsMissing,
    /// A claim that was served is sent again after its target's tags were wiped: a second instance is detached for it.
    WipedAndSentAgain,
    /// Two claims and one instance: the second waits for the next to boot.
    Waiting,
    /// The target loses its room between detach and attach.
    TargetRefused,
    /// No event about a command arrives: the minute timer finds it out.
    LookAgain,
    /// A claim for a group that has not opted in.
    Rejected,
    /// A claim that was served is sent again.
    SentAgain,
    /// The pool stays empty to the deadline.
    Expired,
    /// The agent of the next instance never comes: its launch is abandoned.
    SilentLaunch,
    /// Somebody purges InitQueue: the instance is free and never sent its command, to the deadline.
    HandOverLost,
    /// The sender sends a claim again while its script runs.
    SentTwice,
    /// The detach takes longer than an invocation.
    SlowDetach,
    /// The agent of a pool member dies: the member is removed.
    AgentAway,
    /// The entry of a claim that ended long ago is removed.
    OldEntry,
    /// An instance left the pool five hours ago and nobody knows of it: it is removed.
    Leaked,
    /// A dry run in the message group of dry runs.
    DryRun,
    /// Three claims at a pool of two that has three: one of them decrements its capacity, in a call of its own.
    Surplus,
    /// Somebody receives a batch of three before claim-instance does: nobody knows how that
    /// delivery ended, so they are processed one by one.
    OneByOne,
    /// Three claims at a pool of one, which may not grow and is sized by its hit rate: two find nothing
    /// ready, and are counted.
    SizedByHitRate,
    /// A claim for a zone where nothing is ready steps aside for the one behind it, and the pool grows for it.
    SteppingAside,
    /// A claim for a group that does not exist: it is made.
    MadeTarget,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 34] = [
        Self::Normal,
        Self::Batch,
        Self::FailingScript,
        Self::Replaced,
        Self::ReplacedUnheard,
        Self::AfterInit,
        Self::AfterInitReplaced,
        Self::AnotherInstance,
        Self::Untagged,
        Self::NothingRan,
        Self::MachineGone,
        Self::DetachRefused,
        Self::CommandRefused,
        Self::RightsMissing,
        Self::WipedAndSentAgain,
        Self::Waiting,
        Self::TargetRefused,
        Self::LookAgain,
        Self::Rejected,
        Self::SentAgain,
        Self::Expired,
        Self::SilentLaunch,
        Self::HandOverLost,
        Self::SentTwice,
        Self::SlowDetach,
        Self::AgentAway,
        Self::OldEntry,
        Self::Leaked,
        Self::DryRun,
        Self::Surplus,
        Self::OneByOne,
        Self::SizedByHitRate,
        Self::SteppingAside,
        Self::MadeTarget,
    ];

    /// Ready instances that the scenario keeps.
    pub fn pool_size(self) -> usize {
        match self {
            Self::Batch | Self::OneByOne => 3,
            Self::Waiting | Self::Expired | Self::SizedByHitRate | Self::SteppingAside => 1,
            _ => 2,
        }
    }

    /// The claims that must have an outcome in the end.
    pub fn claims(self) -> Vec<String> {
        let count = match self {
            Self::Batch | Self::OneByOne | Self::Surplus | Self::SizedByHitRate => 3,
            Self::Waiting | Self::Expired | Self::SteppingAside => 2,
            Self::AgentAway | Self::OldEntry | Self::Leaked => 0,
            _ => 1,
        };
        (1..=count).map(|n| format!("claim-{n}")).collect()
    }

    /// Whether an outcome is the one that this claim must have, whatever single thing goes wrong.
    pub fn accepts(self, outcome: &Outcome) -> bool {
        let (ending, reason) = (outcome.outcome, outcome.reason);
        match self {
            Self::FailingScript => ending == Ending::Failed && reason == Reason::ScriptFailed,
            Self::CommandRefused => ending == Ending::Failed && reason == Reason::CommandRefused,
            // Whoever looks first at the full target says so.
            Self::TargetRefused => match ending {
                Ending::Failed => matches!(reason, Reason::TargetRefused | Reason::TargetFull),
                Ending::Ready | Ending::Rejected | Ending::DryRun => false,
            },
            // A hand-over that comes after the purge is not lost.
            Self::HandOverLost => {
                ending == Ending::Ready || (ending == Ending::Failed && reason == Reason::Expired)
            }
            Self::DryRun => ending == Ending::DryRun && reason == Reason::WouldBeServed,
            Self::Rejected => ending == Ending::Rejected && reason == Reason::NotOptedIn,
            Self::Expired if outcome.claim_id.as_deref() == Some("claim-2") => {
                ending == Ending::Failed && reason == Reason::Expired
            }
            _ => ending == Ending::Ready,
        }
    }

    /// Whether what goes wrong at this site matters to the scenario: the functions go through it
    /// in a way of its own. The rest is like another scenario.
    pub fn is_about(self, site: &Site) -> bool {
        let (claim, init, replenish, events) = match self {
            Self::Normal => (true, true, true, true),
            Self::Batch
            | Self::OneByOne
            | Self::Waiting
            | Self::Rejected
            | Self::SentAgain
            | Self::Expired
            | Self::DryRun
            | Self::Surplus
            | Self::DetachRefused
            | Self::MadeTarget
            | Self::SentTwice => (true, false, false, false),
            Self::FailingScript
            | Self::Replaced
            | Self::AfterInit
            | Self::AfterInitReplaced
            | Self::NothingRan
            | Self::TargetRefused => (false, true, false, true),
            Self::SlowDetach
            | Self::ReplacedUnheard
            | Self::Untagged
            | Self::MachineGone
            | Self::CommandRefused
            | Self::RightsMissing
            | Self::WipedAndSentAgain => (false, true, false, false),
            Self::AnotherInstance => (true, true, false, false),
            Self::SizedByHitRate | Self::SteppingAside => (true, false, true, false),
            Self::LookAgain | Self::HandOverLost => (false, true, true, false),
            Self::SilentLaunch => (false, false, true, true),
            Self::AgentAway | Self::OldEntry | Self::Leaked => (false, false, true, false),
        };
        match site {
            Site::Call { operation, .. } => match operation.function.as_str() {
                "claim-instance" => claim,
                "init-instance" => init,
                _ => replenish,
            },
            Site::Delete { .. } => true,
            Site::Event { .. } => events,
        }
    }

    /// How long after it is sent a claim of this scenario expires.
    fn deadline(self) -> Duration {
        match self {
            // These wait for it.
            Self::Expired | Self::HandOverLost => Duration::from_mins(2),
            Self::WipedAndSentAgain => Duration::from_mins(4),
            _ => Duration::from_mins(10),
        }
    }

    /// How long the scenario, and then everything, may take to come to rest.
    pub(super) fn patience(self) -> Duration {
        match self {
            // A look at it that is lost comes again in an hour.
            Self::Leaked => Duration::from_mins(90),
            _ => Duration::from_mins(30),
        }
    }

    pub(super) fn builder(self) -> HarnessBuilder {
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
    pub(super) async fn prepare(self, harness: &Harness) {
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
            Self::LookAgain | Self::ReplacedUnheard => {
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
    pub(super) async fn play(self, harness: &Harness) {
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
    if matches!(scenario, Scenario::AfterInit | Scenario::AfterInitReplaced) {
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
