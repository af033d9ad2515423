//! Amazon EventBridge: the default bus, rules and schedules.
//!
//! Source: EventBridge User Guide (`aws-semantics.md` §5). Delivery is best effort, so a switch
//! ([`Unreliability`]) loses, repeats and delays events.

mod delivery;
mod path;
mod pattern;
mod schedule;
mod transformer;

pub use path::Path;
pub use pattern::Pattern;
pub use schedule::parse_rate;
pub use transformer::Transformer;

use crate::journal::Happening;
use crate::settings::Spread;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::format_description;

/// Rules of the default bus and schedules.
#[derive(Debug, Default)]
pub struct Events {
    /// By name.
    pub rules: BTreeMap<String, Rule>,
    /// What goes wrong on the way to targets.
    pub unreliability: Unreliability,
}

/// A rule, or a schedule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Whether it does anything.
    pub enabled: bool,
    /// What makes it fire.
    pub trigger: Trigger,
    /// Where events go.
    pub targets: Vec<Target>,
}

/// What makes a rule fire.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// An event that matches.
    Event(Pattern),
    /// Time.
    Rate {
        /// Between two events.
        every: Duration,
        /// Whether it is an EventBridge Scheduler schedule: the first time is at once. A rule
        /// waits for its first time as long as for the others.
        by_scheduler: bool,
    },
}

/// One destination of a rule.
#[derive(Clone, Debug)]
pub struct Target {
    /// Id within the rule.
    pub id: String,
    /// Queue, function, or an API call (`arn:aws:scheduler:::aws-sdk:service:operation`).
    pub arn: String,
    /// What it gets.
    pub input: Input,
    /// Message group of a FIFO queue.
    pub message_group: Option<MessageGroup>,
    /// ARN of the queue for events that could not be delivered.
    pub dead_letter: Option<String>,
    /// ARN of the role in which a schedule reaches it. A rule is a service of its own.
    pub role: Option<String>,
}

/// What a target gets.
#[derive(Clone, Debug)]
pub enum Input {
    /// The event as it is.
    Event,
    /// Always the same.
    Constant(Value),
    /// A part of the event.
    Part(Path),
    /// A text made of parts of the event.
    Transformed(Transformer),
}

/// The message group of a FIFO target.
#[derive(Clone, Debug)]
pub enum MessageGroup {
    /// Always the same.
    Constant(String),
    /// Written as a path: a text in the event, or the path itself
    /// ([`GroupPaths`](crate::settings::GroupPaths)).
    At {
        /// What it points to.
        path: Path,
        /// As it is written.
        text: String,
    },
}

impl MessageGroup {
    /// Reads a `MessageGroupId`.
    ///
    /// # Errors
    /// For a path that cannot be read.
    pub fn parse(text: String) -> Result<Self, String> {
        if !text.starts_with('$') {
            return Ok(Self::Constant(text));
        }
        let path = Path::parse(&text)?;
        Ok(Self::At { path, text })
    }
}

/// What goes wrong with events on their way to a target. Each chance is from 0 to 1.
#[derive(Clone, Debug, Default)]
pub struct Unreliability {
    /// Chance that an event is lost.
    pub drop: f64,
    /// Chance that an event comes twice.
    pub duplicate: f64,
    /// Chance and length of an extra delay.
    pub delay: Option<(f64, Spread)>,
    /// What happens to the next deliveries, before chance is asked.
    pub next: VecDeque<Mishap>,
}

/// What goes wrong with one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing.
    None,
    /// It is lost.
    Drop,
    /// It comes twice.
    Duplicate,
    /// It comes this much later (not scaled).
    Delay(Duration),
}

/// What is on the agenda.
#[derive(Debug)]
pub enum Due {
    /// A schedule fires.
    Tick {
        /// The rule's name.
        rule: String,
    },
    /// An event arrives at a target.
    Deliver(Box<Delivery>),
}

/// An event on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    rule: String,
    target: Target,
    event: Value,
}

/// Adds a rule; a schedule starts to count from now.
pub fn add_rule(world: &mut World, rule: Rule) {
    if let Trigger::Rate {
        every,
        by_scheduler,
    } = rule.trigger
    {
        let tick = Due::Tick {
            rule: rule.name.clone(),
        };
        let wait = if by_scheduler { Duration::ZERO } else { every };
        world.after(wait, crate::world::Due::Events(tick));
    }
    world.events.rules.insert(rule.name.clone(), rule);
}

/// Puts an event on the default bus.
pub fn put(
    world: &mut World,
    source: &str,
    detail_type: &str,
    resources: Vec<String>,
    detail: Value,
) {
    let event = envelope(world, source, detail_type, resources, &detail);
    world.record(Happening::Event {
        source: source.to_owned(),
        detail_type: detail_type.to_owned(),
        detail,
    });
    let matching: Vec<Rule> = world
        .events
        .rules
        .values()
        .filter(|rule| rule.enabled)
        .filter(|rule| matches!(&rule.trigger, Trigger::Event(pattern) if pattern.matches(&event)))
        .cloned()
        .collect();
    for rule in matching {
        delivery::send(world, &rule, &event);
    }
}

/// An item of the agenda is due.
pub fn happen(world: &mut World, due: Due) {
    match due {
        Due::Tick { rule } => tick(world, &rule),
        Due::Deliver(delivery) => delivery::arrive(world, &delivery),
    }
}

fn tick(world: &mut World, name: &str) {
    let Some(rule) = world.events.rules.get(name).cloned() else {
        return;
    };
    let Trigger::Rate {
        every,
        by_scheduler,
    } = rule.trigger
    else {
        return;
    };
    let source = if by_scheduler {
        "aws.scheduler"
    } else {
        "aws.events"
    };
    if rule.enabled {
        let resources = vec![rule.arn.clone()];
        let event = envelope(world, source, "Scheduled Event", resources, &json!({}));
        world.record(Happening::Event {
            source: source.to_owned(),
            detail_type: "Scheduled Event".to_owned(),
            detail: json!({}),
        });
        delivery::send(world, &rule, &event);
    }
    let tick = Due::Tick { rule: rule.name };
    world.after(every, crate::world::Due::Events(tick));
}

fn envelope(
    world: &mut World,
    source: &str,
    detail_type: &str,
    resources: Vec<String>,
    detail: &Value,
) -> Value {
    let resources = Value::from(resources);
    json!({
        "version": "0",
        "id": world.uuid(),
        "detail-type": detail_type,
        "source": source,
        "account": world.settings.account_id,
        "time": seconds(world.now),
        "region": world.settings.region_name,
        "resources": resources,
        "detail": detail,
    })
}

/// `2024-07-10T21:51:32Z`: the envelope has no fractions of a second.
fn seconds(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
        ))
        .expect("a time of this era")
}

#[cfg(test)]
mod tests;
