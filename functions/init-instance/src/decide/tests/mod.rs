//! What happens next to one instance: every answer and every entry that can meet it.

mod after_init;
mod attach;
mod before_send;
mod check;
mod command_end;
mod conclusion;
mod elsewhere;
mod fresh;
mod hand_over;
mod membership;
mod nothing_ran;
mod protect;
mod replacing;
mod send;

use super::*;
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::claim::{Claim, Init};
use ready_pool_core::command::{Command, CommandStatus, InitCommand, Record, comment};
use ready_pool_core::group::{Group, Lifecycle, Member};
use ready_pool_core::ids::{Attempt, ClaimId, CommandId, GroupName, InstanceId, MAX_ATTEMPTS};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::{HandOver, VERSION};
use ready_pool_core::reason::Reason;
use ready_pool_core::times::Times;
use std::collections::{BTreeMap, BTreeSet};
use time::Duration;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const DEADLINE: Timestamp = datetime!(2026-11-22 20:15 UTC);

const PUBLISH_READY: &str = "publish ready";
const PROTECT: &str = "protect the instance from scale-in";
const RETIRE: &str = "retire the instance";

fn publish_failed(reason: Reason) -> String {
    format!("publish failed: {}", reason.code())
}

fn retry(attempt: Attempt) -> String {
    format!("retry with attempt {attempt}")
}

/// The steps in words, in order.
fn steps(conclusion: &Conclusion) -> Vec<String> {
    conclusion.steps.iter().map(ToString::to_string).collect()
}

/// Checks a conclusion whole: the entry first, then the steps in this order.
#[track_caller]
fn assert_concludes<S: AsRef<str>>(
    conclusion: &Conclusion,
    finding: Finding,
    entry: Option<&Entry>,
    expected: &[S],
) {
    let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    assert_eq!(conclusion.finding, finding);
    assert_eq!(conclusion.entry.as_ref(), entry);
    assert_eq!(steps(conclusion), expected);
    let depends = matches!(finding, Finding::Replaced | Finding::NothingRan);
    assert_eq!(conclusion.without_entry.is_some(), depends);
}

/// Checks that nothing is left to do.
#[track_caller]
fn assert_nothing(conclusion: &Conclusion, finding: Finding) {
    assert_concludes::<&str>(conclusion, finding, None, &[]);
}

/// Steps in words, without those that are not to be taken.
fn those<const N: usize>(steps: [Option<String>; N]) -> Vec<String> {
    steps.into_iter().flatten().collect()
}

fn retire_if(retire: bool) -> Option<String> {
    retire.then(|| RETIRE.to_owned())
}

fn name(text: &str) -> GroupName {
    GroupName::try_from(text).unwrap()
}

fn instance(number: u32) -> InstanceId {
    InstanceId::try_from(format!("i-{number:08x}")).unwrap()
}

/// Claim `a` for `tenant`, with instance 1.
fn hand_over(attempt: Attempt) -> HandOver {
    HandOver {
        version: VERSION,
        claim: Claim::new(
            ClaimId::try_from("a").unwrap(),
            name("tenant"),
            Init::new(["true"]),
            DEADLINE,
        ),
        attempt,
        instance_id: instance(1),
        times: Times::default(),
    }
}

fn entry(number: Option<u32>, attempt: Attempt, standing: Standing) -> Entry {
    Entry {
        instance: number.map(instance),
        attempt,
        standing,
        expires_at: DEADLINE,
        instead_of: None,
    }
}

fn open(number: u32, attempt: Attempt) -> Entry {
    entry(Some(number), attempt, Standing::Assigned)
}

fn command(comment: &str) -> Command {
    Command {
        id: "c".into(),
        comment: comment.to_owned(),
        status: CommandStatus::Running,
        record: Record::default(),
    }
}

fn sent_for_this_claim() -> Command {
    let mut command = command(&comment(&hand_over(1).claim.key()));
    command.record.header.attempt = Some(1);
    command
}

/// The same, ended, of a claim that wants another instance when its init fails.
fn sent_for_this_claim_that_replaces(status: CommandStatus) -> Command {
    let mut command = sent_for_this_claim();
    command.status = status;
    command.record.header.on_init_failure = OnInitFailure::Replace;
    command.record.claim = Some(Box::new(hand_over(1).claim));
    command
}

/// The same, of a claim that keeps what failed.
fn sent_for_this_claim_that_keeps() -> Command {
    let mut command = sent_for_this_claim();
    command.record.header.on_init_failure = OnInitFailure::Keep;
    command
}

fn sent_for_another() -> Command {
    command("ready-pool b@00000000")
}

/// The target with instance 1 in this state, or without it.
fn target(lifecycle: Option<Lifecycle>) -> Group {
    let member = |lifecycle| Member {
        instance: instance(1),
        zone: "a".to_owned(),
        lifecycle,
        healthy: true,
        protected: false,
        instance_type: None,
        launch_template: None,
    };
    Group {
        name: name("tenant"),
        min_size: 0,
        max_size: 4,
        desired_capacity: 1,
        zones: BTreeSet::from(["a".to_owned()]),
        subnets: BTreeSet::new(),
        suspended: BTreeMap::new(),
        deleting: false,
        has_warm_pool: false,
        tags: BTreeMap::new(),
        launch_template: None,
        members: lifecycle.map(member).into_iter().collect(),
    }
}
