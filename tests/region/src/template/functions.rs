//! `AWS::Serverless::Function` with the events that invoke it.

use super::parameters::text_of;
use super::{Attributes, Declaration, Error, Loader, identities, read, rules};
use crate::iam::Principal;
use crate::lambda::{AsyncSettings, FunctionConfig, Mapping};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    function_name: Option<String>,
    code_uri: Option<String>,
    timeout: Option<u64>,
    memory_size: Option<u32>,
    reserved_concurrent_executions: Option<usize>,
    environment: Option<Environment>,
    event_invoke_config: Option<EventInvokeConfig>,
    dead_letter_queue: Option<DeadLetterQueue>,
    #[serde(default)]
    events: BTreeMap<String, Event>,
    #[serde(default)]
    policies: Value,
    role: Option<String>,
    logging_config: Option<LoggingConfig>,
    tracing: Option<String>,
    // Without effect in the region, which runs whatever code it is given.
    #[serde(default, rename = "Handler")]
    _handler: Option<IgnoredAny>,
    #[serde(default, rename = "Runtime")]
    _runtime: Option<IgnoredAny>,
    #[serde(default, rename = "Architectures")]
    _architectures: Option<IgnoredAny>,
    #[serde(default, rename = "Description")]
    _description: Option<IgnoredAny>,
    #[serde(default, rename = "RecursiveLoop")]
    _recursive_loop: Option<IgnoredAny>,
    #[serde(default, rename = "Tags")]
    _tags: Option<IgnoredAny>,
    #[serde(default, rename = "EphemeralStorage")]
    _ephemeral_storage: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LoggingConfig {
    log_group: Option<String>,
    #[serde(default, rename = "LogFormat")]
    _log_format: Option<IgnoredAny>,
    #[serde(default, rename = "ApplicationLogLevel")]
    _application_log_level: Option<IgnoredAny>,
    #[serde(default, rename = "SystemLogLevel")]
    _system_log_level: Option<IgnoredAny>,
}

/// What SAM lets a function's implicit role do, beyond its policies and its logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Connector {
    /// Read a queue.
    Queue,
    /// Write traces.
    Tracing,
    /// Send what failed to the queue with this ARN.
    Destination(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct EventInvokeConfig {
    maximum_event_age_in_seconds: Option<u64>,
    maximum_retry_attempts: Option<u32>,
    destination_config: Option<DestinationConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DestinationConfig {
    on_failure: Option<OnFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OnFailure {
    #[serde(rename = "Type")]
    kind: Option<String>,
    destination: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeadLetterQueue {
    #[serde(rename = "Type")]
    kind: String,
    target_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Event {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct QueueEvent {
    queue: String,
    batch_size: Option<usize>,
    enabled: Option<bool>,
    #[serde(default)]
    function_response_types: Vec<String>,
    maximum_batching_window_in_seconds: Option<u64>,
    scaling_config: Option<ScalingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScalingConfig {
    maximum_concurrency: Option<usize>,
}

/// A function's properties over those of `Globals.Function`: objects are merged, lists are
/// joined, scalars replaced (SAM specification, "Globals section").
pub(super) fn with_globals(globals: &Map<String, Value>, properties: Value) -> Value {
    merged(Value::Object(globals.clone()), properties)
}

fn merged(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(mut global), Value::Object(own)) => {
            let is_function = own.len() == 1
                && own
                    .keys()
                    .all(|name| name == "Ref" || name.starts_with("Fn::"));
            if is_function {
                return Value::Object(own);
            }
            for (name, value) in own {
                let value = match global.remove(&name) {
                    Some(inherited) => merged(inherited, value),
                    None => value,
                };
                global.insert(name, value);
            }
            Value::Object(global)
        }
        (Value::Array(global), Value::Array(own)) => global.into_iter().chain(own).collect(),
        (_, own) => own,
    }
}

/// Adds the function, and what invokes it.
pub(super) fn make(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let function: Properties = declaration.read()?;
    let name = function
        .function_name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    let settings = &loader.world.settings;
    let arn = settings.arn("lambda", &format!("function:{name}"));
    let traced = function.tracing.as_deref() == Some("Active");
    let mut connectors = Vec::new();
    if function.events.values().any(|event| event.kind == "SQS") {
        connectors.push(Connector::Queue);
    }
    if traced {
        connectors.push(Connector::Tracing);
    }
    let asynchronous = asynchronous(
        function.event_invoke_config,
        function.dead_letter_queue,
        place,
    )?;
    let failed = [&asynchronous.on_failure, &asynchronous.dead_letter];
    let failed = failed.into_iter().flatten().cloned();
    connectors.extend(failed.map(Connector::Destination));
    let role = identities::role_of_function(
        loader,
        declaration,
        function.role,
        &function.policies,
        &connectors,
    )?;
    let session = Principal::session(&loader.world.settings, &role, &name);
    loader.world.iam.add_key(&name, session);
    let log_group = function
        .logging_config
        .and_then(|config| config.log_group)
        .unwrap_or_else(|| format!("/aws/lambda/{name}"));
    let config = FunctionConfig {
        logical_id: declaration.name.to_owned(),
        name: name.clone(),
        arn: arn.clone(),
        code_uri: function.code_uri,
        // SAM's defaults.
        timeout: Duration::from_secs(function.timeout.unwrap_or(3)),
        memory_mb: function.memory_size.unwrap_or(128),
        environment: environment(function.environment, place)?,
        reserved_concurrency: function.reserved_concurrent_executions,
        asynchronous,
        log_group,
        traced,
    };
    let functions = &mut loader.world.lambda.functions;
    functions.insert(name.clone(), config.clone());
    for (event_name, event) in function.events {
        let logical_id = format!("{}{event_name}", declaration.name);
        let place = format!("{place}.Events.{event_name}.Properties");
        match event.kind.as_str() {
            "SQS" => map_queue(loader, &config, &event.properties, &place)?,
            "EventBridgeRule" | "CloudWatchEvent" => {
                rules::function_rule(loader, &logical_id, &arn, event.properties, &place)?;
            }
            "Schedule" | "ScheduleV2" => rules::function_schedule(
                loader,
                &logical_id,
                &arn,
                event.properties,
                event.kind == "ScheduleV2",
                &place,
            )?,
            unknown => {
                return Err(Error::new(
                    place,
                    format!("events of type {unknown} are not known to the simulated region"),
                ));
            }
        }
    }
    let stack = &mut loader.stack;
    stack.functions.insert(declaration.name.to_owned(), config);
    Ok(Attributes {
        reference: name,
        attributes: BTreeMap::from([("Arn".to_owned(), arn)]),
    })
}

fn environment(
    environment: Option<Environment>,
    place: &str,
) -> Result<BTreeMap<String, String>, Error> {
    environment
        .map(|environment| environment.variables)
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| {
            let text = text_of(&value).ok_or_else(|| {
                Error::new(format!("{place}.Environment.{name}"), "a text is expected")
            })?;
            Ok((name, text))
        })
        .collect()
}

fn asynchronous(
    config: Option<EventInvokeConfig>,
    dead_letter: Option<DeadLetterQueue>,
    place: &str,
) -> Result<AsyncSettings, Error> {
    let only_queues = |kind: &str| match kind {
        "SQS" => Ok(()),
        other => Err(Error::new(
            place,
            format!("failed events can only go to a queue in the simulated region, not {other}"),
        )),
    };
    let mut settings = AsyncSettings::default();
    if let Some(queue) = dead_letter {
        only_queues(&queue.kind)?;
        settings.dead_letter = Some(queue.target_arn);
    }
    let Some(config) = config else {
        return Ok(settings);
    };
    if let Some(age) = config.maximum_event_age_in_seconds {
        settings.maximum_event_age = Duration::from_secs(age);
    }
    if let Some(attempts) = config.maximum_retry_attempts {
        settings.maximum_retry_attempts = attempts;
    }
    if let Some(on_failure) = config
        .destination_config
        .and_then(|config| config.on_failure)
    {
        only_queues(on_failure.kind.as_deref().unwrap_or("SQS"))?;
        settings.on_failure = Some(on_failure.destination);
    }
    Ok(settings)
}

/// Adds an event-source mapping, with the checks that Lambda makes.
fn map_queue(
    loader: &mut Loader<'_>,
    function: &FunctionConfig,
    properties: &Value,
    place: &str,
) -> Result<(), Error> {
    let refused = |problem: String| Err(Error::new(place, problem));
    let event: QueueEvent = read(properties, place)?;
    if loader.world.sqs.by_arn(&event.queue).is_some() {
        identities::may_poll(loader, &function.name, &event.queue, place)?;
    }
    let Some(queue) = loader.world.sqs.by_arn(&event.queue) else {
        return refused(format!("there is no queue {}", event.queue));
    };
    let visibility = queue.attributes.visibility_timeout();
    if visibility < function.timeout {
        return refused(format!(
            "Queue visibility timeout: {} seconds is less than Function timeout: {} seconds",
            visibility.as_secs(),
            function.timeout.as_secs()
        ));
    }
    let fifo = queue.attributes.is_fifo();
    let batch_size = event.batch_size.unwrap_or(10);
    let window = event.maximum_batching_window_in_seconds.unwrap_or(0);
    let most = if fifo || window == 0 { 10 } else { 10_000 };
    if !(1..=most).contains(&batch_size) {
        return refused(format!("BatchSize must be between 1 and {most} here"));
    }
    if fifo && window > 0 {
        return refused("a FIFO queue has no batching window".to_owned());
    }
    let maximum_concurrency = event
        .scaling_config
        .and_then(|config| config.maximum_concurrency);
    if maximum_concurrency.is_some_and(|most| !(2..=1_000).contains(&most)) {
        return refused("MaximumConcurrency must be between 2 and 1000".to_owned());
    }
    if let Some(unknown) = event
        .function_response_types
        .iter()
        .find(|kind| *kind != "ReportBatchItemFailures")
    {
        return refused(format!("unknown FunctionResponseTypes member {unknown}"));
    }
    let mut mapping = Mapping::new(event.queue, function.name.clone());
    mapping.batch_size = batch_size;
    mapping.batching_window = Duration::from_secs(window);
    mapping.maximum_concurrency = maximum_concurrency;
    mapping.reports_failures = !event.function_response_types.is_empty();
    mapping.enabled = event.enabled.unwrap_or(true);
    loader.world.lambda.mappings.push(mapping);
    Ok(())
}
