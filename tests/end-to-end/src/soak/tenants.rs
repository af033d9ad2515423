//! The people around the stack: they send claims, use machines for a while, and break things.

use super::{MOST_TARGET_SIZE, Soak, Troubles, is_made_on_demand, tally};
use crate::harness::{Harness, claim};
use ready_pool_core::command::STACK_TAG;
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName};
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::autoscaling::Group;
use region::{compute, faults};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Everything that happens from outside, second by second.
pub(super) struct Tenants {
    pub(super) soak: Soak,
    rng: fastrand::Rng,
    next_claim: Instant,
    /// When each claim was sent first.
    pub(super) sent: BTreeMap<String, Instant>,
    /// When its first outcome came, and whether it was ready.
    pub(super) answered: BTreeMap<String, (Instant, Ending)>,
    /// Messages to be sent again.
    again: Vec<(Instant, Value)>,
    /// Machines that somebody will take out of their group, with the group.
    retiring: Vec<(Instant, String)>,
    doomed: Vec<(Instant, Doom)>,
    known: BTreeSet<String>,
    retirement: Retirement,
    wipes: Vec<(Instant, String)>,
    /// Targets whose tags were wiped, and when.
    wiped: Vec<(Instant, String)>,
    /// Claims that were sent again, and when.
    repeated: Vec<(Instant, String)>,
    /// The target of each claim.
    targets: BTreeMap<String, String>,
    outcomes_read: usize,
}

/// What an instance is doomed to.
type Fate = fn(String) -> Doom;

enum Doom {
    Agent(String),
    Instance(String),
    Tag(String),
    AgentRestart(String),
    Reboot(String),
}

/// The retirement group, which somebody's clean-up rule deletes when it is empty.
enum Retirement {
    Stays,
    /// It goes as soon as it is empty.
    Goes,
    /// It is gone until then.
    Gone(Instant, Box<Group>),
}

/// For how long SQS swallows a message that repeats another's deduplication id.
const DEDUPLICATED_FOR: Duration = Duration::from_mins(5);
/// For how long the retirement group is missing.
const MISSING_FOR: Duration = Duration::from_mins(4);
/// A target that is in one zone only (`in_its_zones`).
const IN_ONE_ZONE: usize = 1;
/// How long a tenant uses a machine, at most.
const USED_FOR: Duration = Duration::from_mins(40);

impl Tenants {
    pub(super) fn new(soak: &Soak) -> Self {
        Self {
            soak: soak.clone(),
            rng: fastrand::Rng::with_seed(soak.seed ^ 0x7e57),
            next_claim: Instant::now(),
            sent: BTreeMap::new(),
            answered: BTreeMap::new(),
            again: Vec::new(),
            retiring: Vec::new(),
            doomed: Vec::new(),
            known: BTreeSet::new(),
            retirement: Retirement::Stays,
            wipes: Vec::new(),
            wiped: Vec::new(),
            repeated: Vec::new(),
            targets: BTreeMap::new(),
            outcomes_read: 0,
        }
    }

    pub(super) fn still_sending(&self) -> bool {
        self.sent.len() < self.soak.claims
    }

    /// A claim that nobody answered, if there is one that somebody will.
    pub(super) fn unanswered(&self, harness: &Harness) -> Option<String> {
        let open = |claim: &&String| !self.answered.contains_key(*claim);
        self.sent.keys().find(open)?;
        let unheard = self.unheard(harness);
        let claim = (self.sent.keys()).find(|claim| open(claim) && !unheard.contains(claim))?;
        Some(format!("{claim} has no outcome"))
    }

    /// Whether the claim was sent again after its target's tags were wiped, and handed over again when `InitQueue` no
    /// longer swallowed that. Nobody can tell it from a new claim then: a known limit (`docs/protocol.md`).
    pub(super) fn forgot(&self, harness: &Harness, claim_id: &str) -> bool {
        let sent_again = self.repeated.iter().any(|(at, claim)| {
            claim == claim_id && self.wiped_since(claim).is_some_and(|wiped| wiped < *at)
        });
        let handed_over = tally::handed_over(harness, claim_id);
        let (first, last) = (handed_over.first(), handed_over.last());
        sent_again
            && first
                .zip(last)
                .is_some_and(|(first, last)| *last - *first > DEDUPLICATED_FOR)
    }

    /// Claims that nobody answered, whose script succeeded, and whose entry was wiped: the event
    /// that would have said so was lost, too. A known limit (`docs/protocol.md`).
    pub(super) fn unheard(&self, harness: &Harness) -> Vec<String> {
        let succeeded = harness.succeeded();
        (self.sent.keys())
            .filter(|claim| !self.answered.contains_key(*claim))
            .filter(|claim| self.wiped_since(claim).is_some())
            .filter(|claim| {
                let target = &self.targets[*claim];
                succeeded.contains(&key_of(claim, target))
            })
            .cloned()
            .collect()
    }

    /// The claims that are ready, and how long each waited until its sender heard so.
    pub(super) fn waits(&self) -> impl Iterator<Item = (&String, Duration)> {
        let ready = (self.answered.iter()).filter(|(_, (_, ending))| *ending == Ending::Ready);
        ready.filter_map(|(claim, (at, _))| Some((claim, *at - *self.sent.get(claim)?)))
    }

    /// Whether an instance in no group is a known limit (`docs/protocol.md`): its target was wiped after its claim was
    /// sent, so nobody knows where to attach it after its init.
    pub(super) fn wiped_before_its_attach(&self, harness: &Harness, instance: &str) -> bool {
        harness
            .sent_late_for(instance)
            .is_some_and(|claim| self.wiped_since(&claim).is_some())
    }

    /// When the claim's target was wiped first after it was sent.
    fn wiped_since(&self, claim_id: &str) -> Option<Instant> {
        let (sent, target) = (self.sent.get(claim_id)?, self.targets.get(claim_id)?);
        let of_its = |(at, whose): &&(Instant, String)| whose == target && at > sent;
        self.wiped.iter().find(of_its).map(|(at, _)| *at)
    }

    /// One second of their lives.
    pub(super) async fn live_on(&mut self, harness: &Harness) {
        harness.pass(Duration::from_secs(1)).await;
        let now = Instant::now();
        if self.still_sending() && now >= self.next_claim {
            let number = self.rng.usize(0..self.soak.targets);
            self.send(harness, now, number);
            if self.soak.troubles.outages && self.sent.len() == self.soak.claims * 3 / 4 {
                self.crowd_into_one_zone(harness, now);
            }
        }
        for (_, message) in due(&mut self.again, now) {
            self.resend(harness, &message);
            let claim_id = message["claim_id"].as_str().unwrap_or_default();
            self.repeated.push((now, claim_id.to_owned()));
        }
        self.listen(harness);
        self.break_machines(harness, now);
        for (_, target) in due(&mut self.wipes, now) {
            harness
                .region
                .with(|world| faults::wipe_tags(world, &target, "ready-pool:claim/"));
            self.wiped.push((now, target));
        }
        self.clean_up(harness, now);
        self.scale_in(harness, now);
    }

    /// Somebody deletes the empty retirement group, and makes it again, without the notes that it had.
    fn clean_up(&mut self, harness: &Harness, now: Instant) {
        let name = &harness.retirement;
        self.retirement = match std::mem::replace(&mut self.retirement, Retirement::Stays) {
            Retirement::Goes => harness.region.with(|world| {
                let groups = &mut world.autoscaling.groups;
                if !groups[name].members.is_empty() {
                    return Retirement::Goes;
                }
                let mut group = groups.remove(name).expect("it is there");
                group
                    .tags
                    .retain(|key, _| !key.starts_with("ready-pool:note/"));
                Retirement::Gone(now + MISSING_FOR, Box::new(group))
            }),
            Retirement::Gone(until, group) if now >= until => {
                (harness.region)
                    .with(|world| world.autoscaling.groups.insert(name.clone(), *group));
                Retirement::Stays
            }
            other => other,
        };
    }

    /// Whatever is missing is there again.
    pub(super) fn end_troubles(&mut self, harness: &Harness) {
        let retirement = std::mem::replace(&mut self.retirement, Retirement::Stays);
        if let Retirement::Gone(_, group) = retirement {
            let name = harness.retirement.clone();
            (harness.region).with(|world| world.autoscaling.groups.insert(name, *group));
        }
    }

    /// More claims for one zone than are ready there.
    fn crowd_into_one_zone(&mut self, harness: &Harness, now: Instant) {
        let crowd = self.soak.pool_size / 2;
        for _ in 0..crowd.min(self.soak.claims - self.sent.len()) {
            self.send(harness, now, IN_ONE_ZONE);
        }
    }

    /// A claim for the target of this number.
    fn send(&mut self, harness: &Harness, now: Instant, number: usize) {
        let n = self.sent.len();
        let claim_id = format!("claim-{n}");
        let target = format!("asg-{number}");
        let mut message = claim(&claim_id, &target);
        if is_made_on_demand(number) {
            message["create_target"] = json!({ "max_size": MOST_TARGET_SIZE });
        }
        message["expires_at"] = harness.in_future(self.soak.deadline).into();
        // Both orders, mixed.
        if n % 2 == 1 {
            message["attach_when"] = "after_init".into();
        }
        harness.send_together([message.clone()]);
        self.targets.insert(claim_id.clone(), target.clone());
        self.sent.insert(claim_id, now);
        // Exponential: claims know nothing of each other.
        let wait = self.soak.pace.mul_f64(-(1.0 - self.rng.f64()).ln());
        self.next_claim = now + wait;
        let soon = |rng: &mut fastrand::Rng, most: u64| now + Duration::from_secs(rng.u64(1..most));
        if self.rng.f64() < self.soak.troubles.duplicate {
            self.again.push((soon(&mut self.rng, 600), message));
        }
        if self.rng.f64() < self.soak.troubles.tags_wiped {
            self.wipes.push((soon(&mut self.rng, 20), target));
        }
        if self.soak.troubles.outages {
            if n == self.soak.claims / 4 {
                harness
                    .region
                    .with(|world| faults::refuse_capacity(world, Duration::from_mins(5)));
            }
            if n == self.soak.claims / 3 {
                self.retirement = Retirement::Goes;
            }
            if n == self.soak.claims / 2 {
                harness.region.with(Troubles::ssm_outage);
            }
        }
    }

    fn resend(&mut self, harness: &Harness, message: &Value) {
        let url = harness.queue("ProvisionQueue");
        let input = json!({
            "QueueUrl": url,
            "MessageBody": message.to_string(),
            "MessageGroupId": harness.pool,
            "MessageDeduplicationId": format!("again-{}", self.rng.u64(..)),
        });
        let call = region::api::Call {
            service: Service::Sqs,
            operation: "SendMessage".to_owned(),
            input,
            caller: "tenant".to_owned(),
        };
        harness
            .region
            .with(|world| world.answer(&call))
            .expect("the message can be sent");
    }

    /// Hears outcomes. A machine that is ready is used for a while.
    pub(super) fn listen(&mut self, harness: &Harness) {
        let now = Instant::now();
        for outcome in harness.outcomes_since(&mut self.outcomes_read) {
            let Some(claim) = outcome.claim_id else {
                continue;
            };
            if self.answered.contains_key(&claim) {
                continue;
            }
            self.answered.insert(claim, (now, outcome.outcome));
            if outcome.outcome == Ending::Ready
                && let Some(instance) = outcome.instance_id
            {
                let used = USED_FOR.mul_f64(self.rng.f64());
                self.retiring.push((now + used, instance.to_string()));
            }
        }
    }

    /// Draws the fate of new machines, and lets it come.
    fn break_machines(&mut self, harness: &Harness, now: Instant) {
        let new: Vec<String> = harness.region.read(|world| {
            let ids = world.compute.instances.keys();
            ids.filter(|id| !self.known.contains(*id))
                .cloned()
                .collect()
        });
        for instance in new {
            self.known.insert(instance.clone());
            let when = now + Duration::from_secs(self.rng.u64(30..900));
            let fate = self.rng.f64();
            let troubles = &self.soak.troubles;
            let fates: [(f64, Fate); 5] = [
                (troubles.agent_dead, Doom::Agent),
                (troubles.instance_dead, Doom::Instance),
                (troubles.untagged, Doom::Tag),
                (troubles.agent_restarts, Doom::AgentRestart),
                (troubles.reboots, Doom::Reboot),
            ];
            let mut below = 0.0;
            let its = fates.iter().find(|(chance, _)| {
                below += chance;
                fate < below
            });
            if let Some((_, doom)) = its {
                self.doomed.push((when, doom(instance)));
            }
        }
        for (_, doom) in due(&mut self.doomed, now) {
            harness.region.with(|world| match doom {
                Doom::Agent(id) => compute::kill_agent(world, &id),
                Doom::Instance(id) => compute::kill_instance(world, &id),
                Doom::Tag(id) => {
                    let machine = world.compute.instances.get_mut(&id);
                    machine.map(|machine| machine.tags.remove(STACK_TAG));
                }
                Doom::AgentRestart(id) => compute::restart_agent(world, &id),
                Doom::Reboot(id) => compute::reboot(world, &id),
            });
        }
    }

    /// Tenants give machines back that they used.
    fn scale_in(&mut self, harness: &Harness, now: Instant) {
        for (_, instance) in due(&mut self.retiring, now) {
            let call = region::api::Call {
                service: Service::AutoScaling,
                operation: "TerminateInstanceInAutoScalingGroup".to_owned(),
                input: json!({ "InstanceId": instance, "ShouldDecrementDesiredCapacity": true }),
                caller: "tenant".to_owned(),
            };
            // It may have died by itself.
            let _ = harness.region.with(|world| world.answer(&call));
        }
    }
}

fn key_of(claim_id: &str, target: &str) -> String {
    let claim_id = ClaimId::try_from(claim_id).expect("we chose it");
    let target = GroupName::try_from(target).expect("we chose it");
    ClaimKey::new(&claim_id, &target).to_string()
}

/// Takes out what is due.
fn due<T>(agenda: &mut Vec<(Instant, T)>, now: Instant) -> Vec<(Instant, T)> {
    let (due, later) = std::mem::take(agenda)
        .into_iter()
        .partition(|(when, _)| *when <= now);
    *agenda = later;
    due
}
