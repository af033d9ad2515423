//! Claims, as a tenant's service sends them: JSON, not our types, as every sender has it.

use crate::failure::Failure;
use crate::messages::Content;
use crate::start::{Client, Names};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::group::OPT_IN_TAG;
use ready_pool_core::outcome::Outcome;
use region::api::Service;
use region::compute;
use region::journal::Entry;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How long the claims of `demo` may take.
const DEADLINE: Duration = Duration::from_hours(1);
/// The launch template of tenants' groups, which the region knows.
pub(crate) const TENANTS_TEMPLATE: &str = "tenant";
/// What the names of targets begin with.
const PREFIX: &str = "tenant-";
/// Most machines of a target.
const MAX_SIZE: u32 = 5;

/// A claim: one instance for one target.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Its id, which is its deduplication id, too.
    pub(crate) id: String,
    /// The group that is to have the instance.
    pub(crate) target: String,
    /// What runs on the instance.
    pub(crate) script: Script,
    /// Whether it waits while no instance is ready.
    pub(crate) waits: bool,
    /// Whether its target is made where it does not exist.
    pub(crate) makes_target: bool,
    /// Whether its instance is attached before its init, or after it.
    pub(crate) attach_when: AttachWhen,
    /// The organisation that signed up.
    organisation: usize,
}

/// An init script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Script {
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
            "echo \"marker of this instance: $(cat \"${READY_POOL_DIR:-/var/lib/ready-pool}/claim\")\"",
            "echo \"$(uname -sm) at $(date -u +%H:%M:%S) UTC: open for business\"",
        ]);
        commands
    }
}

impl Claim {
    /// The claim of the organisation with this number.
    pub(crate) fn of_organisation(organisation: usize) -> Self {
        Self {
            id: format!("signup-{organisation}"),
            target: format!("{PREFIX}{organisation}"),
            script: Script::Succeeds,
            waits: true,
            makes_target: false,
            attach_when: AttachWhen::default(),
            organisation,
        }
    }

    /// The message.
    fn message(&self, expires_at: OffsetDateTime) -> Value {
        let mut message = json!({
            "claim_id": self.id,
            "target_group": self.target,
            "init": {
                "commands": self.script.commands(),
                "environment": { "ORG_ID": self.organisation.to_string() },
                "execution_timeout_seconds": 60,
            },
            "when_empty": if self.waits { "wait" } else { "reject" },
            "attach_when": self.attach_when,
            "expires_at": timestamp(expires_at),
        });
        if let Some(fields) = message.as_object_mut().filter(|_| self.makes_target) {
            let tags = json!({ "org": self.organisation.to_string() });
            let target = json!({ "max_size": MAX_SIZE, "tags": tags });
            fields.insert("create_target".to_owned(), target);
        }
        message
    }

    /// The parameters of a stack that makes such targets.
    pub(crate) fn creation() -> Vec<(String, String)> {
        let template = compute::known_template_id(TENANTS_TEMPLATE);
        [
            ("TargetLaunchTemplate", template.as_str()),
            ("TargetLaunchTemplateVersion", "1"),
            ("TargetNamePrefix", PREFIX),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Creates the target: an empty group in the subnets of the pool that has opted in.
    pub(crate) async fn create_target(&self, client: &Client) -> Result<(), Failure> {
        let pool = &client.names.pool;
        let input = json!({
            "AutoScalingGroupName": self.target,
            "MinSize": 0,
            "MaxSize": MAX_SIZE,
            "DesiredCapacity": 0,
            "VPCZoneIdentifier": client.subnets(),
            "LaunchTemplate": { "LaunchTemplateName": TENANTS_TEMPLATE, "Version": "1" },
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
    pub(crate) async fn send(&self, client: &Client) -> Result<(), Failure> {
        self.send_as(client, &self.id).await
    }

    /// Sends it under another deduplication id: SQS would drop a second message of the same.
    pub(crate) async fn send_as(
        &self,
        client: &Client,
        deduplication_id: &str,
    ) -> Result<(), Failure> {
        let expires_at = client.region.clock().now() + DEADLINE;
        let input = json!({
            "QueueUrl": client.names.provision,
            "MessageBody": self.message(expires_at).to_string(),
            "MessageGroupId": client.names.pool,
            "MessageDeduplicationId": deduplication_id,
        });
        client.call(Service::Sqs, "SendMessage", input).await?;
        Ok(())
    }
}

/// A time as messages have it: to the second.
pub(crate) fn timestamp(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// The id of the claim that this entry sends.
pub(crate) fn sent(entry: &Entry, names: &Names) -> Option<String> {
    match Content::sent_to(&names.provision, &entry.what)? {
        Content::Claim(claim) => Some(claim.claim_id),
        _ => None,
    }
}

/// The outcome that this entry has.
pub(crate) fn outcome(entry: &Entry, names: &Names) -> Option<Outcome> {
    match Content::sent_to(&names.outcome, &entry.what)? {
        Content::Outcome(outcome) => Some(outcome),
        _ => None,
    }
}
