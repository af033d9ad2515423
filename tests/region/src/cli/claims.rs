//! Claims, as a tenant's service sends them: the message format is JSON to this command line,
//! and nothing more.

use super::Failure;
use super::start::{Client, Names, queue_name};
use region::api::Service;
use region::journal::{Entry, Happening};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The tag by which a group opts in to a pool.
pub(super) const OPT_IN_TAG: &str = "ready-pool:pool";
/// How long the claims of `demo` may take.
const DEADLINE: Duration = Duration::from_hours(1);

/// A claim: one instance for one target.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Its id, which is its deduplication id, too.
    pub(super) id: String,
    /// The group that is to have the instance.
    pub(super) target: String,
    /// What runs on the instance.
    pub(super) script: Script,
    /// Whether it waits while no instance is ready.
    pub(super) waits: bool,
    /// The organisation that signed up.
    organisation: usize,
}

/// An init script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Script {
    /// Sets the tenant up.
    Succeeds,
    /// Takes twenty seconds for it.
    IsSlow,
    /// Fails half way.
    Fails,
}

impl Script {
    /// Its lines, which a person recognises in the output.
    fn commands(self) -> Vec<&'static str> {
        let mut commands = vec!["echo \"$AWS_SSM_INSTANCE_ID: setting up organisation $ORG_ID\""];
        match self {
            Self::Succeeds => {}
            Self::IsSlow => commands.push("sleep 20; echo \"that took a while\""),
            Self::Fails => {
                commands.push("echo \"no licence for organisation $ORG_ID\" >&2; exit 3");
            }
        }
        commands.extend([
            "printf 'ORG_ID=%s\\nREGION=%s\\n' \"$ORG_ID\" \"$AWS_SSM_REGION_NAME\" > tenant.env",
            "sleep 0.3; echo \"wrote tenant.env: $(paste -sd ' ' tenant.env)\"",
            "echo \"marker of this machine: $(cat \"${READY_POOL_DIR:-/var/lib/ready-pool}/claim\")\"",
            "echo \"$(uname -sm) at $(date -u +%H:%M:%S) UTC: open for business\"",
        ]);
        commands
    }
}

impl Claim {
    /// The claim of the organisation with this number.
    pub(super) fn of_organisation(organisation: usize) -> Self {
        Self {
            id: format!("signup-{organisation}"),
            target: format!("tenant-{organisation}"),
            script: Script::Succeeds,
            waits: true,
            organisation,
        }
    }

    /// The message.
    fn message(&self, expires_at: OffsetDateTime) -> Value {
        json!({
            "claim_id": self.id,
            "target_group": self.target,
            "init": {
                "commands": self.script.commands(),
                "environment": { "ORG_ID": self.organisation.to_string() },
                "execution_timeout_seconds": 60,
            },
            "when_empty": if self.waits { "wait" } else { "reject" },
            "expires_at": timestamp(expires_at),
        })
    }

    /// Creates the target: an empty group in the subnets of the pool that has opted in.
    pub(super) async fn create_target(&self, client: &Client) -> Result<(), Failure> {
        let pool = &client.names.pool;
        let input = json!({
            "AutoScalingGroupName": self.target,
            "MinSize": 0,
            "MaxSize": 5,
            "DesiredCapacity": 0,
            "VPCZoneIdentifier": client.subnets(),
            "LaunchTemplate": { "LaunchTemplateName": "tenant", "Version": "1" },
            "Tags": [{
                "Key": OPT_IN_TAG, "Value": pool, "PropagateAtLaunch": false,
                "ResourceId": self.target, "ResourceType": "auto-scaling-group",
            }],
        });
        client
            .call(Service::AutoScaling, "CreateAutoScalingGroup", input)
            .await?;
        Ok(())
    }

    /// Sends it.
    pub(super) async fn send(&self, client: &Client) -> Result<(), Failure> {
        let expires_at = client.region.clock().now() + DEADLINE;
        let input = json!({
            "QueueUrl": client.names.provision,
            "MessageBody": self.message(expires_at).to_string(),
            "MessageGroupId": client.names.pool,
            "MessageDeduplicationId": self.id,
        });
        client.call(Service::Sqs, "SendMessage", input).await?;
        Ok(())
    }
}

/// A time as messages have it: to the second.
pub(super) fn timestamp(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// The id of the claim that this entry sends.
pub(super) fn sent(entry: &Entry, names: &Names) -> Option<String> {
    let message = message_to(&entry.what, &names.provision)?;
    // Not when a function sends it back there.
    if message.get("ready_pool").is_some() {
        return None;
    }
    Some(message.get("claim_id")?.as_str()?.to_owned())
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// The claim.
    pub(super) claim_id: String,
    /// Its target, where the message said one.
    pub(super) target: Option<String>,
    /// `ready`, `failed` or `rejected`.
    pub(super) outcome: String,
    /// Why, in a word.
    pub(super) reason: String,
    /// Why, in a sentence.
    pub(super) message: String,
    /// Its instance, where it has one.
    pub(super) instance: Option<String>,
}

impl Ending {
    /// The ending that this entry tells.
    pub(super) fn told_by(entry: &Entry, names: &Names) -> Option<Self> {
        let message = message_to(&entry.what, &names.outcome)?;
        let text = |name: &str| Some(message.get(name)?.as_str()?.to_owned());
        Some(Self {
            claim_id: text("claim_id")?,
            target: text("target_group"),
            outcome: text("outcome")?,
            reason: text("reason")?,
            message: text("message").unwrap_or_default(),
            instance: text("instance_id"),
        })
    }

    /// Whether the target has its instance.
    pub(super) fn is_ready(&self) -> bool {
        self.outcome == "ready"
    }
}

/// The JSON of a message that this entry puts on the queue with that URL.
pub(super) fn message_to(what: &Happening, queue_url: &str) -> Option<Value> {
    match what {
        Happening::MessageSent { queue, body, .. } if queue == queue_name(queue_url) => {
            serde_json::from_str(body).ok()
        }
        _ => None,
    }
}
