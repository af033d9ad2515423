//! Instances in no group that were sent an init command.

use super::super::sent::{is_left_by_failed_claims, without_owner};
use super::*;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::command::comment;
use ready_pool_core::ids::ClaimKey;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::reason::Reason;

const OLD: Duration = Duration::from_hours(9);

fn id() -> InstanceId {
    InstanceId::try_from("i-00000001").unwrap()
}

fn claim_id() -> ClaimId {
    ClaimId::try_from("a").unwrap()
}

/// The command of claim `a` for this target, sent so long ago to an instance that is attached late.
fn command(target: &str, ago: Duration, policy: OnInitFailure) -> Command {
    let mut record = Record {
        sent_at: Some(NOW - ago),
        ..Record::default()
    };
    record.header.attach_when = AttachWhen::AfterInit;
    record.header.on_init_failure = policy;
    Command {
        id: "c".into(),
        comment: comment(&ClaimKey::new(&claim_id(), &name(target))),
        status: CommandStatus::Failed,
        record,
    }
}

/// A scan that looked at the instance, which is free.
fn scan(command: Command) -> FullScan {
    FullScan {
        looked_at: BTreeSet::from([id()]),
        listed: BTreeSet::from([id()]),
        histories: BTreeMap::from([(id(), vec![command])]),
        ..FullScan::default()
    }
}

/// Targets of which one says this of claim `a`.
fn ledger(target: &str, standing: Standing) -> Targets {
    let entry = Entry {
        instance: Some(id()),
        attempt: 1,
        standing,
        expires_at: NOW,
        instead_of: None,
    };
    let tags = BTreeMap::from([(tag_key(&claim_id()), entry.to_string())]);
    let group = Group {
        name: name(target),
        min_size: 0,
        max_size: 1,
        desired_capacity: 0,
        zones: BTreeSet::new(),
        subnets: BTreeSet::new(),
        suspended: BTreeMap::new(),
        deleting: false,
        has_warm_pool: false,
        tags,
        launch_template: None,
        members: Vec::new(),
    };
    Targets {
        groups: vec![group],
        ..Targets::default()
    }
}

const FAILED: Standing = Standing::Failed(Reason::ScriptFailed);

#[test]
fn what_a_failed_claim_left_behind_is_nobody_s() {
    let scan = scan(command("tenant", OLD, OnInitFailure::Retire));
    let left = |targets: &Targets| is_left_by_failed_claims(&scan, targets, &id());
    assert!(left(&ledger("tenant", FAILED)));
    // Another target's entry speaks for none of this one's instances, whoever wrote it.
    assert!(!left(&ledger("elsewhere", FAILED)));
    assert!(!left(&ledger("tenant", Standing::Ready)));
    assert!(!left(&ledger("tenant", Standing::Assigned)));
    let lost = Standing::Failed(Reason::InstanceLost);
    assert!(!left(&ledger("tenant", lost)), "it is its tenant's");
    assert!(!left(&Targets::default()));
}

#[test]
fn what_a_claim_keeps_is_left_alone_and_rings_no_alarm() {
    let scan = scan(command("tenant", OLD, OnInitFailure::Keep));
    let targets = ledger("tenant", FAILED);
    assert!(!is_left_by_failed_claims(&scan, &targets, &id()));
    for targets in [targets, Targets::default()] {
        assert_eq!(without_owner(&scan, &targets, |_| false, NOW), []);
    }
}

#[test]
fn what_nobody_speaks_for_rings_an_alarm_once_its_entry_must_be_gone() {
    let named = |command| without_owner(&scan(command), &Targets::default(), |_| false, NOW);
    let policy = OnInitFailure::Retire;
    assert_eq!(named(command("tenant", OLD, policy)), [id()]);
    let young = Duration::from_hours(7);
    assert_eq!(named(command("tenant", young, policy)), []);
    let mut early = command("tenant", OLD, policy);
    early.record.header.attach_when = AttachWhen::BeforeInit;
    assert_eq!(named(early), [], "a tenant's machine, as a rule");
    let open = scan(command("tenant", OLD, policy));
    assert_eq!(without_owner(&open, &Targets::default(), |_| true, NOW), []);
}
