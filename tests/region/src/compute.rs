//! Machines: what EC2 is to Auto Scaling and SSM. It has no API of its own here; groups launch
//! instances, tests and faults break them.

mod away;

pub use away::{reboot, restart_agent, start, stop};

use crate::autoscaling;
use crate::iam::{self, Principal};
use crate::journal::Happening;
use crate::settings::AgentStart;
use crate::ssm;
use crate::world::{Due as Agenda, Effect, World};
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

/// Every instance and launch template.
#[derive(Debug, Default)]
pub struct Compute {
    /// By id. A terminated instance is forgotten after an hour, as in EC2.
    pub instances: BTreeMap<String, Instance>,
    /// By name.
    pub launch_templates: BTreeMap<String, LaunchTemplate>,
    /// Fault: while set, no launch gets capacity.
    pub capacity_refused: bool,
    /// Fault: the agents of this many of the next launches never register.
    pub silent_launches: u32,
}

/// A launch template: the parts that show.
#[derive(Clone, Debug)]
pub struct LaunchTemplate {
    /// `lt-…`.
    pub id: String,
    /// Unique name.
    pub name: String,
    /// The latest version, which is the default one too.
    pub version: u32,
    /// `t3.micro`.
    pub instance_type: String,
    /// Tags for instances (`TagSpecifications` of resource type `instance`).
    pub instance_tags: BTreeMap<String, String>,
    /// ARN of the role of its instance profile.
    pub role: Option<String>,
}

/// The instance type where no launch template says one.
pub const DEFAULT_INSTANCE_TYPE: &str = "t3.micro";

/// EC2's states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Starting.
    Pending,
    /// Up.
    Running,
    /// Being stopped.
    Stopping,
    /// Stopped: its disks are kept, and paid for.
    Stopped,
    /// Being terminated.
    ShuttingDown,
    /// Gone.
    Terminated,
}

impl State {
    /// EC2's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Instance {
    /// `i-` and 17 hex digits.
    pub id: String,
    /// Availability zone.
    pub zone: String,
    /// Subnet, where its group names subnets.
    pub subnet: Option<String>,
    /// EC2 state.
    pub state: State,
    /// When it was asked for.
    pub launched_at: OffsetDateTime,
    /// `t3.micro`.
    pub instance_type: String,
    /// `Linux`, `Windows` or `MacOS`, as Systems Manager says it.
    pub platform: &'static str,
    /// Tags, AWS's own included.
    pub tags: BTreeMap<String, String>,
    /// ARN of the role of its instance profile. Without one its agent works as the account's
    /// Default Host Management Configuration lets it.
    pub role: Option<String>,
    /// When cloud-init was done with the user data.
    pub user_data_done_at: Option<OffsetDateTime>,
    /// What State Manager's associations have done to it.
    pub associations: Associations,
    /// When it last rebooted.
    pub rebooted_at: Option<OffsetDateTime>,
    /// Its SSM agent.
    pub agent: Agent,
}

/// How the associations of a machine stand, as `DescribeInstanceInformation` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Associations {
    /// It has none.
    None,
    /// They have not run yet.
    Pending,
    /// They ran, and ended then.
    Done(OffsetDateTime),
}

/// An instance's SSM agent, as the machine knows it. What SSM believes is [`Agent::ping`].
#[derive(Clone, Debug, Default)]
pub struct Agent {
    /// Fault: it never registers.
    pub silent: bool,
    /// When it registered, or last started.
    pub registered_at: Option<OffsetDateTime>,
    /// When it died.
    pub died_at: Option<OffsetDateTime>,
    /// Since when it is away: it restarts, or its machine reboots.
    pub away_since: Option<OffsetDateTime>,
}

impl Agent {
    /// Registered and alive: it picks commands up and reports.
    pub fn works(&self) -> bool {
        self.registered_at.is_some() && self.died_at.is_none() && self.away_since.is_none()
    }

    /// The time of the last heartbeat at `now`; the first one is the registration.
    pub fn last_ping(&self, now: OffsetDateTime, heartbeat: Duration) -> Option<OffsetDateTime> {
        let registered = self.registered_at?;
        let gone = self.died_at.or(self.away_since);
        let last_moment = gone.unwrap_or(now).min(now);
        let period = heartbeat.as_nanos().max(1);
        let alive = (last_moment - registered).unsigned_abs().as_nanos();
        let silent_for = u64::try_from(alive % period).unwrap_or(u64::MAX);
        Some(last_moment - Duration::from_nanos(silent_for))
    }
}

/// What happens to machines by itself.
#[derive(Debug)]
#[allow(missing_docs, reason = "each names an instance")]
pub enum Due {
    /// The instance is up; its agent starts.
    Runs { instance: String },
    /// cloud-init is done with the user data.
    UserDataDone { instance: String },
    /// The agent registers with SSM.
    AgentRegisters { instance: String },
    /// State Manager's associations run for the first time.
    AssociationsRun { instance: String },
    /// The agent is back.
    AgentReturns {
        instance: String,
        since: OffsetDateTime,
    },
    /// The stop is over.
    Stopped { instance: String },
    /// The termination is over.
    Terminated { instance: String },
    /// EC2 forgets the instance.
    Forgotten { instance: String },
}

/// What a launch asks for.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Availability zone.
    pub zone: String,
    /// Subnet, if the group names one.
    pub subnet: Option<String>,
    /// Instance type.
    pub instance_type: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// ARN of the role of its instance profile.
    pub role: Option<String>,
}

impl Compute {
    /// The launch template with this id or name.
    pub fn launch_template(&self, id_or_name: &str) -> Option<&LaunchTemplate> {
        self.launch_templates.get(id_or_name).or_else(|| {
            self.launch_templates
                .values()
                .find(|template| template.id == id_or_name)
        })
    }

    /// Whether the instance is `running`.
    pub fn is_running(&self, instance: &str) -> bool {
        self.instances
            .get(instance)
            .is_some_and(|instance| instance.state == State::Running)
    }
}

/// Makes a launch template known and returns its id. The same name again is a new version.
pub fn register_launch_template(
    world: &mut World,
    name: &str,
    instance_type: &str,
    instance_tags: BTreeMap<String, String>,
) -> String {
    let known = world.compute.launch_templates.get(name).cloned();
    let known = known.as_ref();
    let version = known.map_or(1, |template| template.version + 1);
    let id = match known {
        Some(template) => template.id.clone(),
        None => format!("lt-{}", world.hex(17)),
    };
    let template = LaunchTemplate {
        id: id.clone(),
        name: name.to_owned(),
        version,
        instance_type: instance_type.to_owned(),
        instance_tags,
        role: known.and_then(|template| template.role.clone()),
    };
    world
        .compute
        .launch_templates
        .insert(name.to_owned(), template);
    id
}

/// Starts an instance and returns its id. Whether there is capacity is the launcher's question.
pub fn launch(world: &mut World, launch: Launch) -> String {
    let id = format!("i-{}", world.hex(17));
    let silent = world.compute.silent_launches > 0;
    world.compute.silent_launches = world.compute.silent_launches.saturating_sub(1);
    let instance = Instance {
        id: id.clone(),
        zone: launch.zone,
        subnet: launch.subnet,
        state: State::Pending,
        launched_at: world.now,
        instance_type: launch.instance_type,
        platform: "Linux",
        tags: launch.tags,
        role: launch.role,
        user_data_done_at: None,
        associations: Associations::None,
        rebooted_at: None,
        agent: Agent {
            silent,
            ..Agent::default()
        },
    };
    world.compute.instances.insert(id.clone(), instance);
    let start = world.draw(world.settings.timings.instance_start);
    let instance = id.clone();
    world.after(start, Agenda::Compute(Due::Runs { instance }));
    id
}

/// Terminates an instance; one that is already on its way out stays so.
pub fn shut_down(world: &mut World, id: &str, cause: &str) {
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if matches!(instance.state, State::ShuttingDown | State::Terminated) {
        return;
    }
    instance.state = State::ShuttingDown;
    instance.agent.died_at.get_or_insert(world.now);
    world.record(Happening::Terminating {
        instance: id.to_owned(),
        cause: cause.to_owned(),
    });
    ssm::instance_lost(world, id);
    world.effect(Effect::InstanceLost(id.to_owned()));
    let duration = world.draw(world.settings.timings.terminate);
    let instance = id.to_owned();
    world.after(duration, Agenda::Compute(Due::Terminated { instance }));
}

/// Fault: the machine dies (or somebody terminates it behind its group's back).
pub fn kill_instance(world: &mut World, id: &str) {
    shut_down(world, id, "killed from outside its group");
    autoscaling::health::instance_lost(world, id);
}

/// Fault: the agent dies. SSM notices when heartbeats stay away.
pub fn kill_agent(world: &mut World, id: &str) {
    if let Some(instance) = world.compute.instances.get_mut(id) {
        instance.agent.died_at.get_or_insert(world.now);
    }
}

/// Takes a step that is due.
pub fn happen(world: &mut World, due: Due) {
    match due {
        Due::Runs { instance } => runs(world, &instance),
        Due::UserDataDone { instance } => user_data_done(world, &instance),
        Due::AgentRegisters { instance } => agent_registers(world, &instance),
        Due::AssociationsRun { instance } => away::associations_run(world, &instance),
        Due::AgentReturns { instance, since } => away::agent_returns(world, &instance, since),
        Due::Stopped { instance } => away::stopped(world, &instance),
        Due::Terminated { instance } => terminated(world, &instance),
        Due::Forgotten { instance } => {
            world.compute.instances.remove(&instance);
        }
    }
}

fn runs(world: &mut World, id: &str) {
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if instance.state != State::Pending {
        return;
    }
    instance.state = State::Running;
    if world.settings.agent_start == AgentStart::AtBoot {
        agent_starts(world, id);
    }
    let timings = &world.settings.timings;
    let user_data = timings.user_data.mul_f64(world.settings.time_scale);
    let instance = id.to_owned();
    world.after(user_data, Agenda::Compute(Due::UserDataDone { instance }));
}

fn user_data_done(world: &mut World, id: &str) {
    let now = world.now;
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if instance.state != State::Running {
        return;
    }
    instance.user_data_done_at = Some(now);
    if world.settings.agent_start == AgentStart::LastInUserData {
        agent_starts(world, id);
    }
}

fn agent_starts(world: &mut World, id: &str) {
    let instance = world.compute.instances.get(id);
    if instance.is_none_or(|instance| instance.agent.silent) {
        return;
    }
    let registration = world.draw(world.settings.timings.agent_registration);
    let instance = id.to_owned();
    world.after(
        registration,
        Agenda::Compute(Due::AgentRegisters { instance }),
    );
}

fn agent_registers(world: &mut World, id: &str) {
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    if instance.state != State::Running || instance.agent.died_at.is_some() {
        return;
    }
    if !agent_may(world, id, &["ssm:UpdateInstanceInformation"]) {
        // It tries again, now and then (assumed: as often as it reports).
        let wait = world.settings.timings.agent_heartbeat;
        let wait = wait.mul_f64(world.settings.time_scale);
        let instance = id.to_owned();
        world.after(wait, Agenda::Compute(Due::AgentRegisters { instance }));
        return;
    }
    // Its channels; it works without the first two, on the older third.
    for action in [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:OpenControlChannel",
        "ec2messages:GetEndpoint",
    ] {
        agent_may(world, id, &[action]);
    }
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    instance.agent.registered_at = Some(world.now);
    world.record(Happening::AgentOnline {
        instance: id.to_owned(),
    });
    away::first_online(world, id);
}

/// Whether the role of an instance lets its agent do all of this.
pub(crate) fn agent_may(world: &mut World, id: &str, actions: &[&str]) -> bool {
    let Some(instance) = world.compute.instances.get(id) else {
        return false;
    };
    let Some(role) = instance.role.clone() else {
        return true;
    };
    let principal = Principal::session(&world.settings, &role, id);
    let resource = iam::instance_arn(world, id);
    actions
        .iter()
        .all(|action| iam::allow(world, &principal, action, &resource).is_ok())
}

/// How long EC2 still shows a terminated instance ("approximately one hour", EC2 user guide).
const TERMINATED_SHOWN: Duration = Duration::from_hours(1);

fn terminated(world: &mut World, id: &str) {
    let Some(instance) = world.compute.instances.get_mut(id) else {
        return;
    };
    instance.state = State::Terminated;
    let instance = id.to_owned();
    world.record(Happening::Terminated {
        instance: instance.clone(),
    });
    autoscaling::termination::instance_terminated(world, id);
    world.after(
        TERMINATED_SHOWN,
        Agenda::Compute(Due::Forgotten { instance }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use time::macros::datetime;

    fn world() -> World {
        World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC))
    }

    fn launch_one(world: &mut World) -> String {
        launch(
            world,
            Launch {
                zone: "eu-west-1a".to_owned(),
                subnet: None,
                instance_type: DEFAULT_INSTANCE_TYPE.to_owned(),
                tags: BTreeMap::new(),
                role: None,
            },
        )
    }

    #[test]
    fn an_instance_starts_and_its_agent_registers() {
        let mut world = world();
        let id = launch_one(&mut world);
        assert_eq!(id.len(), 19);
        assert_eq!(world.compute.instances[&id].state, State::Pending);
        world.advance_to(world.now + Duration::from_mins(5));
        let instance = &world.compute.instances[&id];
        assert_eq!(instance.state, State::Running);
        assert!(instance.agent.works());
    }

    #[test]
    fn a_silent_launch_never_registers() {
        let mut world = world();
        world.compute.silent_launches = 1;
        let silent = launch_one(&mut world);
        let sound = launch_one(&mut world);
        world.advance_to(world.now + Duration::from_mins(10));
        assert!(!world.compute.instances[&silent].agent.works());
        assert!(world.compute.instances[&sound].agent.works());
    }

    #[test]
    fn heartbeats_stop_when_the_agent_dies() {
        let start = datetime!(2026-11-22 12:00 UTC);
        let beat = Duration::from_mins(5);
        let mut agent = Agent {
            registered_at: Some(start),
            ..Agent::default()
        };
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(agent.last_ping(at(299), beat), Some(start));
        assert_eq!(agent.last_ping(at(601), beat), Some(at(600)));
        agent.died_at = Some(at(650));
        assert_eq!(agent.last_ping(at(5000), beat), Some(at(600)));
    }

    #[test]
    fn a_killed_instance_is_terminated_and_later_forgotten() {
        let mut world = world();
        let id = launch_one(&mut world);
        world.advance_to(world.now + Duration::from_mins(1));
        kill_instance(&mut world, &id);
        assert_eq!(world.compute.instances[&id].state, State::ShuttingDown);
        world.advance_to(world.now + Duration::from_mins(1));
        assert_eq!(world.compute.instances[&id].state, State::Terminated);
        world.advance_to(world.now + Duration::from_hours(1));
        assert!(!world.compute.instances.contains_key(&id));
    }
}
