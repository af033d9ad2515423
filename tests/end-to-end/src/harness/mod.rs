//! A region with everything in it, and the verbs that scenarios are written in.

mod builder;
mod seen;
mod target;

pub use builder::HarnessBuilder;
pub use target::Target;

use crate::figures::Figures;
use crate::functions;
use crate::history::History;
use ready_pool_aws::{Clients, SharedClock};
use ready_pool_core::Timestamp;
use ready_pool_core::outcome::Outcome;
use region::api::{Call, CallError, Service};
use region::faults::Fault;
use region::region::Region;
use region::world::World;
use seen::in_service;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

/// When every scenario begins.
const ORIGIN: Timestamp = datetime!(2026-11-22 20:00 UTC);
/// Longest a scenario may wait for anything, on the region's clock.
const PATIENCE: Duration = Duration::from_hours(8);
const STACK: &str = "ready-pool";
/// The launch template of the tenants' groups.
const TENANTS_TEMPLATE: &str = "tenant";

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
        HarnessBuilder::default()
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
            .unwrap_or_else(|_| panic!("never happened: {what}\n{}", self.last_words()));
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

    /// Waits until an instance is terminated.
    pub async fn gone(&self, instance: &str) {
        self.until("the instance is terminated", |world| {
            !world.compute.is_running(instance)
        })
        .await;
    }

    /// Arms a fault.
    pub fn break_next(&self, fault: Fault) {
        self.region.with(|world| world.faults.add(fault));
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
