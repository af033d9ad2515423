//! One place for every figure of the region's behaviour.
//!
//! Defaults are the figures of `docs/` (observed on AWS by others; sources beside each field).
//! `time_scale` stretches only what the region simulates, never visibility time-outs, deadlines
//! or a function's own waiting.

use std::time::Duration;

/// How the simulated region behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The only source of chance.
    pub seed: u64,
    /// Factor on every duration in `timings` and `latencies`: 0.1 runs ten times as fast.
    pub time_scale: f64,
    /// How long asynchronous work takes.
    pub timings: Timings,
    /// How long an API call takes.
    pub latencies: Latencies,
    /// When the agent of a new machine starts.
    pub agent_start: AgentStart,
    /// What a refused id in a multi-id `DetachInstances` does to the others. AWS does not say.
    pub multi_detach: MultiDetach,
    /// What EventBridge makes of a `MessageGroupId` that is a JSON path. Contested.
    pub group_paths: GroupPaths,
    /// What happens to a machine when its agent comes online for the first time: the account's associations.
    pub first_online: FirstOnline,
    /// What becomes of a dead machine's commands. Both are seen.
    pub dead_machines_commands: DeadMachinesCommands,
    /// AWS region name, in ARNs and URLs.
    pub region_name: String,
    /// Account id, in ARNs and URLs.
    pub account_id: String,
    /// Base of every queue URL: the address of the HTTP endpoint, where there is one.
    pub endpoint: String,
}

impl Settings {
    /// The partition that the region is in, as ARNs begin with it (General Reference, "Amazon Resource
    /// Names").
    pub fn partition(&self) -> &'static str {
        match self.region_name.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if self.region_name.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// What the names of its hosts end with.
    pub fn url_suffix(&self) -> &'static str {
        match self.partition() {
            "aws-cn" => "amazonaws.com.cn",
            _ => "amazonaws.com",
        }
    }

    /// An ARN in this region and account.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let (region, account) = (&self.region_name, &self.account_id);
        format!(
            "arn:{}:{service}:{region}:{account}:{resource}",
            self.partition()
        )
    }

    /// An ARN of a service without regions, in this account.
    pub fn global_arn(&self, service: &str, resource: &str) -> String {
        let account = &self.account_id;
        format!("arn:{}:{service}::{account}:{resource}", self.partition())
    }
}

/// A duration drawn uniformly between two bounds, and now and then from a long tail.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Shortest.
    pub min: Duration,
    /// Longest of the ordinary ones.
    pub max: Duration,
    /// Chance of the tail (0 to 1).
    pub tail_chance: f64,
    /// What a tail draw takes.
    pub tail: Duration,
}

impl Spread {
    /// Always the same duration.
    pub const fn exactly(duration: Duration) -> Self {
        Self::between(duration, duration)
    }

    /// Uniform, without a tail.
    pub const fn between(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            tail_chance: 0.0,
            tail: max,
        }
    }

    /// The same spread with a long tail.
    #[must_use]
    pub const fn with_tail(mut self, chance: f64, tail: Duration) -> Self {
        self.tail_chance = chance;
        self.tail = tail;
        self
    }
}

/// How long asynchronous work takes, before scaling.
#[derive(Clone, Debug)]
pub struct Timings {
    /// Auto Scaling notices missing capacity and starts a launch: about 25 s after a detach
    /// (AutoSpotting#327).
    pub launch_notice: Spread,
    /// EC2 `pending` to `running`: about 5 s (daemonology.net, 2021).
    pub instance_start: Spread,
    /// Launch activity start to `Pending:Wait` or `InService`: 32-33 s (AWS examples).
    pub boot: Spread,
    /// The last launch hook completed until `InService` (assumed).
    pub hook_proceed: Spread,
    /// EC2 `running` to SSM agent registered: 30 s to minutes (stratus-red-team#108).
    pub agent_registration: Spread,
    /// EC2 `running` until cloud-init is done with the user data, longer than most agents take to
    /// register: nothing makes an agent wait for it (assumed).
    pub user_data: Duration,
    /// `DetachInstances` until the instance can be attached elsewhere: about 3 s, tail of tens of
    /// seconds (astral, `reproio/ecs_deploy`#84).
    pub detach: Spread,
    /// `AttachInstances` until `InService`: 2.9 s (Aviatrix log).
    pub attach: Spread,
    /// `EnterStandby` until `Standby`, and back until `InService` (assumed).
    pub standby: Spread,
    /// Termination, start to end.
    pub terminate: Spread,
    /// Stopping a machine, start to end (assumed).
    pub stop: Spread,
    /// An agent's first ping until the first associations act on its machine (assumed).
    pub first_associations: Spread,
    /// An agent's restart (assumed).
    pub agent_restart: Spread,
    /// A reboot, until the agent is back (assumed).
    pub reboot: Spread,
    /// Uneven zones until `AZRebalance` acts on them (assumed).
    pub rebalance_notice: Spread,
    /// A dead or unhealthy instance until Auto Scaling acts on it (assumed).
    pub health_notice: Spread,
    /// Agent heartbeat period: 5 min (amazon-ssm-agent).
    pub agent_heartbeat: Duration,
    /// How old the last heartbeat is when `Online` becomes `ConnectionLost`: more than one period
    /// (assumed; AWS does not say).
    pub agent_lost_after: Duration,
    /// `SendCommand` accepted until the agent starts the script: 1-2 s.
    pub command_pickup: Spread,
    /// How long a scripted (not really run) command takes.
    pub command_run: Spread,
    /// How long after `SendCommand` its history cannot be read: about 1 s (aws-cli#3546).
    pub command_history_lag: Spread,
    /// SQS to Lambda: p50 28 ms, p90 61 ms (bitesizedserverless.com).
    pub queue_to_function: Spread,
    /// EventBridge to its target: p50 148 ms, p90 241 ms (same).
    pub event_delivery: Spread,
}

impl Default for Timings {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            launch_notice: Spread::between(ms(20_000), ms(30_000)),
            instance_start: Spread::between(ms(4_000), ms(7_000)),
            boot: Spread::between(ms(28_000), ms(36_000)),
            hook_proceed: Spread::between(ms(1_000), ms(2_000)),
            agent_registration: Spread::between(ms(20_000), ms(40_000))
                .with_tail(0.01, ms(180_000)),
            user_data: ms(60_000),
            detach: Spread::between(ms(2_500), ms(3_500)).with_tail(0.02, ms(30_000)),
            attach: Spread::between(ms(2_500), ms(3_300)),
            standby: Spread::between(ms(1_000), ms(3_000)),
            terminate: Spread::between(ms(20_000), ms(40_000)),
            stop: Spread::between(ms(20_000), ms(40_000)),
            first_associations: Spread::between(ms(3_000), ms(12_000)),
            agent_restart: Spread::between(ms(4_000), ms(10_000)),
            reboot: Spread::between(ms(30_000), ms(50_000)),
            rebalance_notice: Spread::between(ms(20_000), ms(60_000)),
            health_notice: Spread::between(ms(30_000), ms(60_000)),
            agent_heartbeat: ms(300_000),
            agent_lost_after: ms(360_000),
            command_pickup: Spread::between(ms(800), ms(1_800)),
            command_run: Spread::between(ms(1_500), ms(4_000)),
            command_history_lag: Spread::between(ms(200), ms(1_000)),
            queue_to_function: Spread::between(ms(15), ms(61)),
            event_delivery: Spread::between(ms(100), ms(241)),
        }
    }
}

/// How long API calls take, before scaling. The effect happens half way.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// `DetachInstances`, `AttachInstances`: 0.47 s (`reproio/ecs_deploy`#84).
    pub attach_detach: Duration,
    /// `SendCommand`: 0.28 s (spot workshop log).
    pub send_command: Duration,
    /// Every other Auto Scaling or SSM call (assumed).
    pub other: Duration,
    /// Every SQS call (assumed).
    pub queue: Duration,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            attach_detach: Duration::from_millis(470),
            send_command: Duration::from_millis(280),
            other: Duration::from_millis(80),
            queue: Duration::from_millis(10),
        }
    }
}

impl Latencies {
    /// The latency of one operation.
    pub fn of(&self, service: crate::api::Service, operation: &str) -> Duration {
        match (service, operation) {
            (_, "DetachInstances" | "AttachInstances") => self.attach_detach,
            (_, "SendCommand") => self.send_command,
            (crate::api::Service::Sqs, _) => self.queue,
            _ => self.other,
        }
    }
}

/// What a refused id in a multi-id `DetachInstances` does to the good ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiDetach {
    /// Nothing is detached.
    AllRefused,
    /// The good ones before the refused id are detached, and the call still fails.
    GoodOnesDetached,
}

/// What becomes of `SqsParameters.MessageGroupId` where it is a JSON path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupPaths {
    /// It names what it points to (EventBridge user guide, targets: `SqsParameters` is among the
    /// dynamic ones).
    Followed,
    /// It is the name itself: so MiniStack has it, and users report no more
    /// (cloudformation-coverage-roadmap#2298, aws-cdk#23790, serverless-patterns#2764).
    AsTheyStand,
}

/// What becomes of the commands that run on a machine when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadMachinesCommands {
    /// They end at once, as `Terminated` or `Undeliverable`.
    End,
    /// They stay as they were: "while the agent is unreachable, the status stays `InProgress`" (AWS, 2016).
    Stay,
}

/// What the account's State Manager associations (patching, the agent's own update) do to a machine that comes
/// online for the first time: they run just then (KiroCrew#7867, bottlerocket-ecs-updater#53).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstOnline {
    /// There are none.
    Nothing,
    /// They restart the agent.
    AgentRestarts,
    /// They reboot the machine.
    Reboots,
}

/// When the agent of a new machine starts: its image decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStart {
    /// With the other services, whatever cloud-init is still at: so do images with the agent enabled
    /// (Amazon Linux, Ubuntu).
    AtBoot,
    /// By the last line of the user data: the image has it disabled.
    LastInUserData,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            time_scale: 1.0,
            timings: Timings::default(),
            latencies: Latencies::default(),
            agent_start: AgentStart::AtBoot,
            multi_detach: MultiDetach::AllRefused,
            group_paths: GroupPaths::Followed,
            first_online: FirstOnline::Nothing,
            dead_machines_commands: DeadMachinesCommands::End,
            region_name: "eu-west-1".to_owned(),
            account_id: "123456789012".to_owned(),
            endpoint: "http://region.invalid".to_owned(),
        }
    }
}
