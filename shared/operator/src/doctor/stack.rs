//! Findings on the stack's queues and its retirement group.

use super::examine::Examined;
use super::finding::{Finding, Findings};
use crate::session::Place;
use crate::stack::QueueKind;
use crate::status::Counts;
use crate::words;
use serde_json::Value;
use std::collections::BTreeMap;

/// What to do about a part that is gone.
const MAKE_AGAIN: &str = "make it again by a deployment: CloudFormation makes nothing again that it believes to be there, so \
                          change the resource's name, or create it by hand under the old one";
/// Least visibility time-outs: a little above the function's time-out.
const VISIBILITY: [(QueueKind, u64); 2] = [(QueueKind::Provision, 50), (QueueKind::Init, 70)];
/// Receives after which a message is a dead letter. Claims wait by being received again and again.
const RECEIVES: u64 = 1_000;
/// A claim may wait in line for four hours, and no message may be lost meanwhile, seconds.
const RETENTION: u64 = 4 * 60 * 60;

/// All of them.
pub(super) fn findings(examined: &Examined) -> Vec<Finding> {
    let mut all = Vec::new();
    for queue in QueueKind::ALL {
        let mut findings = Findings::about(examined.stack.queue_name(queue));
        match examined.queues.get(&queue) {
            Some(attributes) => look_at(queue, attributes, &mut findings),
            None => findings.wrong("there is no such queue", MAKE_AGAIN),
        }
        all.extend(findings.into_all());
    }
    let mut findings = Findings::about(examined.stack.retirement.as_str());
    match &examined.retirement {
        None => findings.wrong("there is no such group: nothing can be retired", MAKE_AGAIN),
        Some(group) => {
            for process in ["Launch", "Terminate"] {
                if group.suspended.contains_key(process) {
                    findings.wrong(
                        format!("its process {process} is suspended: nothing can be retired"),
                        resume(&examined.place, group.name.as_str(), process),
                    );
                }
            }
        }
    }
    all.extend(findings.into_all());
    all.extend(targets_to_make(examined));
    all
}

/// Claims that have targets made shall not come near the stack's own groups.
fn targets_to_make(examined: &Examined) -> Vec<Finding> {
    let mut findings = Findings::about("targets that claims have made");
    let stack = &examined.stack;
    if let Some(prefix) = &stack.target_prefix {
        for group in [&stack.pool, &stack.retirement] {
            if group.as_str().starts_with(prefix) {
                findings.wrong(
                    format!("their names begin with {prefix}, as that of {group} does: were it gone, a claim could make it"),
                    "set TargetNamePrefix to what nothing else of yours begins with, as tenant-",
                );
            }
        }
    }
    findings.into_all()
}

/// How a suspended process is resumed.
pub(super) fn resume(place: &Place, group: &str, process: &str) -> String {
    place.aws(&format!(
        "autoscaling resume-processes --auto-scaling-group-name {group} --scaling-processes {process}"
    ))
}

/// How `AZRebalance` is suspended.
pub(super) fn suspend_rebalancing(place: &Place, group: &str) -> String {
    place.aws(&format!(
        "autoscaling suspend-processes --auto-scaling-group-name {group} --scaling-processes AZRebalance"
    ))
}

fn look_at(queue: QueueKind, attributes: &BTreeMap<String, String>, findings: &mut Findings) {
    let number = |name: &str| {
        attributes
            .get(name)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let deploy = "deploy the stack again; its template sets this";
    for (_, least) in VISIBILITY.iter().filter(|(kind, _)| *kind == queue) {
        if number("VisibilityTimeout").is_some_and(|seconds| seconds < *least) {
            findings.wrong(
                format!("its visibility time-out is below {least} s: a message comes again while it is worked on"),
                deploy,
            );
        }
    }
    if matches!(queue, QueueKind::Provision | QueueKind::Init) {
        look_at_fifo(attributes, findings, deploy);
        if number("MessageRetentionPeriod").is_some_and(|seconds| seconds < RETENTION) {
            findings.wrong(
                "it keeps messages for less than four hours: claims that wait are lost",
                deploy,
            );
        }
    }
    if queue == QueueKind::Init && !denies_strangers(attributes) {
        findings.wrong(
            "its policy denies nobody: whoever may send to all queues of the account says which instance a tenant gets",
            deploy,
        );
    }
    let messages = Counts::of(attributes).all();
    if queue.is_for_people() && messages > 0 {
        let advice = match queue {
            QueueKind::Rejected => {
                "their attributes `reason` and `message` say what their senders must fix; delete them, never move them back"
            }
            QueueKind::EventsDeadLetters => {
                "mend the rule's target or its policy, then purge: the events are worth nothing any more"
            }
            _ => "read the function's errors, fix the cause, redrive",
        };
        findings.doubtful(
            format!("{} on it", words::there_are(messages, "message")),
            format!("{advice} (docs/failures.md, messages on each queue)"),
        );
    }
}

fn look_at_fifo(attributes: &BTreeMap<String, String>, findings: &mut Findings, deploy: &str) {
    if attributes
        .get("ContentBasedDeduplication")
        .map(String::as_str)
        != Some("true")
    {
        findings.wrong(
            "it has no deduplication by content: messages without an id of their own are refused",
            deploy,
        );
    }
    let policy = attributes
        .get("RedrivePolicy")
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let receives = policy.and_then(|policy| {
        let receives = policy.get("maxReceiveCount")?;
        receives
            .as_u64()
            .or_else(|| receives.as_str()?.parse().ok())
    });
    match receives {
        None => findings.wrong(
            "it has no dead-letter queue: what a function fails on comes again until it is too old, and is gone then",
            deploy,
        ),
        Some(receives) if receives < RECEIVES => findings.wrong(
            format!("its messages are dead letters after {receives} receives: claims that wait are received hundreds of times"),
            deploy,
        ),
        Some(_) => {}
    }
}

/// Whether the policy denies sending to anybody.
fn denies_strangers(attributes: &BTreeMap<String, String>) -> bool {
    let policy = attributes
        .get("Policy")
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let statements = policy.and_then(|mut policy| policy.get_mut("Statement").map(Value::take));
    let statements = match statements {
        Some(Value::Array(statements)) => statements,
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    statements
        .iter()
        .any(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Deny"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::targets::tests::examined;
    use crate::pool::tests::group;

    fn said(change: impl FnOnce(&mut Examined)) -> Vec<String> {
        let mut examined = examined();
        change(&mut examined);
        findings(&examined)
            .into_iter()
            .map(|finding| format!("{}: {}", finding.about, finding.problem))
            .collect()
    }

    fn set(examined: &mut Examined, queue: QueueKind, name: &str, value: &str) {
        let attributes = examined.queues.get_mut(&queue).unwrap();
        attributes.insert(name.to_owned(), value.to_owned());
    }

    #[test]
    fn targets_that_are_made_are_not_named_as_the_stack_s_own_groups() {
        let said_of =
            |prefix: &str| said(|examined| examined.stack.target_prefix = Some(prefix.to_owned()));
        assert_eq!(said_of("tenant-"), [""; 0]);
        let both = said_of("rp-");
        assert_eq!(both.len(), 2, "{both:?}");
        assert!(both[0].contains("their names begin with rp-"), "{both:?}");
    }

    #[test]
    fn a_stack_as_it_was_deployed_is_well() {
        assert_eq!(said(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn each_part_that_is_gone_or_changed_is_found() {
        type Change = fn(&mut Examined);
        let cases: [(Change, &str); 8] = [
            (
                |it| {
                    it.queues.remove(&QueueKind::Outcome);
                },
                "rp-outcome: there is no such queue",
            ),
            (
                |it| set(it, QueueKind::Provision, "VisibilityTimeout", "30"),
                "rp-provision.fifo: its visibility time-out is below 50 s",
            ),
            (
                |it| set(it, QueueKind::Init, "ContentBasedDeduplication", "false"),
                "rp-init.fifo: it has no deduplication",
            ),
            (
                |it| {
                    set(
                        it,
                        QueueKind::Provision,
                        "RedrivePolicy",
                        r#"{"maxReceiveCount":"3"}"#,
                    );
                },
                "rp-provision.fifo: its messages are dead letters after 3 receives",
            ),
            (
                |it| set(it, QueueKind::Init, "Policy", "{}"),
                "rp-init.fifo: its policy denies nobody",
            ),
            (
                |it| {
                    set(
                        it,
                        QueueKind::InitDeadLetters,
                        "ApproximateNumberOfMessages",
                        "2",
                    );
                },
                "rp-init-dead-letter.fifo: there are 2 messages on it",
            ),
            (
                |it| it.retirement = None,
                "rp-retirement: there is no such group",
            ),
            (
                |it| {
                    let mut retirement = group("rp-retirement", &[]);
                    retirement
                        .suspended
                        .insert("Launch".to_owned(), "me".to_owned());
                    it.retirement = Some(retirement);
                },
                "rp-retirement: its process Launch is suspended",
            ),
        ];
        for (change, expected) in cases {
            let said = said(change);
            assert_eq!(said.len(), 1, "{expected}: {said:?}");
            assert!(said[0].starts_with(expected), "{expected}: {said:?}");
        }
    }

    #[test]
    fn the_template_sets_what_is_asked_for() {
        let template = include_str!("../../../../template.yaml");
        for (queue, visibility) in [("ProvisionQueue", 50), ("InitQueue", 70)] {
            let (_, queue) = template.split_once(&format!("  {queue}:\n")).unwrap();
            let queue = queue.split("\n\n").next().unwrap();
            for line in [
                format!("VisibilityTimeout: {visibility}"),
                format!("maxReceiveCount: {RECEIVES}"),
                "ContentBasedDeduplication: true".to_owned(),
            ] {
                assert!(queue.contains(&line), "{line}");
            }
        }
    }
}
