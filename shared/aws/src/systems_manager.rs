//! Systems Manager: whose agent is online, which commands were sent, and sending the init command.

mod search;

pub use search::Found;

use crate::clients::{self, Clients};
use crate::error;
use aws_sdk_ssm::operation::describe_instance_information::builders::DescribeInstanceInformationFluentBuilder;
use aws_sdk_ssm::types::{InstanceInformationStringFilter, PingStatus, PlatformType};
use ready_pool_core::Timestamp;
use ready_pool_core::agent::Agent;
use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::Claim;
use ready_pool_core::command::{self, Command, CommandStatus, Record};
use ready_pool_core::ids::{Attempt, CommandId, InstanceId};
use ready_pool_core::script::{self, Header};
use ready_pool_core::times::{Times, whole_milliseconds};
use ready_pool_core::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;

/// Values of one filter (API model).
const MAX_FILTER_VALUES: usize = 100;
/// Instances in one page of `DescribeInstanceInformation` (API model).
const MAX_INSTANCES_PER_PAGE: i32 = 50;
/// Commands in one page of `ListCommands` (API model).
const MAX_COMMANDS_PER_PAGE: i32 = 50;
/// How long the agent may take to pick the command up, seconds. AWS's default of an hour would
/// leave a claim hanging on a dead agent; 30 is the least.
const DELIVERY_TIMEOUT_SECONDS: i32 = 60;
/// The operation's name, for errors.
const INFORMATION: &str = "DescribeInstanceInformation";
/// AWS's own document that runs a shell script on Linux.
const DOCUMENT: &str = "AWS-RunShellScript";

/// The adapter.
#[derive(Clone, Debug)]
pub struct SystemsManager {
    client: aws_sdk_ssm::Client,
    document: String,
}

/// How a command ran on an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The script's exit status, once it has ended.
    pub exit_code: Option<i32>,
    /// What it printed: the first 24,000 characters (API model).
    pub output: String,
    /// What it printed as errors: the first 8,000 characters.
    pub errors: String,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl SystemsManager {
    /// The adapter on these clients.
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: clients.systems_manager.clone(),
            document: DOCUMENT.to_owned(),
        }
    }

    /// The same, sending commands with another document: one with the parameters of
    /// `AWS-RunShellScript`.
    #[must_use]
    pub fn sending_with(self, document: &str) -> Self {
        Self {
            document: document.to_owned(),
            ..self
        }
    }

    /// Those of the instances whose agent is `Online`.
    ///
    /// An agent's ping may be five minutes old: `Online` is a strong hint, no proof.
    pub async fn online(
        &self,
        instances: &[InstanceId],
    ) -> Result<BTreeSet<InstanceId>, CallError> {
        let agents = self.agents(instances).await?;
        Ok(agents
            .into_iter()
            .filter(|(_, agent)| agent.online)
            .map(|(instance, _)| instance)
            .collect())
    }

    /// The agents of the instances, as far as Systems Manager lists them: those of terminated
    /// instances it does not.
    pub async fn agents(
        &self,
        instances: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, Agent>, CallError> {
        let mut agents = BTreeMap::new();
        for instances in instances.chunks(MAX_FILTER_VALUES) {
            let ids = instances.iter().map(ToString::to_string).collect();
            let request = self.information("InstanceIds", ids)?;
            let mut pages = request.into_paginator().items().send();
            while let Some(line) = pages.next().await {
                let line = line.map_err(|error| error::from_sdk(INFORMATION, &error))?;
                let Some(instance) = line
                    .instance_id()
                    .and_then(|id| InstanceId::try_from(id).ok())
                else {
                    continue;
                };
                // Init commands are shell scripts: an instance of another kind is ready for none.
                let runs_shells = line
                    .platform_type()
                    .is_none_or(|platform| *platform == PlatformType::Linux);
                let online = runs_shells && line.ping_status() == Some(&PingStatus::Online);
                let agent = Agent {
                    online,
                    awaits_association: line.association_status() == Some("Pending"),
                };
                agents.insert(instance, agent);
            }
        }
        Ok(agents)
    }

    /// The instances that Systems Manager lists with this tag.
    pub async fn tagged(&self, (key, value): (&str, &str)) -> Result<Vec<InstanceId>, CallError> {
        let request = self.information(&format!("tag:{key}"), vec![value.to_owned()])?;
        let mut pages = request.into_paginator().items().send();
        let mut instances = Vec::new();
        while let Some(line) = pages.next().await {
            let line = line.map_err(|error| error::from_sdk(INFORMATION, &error))?;
            let id = line.instance_id();
            instances.extend(id.and_then(|id| InstanceId::try_from(id).ok()));
        }
        Ok(instances)
    }

    /// Whether Systems Manager lists the instance with this tag. All that have the tag are read: a
    /// filter by tag cannot be used with another one.
    pub async fn has_tag(
        &self,
        instance: &InstanceId,
        (key, value): (&str, &str),
    ) -> Result<bool, CallError> {
        let request = self.information(&format!("tag:{key}"), vec![value.to_owned()])?;
        let mut pages = request.into_paginator().items().send();
        while let Some(line) = pages.next().await {
            let line = line.map_err(|error| error::from_sdk(INFORMATION, &error))?;
            if line.instance_id() == Some(instance.as_str()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks for the instances that have one of these values.
    fn information(
        &self,
        key: &str,
        values: Vec<String>,
    ) -> Result<DescribeInstanceInformationFluentBuilder, CallError> {
        let filter = InstanceInformationStringFilter::builder()
            .key(key)
            .set_values(Some(values))
            .build()
            .map_err(|_| CallError::incomplete(INFORMATION, "valid filter"))?;
        let request = self.client.describe_instance_information();
        Ok(request.filters(filter).max_results(MAX_INSTANCES_PER_PAGE))
    }

    /// An instance's command history, newest first. It lags by about a second.
    pub async fn history(&self, instance: &InstanceId) -> Result<Vec<Command>, CallError> {
        let request = self.client.list_commands().instance_id(instance.as_str());
        Self::commands(request).await
    }

    /// One command; `None` while it cannot be read yet.
    pub async fn command(&self, id: &CommandId) -> Result<Option<Command>, CallError> {
        let commands = Self::commands(self.client.list_commands().command_id(id.as_str())).await?;
        Ok(commands.into_iter().next())
    }

    async fn commands(
        request: aws_sdk_ssm::operation::list_commands::builders::ListCommandsFluentBuilder,
    ) -> Result<Vec<Command>, CallError> {
        let mut pages = request
            .max_results(MAX_COMMANDS_PER_PAGE)
            .into_paginator()
            .items()
            .send();
        let mut commands = Vec::new();
        while let Some(command) = pages.next().await {
            let command = command.map_err(|error| error::from_sdk("ListCommands", &error))?;
            commands.push(read_command(&command));
        }
        Ok(commands)
    }

    /// How a command ended on an instance. Nothing hangs on it, so it is asked once: the SDK does
    /// not repeat it.
    pub async fn run(
        &self,
        command_id: &CommandId,
        instance: &InstanceId,
    ) -> Result<Run, CallError> {
        let answer = self
            .client
            .get_command_invocation()
            .command_id(command_id.as_str())
            .instance_id(instance.as_str())
            .customize()
            .config_override(
                aws_sdk_ssm::config::Builder::new().retry_config(clients::single_attempt()),
            )
            .send()
            .await
            .map_err(|error| error::from_sdk("GetCommandInvocation", &error))?;
        Ok(Run {
            // -1: it never started, or never ended.
            exit_code: Some(answer.response_code()).filter(|code| *code >= 0),
            output: answer
                .standard_output_content()
                .unwrap_or_default()
                .to_owned(),
            errors: answer
                .standard_error_content()
                .unwrap_or_default()
                .to_owned(),
            ended_at: answer
                .execution_end_date_time()
                .and_then(|text| Timestamp::parse(text, &Rfc3339).ok())
                .map(whole_milliseconds),
        })
    }

    /// Sends an instance a claim's init command; answers the command's id. Never repeated by the
    /// SDK: AWS has no idempotency token for it.
    pub async fn send_init_command(
        &self,
        instance: &InstanceId,
        claim: &Claim,
        attempt: Attempt,
        times: &Times,
        trace: Option<Trace>,
    ) -> Result<CommandId, CallError> {
        const OPERATION: &str = "SendCommand";
        let mut request = self
            .client
            .send_command()
            .document_name(&self.document)
            .instance_ids(instance.as_str())
            .comment(command::comment(&claim.key()))
            .timeout_seconds(DELIVERY_TIMEOUT_SECONDS)
            .parameters(
                "commands",
                vec![script::render(claim, attempt, times, trace)],
            )
            .parameters(
                "executionTimeout",
                vec![claim.init.execution_timeout_seconds.to_string()],
            );
        if let Some(directory) = &claim.init.working_directory {
            request = request.parameters("workingDirectory", vec![directory.clone()]);
        }
        let answer = request
            .customize()
            .config_override(
                aws_sdk_ssm::config::Builder::new().retry_config(clients::single_attempt()),
            )
            .send()
            .await
            .map_err(|error| error::from_sdk(OPERATION, &error))?;
        answer
            .command()
            .and_then(|command| command.command_id())
            .map(CommandId::from)
            .ok_or_else(|| CallError::incomplete(OPERATION, "command id"))
    }
}

fn read_command(command: &aws_sdk_ssm::types::Command) -> Command {
    Command {
        id: command.command_id().unwrap_or_default().into(),
        comment: command.comment().unwrap_or_default().to_owned(),
        status: CommandStatus::from_aws(
            command.status().map_or("", |status| status.as_str()),
            command.status_details().unwrap_or_default(),
        ),
        record: record(command),
    }
}

/// What a history's line says besides.
fn record(command: &aws_sdk_ssm::types::Command) -> Record {
    let script = command
        .parameters()
        .and_then(|parameters| parameters.get("commands")?.first());
    Record {
        status_detail: command.status_details().unwrap_or_default().to_owned(),
        sent_at: command
            .requested_date_time()
            .and_then(|date| Timestamp::from_unix_timestamp_nanos(date.as_nanos()).ok())
            .map(whole_milliseconds),
        execution_timeout: command
            .parameters()
            .and_then(|parameters| parameters.get("executionTimeout")?.first())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs),
        header: Box::new(script.map_or_else(Header::default, |script| Header::read(script))),
        claim: script
            .and_then(|script| script::claim_of(script))
            .filter(|claim| command.comment() == Some(command::comment(&claim.key()).as_str()))
            .map(Box::new),
    }
}
