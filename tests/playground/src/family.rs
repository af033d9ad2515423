//! A family: the template twice, under two names, for small machines and for large ones, with one queue for
//! the outcomes of both.

use region::api::{Call, Service};
use region::region::TemplateSource;
use region::settings::Settings;
use region::world::World;
use std::collections::BTreeMap;

/// The pools of a family: what its stack's name ends with, and the template's parameters for it alone.
const POOLS: [(&str, &[(&str, &str)]); 2] = [
    ("small", &[]),
    ("large", &[("PoolSize", "1"), ("InstanceType", "m7g.large")]),
];

/// The stacks of the family that is called as the given one.
pub(crate) fn stacks(family: &TemplateSource, settings: &Settings) -> Vec<TemplateSource> {
    let queue = settings.arn("sqs", &outcome_queue(&family.stack_name));
    POOLS
        .iter()
        .map(|(pool, own)| {
            let own = own.iter().copied().chain([("OutcomeQueueArn", &*queue)]);
            let own: BTreeMap<String, String> = own
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            TemplateSource {
                stack_name: format!("{}-{pool}", family.stack_name),
                parameters: family.parameters.clone().into_iter().chain(own).collect(),
                ..family.clone()
            }
        })
        .collect()
}

/// The queue's name.
fn outcome_queue(family: &str) -> String {
    format!("{family}-outcome")
}

/// Makes the queue that the stacks are given. Where its name is none, neither are the stacks', and that is said.
pub(crate) fn make_outcome_queue(world: &mut World, family: &str) {
    let call = Call {
        service: Service::Sqs,
        operation: "CreateQueue".to_owned(),
        input: serde_json::json!({ "QueueName": outcome_queue(family) }),
        caller: "you".to_owned(),
    };
    let _ = world.answer(&call);
}
