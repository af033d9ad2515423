//! Alarms: that there is one for everything that must not go unnoticed, and that each looks at
//! something that exists.

use region::template::{Resource, Stack};
use serde_json::Value;

fn of_kind<'a>(stack: &'a Stack, kind: &str) -> Vec<(&'a str, &'a Resource)> {
    stack
        .resources
        .iter()
        .filter(|(_, resource)| resource.kind == kind)
        .map(|(name, resource)| (name.as_str(), resource))
        .collect()
}

/// The alarms of the template, as `(name, properties)`.
pub(crate) fn alarms(stack: &Stack) -> Vec<(&str, &Value)> {
    of_kind(stack, "AWS::CloudWatch::Alarm")
        .into_iter()
        .map(|(name, resource)| (name, &resource.properties))
        .collect()
}

/// Whether some alarm looks at this metric of the thing that the dimension names.
fn is_watched(stack: &Stack, metric: &str, dimension: &str, value: &str) -> bool {
    alarms(stack).iter().any(|(_, alarm)| {
        let dimensions = &alarm["Dimensions"][0];
        alarm["MetricName"] == metric
            && dimensions["Name"] == dimension
            && dimensions["Value"] == value
    })
}

/// What is not watched and should be, and what is watched and does not exist.
pub(crate) fn problems(stack: &Stack) -> Vec<String> {
    let mut problems = Vec::new();
    let mut want = |metric: &str, dimension: &str, value: &str| {
        if !is_watched(stack, metric, dimension, value) {
            problems.push(format!("no alarm on {metric} of {value}"));
        }
    };
    let queues = of_kind(stack, "AWS::SQS::Queue");
    for (name, queue) in &queues {
        let physical = &queue.attributes.attributes["QueueName"];
        if name.contains("DeadLetter") || name.contains("Rejected") {
            want("ApproximateNumberOfMessagesVisible", "QueueName", physical);
        } else if queue.properties.get("RedrivePolicy").is_some() {
            want("ApproximateAgeOfOldestMessage", "QueueName", physical);
        }
    }
    let functions = of_kind(stack, "AWS::Serverless::Function");
    for (_, function) in &functions {
        let name = &function.attributes.reference;
        want("Errors", "FunctionName", name);
        let events = function.properties["Events"].as_object();
        let has = |kind: &str| {
            events
                .into_iter()
                .flatten()
                .any(|(_, event)| event["Type"] == kind)
        };
        if has("SQS") {
            want("Throttles", "FunctionName", name);
        }
        if has("Schedule") {
            want("Invocations", "FunctionName", name);
        }
    }
    let pool = &stack.outputs["PoolGroupName"];
    for metric in [
        "Ready",
        "FailingLaunches",
        "HeldBackMembers",
        "MissingParts",
    ] {
        want(metric, "Pool", pool);
    }
    problems.extend(unheard_errors(stack));

    let names = |kind: &str| -> Vec<String> {
        of_kind(stack, kind)
            .into_iter()
            .map(|(_, resource)| match kind {
                "AWS::SQS::Queue" => resource.attributes.attributes["QueueName"].clone(),
                _ => resource.attributes.reference.clone(),
            })
            .collect()
    };
    for (name, alarm) in alarms(stack) {
        for dimension in alarm["Dimensions"].as_array().into_iter().flatten() {
            let known = match dimension["Name"].as_str().unwrap_or_default() {
                "QueueName" => names("AWS::SQS::Queue"),
                "FunctionName" => names("AWS::Serverless::Function"),
                "Pool" => vec![pool.clone()],
                other => panic!("{name} has an unknown dimension {other}"),
            };
            let value = dimension["Value"].as_str().unwrap_or_default();
            if !known.iter().any(|known| known == value) {
                problems.push(format!("{name} looks at {value}, which does not exist"));
            }
        }
    }
    problems
}

/// Functions whose logged errors no alarm hears of.
fn unheard_errors(stack: &Stack) -> Vec<String> {
    let heard: Vec<&Value> = of_kind(stack, "AWS::Logs::MetricFilter")
        .into_iter()
        .filter(|(_, filter)| {
            let metric = &filter.properties["MetricTransformations"][0];
            alarms(stack).iter().any(|(_, alarm)| {
                alarm["MetricName"] == metric["MetricName"]
                    && alarm["Namespace"] == metric["MetricNamespace"]
            })
        })
        .map(|(_, filter)| &filter.properties["LogGroupName"])
        .collect();
    of_kind(stack, "AWS::Serverless::Function")
        .into_iter()
        .filter(|(_, function)| !heard.contains(&&function.properties["LoggingConfig"]["LogGroup"]))
        .map(|(name, _)| format!("no alarm on the logged errors of {name}"))
        .collect()
}
