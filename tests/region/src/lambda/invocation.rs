//! Invocations: started by mappings and asynchronous events, performed by the region.

use super::asynchronous::{self, Event};
use super::function::{FunctionError, Invocation};
use super::mapping::{self, Batch};
use crate::iam;
use crate::journal::Happening;
use crate::world::{Effect, World};
use serde_json::Value;

/// An invocation that has not ended.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) function: String,
    source: Source,
}

/// What an invocation is for: it gets the result.
#[derive(Debug)]
pub(super) enum Source {
    Batch(Batch),
    Event(Box<Event>),
}

/// Most invocations at a time of a function without reserved concurrency: the account's default
/// quota (Lambda Developer Guide, quotas).
const ACCOUNT_CONCURRENCY: usize = 1_000;

/// Whether one more invocation of the function may start.
pub(super) fn has_capacity(world: &World, function: &str) -> bool {
    let most = world.lambda.functions[function]
        .reserved_concurrency
        .unwrap_or(ACCOUNT_CONCURRENCY);
    world.lambda.concurrency(function) < most
}

/// Starts an invocation; the caller has checked the capacity.
pub(super) fn start(
    world: &mut World,
    function: &str,
    request_id: String,
    payload: Value,
    source: Source,
) {
    let config = &world.lambda.functions[function];
    let invocation = Invocation {
        function: function.to_owned(),
        function_arn: config.arn.clone(),
        request_id: request_id.clone(),
        payload,
        deadline: world.now + config.timeout,
    };
    write_logs(world, function);
    world.record(Happening::Invoked {
        function: function.to_owned(),
        request_id: request_id.clone(),
    });
    let running = Running {
        function: function.to_owned(),
        source,
    };
    world.lambda.running.insert(request_id, running);
    world.effect(Effect::Invoke(invocation));
}

/// Lambda writes a function's logs and traces in its role; the function runs whether that is
/// allowed or not. The region keeps neither: only the permissions are asked for.
fn write_logs(world: &mut World, function: &str) {
    let principal = world.iam.principal(function);
    let config = &world.lambda.functions[function];
    let traced = config.traced;
    let stream = format!("log-group:{}:log-stream:{function}", config.log_group);
    let stream = world.settings.arn("logs", &stream);
    let mut write = |action: &str| {
        // A refusal is in the journal.
        let _ = iam::allow(world, &principal, action, &stream);
    };
    write("logs:CreateLogStream");
    write("logs:PutLogEvents");
    if traced {
        write("xray:PutTraceSegments");
        write("xray:PutTelemetryRecords");
    }
}

/// Takes the result of an invocation that the region performed.
pub fn finished(world: &mut World, request_id: &str, result: Result<Value, FunctionError>) {
    let Some(running) = world.lambda.running.remove(request_id) else {
        return;
    };
    world.record(Happening::Returned {
        function: running.function.clone(),
        request_id: request_id.to_owned(),
        result: result.clone().map_err(|error| error.to_string()),
    });
    match running.source {
        Source::Batch(batch) => mapping::settle(world, &batch, result),
        Source::Event(event) => asynchronous::settle(world, *event, result),
    }
    // There is room for one more invocation.
    mapping::look_again(world, &running.function);
}

/// Kills a running invocation where it stands: its function is dropped (or its process killed),
/// and the invocation fails as after a crash.
pub fn kill(world: &mut World, request_id: &str) {
    if world.lambda.running.contains_key(request_id) {
        world.effect(Effect::Kill(request_id.to_owned()));
    }
}
