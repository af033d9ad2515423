//! Asynchronous invocation: Lambda takes the event and answers for it from then on.
//!
//! Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
//! invocation".

use super::Due;
use super::function::FunctionError;
use super::invocation::{self, Source};
use crate::iam;
use crate::sqs::{self, NewMessage};
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What happens to asynchronous events of a function.
#[derive(Clone, Debug)]
pub struct AsyncSettings {
    /// How old an event may become.
    pub maximum_event_age: Duration,
    /// How often a failed event is tried again, 0 to 2.
    pub maximum_retry_attempts: u32,
    /// ARN of the queue that hears of events given up.
    pub on_failure: Option<String>,
    /// ARN of the queue that gets events given up (the older `DeadLetterConfig`).
    pub dead_letter: Option<String>,
}

impl Default for AsyncSettings {
    fn default() -> Self {
        Self {
            maximum_event_age: Duration::from_hours(6),
            maximum_retry_attempts: 2,
            on_failure: None,
            dead_letter: None,
        }
    }
}

/// An event that Lambda has taken.
#[derive(Clone, Debug)]
pub struct Event {
    function: String,
    request_id: String,
    payload: Value,
    accepted_at: OffsetDateTime,
    attempts: u32,
    throttles: u32,
}

/// Waits between a failed attempt and the next.
const RETRY_WAITS: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];
/// Waits after a throttle double from the first to the longest.
const FIRST_THROTTLE_WAIT: Duration = Duration::from_secs(1);
const LONGEST_THROTTLE_WAIT: Duration = Duration::from_mins(5);

/// Hands an event to a function. Returns the request id.
///
/// # Panics
/// When there is no such function: callers look it up first.
pub fn invoke_async(world: &mut World, function: &str, payload: Value) -> String {
    assert!(
        world.lambda.functions.contains_key(function),
        "there is no function {function}"
    );
    let event = Event {
        function: function.to_owned(),
        request_id: world.uuid(),
        payload,
        accepted_at: world.now,
        attempts: 0,
        throttles: 0,
    };
    let request_id = event.request_id.clone();
    attempt(world, event);
    request_id
}

/// Tries an event, unless it is too old or there is no room for it.
pub(super) fn attempt(world: &mut World, mut event: Event) {
    let settings = &world.lambda.functions[&event.function].asynchronous;
    if event.accepted_at + settings.maximum_event_age < world.now {
        give_up(world, &event, "EventAgeExceeded", None);
        return;
    }
    if !invocation::has_capacity(world, &event.function) {
        let wait = FIRST_THROTTLE_WAIT * 2_u32.pow(event.throttles.min(9));
        event.throttles += 1;
        retry(world, event, wait.min(LONGEST_THROTTLE_WAIT));
        return;
    }
    event.attempts += 1;
    let (request_id, payload) = (event.request_id.clone(), event.payload.clone());
    let function = event.function.clone();
    let source = Source::Event(Box::new(event));
    invocation::start(world, &function, request_id, payload, source);
}

fn retry(world: &mut World, event: Event, wait: Duration) {
    let due = Due::TryAsync(Box::new(event));
    world.after(wait, crate::world::Due::Lambda(due));
}

/// Takes the result of an attempt.
pub(super) fn settle(world: &mut World, event: Event, result: Result<Value, FunctionError>) {
    let Err(error) = result else {
        return;
    };
    let settings = &world.lambda.functions[&event.function].asynchronous;
    if event.attempts > settings.maximum_retry_attempts {
        give_up(world, &event, "RetriesExhausted", Some(&error));
        return;
    }
    let index = usize::try_from(event.attempts - 1).expect("at most two");
    let wait = RETRY_WAITS[index.min(RETRY_WAITS.len() - 1)];
    retry(world, event, wait);
}

/// Tells the function's failure destinations, where it has any.
fn give_up(world: &mut World, event: &Event, condition: &str, error: Option<&FunctionError>) {
    let config = &world.lambda.functions[&event.function];
    let settings = config.asynchronous.clone();
    if let Some(arn) = &settings.on_failure {
        let mut record = json!({
            "version": "1.0",
            "timestamp": world.now.format(&Rfc3339).expect("a time of this era"),
            "requestContext": {
                "requestId": event.request_id,
                "functionArn": format!("{}:$LATEST", config.arn),
                "condition": condition,
                "approximateInvokeCount": event.attempts,
            },
            "requestPayload": event.payload,
        });
        if let Some(error) = error {
            record["responseContext"] = json!({
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            });
            record["responsePayload"] = error.to_json();
        }
        send(world, &event.function, arn, &record);
    }
    if let Some(arn) = &settings.dead_letter {
        send(world, &event.function, arn, &event.payload);
    }
}

/// Sends in the function's role. A queue that does not take it loses the event, as on AWS (metric `DestinationDeliveryFailures`).
fn send(world: &mut World, function: &str, arn: &str, body: &Value) {
    let Some(queue) = world.sqs.by_arn(arn).map(|queue| queue.name.clone()) else {
        return;
    };
    let principal = world.iam.principal(function);
    if iam::allow(world, &principal, "sqs:SendMessage", arn).is_err() {
        return;
    }
    let message = NewMessage {
        body: body.to_string(),
        ..NewMessage::default()
    };
    let _ = sqs::send(world, &queue, "lambda.amazonaws.com", message);
}
