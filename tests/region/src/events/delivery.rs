//! From a rule to its targets.

use super::{Delivery, Due, Input, MessageGroup, Mishap, Rule, Trigger};
use crate::api::{Call, Service};
use crate::iam::{self, Principal};
use crate::journal::Happening;
use crate::lambda;
use crate::settings::GroupPaths;
use crate::sqs::{self, MessageAttribute, NewMessage};
use crate::world::World;
use serde_json::Value;
use std::time::Duration;

const SERVICE: &str = "events.amazonaws.com";

/// Starts an event's way to every target of a rule.
pub(super) fn send(world: &mut World, rule: &Rule, event: &Value) {
    for target in &rule.targets {
        // Only events of services are delivered at best once; a schedule fires.
        let mishap = match rule.trigger {
            Trigger::Event(_) => mishap(world),
            Trigger::Rate { .. } => Mishap::None,
        };
        let (copies, extra) = match mishap {
            Mishap::None => (1, Duration::ZERO),
            Mishap::Drop => (0, Duration::ZERO),
            Mishap::Duplicate => (2, Duration::ZERO),
            Mishap::Delay(delay) => (1, delay),
        };
        for _ in 0..copies {
            let delay = world.draw(world.settings.timings.event_delivery) + extra;
            let delivery = Delivery {
                rule: rule.name.clone(),
                target: target.clone(),
                event: event.clone(),
            };
            let due = Due::Deliver(Box::new(delivery));
            world.after(delay, crate::world::Due::Events(due));
        }
        if copies == 0 {
            let reason = "lost on the way, as asked for".to_owned();
            lost(world, &rule.name, &target.arn, reason);
        }
    }
}

fn mishap(world: &mut World) -> Mishap {
    if let Some(next) = world.events.unreliability.next.pop_front() {
        return next;
    }
    let unreliability = world.events.unreliability.clone();
    // Asked only where there is a chance: a region without faults draws nothing.
    let mut happens = |chance: f64| chance > 0.0 && world.rng.f64() < chance;
    if happens(unreliability.drop) {
        return Mishap::Drop;
    }
    if happens(unreliability.duplicate) {
        return Mishap::Duplicate;
    }
    if let Some((chance, spread)) = unreliability.delay
        && happens(chance)
    {
        return Mishap::Delay(world.draw(spread));
    }
    Mishap::None
}

/// An event arrives: the target takes it, or its dead-letter queue does, or it is lost.
pub(super) fn arrive(world: &mut World, delivery: &Delivery) {
    let Err((code, message)) = hand_over(world, delivery) else {
        return;
    };
    let Some(dead_letter) = delivery.target.dead_letter.clone() else {
        lost(world, &delivery.rule, &delivery.target.arn, message);
        return;
    };
    let rule_arn = world
        .events
        .rules
        .get(&delivery.rule)
        .map_or_else(String::new, |rule| rule.arn.clone());
    let attributes = [
        ("RULE_ARN", rule_arn),
        ("TARGET_ARN", delivery.target.arn.clone()),
        ("ERROR_CODE", code),
        ("ERROR_MESSAGE", message),
    ];
    let new = NewMessage {
        body: delivery.event.to_string(),
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), MessageAttribute::string(value)))
            .collect(),
        ..NewMessage::default()
    };
    let principal = principal(world, delivery);
    if let Err((_, message)) = send_to_queue(world, &principal, &dead_letter, new) {
        lost(world, &delivery.rule, &dead_letter, message);
    }
}

/// Code and text of a refusal, as they would stand on the dead letter.
type Refusal = (String, String);

fn hand_over(world: &mut World, delivery: &Delivery) -> Result<(), Refusal> {
    let target = &delivery.target;
    let input = match &target.input {
        Input::Event => delivery.event.clone(),
        Input::Constant(value) => value.clone(),
        Input::Part(path) => path.find(&delivery.event).cloned().unwrap_or(Value::Null),
        Input::Transformed(transformer) => {
            let text = transformer.apply(&delivery.event);
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
    };
    let principal = principal(world, delivery);
    if let Some(function) = world.lambda.by_arn(&target.arn) {
        let name = function.name.clone();
        may(world, &principal, "lambda:InvokeFunction", &target.arn)?;
        lambda::invoke_async(world, &name, input);
        return Ok(());
    }
    if let Some(operation) = api_call(world, &target.arn) {
        let operation = operation.to_owned();
        let key = format!("scheduler.amazonaws.com/{}", delivery.rule);
        world.iam.add_key(&key, principal);
        return call(world, key, &operation, input);
    }
    let group_id = match &target.message_group {
        None => None,
        Some(MessageGroup::Constant(group)) => Some(group.clone()),
        Some(MessageGroup::At { text, .. })
            if world.settings.group_paths == GroupPaths::AsTheyStand =>
        {
            Some(text.clone())
        }
        Some(MessageGroup::At { path, .. }) => match path.find(&delivery.event) {
            Some(Value::String(group)) => Some(group.clone()),
            _ => {
                return Err((
                    "INVALID_PARAMETER".to_owned(),
                    "the event has no text at the path of MessageGroupId".to_owned(),
                ));
            }
        },
    };
    let new = NewMessage {
        // A text is sent as it is, everything else as JSON.
        body: match input {
            Value::String(text) => text,
            other => other.to_string(),
        },
        group_id,
        ..NewMessage::default()
    };
    send_to_queue(world, &principal, &target.arn, new)
}

/// As whom a delivery is made: a schedule in its role, a rule as the service itself.
fn principal(world: &World, delivery: &Delivery) -> Principal {
    if let Some(role) = &delivery.target.role {
        return Principal::session(&world.settings, role, &delivery.rule);
    }
    let rule = world.events.rules.get(&delivery.rule);
    Principal::service(SERVICE, rule.map(|rule| rule.arn.as_str()))
}

fn may(
    world: &mut World,
    principal: &Principal,
    action: &str,
    resource: &str,
) -> Result<(), Refusal> {
    // The code is EventBridge's (User Guide, "Using dead-letter queues").
    iam::allow(world, principal, action, resource)
        .map_err(|message| ("NO_PERMISSIONS".to_owned(), message))
}

/// The call that a universal target names (EventBridge Scheduler, "Using universal targets").
fn api_call<'arn>(world: &World, arn: &'arn str) -> Option<&'arn str> {
    let partition = world.settings.partition();
    arn.strip_prefix(&format!("arn:{partition}:scheduler:::aws-sdk:"))
}

/// Makes an API call, as EventBridge Scheduler's universal targets do: `service:operation`.
/// Source: EventBridge Scheduler User Guide, "Using universal targets".
fn call(world: &mut World, caller: String, target: &str, input: Value) -> Result<(), Refusal> {
    let (service, operation) = target.split_once(':').unwrap_or((target, ""));
    let service = match service {
        "autoscaling" => Service::AutoScaling,
        "ssm" => Service::Ssm,
        "sqs" => Service::Sqs,
        other => {
            let problem = format!("the simulated region does not know the service {other}");
            return Err(("UnknownService".to_owned(), problem));
        }
    };
    let mut letters = operation.chars();
    let operation = letters
        .next()
        .map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
        .unwrap_or_default();
    let call = Call {
        service,
        operation,
        input,
        caller,
    };
    world
        .answer(&call)
        .map(|_| ())
        .map_err(|error| (error.code, error.message))
}

fn send_to_queue(
    world: &mut World,
    principal: &Principal,
    arn: &str,
    new: NewMessage,
) -> Result<(), Refusal> {
    let queue = world
        .sqs
        .by_arn(arn)
        .map(|queue| queue.name.clone())
        .ok_or_else(|| ("NO_RESOURCE".to_owned(), format!("there is no {arn}")))?;
    may(world, principal, "sqs:SendMessage", arn)?;
    sqs::send(world, &queue, SERVICE, new)
        .map(|_| ())
        .map_err(|error| (error.code, error.message))
}

fn lost(world: &mut World, rule: &str, target: &str, reason: String) {
    world.record(Happening::EventLost {
        rule: rule.to_owned(),
        target: target.to_owned(),
        reason,
    });
}
