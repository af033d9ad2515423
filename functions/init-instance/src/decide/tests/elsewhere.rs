//! A claim whose entry was wiped, and which was sent again: the entry names instance 2, and instance 1 serves it.

use super::*;
use ready_pool_core::attach_when::AttachWhen;

fn seen(status: CommandStatus, lifecycle: Option<Lifecycle>, look: u32) -> Report {
    let command = Command {
        status,
        ..sent_for_this_claim()
    };
    report_at(&command, lifecycle, look, KnownAttach::Unasked)
}

fn report_at(
    command: &Command,
    lifecycle: Option<Lifecycle>,
    look: u32,
    attach: KnownAttach,
) -> Report {
    report(CommandEnd {
        occasion: Occasion::Elsewhere,
        command,
        nothing_ran: false,
        instance: &instance(1),
        target: Some(&target(lifecycle)),
        entry: Some(&open(2, 1)),
        look,
        attach,
        now: DEADLINE,
    })
}

#[track_caller]
fn assert_ends<S: AsRef<str>>(report: Report, finding: Finding, standing: Standing, steps: &[S]) {
    let Report::Conclude(conclusion) = report else {
        panic!("waits: {report:?}");
    };
    let entered = entry(Some(1), 1, standing);
    assert_concludes(&conclusion, finding, Some(&entered), steps);
}

#[test]
fn a_success_in_its_target_is_ready() {
    let report = seen(CommandStatus::Succeeded, Some(Lifecycle::InService), 1);
    assert_ends(report, Finding::Ready, Standing::Ready, &[PUBLISH_READY]);
}

/// Nobody knows whether it left before or after its claim's end was published, and what that was.
#[test]
fn a_success_that_has_left_its_target_is_settled_in_silence() {
    for look in 1..LOOKS_BEFORE_LOST {
        assert_eq!(seen(CommandStatus::Succeeded, None, look), Report::NotYet);
    }
    let report = seen(CommandStatus::Succeeded, None, LOOKS_BEFORE_LOST);
    assert_ends(report, Finding::ReadyBefore, Standing::Ready, &[""; 0]);
}

/// Two groups of messages must not attach one instance.
#[test]
fn a_success_that_was_to_be_attached_after_its_init_is_not_attached_from_here() {
    let mut command = Command {
        status: CommandStatus::Succeeded,
        ..sent_for_this_claim()
    };
    command.record.header.attach_when = AttachWhen::AfterInit;
    let at = |attach, look| report_at(&command, None, look, attach);
    let asks = at(KnownAttach::Unasked, 1);
    assert_eq!(asks, Report::AskActivities);
    assert_eq!(at(KnownAttach::Never, 1), Report::NotYet);
    let reason = Reason::InstanceLost;
    let never = at(KnownAttach::Never, LOOKS_BEFORE_LOST);
    let steps = [publish_failed(reason)];
    assert_ends(never, Finding::Lost, Standing::Failed(reason), &steps);
    let before = at(KnownAttach::Seen, LOOKS_BEFORE_LOST);
    assert_ends(before, Finding::ReadyBefore, Standing::Ready, &[""; 0]);
}

#[test]
fn a_running_command_is_waited_for_where_its_machine_is_there() {
    let there = seen(CommandStatus::Running, Some(Lifecycle::InService), 1);
    assert_eq!(there, Report::StillRunning);
    let reason = Reason::InstanceLost;
    let report = seen(CommandStatus::Running, None, LOOKS_BEFORE_LOST);
    let steps = [publish_failed(reason)];
    assert_ends(report, Finding::Lost, Standing::Failed(reason), &steps);
}

#[test]
fn what_failed_serves_nobody() {
    for status in [CommandStatus::Running, CommandStatus::Succeeded] {
        let command = sent_for_this_claim();
        assert!(serves(&Command { status, ..command }));
    }
    for status in [
        CommandStatus::Failed,
        CommandStatus::TimedOut,
        CommandStatus::NotDelivered,
        CommandStatus::Interrupted,
        CommandStatus::Cancelled,
    ] {
        let command = sent_for_this_claim();
        assert!(!serves(&Command { status, ..command }));
    }
}

#[test]
fn the_instance_of_no_use_is_retired_and_nothing_is_said() {
    let end = give_up(&hand_over(1), Cause::Expired, DEADLINE).without_the_claim();
    assert_concludes(&end, Finding::ServedElsewhere, None, &[RETIRE]);
}
