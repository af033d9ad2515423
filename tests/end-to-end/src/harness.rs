//! A region with everything in it, and the verbs that scenarios are written in.

use crate::figures::Figures;
use crate::functions;
use crate::history::{Counts, History};
use ready_pool_aws::{Clients, SharedClock};
use ready_pool_core::Timestamp;
use ready_pool_core::outcome::Outcome;
use region::api::{Call, CallError, Service};
use region::autoscaling::Lifecycle;
use region::commands::{CommandRun, Pretence, Scripted};
use region::compute;
use region::faults::Fault;
use region::journal::{Entry, Happening};
use region::region::{Region, StartError, TemplateSource};
use region::settings::Settings;
use region::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

/// When every scenario begins.
const ORIGIN: Timestamp = datetime!(2026-11-22 20:00 UTC);
/// Longest a scenario may wait for anything, on the region's clock.
const PATIENCE: Duration = Duration::from_hours(8);
const TEMPLATE: &str = include_str!("../../../template.yaml");
const STACK: &str = "ready-pool";
/// The launch template of the tenants' groups.
const TENANTS_TEMPLATE: &str = "tenant";

/// What a harness is set up with.
pub struct HarnessBuilder {
    settings: Settings,
    stack: String,
    /// Further stacks of the template: their names, and what else they are given.
    beside: Vec<(String, BTreeMap<String, String>)>,
    parameters: BTreeMap<String, String>,
    scripts: Scripted,
    skew: time::Duration,
    origin: Timestamp,
    preparation: Box<dyn FnOnce(&mut World)>,
    template: String,
    starts_empty: bool,
}

/// A running region with the template's stack in it. Where there are several stacks, verbs are about the first.
pub struct Harness {
    /// The region.
    pub region: Region,
    /// The pool's group name.
    pub pool: String,
    /// The retirement group's name.
    pub retirement: String,
    /// What the functions write of themselves.
    pub figures: Figures,
    history: Mutex<History>,
}

/// A target group to create.
pub struct Target {
    name: String,
    zones: Vec<&'static str>,
    max_size: u32,
    opted_in: bool,
    /// Which pool it opted in to, if not the harness's.
    pool: Option<String>,
    vpc: u8,
    rebalances: bool,
}

impl Target {
    /// A target in all zones of the pool, with room for one hundred.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            zones: vec!["eu-west-1a", "eu-west-1b", "eu-west-1c"],
            max_size: 100,
            opted_in: true,
            pool: None,
            vpc: 1,
            rebalances: false,
        }
    }

    /// Only in these zones.
    #[must_use]
    pub fn zones(self, zones: &[&'static str]) -> Self {
        Self {
            zones: zones.to_vec(),
            ..self
        }
    }

    /// In another VPC than the pool.
    #[must_use]
    pub fn in_another_vpc(self) -> Self {
        Self { vpc: 2, ..self }
    }

    /// With the process `AZRebalance`, which `docs/operations.md` has a target suspend.
    #[must_use]
    pub fn rebalances(self) -> Self {
        Self {
            rebalances: true,
            ..self
        }
    }

    /// With this maximum size.
    #[must_use]
    pub fn max_size(self, max_size: u32) -> Self {
        Self { max_size, ..self }
    }

    /// Of this pool.
    #[must_use]
    pub fn of(self, pool: &str) -> Self {
        Self {
            pool: Some(pool.to_owned()),
            ..self
        }
    }

    /// Without the tag that opts it in.
    #[must_use]
    pub fn not_opted_in(self) -> Self {
        Self {
            opted_in: false,
            ..self
        }
    }
}

/// A claim with a deadline fifteen minutes after the scenario's beginning.
pub fn claim(claim_id: &str, target: &str) -> Value {
    json!({
        "claim_id": claim_id,
        "target_group": target,
        "init": { "commands": ["bash /opt/init.sh"], "environment": { "ORG_ID": "1337" } },
        "expires_at": "2026-11-22T20:30:00Z",
    })
}

impl Harness {
    /// A harness to set up: a pool of two, scripts that succeed.
    pub fn builder() -> HarnessBuilder {
        HarnessBuilder {
            settings: Settings::default(),
            stack: STACK.to_owned(),
            beside: Vec::new(),
            parameters: BTreeMap::from([
                ("PoolSize".to_owned(), "2".to_owned()),
                (
                    "Subnets".to_owned(),
                    "subnet-1a,subnet-1b,subnet-1c".to_owned(),
                ),
                (
                    "SecurityGroups".to_owned(),
                    "sg-0123456789abcdef0".to_owned(),
                ),
            ]),
            starts_empty: false,
            scripts: Scripted::default(),
            skew: time::Duration::ZERO,
            origin: ORIGIN,
            preparation: Box::new(|_| ()),
            template: TEMPLATE.to_owned(),
        }
    }

    /// A harness with a pool of `size`, once all of it is ready.
    pub async fn with_ready_pool(size: usize) -> Self {
        let harness = Self::builder().pool_size(size).start();
        harness.pool_is_ready(size).await;
        harness
    }

    /// One API call, as a tenant's or an operator's tool makes it.
    pub async fn call(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, CallError> {
        self.region
            .call(Call {
                service,
                operation: operation.to_owned(),
                input,
                caller: "tenant".to_owned(),
            })
            .await
    }

    /// Clients of AWS's SDK for somebody who calls with this access key id, and the region's clock.
    pub fn clients(&self, caller: &str) -> (Clients, SharedClock) {
        functions::clients(&self.region, caller)
    }

    /// Creates a target.
    pub async fn create(&self, target: Target) {
        let tags = if target.opted_in {
            let pool = target.pool.as_ref().unwrap_or(&self.pool);
            json!([{ "Key": "ready-pool:pool", "Value": pool, "PropagateAtLaunch": false,
                     "ResourceId": target.name, "ResourceType": "auto-scaling-group" }])
        } else {
            json!([])
        };
        let input = json!({
            "AutoScalingGroupName": target.name,
            "MinSize": 0,
            "MaxSize": target.max_size,
            "DesiredCapacity": 0,
            "VPCZoneIdentifier": subnets_of(target.vpc, &target.zones),
            "LaunchTemplate": { "LaunchTemplateName": TENANTS_TEMPLATE, "Version": "1" },
            "Tags": tags,
        });
        self.call(Service::AutoScaling, "CreateAutoScalingGroup", input)
            .await
            .expect("the target can be created");
        if !target.rebalances {
            self.region.with(|world| {
                let group = world.autoscaling.groups.get_mut(&target.name);
                let suspended = &mut group.expect("it was just created").suspended;
                suspended.insert("AZRebalance".to_owned(), "User suspended".to_owned());
            });
        }
    }

    /// Sends a message to the provisioning queue, in the pool's message group.
    pub async fn send(&self, message: &Value) {
        let claim_id = message["claim_id"].as_str().unwrap_or("none").to_owned();
        self.send_as(message.to_string(), &self.pool, &claim_id)
            .await;
    }

    /// Sends a body to the provisioning queue.
    pub async fn send_as(&self, body: String, group: &str, deduplication_id: &str) {
        let input = json!({
            "QueueUrl": self.queue("ProvisionQueue"),
            "MessageBody": body,
            "MessageGroupId": group,
            "MessageDeduplicationId": deduplication_id,
        });
        self.call(Service::Sqs, "SendMessage", input)
            .await
            .expect("the message can be sent");
    }

    /// Sends messages at one instant, so that one poll finds them all.
    pub fn send_together(&self, messages: impl IntoIterator<Item = Value>) {
        let url = self.queue("ProvisionQueue");
        self.region.with(|world| {
            for message in messages {
                let call = Call {
                    service: Service::Sqs,
                    operation: "SendMessage".to_owned(),
                    input: json!({
                        "QueueUrl": url,
                        "MessageBody": message.to_string(),
                        "MessageGroupId": self.pool,
                        "MessageDeduplicationId": message["claim_id"],
                    }),
                    caller: "tenant".to_owned(),
                };
                world.answer(&call).expect("the message can be sent");
            }
        });
    }

    /// The bodies of up to ten messages that can be received from a queue.
    pub async fn bodies_in(&self, queue: &str) -> Vec<String> {
        let input = json!({ "QueueUrl": self.queue(queue), "MaxNumberOfMessages": 10 });
        let answer = self
            .call(Service::Sqs, "ReceiveMessage", input)
            .await
            .expect("the queue can be read");
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        messages
            .iter()
            .map(|message| message["Body"].as_str().expect("a body").to_owned())
            .collect()
    }

    /// URL of a queue of the stack.
    pub fn queue(&self, logical_id: &str) -> String {
        self.region.stack().reference(logical_id).to_owned()
    }

    /// Waits until `count` instances of the pool are in service.
    pub async fn pool_is_ready(&self, count: usize) {
        self.group_is_ready(&self.pool, count).await;
    }

    /// Waits until `count` instances of a group are in service.
    pub async fn group_is_ready(&self, group: &str, count: usize) {
        self.until("the group is ready", |world| {
            in_service(world, group).len() == count
        })
        .await;
    }

    /// Waits until the instance is in service in the group.
    pub async fn joins(&self, group: &str, instance: &str) {
        self.until("the instance is in service", |world| {
            in_service(world, group).iter().any(|id| id == instance)
        })
        .await;
    }

    /// Waits until `done` says so.
    ///
    /// # Panics
    /// When that takes more than eight hours of the region's time.
    pub async fn until(&self, what: &str, mut done: impl FnMut(&World) -> bool) {
        self.wait(what, || self.region.read(&mut done)).await;
    }

    async fn wait(&self, what: &str, mut done: impl FnMut() -> bool) {
        // Looked at every second: often enough for a scenario, and cheap on a paused clock.
        let waiting = async {
            while !done() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("never happened: {what}"));
    }

    /// Lets time pass.
    pub async fn pass(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits for a claim's outcome: the first one.
    pub async fn outcome(&self, claim_id: &str) -> Outcome {
        let is_its = |outcome: &Outcome| outcome.claim_id.as_deref() == Some(claim_id);
        self.wait(&format!("an outcome of {claim_id}"), || {
            self.outcomes().iter().any(is_its)
        })
        .await;
        self.outcomes()
            .into_iter()
            .find(is_its)
            .expect("an outcome")
    }

    /// Waits until there are this many outcomes.
    pub async fn outcomes_come(&self, count: usize) -> Vec<Outcome> {
        self.wait("that many outcomes", || self.outcomes().len() >= count)
            .await;
        self.outcomes()
    }

    /// Waits until this many claims have an outcome: the first one of each, in order. (Outcomes
    /// are delivered at least once.)
    pub async fn outcomes_of(&self, claims: usize) -> Vec<Outcome> {
        let first_ones = || {
            let mut first: Vec<Outcome> = Vec::new();
            for outcome in self.outcomes() {
                let known = first.iter().any(|known| {
                    known.claim_id == outcome.claim_id && known.target_group == outcome.target_group
                });
                if !known {
                    first.push(outcome);
                }
            }
            first
        };
        self.wait("that many claims answered", || first_ones().len() >= claims)
            .await;
        first_ones()
    }

    /// All outcomes so far, in order.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.read(|world| history.read(world));
        history.outcomes.clone()
    }

    /// The outcomes after the first `read` ones, which grows by them.
    pub(crate) fn outcomes_since(&self, read: &mut usize) -> Vec<Outcome> {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.read(|world| history.read(world));
        let new = history.outcomes[*read..].to_vec();
        *read += new.len();
        new
    }

    /// What happened so far, in numbers.
    pub(crate) fn counts(&self) -> Counts {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.read(|world| history.read(world));
        history.counts(&self.pool, &self.retirement)
    }

    /// Waits for a moment at which no function runs.
    pub(crate) async fn idle(&self) {
        loop {
            let idle = {
                let mut history = self.history.lock().expect("no test thread panicked");
                self.region.read(|world| history.read(world));
                history.is_idle()
            };
            if idle {
                return;
            }
            self.pass(Duration::from_millis(100)).await;
        }
    }

    /// The keys of the claims whose script succeeded.
    pub(crate) fn succeeded(&self) -> BTreeSet<String> {
        self.region.read(crate::invariants::succeeded)
    }

    /// The claim whose command this instance was sent before it was to be in its target.
    pub(crate) fn sent_late_for(&self, instance: &str) -> Option<String> {
        let sent_late = crate::invariants::sent_late_for;
        self.region.read(|world| sent_late(world, instance))
    }

    /// Instances that run in no group.
    pub(crate) fn leaks(&self) -> Vec<String> {
        self.region.with(|world| crate::invariants::leaks(world))
    }

    /// Instances in service in a group.
    pub fn in_service(&self, group: &str) -> Vec<String> {
        self.region.with(|world| in_service(world, group))
    }

    /// A group's desired capacity.
    pub fn desired(&self, group: &str) -> u32 {
        self.region
            .with(|world| world.autoscaling.groups[group].desired)
    }

    /// An instance's zone.
    pub fn zone(&self, instance: &str) -> String {
        self.region
            .with(|world| world.compute.instances[instance].zone.clone())
    }

    /// Waits until an instance is terminated.
    pub async fn gone(&self, instance: &str) {
        self.until("the instance is terminated", |world| {
            !world.compute.is_running(instance)
        })
        .await;
    }

    /// The entry of a claim in its target's ledger.
    pub fn entry(&self, target: &str, claim_id: &str) -> Option<String> {
        let key = format!("ready-pool:claim/{claim_id}");
        self.region.with(|world| {
            let tag = world.autoscaling.groups.get(target)?.tags.get(&key)?;
            Some(tag.value.clone())
        })
    }

    /// The journal.
    pub fn journal(&self) -> Vec<Entry> {
        self.region
            .with(|world| world.journal.entries().cloned().collect())
    }

    /// How many calls of an operation the functions made.
    pub fn calls(&self, operation: &str) -> usize {
        self.calls_of(STACK, operation)
    }

    /// How many calls of an operation somebody made whose name begins so.
    pub fn calls_of(&self, who: &str, operation: &str) -> usize {
        self.journal()
            .iter()
            .filter(|entry| {
                matches!(&entry.what, Happening::Called { caller, operation: called, .. }
                    if called == operation && caller.starts_with(who))
            })
            .count()
    }

    /// The error codes that the functions got from an operation, in order.
    pub fn refusals(&self, operation: &str) -> Vec<String> {
        self.journal()
            .into_iter()
            .filter_map(|entry| match entry.what {
                Happening::Called {
                    caller,
                    operation: called,
                    error,
                    ..
                } if called == operation && caller.starts_with(STACK) => error,
                _ => None,
            })
            .collect()
    }

    /// Arms a fault.
    pub fn break_next(&self, fault: Fault) {
        self.region.with(|world| world.faults.add(fault));
    }

    /// What must hold in every scenario and does not. Ask when nothing is under way any more.
    pub fn violations(&self) -> Vec<crate::invariants::Violation> {
        let mut history = self.history.lock().expect("no test thread panicked");
        self.region.with(|world| {
            history.read(world);
            crate::invariants::check(world, &history, &self.pool, &self.retirement)
        })
    }

    /// Ends the harness without a look at anything.
    pub async fn stop(self) {
        self.region.stop().await;
    }

    /// Ends the harness, after a look at what must hold in every scenario.
    ///
    /// # Panics
    /// When something that must hold does not.
    pub async fn end(self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{violations:#?}");
        self.region.stop().await;
    }

    /// The present time in the region.
    pub fn now(&self) -> Timestamp {
        self.region.clock().now()
    }

    /// A moment from now on, as messages write it.
    pub fn in_future(&self, time: Duration) -> String {
        let moment = self.region.clock().now() + time;
        moment.format(&Rfc3339).expect("a time")
    }

    /// A moment after the scenario's beginning, as messages write it.
    pub fn at(&self, after: Duration) -> String {
        (ORIGIN + after).format(&Rfc3339).expect("a time")
    }
}

impl HarnessBuilder {
    /// With a pool of this size.
    #[must_use]
    pub fn pool_size(mut self, size: usize) -> Self {
        self.parameters
            .insert("PoolSize".to_owned(), size.to_string());
        self
    }

    /// With a stack that makes targets of the tenants' launch template, with names that begin so.
    #[must_use]
    pub fn makes_targets(self, prefix: &str) -> Self {
        self.parameter(
            "TargetLaunchTemplate",
            &compute::known_template_id(TENANTS_TEMPLATE),
        )
        .parameter("TargetLaunchTemplateVersion", "1")
        .parameter("TargetNamePrefix", prefix)
    }

    /// With another value for a parameter of the template.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a stack of another name. It begins with `ready-pool`: by that our functions are known.
    #[must_use]
    pub fn stack(mut self, name: &str) -> Self {
        name.clone_into(&mut self.stack);
        self
    }

    /// With a further stack of the same template, whose parameters are those of the first but for these.
    #[must_use]
    pub fn beside(mut self, name: &str, parameters: &[(&str, &str)]) -> Self {
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.beside.push((name.to_owned(), parameters.collect()));
        self
    }

    /// With other settings of the region.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// With init scripts that end as `answer` says.
    #[must_use]
    pub fn scripts(mut self, answer: impl FnMut(&CommandRun) -> Pretence + Send + 'static) -> Self {
        self.scripts = Scripted::new(answer);
        self
    }

    /// With functions whose clocks are this much ahead of AWS's.
    #[must_use]
    pub fn skew(mut self, skew: time::Duration) -> Self {
        self.skew = skew;
        self
    }

    /// With a clock that shows this at the start: the present time, for programs that read their machine's own.
    #[must_use]
    pub fn origin(mut self, origin: Timestamp) -> Self {
        self.origin = origin;
        self
    }

    /// With something that is there before the stack.
    #[must_use]
    pub fn prepare(mut self, preparation: impl FnOnce(&mut World) + 'static) -> Self {
        self.preparation = Box::new(preparation);
        self
    }

    /// With a template that was changed.
    #[must_use]
    pub fn template(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.template = change(&self.template);
        self
    }

    /// With the pool as the deployment leaves it: empty, until replenish-pool runs for the first
    /// time.
    #[must_use]
    pub fn starts_empty(self) -> Self {
        Self {
            starts_empty: true,
            ..self
        }
    }

    /// Starts the region. The pool begins to boot.
    ///
    /// # Panics
    /// When the template cannot be started.
    pub fn start(self) -> Harness {
        self.try_start().expect("the template can be started")
    }

    /// Starts the region, if it takes the template.
    pub fn try_start(self) -> Result<Harness, StartError> {
        // The SDK draws its retry delays from the thread's generator.
        fastrand::seed(self.settings.seed);
        let skew = self.skew;
        let figures = Figures::default();
        let sink = figures.clone();
        let mut stacks = vec![(self.stack, self.parameters.clone())];
        for (name, parameters) in self.beside {
            let mut all = self.parameters.clone();
            all.extend(parameters);
            stacks.push((name, all));
        }
        let preparation = self.preparation;
        let mut builder = Region::builder(self.settings, self.origin)
            .commands(Arc::new(self.scripts))
            .prepare(move |world| {
                compute::know_launch_template(world, TENANTS_TEMPLATE);
                preparation(world);
            })
            .functions(move |region, config| functions::code(region, config, skew, &sink));
        for (stack_name, parameters) in &stacks {
            builder = builder.template(TemplateSource {
                text: self.template.clone(),
                stack_name: stack_name.clone(),
                parameters: parameters.clone(),
            });
        }
        let region = builder.start()?;
        for (stack, (_, parameters)) in region.stacks().iter().zip(&stacks) {
            let is_made = !parameters.contains_key("ExistingPoolGroup");
            if is_made && !self.starts_empty {
                grow(
                    &region,
                    &stack.outputs["PoolGroupName"],
                    &parameters["PoolSize"],
                );
            }
        }
        let outputs = &region.stack().outputs;
        let (pool, retirement) = (
            outputs["PoolGroupName"].clone(),
            outputs["RetirementGroupName"].clone(),
        );
        Ok(Harness {
            region,
            pool,
            retirement,
            figures,
            history: Mutex::default(),
        })
    }
}

/// A VPC's subnets in these zones: the zone is the last letter of each name.
fn subnets_of(vpc: u8, zones: &[&str]) -> String {
    let subnets = zones.iter().map(|zone| {
        let letter = zone.chars().next_back().unwrap_or_default();
        format!("subnet-{vpc}{letter}")
    });
    subnets.collect::<Vec<_>>().join(",")
}

/// What replenish-pool does to a new pool within the first minute: scenarios begin then.
fn grow(region: &Region, pool: &str, size: &str) {
    let call = Call {
        service: Service::AutoScaling,
        operation: "SetDesiredCapacity".to_owned(),
        input: json!({ "AutoScalingGroupName": pool, "DesiredCapacity": size }),
        caller: "operator".to_owned(),
    };
    let grown = region.with(|world| world.answer(&call));
    grown.expect("the pool's maximum allows its size");
}

fn in_service(world: &World, name: &str) -> Vec<String> {
    let members = world
        .autoscaling
        .groups
        .get(name)
        .map(|group| &group.members);
    members
        .into_iter()
        .flatten()
        .filter(|(_, member)| member.lifecycle == Lifecycle::InService)
        .map(|(instance, _)| instance.clone())
        .collect()
}
