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

/// This command, as its calls are signed.
const SERVE: &str = "cargo serve";
/// The deadline of the claim to copy: below the longest allowed, so that there is time to.
const TIME_TO_TRY: Duration = Duration::from_mins(230);

/// Serves until it is interrupted.
pub(crate) async fn run(options: ServeOptions) -> Result<(), Failure> {
    let ServeOptions {
        common,
        time_scale,
        host,
        family,
        ..
    } = &options;
    let running = Running::start(common, SERVE, *time_scale, *host, *family).await?;
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
    #[serde(flatten)]
    stack: Stack<'r>,
    /// The other stacks of the family.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<Stack<'r>>,
}

#[derive(Serialize)]
struct Stack<'r> {
    #[serde(rename = "stack")]
    name: &'r str,
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

impl<'r> Stack<'r> {
    fn of(names: &'r Names) -> Self {
        let Names {
            stack,
            family: _,
            pool,
            retirement,
            provision,
            init,
            outcome,
            rejected,
            beside: _,
        } = names;
        Self {
            name: stack,
            queues: Queues {
                provision,
                init,
                outcome,
                rejected,
            },
            groups: Groups { pool, retirement },
        }
    }

    /// Where its queues and groups are, with its title before them, where there is another.
    fn introduction(&self, title: Option<&str>) -> String {
        let Self { queues, groups, .. } = self;
        let label = |what: &str| title.map_or(what.to_owned(), |title| format!("{title} {what}"));
        format!(
            "  {:<12} {}
               {}
               {}
               {}
  {:<12} {}
               {}
",
            label("queues"),
            queues.provision,
            queues.init,
            queues.outcome,
            queues.rejected,
            label("groups"),
            groups.pool,
            groups.retirement,
        )
    }
}

impl<'r> Addresses<'r> {
    fn of(running: &'r Running) -> Self {
        Self {
            endpoint: &running.settings.endpoint,
            page: running.page(),
            region: &running.settings.region_name,
            stack: Stack::of(&running.names),
            beside: running.names.beside.iter().map(Stack::of).collect(),
        }
    }

    fn stacks(&self) -> impl Iterator<Item = &Stack<'r>> {
        std::iter::once(&self.stack).chain(&self.beside)
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
    let addresses = Addresses::of(running);
    let Addresses {
        endpoint,
        page,
        region,
        ..
    } = &addresses;
    let stacks: String = (addresses.stacks().zip(running.names.all()))
        .map(|(stack, names)| stack.introduction(names.family.as_deref().map(|_| names.title())))
        .collect();
    let operator = running.operator();
    let next = match running.names.family {
        None => format!(
            "Try it: create a target, send a claim (its deadline is 4 h ahead at most), receive its outcome. The \
             credentials are no real ones: a client that does not know this endpoint gets nowhere at AWS. How the claim \
             stands meanwhile, and afterwards: {operator} claim claim-1"
        ),
        Some(_) => format!(
            "Try it: create a target for each pool, send a claim for each without naming a queue, and read both \
             outcomes, each with its pool, on one queue. Both pools: {operator} status"
        ),
    };
    format!(
        "A simulated AWS region, {latencies}.{first} Ctrl-C stops it.

  page         {page}  (see it, send claims, break things)
  endpoint     {endpoint}
               for autoscaling, ssm, sqs, and sts get-caller-identity
  region       {region}
{stacks}
{next}
",
        latencies = running.latencies(),
        first = running.first_latencies(),
    )
}

/// Lines for a shell, broken where a shell goes on.
fn lines_to_copy(running: &Running) -> String {
    let addresses = Addresses::of(running);
    let Addresses {
        endpoint, region, ..
    } = &addresses;
    let mut text = format!(
        "export AWS_REGION={region} AWS_DEFAULT_REGION={region}\nexport AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=none\n"
    );
    for names in running.names.all() {
        let (target, claim_id) = match running.names.family {
            None => ("my-target".to_owned(), "claim-1".to_owned()),
            Some(_) => (
                format!("my-{}-target", names.title()),
                names.title().to_owned(),
            ),
        };
        text.push_str(&target_to_copy(running, &target, &names.pool));
        text.push_str(&claim_to_copy(running, names, &target, &claim_id));
    }
    let outcome = addresses.stack.queues.outcome;
    let _ = write!(
        text,
        "aws --endpoint-url {endpoint} \\\n  sqs receive-message --wait-time-seconds 20 \\\n  --queue-url {outcome}"
    );
    text
}

fn target_to_copy(running: &Running, target: &str, pool: &str) -> String {
    let endpoint = &running.settings.endpoint;
    let subnets = running.client().subnets();
    format!(
        r"aws --endpoint-url {endpoint} \
  autoscaling create-auto-scaling-group \
  --auto-scaling-group-name {target} --min-size 0 --max-size 5 \
  --vpc-zone-identifier {subnets} \
  --launch-template LaunchTemplateName=tenant,Version=1 \
  --tags Key={OPT_IN_TAG},Value={pool},PropagateAtLaunch=false
"
    )
}

/// In a family the command line finds the queue; alone, any client of SQS does.
fn claim_to_copy(running: &Running, names: &Names, target: &str, claim_id: &str) -> String {
    if running.names.family.is_some() {
        return format!(
            "{} \\\n  send --target {target} --id {claim_id} --command 'echo hello' --wait\n",
            running.operator()
        );
    }
    let expires_at = timestamp(running.started + TIME_TO_TRY);
    send_to_copy(
        &running.settings.endpoint,
        names,
        target,
        claim_id,
        &expires_at,
    )
}

/// It names no deduplication id: SQS would swallow the claim that is corrected and sent again under the same one.
fn send_to_copy(
    endpoint: &str,
    names: &Names,
    target: &str,
    claim_id: &str,
    expires_at: &str,
) -> String {
    let Names {
        provision, pool, ..
    } = names;
    format!(
        r#"aws --endpoint-url {endpoint} \
  sqs send-message \
  --queue-url {provision} \
  --message-group-id {pool} \
  --message-body '{{"claim_id": "{claim_id}", "target_group": "{target}",
    "init": {{"commands": ["echo hello from $AWS_SSM_INSTANCE_ID"]}},
    "expires_at": "{expires_at}"}}'
"#
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ZERO, names};
    use ready_pool_core::claim::Claim;

    #[test]
    fn the_claim_to_copy_is_one_and_can_be_corrected_and_sent_again() {
        let expires_at = timestamp(ZERO + TIME_TO_TRY);
        let line = send_to_copy("http://here", &names(), "my-target", "claim-1", &expires_at);
        assert!(!line.contains("deduplication"), "{line}");
        let (before, body) = line.split_once("--message-body '").unwrap();
        assert!(before.contains("--message-group-id s-pool \\\n"), "{line}");
        let body = body.strip_suffix("'\n").unwrap();
        let claim = Claim::parse(body, ZERO).unwrap();
        assert_eq!(claim.claim_id.as_str(), "claim-1");
        assert_eq!(claim.target_group.as_str(), "my-target");
    }
}
