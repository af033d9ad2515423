//! Event rules and schedules.

use super::targets::TargetDetails;
use super::{Attributes, Declaration, Error, Loader, identities, read};
use crate::events::{self, Pattern, Rule, Target, Trigger, parse_rate};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RuleProperties {
    name: Option<String>,
    event_bus_name: Option<String>,
    event_pattern: Option<Value>,
    schedule_expression: Option<String>,
    state: Option<String>,
    #[serde(default)]
    targets: Vec<Value>,
    #[serde(default, rename = "Description")]
    _description: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RuleTarget {
    id: String,
    arn: String,
}

/// Adds an `AWS::Events::Rule`.
pub(super) fn make_rule(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: RuleProperties = declaration.read()?;
    check_bus(properties.event_bus_name.as_deref(), place)?;
    let trigger = match (&properties.event_pattern, &properties.schedule_expression) {
        (Some(pattern), None) => pattern_trigger(pattern, &format!("{place}.EventPattern"))?,
        (None, Some(expression)) => {
            rate_trigger(expression, false, &format!("{place}.ScheduleExpression"))?
        }
        _ => {
            return Err(Error::new(
                place,
                "either EventPattern or ScheduleExpression is expected",
            ));
        }
    };
    let mut targets = Vec::new();
    for (index, target) in properties.targets.into_iter().enumerate() {
        let place = format!("{place}.Targets[{index}]");
        let (details, rest) = TargetDetails::split(target, &place)?;
        let target: RuleTarget = read(&rest, &place)?;
        targets.push(details.into_target(target.id, target.arn, &place)?);
    }
    let name = properties
        .name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    let arn = rule_arn(loader, &name);
    let rule = Rule {
        name: name.clone(),
        arn: arn.clone(),
        enabled: is_enabled(properties.state.as_deref(), place)?,
        trigger,
        targets,
    };
    events::add_rule(loader.world, rule);
    Ok(Attributes {
        reference: name,
        attributes: BTreeMap::from([("Arn".to_owned(), arn)]),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScheduleProperties {
    name: Option<String>,
    schedule_expression: String,
    state: Option<String>,
    target: Value,
    #[serde(default, rename = "FlexibleTimeWindow")]
    _flexible_time_window: Option<IgnoredAny>,
    #[serde(default, rename = "Description")]
    _description: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScheduleTarget {
    arn: String,
    role_arn: String,
}

/// Adds an `AWS::Scheduler::Schedule`. Its target may be an API call
/// (`arn:aws:scheduler:::aws-sdk:service:operation`).
pub(super) fn make_schedule(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: ScheduleProperties = declaration.read()?;
    let target_place = format!("{place}.Target");
    let (details, rest) = TargetDetails::split(properties.target, &target_place)?;
    let target: ScheduleTarget = read(&rest, &target_place)?;
    identities::must_be_assumable(
        loader,
        &target.role_arn,
        "scheduler.amazonaws.com",
        &target_place,
    )?;
    let name = properties
        .name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    let arn = schedule_arn(loader, &name);
    let expression_place = format!("{place}.ScheduleExpression");
    let rule = Rule {
        name: name.clone(),
        arn: arn.clone(),
        enabled: is_enabled(properties.state.as_deref(), place)?,
        trigger: rate_trigger(&properties.schedule_expression, true, &expression_place)?,
        targets: vec![Target {
            role: Some(target.role_arn),
            ..details.into_target("target".to_owned(), target.arn, &target_place)?
        }],
    };
    events::add_rule(loader.world, rule);
    Ok(Attributes {
        reference: name,
        attributes: BTreeMap::from([("Arn".to_owned(), arn)]),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FunctionRule {
    pattern: Value,
    rule_name: Option<String>,
    event_bus_name: Option<String>,
    state: Option<String>,
    target: Option<FunctionRuleTarget>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FunctionRuleTarget {
    id: String,
}

/// Adds the rule that SAM makes of a function's event of type `EventBridgeRule`.
pub(super) fn function_rule(
    loader: &mut Loader<'_>,
    logical_id: &str,
    function_arn: &str,
    properties: Value,
    place: &str,
) -> Result<(), Error> {
    let (details, rest) = TargetDetails::split(properties, place)?;
    let properties: FunctionRule = read(&rest, place)?;
    check_bus(properties.event_bus_name.as_deref(), place)?;
    let target_id = properties
        .target
        .map_or_else(|| format!("{logical_id}LambdaTarget"), |target| target.id);
    let name = properties
        .rule_name
        .unwrap_or_else(|| loader.physical_name(logical_id));
    let arn = rule_arn(loader, &name);
    may_invoke(loader, logical_id, function_arn, &arn, place)?;
    let rule = Rule {
        arn,
        name,
        enabled: is_enabled(properties.state.as_deref(), place)?,
        trigger: pattern_trigger(&properties.pattern, &format!("{place}.Pattern"))?,
        targets: vec![details.into_target(target_id, function_arn.to_owned(), place)?],
    };
    events::add_rule(loader.world, rule);
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FunctionSchedule {
    // Schedule
    schedule: Option<String>,
    enabled: Option<bool>,
    // ScheduleV2
    schedule_expression: Option<String>,
    #[serde(default, rename = "FlexibleTimeWindow")]
    _flexible_time_window: Option<IgnoredAny>,
    // both
    name: Option<String>,
    state: Option<String>,
    #[serde(default, rename = "Description")]
    _description: Option<IgnoredAny>,
}

/// Adds the rule or schedule of a function's event of type `Schedule` or `ScheduleV2`.
pub(super) fn function_schedule(
    loader: &mut Loader<'_>,
    logical_id: &str,
    function_arn: &str,
    properties: Value,
    is_scheduler: bool,
    place: &str,
) -> Result<(), Error> {
    let (details, rest) = TargetDetails::split(properties, place)?;
    let properties: FunctionSchedule = read(&rest, place)?;
    let expression = if is_scheduler {
        properties.schedule_expression
    } else {
        properties.schedule
    }
    .ok_or_else(|| Error::new(place, "has no schedule"))?;
    let name = properties
        .name
        .unwrap_or_else(|| loader.physical_name(logical_id));
    let mut target: Target = details.into_target(
        format!("{logical_id}LambdaTarget"),
        function_arn.to_owned(),
        place,
    )?;
    let enabled = is_enabled(properties.state.as_deref(), place)?;
    let arn = if is_scheduler {
        target.role = Some(identities::role_of_schedule(
            loader,
            logical_id,
            function_arn,
            place,
        )?);
        schedule_arn(loader, &name)
    } else {
        let arn = rule_arn(loader, &name);
        may_invoke(loader, logical_id, function_arn, &arn, place)?;
        arn
    };
    let rule = Rule {
        arn,
        name,
        enabled: enabled && properties.enabled != Some(false),
        trigger: rate_trigger(&expression, is_scheduler, place)?,
        targets: vec![target],
    };
    events::add_rule(loader.world, rule);
    Ok(())
}

/// The permission that SAM makes for a rule of a function's own.
fn may_invoke(
    loader: &mut Loader<'_>,
    logical_id: &str,
    function: &str,
    rule: &str,
    place: &str,
) -> Result<(), Error> {
    let owner = format!("{logical_id}Permission");
    identities::may_invoke(
        loader,
        &owner,
        function,
        "events.amazonaws.com",
        Some(rule),
        place,
    )
}

fn pattern_trigger(pattern: &Value, place: &str) -> Result<Trigger, Error> {
    Pattern::parse(pattern)
        .map(Trigger::Event)
        .map_err(|problem| Error::new(place, problem))
}

fn rate_trigger(expression: &str, is_scheduler: bool, place: &str) -> Result<Trigger, Error> {
    let every = parse_rate(expression).map_err(|problem| Error::new(place, problem))?;
    Ok(Trigger::Rate {
        every,
        by_scheduler: is_scheduler,
    })
}

fn is_enabled(state: Option<&str>, place: &str) -> Result<bool, Error> {
    match state {
        None | Some("ENABLED") => Ok(true),
        Some("DISABLED") => Ok(false),
        Some(other) => Err(Error::new(place, format!("unknown State {other}"))),
    }
}

fn check_bus(name: Option<&str>, place: &str) -> Result<(), Error> {
    match name {
        None | Some("default") => Ok(()),
        Some(other) => Err(Error::new(
            place,
            format!("the simulated region has only the default event bus, not {other}"),
        )),
    }
}

fn rule_arn(loader: &Loader<'_>, name: &str) -> String {
    let resource = format!("rule/{name}");
    loader.world.settings.arn("events", &resource)
}

fn schedule_arn(loader: &Loader<'_>, name: &str) -> String {
    let resource = format!("schedule/default/{name}");
    loader.world.settings.arn("scheduler", &resource)
}
