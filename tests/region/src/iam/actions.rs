//! Which actions there are, which resources they know, and which condition keys.
//!
//! Source: Service Authorization Reference, "Actions, resources, and condition keys" for EC2 Auto
//! Scaling, Systems Manager, SQS, Message Delivery (`ec2messages`), Session Manager
//! (`ssmmessages`), CloudWatch Logs, X-Ray, EC2 and IAM. Only what anything in the region can do is listed:
//! a policy with another action is refused.

use super::pattern::matches;

/// What a request for an action names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resources {
    /// Nothing: the action is allowed on `*` or not at all.
    None,
    /// The same, but the request says `arn:aws:ssm:region:account:*` (amazon-ssm-agent#144 and
    /// cluster-api-provider-aws#3361 show it).
    NoneInSystemsManager,
    /// Auto Scaling groups.
    Groups,
    /// A queue.
    Queue,
    /// A document, and instances.
    DocumentAndInstances,
    /// An instance.
    Instance,
    /// A log stream.
    LogStream,
    /// A function.
    Function,
    /// What an Auto Scaling group is launched from and with: asked for along with the call that names it.
    Launch,
}

/// Keys that every request may have.
const GLOBAL_KEYS: [&str; 4] = [
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:SourceArn",
    "aws:SourceAccount",
];
/// The keys with many values.
const TAG_KEYS: &str = "aws:TagKeys";
const SUBNETS: &str = "autoscaling:VPCZoneIdentifiers";
const GROUP_KEYS: &[&str] = &["autoscaling:ResourceTag/", "aws:ResourceTag/"];
const TAGGING_KEYS: &[&str] = &[
    "autoscaling:ResourceTag/",
    "aws:ResourceTag/",
    "aws:RequestTag/",
    TAG_KEYS,
];
const CREATING_KEYS: &[&str] = &[
    "autoscaling:ResourceTag/",
    "aws:ResourceTag/",
    "aws:RequestTag/",
    TAG_KEYS,
    "autoscaling:LaunchTemplateVersionSpecified",
    SUBNETS,
];
const COMMAND_KEYS: &[&str] = &["ssm:resourceTag/", "aws:ResourceTag/"];

struct Actions {
    service: &'static str,
    names: &'static [&'static str],
    resources: Resources,
    /// A key that ends with `/` goes on with a tag's key.
    keys: &'static [&'static str],
}

const ALL: [Actions; 18] = [
    Actions {
        service: "autoscaling",
        names: &[
            "DescribeAutoScalingGroups",
            "DescribeAutoScalingInstances",
            "DescribeInstanceRefreshes",
            "DescribeLifecycleHooks",
            "DescribeScalingActivities",
            "DescribeTags",
        ],
        resources: Resources::None,
        keys: &[],
    },
    Actions {
        service: "autoscaling",
        names: &[
            "AttachInstances",
            "CompleteLifecycleAction",
            "DeleteAutoScalingGroup",
            "DeleteLifecycleHook",
            "DetachInstances",
            "EnterStandby",
            "ExitStandby",
            "PutLifecycleHook",
            "RecordLifecycleActionHeartbeat",
            "ResumeProcesses",
            "SetDesiredCapacity",
            "SetInstanceHealth",
            "SetInstanceProtection",
            "SuspendProcesses",
            "TerminateInstanceInAutoScalingGroup",
            "UpdateAutoScalingGroup",
        ],
        resources: Resources::Groups,
        keys: GROUP_KEYS,
    },
    Actions {
        service: "autoscaling",
        names: &["CreateOrUpdateTags", "DeleteTags"],
        resources: Resources::Groups,
        keys: TAGGING_KEYS,
    },
    Actions {
        service: "autoscaling",
        names: &["CreateAutoScalingGroup"],
        resources: Resources::Groups,
        keys: CREATING_KEYS,
    },
    Actions {
        service: "ec2",
        names: &["RunInstances"],
        resources: Resources::Launch,
        keys: &["ec2:LaunchTemplate"],
    },
    Actions {
        service: "ec2",
        names: &["CreateTags"],
        resources: Resources::Launch,
        keys: &["ec2:CreateAction"],
    },
    Actions {
        service: "iam",
        names: &["PassRole"],
        resources: Resources::Launch,
        keys: &["iam:PassedToService"],
    },
    Actions {
        service: "ssm",
        names: &[
            "CancelCommand",
            "DescribeInstanceInformation",
            "GetCommandInvocation",
            "ListCommandInvocations",
            "ListCommands",
        ],
        resources: Resources::NoneInSystemsManager,
        keys: &[],
    },
    Actions {
        service: "ssm",
        names: &["SendCommand"],
        resources: Resources::DocumentAndInstances,
        keys: COMMAND_KEYS,
    },
    Actions {
        service: "ssm",
        names: &["UpdateInstanceInformation"],
        resources: Resources::Instance,
        keys: &[],
    },
    Actions {
        service: "ssmmessages",
        names: &["CreateControlChannel", "OpenControlChannel"],
        resources: Resources::NoneInSystemsManager,
        keys: &[],
    },
    Actions {
        service: "ec2messages",
        names: &[
            "AcknowledgeMessage",
            "DeleteMessage",
            "FailMessage",
            "GetEndpoint",
            "GetMessages",
            "SendReply",
        ],
        resources: Resources::NoneInSystemsManager,
        keys: &[],
    },
    Actions {
        service: "sqs",
        names: &[
            "CancelMessageMoveTask",
            "ChangeMessageVisibility",
            "CreateQueue",
            "DeleteMessage",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ListMessageMoveTasks",
            "ListQueueTags",
            "PurgeQueue",
            "ReceiveMessage",
            "SendMessage",
            "SetQueueAttributes",
            "StartMessageMoveTask",
        ],
        resources: Resources::Queue,
        keys: &[],
    },
    Actions {
        service: "sqs",
        names: &["ListQueues"],
        resources: Resources::None,
        keys: &[],
    },
    Actions {
        service: "logs",
        names: &["CreateLogStream", "PutLogEvents"],
        resources: Resources::LogStream,
        keys: &[],
    },
    Actions {
        service: "lambda",
        names: &["InvokeFunction"],
        resources: Resources::Function,
        keys: &[],
    },
    Actions {
        service: "xray",
        names: &["PutTelemetryRecords", "PutTraceSegments"],
        resources: Resources::None,
        keys: &[],
    },
    Actions {
        service: "sts",
        names: &["AssumeRole"],
        // In a trust policy: the role itself.
        resources: Resources::None,
        keys: &[],
    },
];

/// The known actions that a pattern such as `sqs:Send*` stands for.
fn meant(pattern: &str) -> impl Iterator<Item = &'static Actions> {
    let pattern = pattern.to_lowercase();
    ALL.iter().filter(move |actions| {
        let service = actions.service;
        let names = actions.names.iter();
        let mut full = names.map(|name| format!("{service}:{name}").to_lowercase());
        full.any(|name| matches(&pattern, &name))
    })
}

/// Refuses an action that nothing in the region can do.
pub(super) fn check(action: &str) -> Result<(), String> {
    match meant(action).next() {
        Some(_) => Ok(()),
        None => Err(format!(
            "the action {action} is not known to the simulated region"
        )),
    }
}

/// Refuses a condition key that none of these actions has.
pub(super) fn check_key(key: &str, actions: &[String]) -> Result<(), String> {
    let is = |known: &str| {
        let (known, key) = (known.to_lowercase(), key.to_lowercase());
        if known.ends_with('/') {
            key.len() > known.len() && key.starts_with(&known)
        } else {
            key == known
        }
    };
    let has = |action: &String| meant(action).any(|actions| actions.keys.iter().any(|key| is(key)));
    if GLOBAL_KEYS.iter().any(|known| is(known)) || actions.iter().all(has) {
        return Ok(());
    }
    Err(format!(
        "the condition key {key} is not known to the simulated region for {}",
        actions.join(", ")
    ))
}

/// Whether a key may have many values.
pub(super) fn is_multivalued(key: &str) -> bool {
    [TAG_KEYS, SUBNETS]
        .iter()
        .any(|known| key.eq_ignore_ascii_case(known))
}

/// What a request for this action names; `None` for one that is not known.
pub(super) fn resources(action: &str) -> Option<Resources> {
    let (service, name) = action.split_once(':')?;
    ALL.iter()
        .find(|actions| actions.service == service && actions.names.contains(&name))
        .map(|actions| actions.resources)
}

/// Whether a policy can allow the action on less than everything. A pattern can where any action
/// that it stands for can.
pub fn knows_resources(action: &str) -> bool {
    meant(action).any(|actions| {
        !matches!(
            actions.resources,
            Resources::None | Resources::NoneInSystemsManager
        )
    })
}
