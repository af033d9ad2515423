//! `serve`: stays up and tells what happens.

use super::claims::{OPT_IN_TAG, timestamp};
use super::environment_files;
use super::follow::{Follower, Interrupts};
use super::print::Printer;
use super::start::{Names, Running};
use super::story::Story;
use super::{Failure, ServeOptions};
use serde::Serialize;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

/// The deadline of the claim to copy: below the longest allowed, so that there is time to.
const TIME_TO_TRY: Duration = Duration::from_mins(230);

/// Serves until it is interrupted.
pub(super) async fn run(options: ServeOptions) -> Result<(), Failure> {
    let running = Running::start(&options.common, options.time_scale, options.host).await?;
    if let Some(directory) = &options.environment {
        environment_files::write(&running, directory)?;
    }
    let mut interrupts = Interrupts::catch()?;
    let result = tokio::select! {
        biased;
        () = interrupts.next() => Ok(()),
        result = tell(&running, options.json) => result,
    };
    running.stop().await;
    result
}

async fn tell(running: &Running, json: bool) -> Result<(), Failure> {
    let mut follower = Follower::from_the_start(&running.region);
    let mut story = Story::new(running.names.clone(), running.client().polling_functions());
    let started = running.started;
    let mut out = Printer::stdout(started);
    if json {
        out.text(&Placement::of(running).to_json())?;
        out = Printer::stderr(started);
    } else {
        out.text(&introduction(running))?;
        out.title("What happens (seconds since the start, how long it took)")?;
    }
    loop {
        for entry in follower.next().await {
            if let Some(line) = story.tell(&entry) {
                out.line(&line)?;
            }
        }
    }
}

/// Where everything is.
#[derive(Serialize)]
struct Placement<'r> {
    endpoint: &'r str,
    /// For a browser.
    page: String,
    region: &'r str,
    queues: Queues<'r>,
    groups: Groups<'r>,
}

#[derive(Serialize)]
struct Queues<'r> {
    provision: &'r str,
    init: &'r str,
    outcome: &'r str,
    rejected: &'r str,
}

#[derive(Serialize)]
struct Groups<'r> {
    pool: &'r str,
    retirement: &'r str,
}

impl<'r> Placement<'r> {
    fn of(running: &'r Running) -> Self {
        let Names {
            stack: _,
            pool,
            retirement,
            provision,
            init,
            outcome,
            rejected,
        } = &running.names;
        Self {
            endpoint: &running.settings.endpoint,
            page: running.page(),
            region: &running.settings.region_name,
            queues: Queues {
                provision,
                init,
                outcome,
                rejected,
            },
            groups: Groups { pool, retirement },
        }
    }

    fn to_json(&self) -> String {
        json_line(self)
    }
}

/// One line of JSON, fields in the order of the type.
fn json_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn introduction(running: &Running) -> String {
    let Placement {
        endpoint,
        page,
        region,
        queues,
        groups,
    } = Placement::of(running);
    let zones = running.client().zones().join(" ");
    let claim = json!({
        "claim_id": "claim-1",
        "target_group": "my-target",
        "init": { "commands": ["echo hello from $AWS_SSM_INSTANCE_ID"] },
        "expires_at": timestamp(running.started + TIME_TO_TRY),
    });
    format!(
        "A simulated AWS region, at {scale} of the latencies observed on AWS. Ctrl-C stops it.

  page         {page}  (see it, send claims, break things)
  endpoint     {endpoint}
  region       {region}
  credentials  any: AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=none
  queues       provision  {provision}
               init       {init}
               outcome    {outcome}
               rejected   {rejected}
  groups       pool       {pool}
               retirement {retirement}

Try it: create a target, send a claim (its deadline is 4 h ahead at most), receive its outcome.
How the claim stands meanwhile, and afterwards: cargo claim claim-1

export AWS_DEFAULT_REGION={region} AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=none
aws --endpoint-url {endpoint} autoscaling create-auto-scaling-group --auto-scaling-group-name my-target --min-size 0 --max-size 5 --availability-zones {zones} --launch-template LaunchTemplateName=tenant,Version=1 --tags Key={OPT_IN_TAG},Value={pool},PropagateAtLaunch=false
aws --endpoint-url {endpoint} sqs send-message --queue-url {provision} --message-group-id {pool} --message-deduplication-id claim-1 --message-body '{claim}'
aws --endpoint-url {endpoint} sqs receive-message --queue-url {outcome} --wait-time-seconds 20{external}",
        external = external_functions(running),
        scale = running.settings.time_scale,
        provision = queues.provision,
        init = queues.init,
        outcome = queues.outcome,
        rejected = queues.rejected,
        pool = groups.pool,
        retirement = groups.retirement,
    )
}

/// What a person needs to start the functions that were left to them.
fn external_functions(running: &Running) -> String {
    let mut text = String::new();
    for config in running.region.stack().functions.values() {
        let Some(address) = running.functions.runtime_api(config) else {
            continue;
        };
        let variables = environment_files::for_this_machine(running, config);
        let _ = write!(
            text,
            "\n\nStart {} yourself; its Runtime API is at {address}:\n\n{}",
            config.logical_id,
            variables.trim_end(),
        );
    }
    text
}
