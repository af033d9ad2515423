//! What happens next to one instance: every answer and every entry that can meet it.

use super::*;
use ready_pool_core::claim::{Claim, Init, WhenEmpty};
use ready_pool_core::command::comment;
use ready_pool_core::group::Member;
use ready_pool_core::ids::ClaimId;
use ready_pool_core::message::VERSION;
use std::collections::{BTreeMap, BTreeSet};
use time::Duration;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const DEADLINE: Timestamp = datetime!(2026-11-22 20:15 UTC);

/// Another instance may do better, and this one is not ours to touch.
const LOST: GivingUp = GivingUp {
    reason: Reason::InstanceLost,
    another: true,
    retire: false,
};
/// It is too late for any instance, and this one is ours alone.
const TOO_LATE: GivingUp = GivingUp {
    reason: Reason::Expired,
    another: false,
    retire: true,
};

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
        claim: Claim {
            claim_id: ClaimId::try_from("a").unwrap(),
            target_group: name("tenant"),
            init: Init {
                commands: vec!["true".to_owned()],
                environment: BTreeMap::new(),
                working_directory: None,
                execution_timeout_seconds: 60,
            },
            when_empty: WhenEmpty::Wait,
            expires_at: DEADLINE,
        },
        attempt,
        instance_id: instance(1),
    }
}

fn entry(number: Option<u32>, attempt: Attempt, standing: Standing) -> Entry {
    Entry {
        instance: number.map(instance),
        attempt,
        standing,
        expires_at: DEADLINE,
    }
}

fn open(number: u32, attempt: Attempt) -> Entry {
    entry(Some(number), attempt, Standing::Assigned)
}

fn command(comment: &str) -> Command {
    Command {
        id: "c".to_owned(),
        comment: comment.to_owned(),
        status: CommandStatus::Running,
    }
}

fn told_this_claim() -> Command {
    command(&comment(&hand_over(1).claim.key()))
}

fn told_another() -> Command {
    command("ready-pool b@00000000")
}

/// The first attempt, before the deadline.
fn begin_with(history: &[Command], entry: Option<&Entry>) -> Beginning {
    begin(&hand_over(1), history, entry, NOW)
}

// A hand-over.

#[test]
fn an_untold_instance_with_its_entry_is_attached() {
    assert_eq!(begin_with(&[], Some(&open(1, 1))), Beginning::Attach);
}

#[test]
fn a_told_instance_is_not_told_again() {
    for at in [NOW, DEADLINE] {
        let beginning = begin(&hand_over(1), &[told_this_claim()], Some(&open(1, 1)), at);
        assert_eq!(beginning, Beginning::ToldBefore);
    }
}

#[test]
fn a_told_instance_is_left_alone_whatever_the_ledger_says() {
    for entry in [
        open(2, 2),
        entry(None, 2, Standing::Assigned),
        entry(Some(1), 1, Standing::Ready),
        entry(Some(2), 1, Standing::Ready),
        entry(Some(1), 1, Standing::Failed(Reason::Expired)),
    ] {
        let beginning = begin_with(&[told_another(), told_this_claim()], Some(&entry));
        assert_eq!(beginning, Beginning::ToldBefore, "{entry}");
    }
    assert_eq!(
        begin_with(&[told_this_claim()], None),
        Beginning::ToldBefore
    );
}

#[test]
fn an_instance_that_was_told_another_claim_is_given_up_and_not_touched() {
    let beginning = begin_with(&[told_another()], Some(&open(1, 1)));
    assert_eq!(beginning, Beginning::GiveUp(LOST));
}

#[test]
fn an_instance_that_was_told_another_claim_is_not_touched_after_the_deadline_either() {
    let beginning = begin(
        &hand_over(1),
        &[told_another()],
        Some(&open(1, 1)),
        DEADLINE,
    );
    assert_eq!(beginning, Beginning::GiveUp(LOST));
}

#[test]
fn other_people_s_commands_tell_nothing() {
    let beginning = begin_with(&[command("patching")], Some(&open(1, 1)));
    assert_eq!(beginning, Beginning::Attach);
}

#[test]
fn a_missing_entry_does_not_stop_a_hand_over() {
    assert_eq!(begin_with(&[], None), Beginning::Attach);
}

#[test]
fn a_stale_older_entry_does_not_stop_a_hand_over() {
    for stale in [open(9, 1), entry(None, 1, Standing::Assigned)] {
        let beginning = begin(&hand_over(2), &[], Some(&stale), NOW);
        assert_eq!(beginning, Beginning::Attach, "{stale}");
    }
}

#[test]
fn an_entry_that_names_another_instance_for_the_same_attempt_does_not_stop_a_hand_over() {
    assert_eq!(begin_with(&[], Some(&open(9, 1))), Beginning::Attach);
    let unnamed = entry(None, 1, Standing::Assigned);
    assert_eq!(begin_with(&[], Some(&unnamed)), Beginning::Attach);
}

#[test]
fn a_hand_over_that_a_later_attempt_superseded_is_abandoned() {
    assert_eq!(begin_with(&[], Some(&open(2, 2))), Beginning::Abandon);
}

#[test]
fn a_hand_over_that_was_given_up_half_way_goes_on_from_there() {
    let beginning = begin_with(&[], Some(&entry(None, 2, Standing::Assigned)));
    assert_eq!(beginning, Beginning::GivenUpBefore(GoesOn::Another(2)));
}

#[test]
fn a_hand_over_that_was_closed_half_way_is_closed_for_the_same_reason() {
    let failed = entry(Some(1), 1, Standing::Failed(Reason::TargetRefused));
    for at in [NOW, DEADLINE] {
        let beginning = begin(&hand_over(1), &[], Some(&failed), at);
        let expected = Beginning::GivenUpBefore(GoesOn::Closed(Reason::TargetRefused));
        assert_eq!(beginning, expected);
    }
}

#[test]
fn a_hand_over_of_a_claim_that_was_settled_with_another_instance_is_abandoned() {
    for standing in [Standing::Ready, Standing::Failed(Reason::ScriptFailed)] {
        let settled = entry(Some(2), 1, standing);
        assert_eq!(begin_with(&[], Some(&settled)), Beginning::Abandon);
    }
}

#[test]
fn a_hand_over_of_a_claim_that_failed_without_an_instance_is_abandoned() {
    let failed = entry(None, 2, Standing::Failed(Reason::Expired));
    assert_eq!(begin_with(&[], Some(&failed)), Beginning::Abandon);
}

#[test]
fn past_the_deadline_nothing_is_attached() {
    for entry in [None, Some(open(1, 1)), Some(open(9, 1))] {
        let beginning = begin(&hand_over(1), &[], entry.as_ref(), DEADLINE);
        assert_eq!(beginning, Beginning::GiveUp(TOO_LATE));
    }
}

#[test]
fn past_the_deadline_a_superseded_hand_over_does_not_close_its_claim() {
    let beginning = begin(&hand_over(1), &[], Some(&open(2, 2)), DEADLINE);
    assert_eq!(beginning, Beginning::Abandon);
}

#[test]
fn an_instance_is_attached_until_the_last_moment() {
    let last = DEADLINE - Duration::nanoseconds(1);
    assert_eq!(begin(&hand_over(1), &[], None, last), Beginning::Attach);
}

// Answers to attaching.

fn refusal(code: &str, message: &str, effect: Effect) -> AwsError {
    AwsError {
        operation: "AttachInstances",
        code: code.to_owned(),
        message: message.to_owned(),
        effect,
    }
}

fn invalid(message: &str) -> AwsError {
    refusal("ValidationError", message, Effect::Refused)
}

fn attach_answered(error: AwsError) -> Attached {
    after_attach(&Err(error), &name("tenant"), &name("pool"))
}

#[test]
fn an_attached_instance_is_told() {
    let attached = after_attach(&Ok(()), &name("tenant"), &name("pool"));
    assert_eq!(attached, Attached::Tell);
}

#[test]
fn an_instance_that_is_in_its_target_already_is_told() {
    let attached = attach_answered(invalid(
        "The Instance: i-00000001 is already part of AutoScalingGroup:tenant",
    ));
    assert_eq!(attached, Attached::Tell);
}

#[test]
fn an_instance_that_has_not_quite_left_the_pool_is_waited_for() {
    let attached = attach_answered(invalid(
        "The Instance: i-00000001 is already part of AutoScalingGroup:pool",
    ));
    assert_eq!(attached, Attached::TryAgain);
}

#[test]
fn an_instance_in_somebody_else_s_group_is_given_up_and_not_touched() {
    for group in ["elsewhere", "tenant-2", "retired"] {
        let attached = attach_answered(invalid(&format!(
            "The Instance: i-00000001 is already part of AutoScalingGroup:{group}"
        )));
        assert_eq!(attached, Attached::GiveUp(LOST), "{group}");
    }
}

#[test]
fn an_instance_that_is_gone_is_given_up_for_another() {
    for message in [
        "Invalid Instance ID(s): [i-00000001] specified",
        "The Instance: i-00000001 is not in correct state",
    ] {
        let attached = attach_answered(invalid(message));
        assert_eq!(attached, Attached::GiveUp(LOST), "{message}");
    }
}

#[test]
fn a_target_that_refuses_ends_the_claim_and_not_the_next_instance_too() {
    for message in [
        "New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup.",
        "AutoScalingGroup name not found - AutoScalingGroup: tenant",
    ] {
        let expected = Attached::GiveUp(GivingUp {
            reason: Reason::TargetRefused,
            another: false,
            retire: true,
        });
        assert_eq!(attach_answered(invalid(message)), expected, "{message}");
    }
}

#[test]
fn attaching_is_tried_again_when_aws_was_busy() {
    for error in [
        refusal("Throttling", "Rate exceeded", Effect::Busy),
        refusal("ResourceContention", "", Effect::Busy),
        refusal(
            "ValidationError",
            "EC2 Request limit exceeded.",
            Effect::Busy,
        ),
    ] {
        assert_eq!(attach_answered(error), Attached::TryAgain);
    }
}

#[test]
fn attaching_is_tried_again_after_a_lost_answer() {
    let error = refusal("NoResponse", "connection reset", Effect::Unknown);
    assert_eq!(attach_answered(error), Attached::TryAgain);
}

#[test]
fn attaching_is_tried_again_while_a_permission_is_missing() {
    let error = refusal("AccessDenied", "not authorized", Effect::Refused);
    assert_eq!(attach_answered(error), Attached::TryAgain);
}

// Answers to telling.

#[test]
fn an_instance_that_was_told_is_done() {
    assert_eq!(after_telling(&Ok("c".to_owned())), AfterTelling::Done);
}

#[test]
fn a_lost_answer_is_looked_for_before_anything_is_told_again() {
    let error = refusal("TimedOut", "", Effect::Unknown);
    assert_eq!(after_telling(&Err(error)), AfterTelling::LookFirst);
    let error = refusal("InternalServerError", "", Effect::Unknown);
    assert_eq!(after_telling(&Err(error)), AfterTelling::LookFirst);
}

#[test]
fn an_instance_whose_agent_is_gone_is_replaced_and_retired() {
    let error = refusal("InvalidInstanceId", "", Effect::Refused);
    let expected = AfterTelling::GiveUp(GivingUp {
        reason: Reason::NotDelivered,
        another: true,
        retire: true,
    });
    assert_eq!(after_telling(&Err(error)), expected);
}

#[test]
fn telling_is_tried_again_when_aws_was_busy_or_a_permission_is_missing() {
    for error in [
        refusal("ThrottlingException", "Rate exceeded", Effect::Busy),
        refusal("AccessDeniedException", "", Effect::Refused),
    ] {
        assert_eq!(after_telling(&Err(error)), AfterTelling::TryAgain);
    }
}

// How a claim goes on.

#[test]
fn a_claim_goes_on_with_another_instance() {
    assert_eq!(goes_on(LOST, 1, false), GoesOn::Another(2));
    assert_eq!(
        goes_on(LOST, MAX_ATTEMPTS - 1, false),
        GoesOn::Another(MAX_ATTEMPTS)
    );
}

#[test]
fn a_claim_ends_after_its_last_attempt() {
    for attempt in [MAX_ATTEMPTS, Attempt::MAX] {
        let expected = GoesOn::Closed(Reason::AttemptsExhausted);
        assert_eq!(goes_on(LOST, attempt, false), expected);
    }
}

#[test]
fn a_claim_that_no_instance_can_serve_ends_for_that_reason() {
    let refused = GivingUp {
        reason: Reason::TargetRefused,
        another: false,
        retire: true,
    };
    for attempt in [1, MAX_ATTEMPTS] {
        let expected = GoesOn::Closed(Reason::TargetRefused);
        assert_eq!(goes_on(refused, attempt, false), expected);
    }
}

#[test]
fn an_expired_claim_ends_as_expired_and_asks_for_nothing() {
    for giving_up in [LOST, TOO_LATE] {
        let expected = GoesOn::Closed(Reason::Expired);
        assert_eq!(goes_on(giving_up, 1, true), expected);
    }
}

// Reports.

/// The target with instance 1 in this state, or without it.
fn target(lifecycle: Option<Lifecycle>) -> Group {
    let member = |lifecycle| Member {
        instance: instance(1),
        zone: "a".to_owned(),
        lifecycle,
        healthy: true,
    };
    Group {
        name: name("tenant"),
        min_size: 0,
        max_size: 4,
        desired_capacity: 1,
        zones: BTreeSet::from(["a".to_owned()]),
        suspended: BTreeSet::new(),
        tags: BTreeMap::new(),
        members: lifecycle.map(member).into_iter().collect(),
    }
}

fn report_on(status: CommandStatus, entry: Option<&Entry>) -> Report {
    let target = target(Some(Lifecycle::InService));
    report(status, entry, Some(&target), &instance(1))
}

const STATUSES: [CommandStatus; 6] = [
    CommandStatus::Running,
    CommandStatus::Succeeded,
    CommandStatus::Failed,
    CommandStatus::TimedOut,
    CommandStatus::NotDelivered,
    CommandStatus::Cancelled,
];

#[test]
fn the_final_status_decides_with_and_without_an_entry() {
    use CommandStatus::{Cancelled, Failed, NotDelivered, Running, Succeeded, TimedOut};
    for (status, expected) in [
        (Running, Report::NotYet),
        (Succeeded, Report::Ready),
        (Failed, Report::Failed(Reason::ScriptFailed)),
        (TimedOut, Report::Failed(Reason::ScriptTimedOut)),
        (NotDelivered, Report::Failed(Reason::NotDelivered)),
        (Cancelled, Report::Failed(Reason::Cancelled)),
    ] {
        assert_eq!(report_on(status, Some(&open(1, 1))), expected, "{status:?}");
        assert_eq!(report_on(status, None), expected, "{status:?}");
    }
}

#[test]
fn an_entry_that_names_another_instance_does_not_silence_a_told_one() {
    let report = report_on(CommandStatus::Succeeded, Some(&open(9, 1)));
    assert_eq!(report, Report::Ready);
}

#[test]
fn a_claim_that_failed_never_becomes_ready() {
    let failed = entry(Some(1), 1, Standing::Failed(Reason::Cancelled));
    for status in STATUSES {
        let expected = Report::Failed(Reason::Cancelled);
        assert_eq!(report_on(status, Some(&failed)), expected, "{status:?}");
    }
}

#[test]
fn a_claim_that_is_ready_never_fails() {
    let ready = entry(Some(1), 1, Standing::Ready);
    for status in STATUSES {
        assert_eq!(report_on(status, Some(&ready)), Report::Ready, "{status:?}");
    }
    let report = report(CommandStatus::Failed, Some(&ready), None, &instance(1));
    assert_eq!(report, Report::Ready);
}

#[test]
fn a_claim_that_was_settled_with_another_instance_is_left_as_it_is() {
    for standing in [Standing::Ready, Standing::Failed(Reason::Expired)] {
        for settled in [entry(Some(2), 1, standing), entry(None, 1, standing)] {
            for status in STATUSES {
                assert_eq!(report_on(status, Some(&settled)), Report::Leave);
            }
        }
    }
}

#[test]
fn an_initialised_instance_is_ready_only_in_service_in_its_target() {
    let lost = Report::Failed(Reason::InstanceLost);
    for (lifecycle, expected) in [
        (Lifecycle::InService, Report::Ready),
        (Lifecycle::Pending, Report::NotYet),
        (Lifecycle::PendingWait, Report::NotYet),
        (Lifecycle::Other, Report::NotYet),
        (Lifecycle::Standby, lost),
        (Lifecycle::Detaching, lost),
        (Lifecycle::Terminating, lost),
    ] {
        let target = target(Some(lifecycle));
        let report = report(
            CommandStatus::Succeeded,
            Some(&open(1, 1)),
            Some(&target),
            &instance(1),
        );
        assert_eq!(report, expected, "{lifecycle:?}");
    }
}

#[test]
fn an_initialised_instance_whose_target_is_gone_is_lost() {
    let report = report(CommandStatus::Succeeded, None, None, &instance(1));
    assert_eq!(report, Report::Failed(Reason::InstanceLost));
}

#[test]
fn a_failed_script_is_a_failed_script_wherever_the_instance_is() {
    for target in [
        None,
        Some(target(None)),
        Some(target(Some(Lifecycle::Pending))),
    ] {
        let report = report(
            CommandStatus::Failed,
            Some(&open(1, 1)),
            target.as_ref(),
            &instance(1),
        );
        assert_eq!(report, Report::Failed(Reason::ScriptFailed));
    }
}

// Looks.

fn look_at(entry: Option<&Entry>, told: Told, expired: bool) -> Look {
    look(entry, 1, &instance(1), told, expired)
}

#[test]
fn a_look_at_a_told_instance_reports_on_its_command() {
    for expired in [false, true] {
        let told = Told::ThisClaim(told_this_claim());
        let expected = Look::Report(told_this_claim());
        assert_eq!(look_at(Some(&open(1, 1)), told, expired), expected);
    }
}

#[test]
fn a_look_before_the_deadline_leaves_an_untold_instance_to_its_hand_over() {
    let found = look_at(Some(&open(1, 1)), Told::Nothing, false);
    assert_eq!(found, Look::Leave);
}

#[test]
fn a_look_past_the_deadline_gives_an_untold_instance_up() {
    let found = look_at(Some(&open(1, 1)), Told::Nothing, true);
    assert_eq!(found, Look::GiveUp(TOO_LATE));
}

#[test]
fn a_look_at_an_instance_that_was_told_another_claim_does_not_touch_it() {
    for expired in [false, true] {
        let found = look_at(Some(&open(1, 1)), Told::AnotherClaim, expired);
        assert_eq!(found, Look::GiveUp(LOST));
    }
}

#[test]
fn a_look_leaves_what_the_ledger_no_longer_says() {
    for entry in [
        None,
        Some(entry(Some(1), 1, Standing::Ready)),
        Some(entry(Some(1), 1, Standing::Failed(Reason::Expired))),
        Some(open(2, 1)),
        Some(open(1, 2)),
        Some(entry(None, 1, Standing::Assigned)),
    ] {
        for told in [
            Told::Nothing,
            Told::AnotherClaim,
            Told::ThisClaim(told_this_claim()),
        ] {
            assert_eq!(look_at(entry.as_ref(), told, true), Look::Leave);
        }
    }
}
