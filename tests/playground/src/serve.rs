//! `serve`: stays up and tells what happens.

use crate::claims::timestamp;
use crate::cli::ServeOptions;
use crate::environment_files;
use crate::failure::Failure;
use crate::follow::{Follower, Interrupts};
use crate::live;
use crate::print::Printer;
use crate::start::{Names, Running};
use crate::story::Story;
use ready_pool_core::group::OPT_IN_TAG;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// The deadline of the claim to copy: below the longest allowed, so that there is time to.
const TIME_TO_TRY: Duration = Duration::from_mins(230);

/// Serves until it is interrupted.
pub(crate) async fn run(options: ServeOptions) -> Result<(), Failure> {
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
        out.verbatim(&Addresses::of(running).to_json())?;
        out = Printer::stderr(started);
    } else {
        out.text(&introduction(running))?;
        out.verbatim(&lines_to_copy(running))?;
        let external = external_functions(running);
        if !external.is_empty() {
            out.verbatim(external.trim_end())?;
        }
        out.title("What happens (seconds since the start, how long it took)")?;
    }
    let mut fills = true;
    loop {
        let entries = if fills {
            live::next(running, &mut follower, &mut out).await
        } else {
            follower.next().await
        };
        fills = fills && !running.pool_is_full();
        for entry in entries {
            if let Some(line) = story.tell(&entry) {
                out.line(&line)?;
            }
        }
    }
}

/// Where everything is.
#[derive(Serialize)]
struct Addresses<'r> {
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

impl<'r> Addresses<'r> {
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
    let Addresses {
        endpoint,
        page,
        region,
        queues,
        groups,
    } = Addresses::of(running);
    format!(
        "A simulated AWS region, {latencies}.{first} Ctrl-C stops it.

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

Try it: create a target, send a claim (its deadline is 4 h ahead at most), receive its outcome. How the \
         claim stands meanwhile, and afterwards: {operator} claim claim-1
",
        operator = running.operator(),
        latencies = running.latencies(),
        first = running.first_latencies(),
        provision = queues.provision,
        init = queues.init,
        outcome = queues.outcome,
        rejected = queues.rejected,
        pool = groups.pool,
        retirement = groups.retirement,
    )
}

/// Lines for a shell, broken where a shell goes on.
fn lines_to_copy(running: &Running) -> String {
    let Addresses {
        endpoint,
        region,
        queues,
        groups,
        ..
    } = Addresses::of(running);
    let subnets = running.client().subnets();
    let expires_at = timestamp(running.started + TIME_TO_TRY);
    format!(
        r#"export AWS_DEFAULT_REGION={region} AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=none
aws --endpoint-url {endpoint} autoscaling create-auto-scaling-group \
  --auto-scaling-group-name my-target --min-size 0 --max-size 5 \
  --vpc-zone-identifier {subnets} \
  --launch-template LaunchTemplateName=tenant,Version=1 \
  --tags Key={OPT_IN_TAG},Value={pool},PropagateAtLaunch=false
aws --endpoint-url {endpoint} sqs send-message \
  --queue-url {provision} \
  --message-group-id {pool} --message-deduplication-id claim-1 \
  --message-body '{{"claim_id": "claim-1", "target_group": "my-target",
    "init": {{"commands": ["echo hello from $AWS_SSM_INSTANCE_ID"]}},
    "expires_at": "{expires_at}"}}'
aws --endpoint-url {endpoint} sqs receive-message --wait-time-seconds 20 \
  --queue-url {outcome}"#,
        provision = queues.provision,
        outcome = queues.outcome,
        pool = groups.pool,
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
            "\nStart {} yourself; its Runtime API is at {address}:\n\n{}\n",
            config.logical_id,
            variables.trim_end(),
        );
    }
    text
}
