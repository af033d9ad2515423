//! A region with the template in it and functions that only write down what they are invoked
//! with: what arrives where, and nothing else.

use futures::FutureExt;
use futures::future::BoxFuture;
use region::api::{Call, Service};
use region::lambda::{Function, FunctionConfig, FunctionError, Invocation};
use region::region::{Region, TemplateSource};
use region::settings::Settings;
use region::sqs::{self, NewMessage};
use region::template::Stack;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::macros::datetime;

pub(crate) const STACK: &str = "ready-pool";

/// What functions were invoked with: logical id and payload.
type Invoked = Arc<Mutex<Vec<(String, Value)>>>;

/// The region and what its functions saw.
pub(crate) struct Bench {
    pub(crate) region: Region,
    invoked: Invoked,
}

/// Writes down, and answers that it failed if it shall.
struct Recorder {
    logical_id: String,
    invoked: Invoked,
    fails: bool,
}

impl Function for Recorder {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Result<Value, FunctionError>> {
        let seen = (self.logical_id.clone(), invocation.payload);
        self.invoked.lock().expect("no panic").push(seen);
        let answer = if self.fails {
            Err(FunctionError::new("Failed", "as it shall"))
        } else {
            Ok(json!({ "batchItemFailures": [] }))
        };
        async move { answer }.boxed()
    }
}

/// Everything that is optional is in; nothing boots.
fn parameters() -> BTreeMap<String, String> {
    [
        ("PoolSize", "0"),
        ("Subnets", "subnet-1a,subnet-1b,subnet-1c"),
        ("SecurityGroups", "sg-1"),
        ("ScaleOutAlarmPrefix", "grow-"),
        ("ScaleOutCommand", "true"),
        ("AlarmTopic", "arn:aws:sns:eu-west-1:123456789012:pager"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

impl Bench {
    /// With functions that succeed.
    pub(crate) fn start(template: &str) -> Result<Self, String> {
        Self::started(template, false)
    }

    /// With functions that fail whatever they get.
    pub(crate) fn start_failing(template: &str) -> Result<Self, String> {
        Self::started(template, true)
    }

    fn started(template: &str, fails: bool) -> Result<Self, String> {
        let invoked = Invoked::default();
        let log = invoked.clone();
        let code = move |_: &Region, config: &FunctionConfig| -> Option<Arc<dyn Function>> {
            Some(Arc::new(Recorder {
                logical_id: config.logical_id.clone(),
                invoked: log.clone(),
                fails,
            }))
        };
        let region = Region::builder(Settings::default(), datetime!(2026-11-22 20:00 UTC))
            .template(TemplateSource {
                text: template.to_owned(),
                stack_name: STACK.to_owned(),
                parameters: parameters(),
            })
            .functions(code)
            .start()
            .map_err(|error| error.to_string())?;
        Ok(Self { region, invoked })
    }

    pub(crate) fn stack(&self) -> &Stack {
        self.region.stack()
    }

    /// Forgets what functions saw so far.
    pub(crate) fn forget(&self) {
        self.invoked.lock().expect("no panic").clear();
    }

    /// Whether a function saw something that `is_it` says is it.
    pub(crate) fn saw(&self, logical_id: &str, is_it: impl Fn(&Value) -> bool) -> bool {
        let invoked = self.invoked.lock().expect("no panic");
        invoked
            .iter()
            .any(|(function, payload)| function == logical_id && is_it(payload))
    }

    /// Puts an event on the bus.
    pub(crate) fn put(&self, source: &str, detail_type: &str, detail: &Value) {
        self.region.with(|world| {
            region::events::put(world, source, detail_type, Vec::new(), detail.clone());
        });
    }

    /// Puts a message on a FIFO queue of the stack. Not by a call: nobody but the functions may
    /// make it.
    pub(crate) fn send(&self, queue: &str, body: &str) {
        let queue = &self.stack().resources[queue].attributes.attributes["QueueName"];
        let new = NewMessage {
            body: body.to_owned(),
            group_id: Some("group".to_owned()),
            deduplication_id: Some("once".to_owned()),
            ..NewMessage::default()
        };
        let sent = (self.region).with(|world| sqs::send(world, queue, "tester", new));
        sent.expect("the message can be sent");
    }

    /// Up to ten messages of a queue: body, and attributes by name.
    pub(crate) async fn receive(&self, queue: &str) -> Vec<(String, BTreeMap<String, String>)> {
        let input = json!({
            "QueueUrl": self.stack().reference(queue),
            "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"],
        });
        let answer = self.call("ReceiveMessage", input).await;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        messages
            .iter()
            .map(|message| {
                let attributes = message["MessageAttributes"].as_object();
                let attributes = attributes
                    .into_iter()
                    .flatten()
                    .filter_map(|(name, value)| {
                        let text = value["StringValue"].as_str()?;
                        Some((name.clone(), text.to_owned()))
                    })
                    .collect();
                let body = message["Body"].as_str().unwrap_or_default();
                (body.to_owned(), attributes)
            })
            .collect()
    }

    /// Nothing that events go to exists any more.
    pub(crate) fn lose_targets(&self) {
        let queues = ["ProvisionQueue", "InitQueue"]
            .map(|queue| self.stack().resources[queue].attributes.attributes["QueueName"].clone());
        self.region.with(|world| {
            // Nothing polls what is gone.
            world.lambda.mappings.clear();
            world.lambda.functions.clear();
            world.autoscaling.groups.clear();
            for queue in queues {
                world.sqs.queues.remove(&queue);
            }
        });
    }

    async fn call(&self, operation: &str, input: Value) -> Value {
        let call = Call {
            service: Service::Sqs,
            operation: operation.to_owned(),
            input,
            caller: "tester".to_owned(),
        };
        self.region.call(call).await.expect("the call works")
    }

    pub(crate) async fn pass(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
