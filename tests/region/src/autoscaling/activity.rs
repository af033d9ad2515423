//! Scaling activities, and the events that their ends put on the bus.

use super::processes;
use crate::wire::timestamp::{iso_millis, iso_seconds};
use crate::world::World;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// One scaling activity.
#[derive(Clone, Debug)]
pub struct Activity {
    /// UUID.
    pub id: String,
    /// The instance, if one came to be.
    pub instance: Option<String>,
    /// `Launching a new EC2 instance: i-…`
    pub description: String,
    /// Why.
    pub cause: String,
    /// Start.
    pub started_at: OffsetDateTime,
    /// End, once it is over.
    pub ended_at: Option<OffsetDateTime>,
    /// How it stands.
    pub status: Status,
    /// What went wrong.
    pub status_message: String,
    /// `Details`: zone and subnet.
    pub details: Value,
}

/// `StatusCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Under way.
    InProgress,
    /// Done.
    Successful,
    /// Failed.
    Failed,
    /// Given up.
    Cancelled,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// What an activity is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Launch,
    Attach,
    Detach,
    Terminate,
    EnterStandby,
    ExitStandby,
}

impl Kind {
    pub(super) fn description(self, instance: &str) -> String {
        match self {
            Self::Launch => format!("Launching a new EC2 instance: {instance}"),
            Self::Attach => format!("Attaching an existing EC2 instance: {instance}"),
            Self::Detach => format!("Detaching EC2 instance: {instance}"),
            Self::Terminate => format!("Terminating EC2 instance: {instance}"),
            Self::EnterStandby => format!("Moving EC2 instance to Standby: {instance}"),
            Self::ExitStandby => format!("Moving EC2 instance out of Standby: {instance}"),
        }
    }

    /// An attach has no event of its own: it shows as a launch. Standby has none at all.
    fn event(self) -> Option<&'static str> {
        match self {
            Self::Launch | Self::Attach => Some("EC2 Instance Launch"),
            Self::Detach => Some("EC2 Instance Detach"),
            Self::Terminate => Some("EC2 Instance Terminate"),
            Self::EnterStandby | Self::ExitStandby => None,
        }
    }

    /// `Origin` and `Destination` of the event. Not documented for a detach, whose schema is
    /// not published.
    fn way(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Launch | Self::Attach => Some(("EC2", "AutoScalingGroup")),
            Self::Terminate => Some(("AutoScalingGroup", "EC2")),
            Self::Detach | Self::EnterStandby | Self::ExitStandby => None,
        }
    }
}

/// Starts an activity of `group` on `instance` and returns its id.
pub(super) fn start(
    world: &mut World,
    group: &str,
    kind: Kind,
    instance: &str,
    cause: String,
) -> String {
    let machine = world.compute.instances.get(instance);
    let mut details = json!({});
    if let Some(machine) = machine {
        details["Availability Zone"] = json!(machine.zone);
        if let (Some(subnet), false) = (&machine.subnet, matches!(kind, Kind::Attach)) {
            details["Subnet ID"] = json!(subnet);
        }
    }
    let activity = Activity {
        id: world.uuid(),
        instance: Some(instance.to_owned()),
        description: kind.description(instance),
        cause,
        started_at: world.now,
        ended_at: None,
        status: Status::InProgress,
        status_message: String::new(),
        details,
    };
    let id = activity.id.clone();
    if let Some(group) = world.autoscaling.groups.get_mut(group) {
        group.activities.push(activity);
    }
    id
}

/// Records an activity that failed before there was an instance, with its event.
pub(super) fn launch_refused(
    world: &mut World,
    group: &str,
    zone: &str,
    cause: String,
    reason: &str,
) {
    let activity = Activity {
        id: world.uuid(),
        instance: None,
        description: format!("Launching a new EC2 instance.  Status Reason: {reason}"),
        cause,
        started_at: world.now,
        ended_at: Some(world.now),
        status: Status::Failed,
        status_message: reason.to_owned(),
        details: json!({ "Availability Zone": zone }),
    };
    if let Some(group) = world.autoscaling.groups.get_mut(group) {
        group.activities.push(activity.clone());
    }
    emit(world, group, Kind::Launch, &activity);
    processes::launch_failed(world, group);
}

/// Ends an activity and emits its event. `message` says what went wrong.
pub(super) fn finish(
    world: &mut World,
    group: &str,
    kind: Kind,
    id: &str,
    status: Status,
    message: &str,
) {
    let now = world.now;
    let Some(activity) = world
        .autoscaling
        .groups
        .get_mut(group)
        .and_then(|group| group.activities.iter_mut().find(|one| one.id == id))
    else {
        return;
    };
    activity.status = status;
    activity.ended_at = Some(now);
    message.clone_into(&mut activity.status_message);
    if !message.is_empty() {
        activity.description = format!("{}.  Status Reason: {message}", activity.description);
    }
    let activity = activity.clone();
    emit(world, group, kind, &activity);
    if matches!(kind, Kind::Launch) {
        match status {
            Status::Successful => processes::launched(world, group),
            _ => processes::launch_failed(world, group),
        }
    }
}

fn emit(world: &mut World, group: &str, kind: Kind, activity: &Activity) {
    let Some(event) = kind.event() else {
        return;
    };
    let succeeded = activity.status == Status::Successful;
    let instance = activity.instance.as_deref().unwrap_or_default();
    let ended_at = activity.ended_at.unwrap_or(world.now);
    let mut detail = json!({
        // A success says `InProgress` too (Auto Scaling's event reference).
        "StatusCode": if succeeded { "InProgress" } else { "Failed" },
        "AutoScalingGroupName": group,
        "ActivityId": activity.id,
        "Details": activity.details,
        "RequestId": activity.id,
        "StatusMessage": activity.status_message,
        "StartTime": iso_seconds(activity.started_at),
        "EndTime": iso_seconds(ended_at),
        "EC2InstanceId": instance,
        "Cause": activity.cause,
        "Description": activity.description,
    });
    if let Some((origin, destination)) = kind.way() {
        detail["Origin"] = json!(origin);
        detail["Destination"] = json!(destination);
    }
    let verdict = if succeeded {
        "Successful"
    } else {
        "Unsuccessful"
    };
    let mut resources = vec![group_arn(world, group)];
    if !instance.is_empty() {
        resources.push(instance_arn(world, instance));
    }
    let detail_type = format!("{event} {verdict}");
    world.emit("aws.autoscaling", &detail_type, resources, detail);
}

pub(super) fn group_arn(world: &World, group: &str) -> String {
    world
        .autoscaling
        .groups
        .get(group)
        .map_or_else(String::new, |group| group.arn.clone())
}

fn instance_arn(world: &World, instance: &str) -> String {
    let resource = format!("instance/{instance}");
    world.settings.arn("ec2", &resource)
}

impl Activity {
    /// As the API shows it.
    pub(super) fn output(&self, group: &str, arn: &str) -> Value {
        json!({
            "ActivityId": self.id,
            "AutoScalingGroupName": group,
            "AutoScalingGroupARN": arn,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": iso_millis(self.started_at),
            "EndTime": self.ended_at.map(iso_millis),
            "StatusCode": self.status.name(),
            "StatusMessage": (!self.status_message.is_empty()).then_some(&self.status_message),
            "Progress": if self.status == Status::InProgress { 50 } else { 100 },
            "Details": self.details.to_string(),
        })
    }
}

/// One activity of a group, as the API shows it.
pub(super) fn output(world: &World, group: &str, id: &str) -> Value {
    let Some(group) = world.autoscaling.groups.get(group) else {
        return Value::Null;
    };
    group
        .activities
        .iter()
        .rev()
        .find(|activity| activity.id == id)
        .map_or(Value::Null, |activity| {
            activity.output(&group.name, &group.arn)
        })
}
