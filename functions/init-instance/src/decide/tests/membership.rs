//! What an instance's membership says, whatever Systems Manager says.

use super::*;

fn report_on(
    status: CommandStatus,
    entry: Option<&Entry>,
    target: Option<&Group>,
    (occasion, look): (Occasion, u32),
) -> Report {
    report(CommandEnd {
        occasion,
        nothing_ran: false,
        command: &Command {
            status,
            ..sent_for_this_claim()
        },
        instance: &instance(1),
        target,
        entry,
        look,
        attach: KnownAttach::Unasked,
        now: NOW,
    })
}

/// What Systems Manager says of an instance that it has lost, sooner or later.
const UNSEEN: [CommandStatus; 4] = [
    CommandStatus::Running,
    CommandStatus::TimedOut,
    CommandStatus::NotDelivered,
    CommandStatus::Interrupted,
];

const OCCASIONS: [Occasion; 2] = [Occasion::Event, Occasion::Look];

#[track_caller]
fn assert_lost(report: Report) {
    let Report::Conclude(conclusion) = report else {
        panic!("waits: {report:?}");
    };
    let reason = Reason::InstanceLost;
    let failed = entry(Some(1), 1, Standing::Failed(reason));
    let steps = [publish_failed(reason)];
    assert_concludes(&conclusion, Finding::Lost, Some(&failed), &steps);
}

#[track_caller]
fn assert_fails(report: Report, reason: Reason) {
    let Report::Conclude(conclusion) = report else {
        panic!("waits: {report:?}");
    };
    assert_eq!(conclusion.steps.first(), Some(&Step::PublishFailed(reason)));
}

#[test]
fn a_machine_that_is_on_its_way_out_of_its_target_is_lost_at_once() {
    for lifecycle in [
        Lifecycle::Detaching,
        Lifecycle::Terminating,
        Lifecycle::Warmed,
    ] {
        for status in UNSEEN {
            for occasion in OCCASIONS {
                let (entry, target) = (open(1, 1), target(Some(lifecycle)));
                let seen = (occasion, 1);
                assert_lost(report_on(status, Some(&entry), Some(&target), seen));
            }
        }
    }
}

/// Whoever may send commands may give one the claim's comment, on an instance that was never attached.
#[test]
fn a_machine_whose_command_we_did_not_send_is_retired() {
    let mut command = sent_for_this_claim();
    command.status = CommandStatus::Succeeded;
    command.record.header.attempt = None;
    let (entry, target) = (open(1, 1), target(None));
    let report = report(CommandEnd {
        occasion: Occasion::Look,
        nothing_ran: false,
        command: &command,
        instance: &instance(1),
        target: Some(&target),
        entry: Some(&entry),
        look: LOOKS_BEFORE_LOST,
        attach: KnownAttach::Unasked,
        now: NOW,
    });
    let Report::Conclude(conclusion) = report else {
        panic!("waits: {report:?}");
    };
    let publish = Step::PublishFailed(Reason::InstanceLost);
    assert_eq!(conclusion.steps, [publish, Step::Retire]);
}

#[test]
fn a_machine_that_is_missing_is_lost_once_it_was_missing_often_enough() {
    for status in UNSEEN {
        for occasion in OCCASIONS {
            let (entry, target) = (open(1, 1), target(None));
            let at = |look| report_on(status, Some(&entry), Some(&target), (occasion, look));
            for look in 1..LOOKS_BEFORE_LOST {
                assert_eq!(at(look), Report::NotYet, "{status:?} {look}");
            }
            assert_lost(at(LOOKS_BEFORE_LOST));
        }
    }
}

#[test]
fn a_running_command_on_a_machine_that_its_target_has_is_waited_for_by_its_event_alone() {
    for lifecycle in [
        Lifecycle::Pending,
        Lifecycle::InService,
        Lifecycle::EnteringStandby,
        Lifecycle::Standby,
        Lifecycle::Other,
    ] {
        for (occasion, expected) in [
            (Occasion::Event, Report::NotYet),
            (Occasion::Look, Report::StillRunning),
        ] {
            let (entry, target) = (open(1, 1), target(Some(lifecycle)));
            let seen = (occasion, LOOKS_BEFORE_LOST);
            let report = report_on(CommandStatus::Running, Some(&entry), Some(&target), seen);
            assert_eq!(report, expected, "{lifecycle:?}");
        }
    }
}

#[test]
fn what_a_script_or_a_person_said_stands_wherever_the_machine_is() {
    for (status, reason) in [
        (CommandStatus::Failed, Reason::ScriptFailed),
        (CommandStatus::Cancelled, Reason::Cancelled),
    ] {
        let (entry, target) = (open(1, 1), target(None));
        let seen = (Occasion::Event, LOOKS_BEFORE_LOST);
        assert_fails(report_on(status, Some(&entry), Some(&target), seen), reason);
    }
}

/// Without an open entry nothing says that an instance is a claim's, and should be in its target.
#[test]
fn only_an_open_claim_s_machine_is_missed() {
    let last = (Occasion::Event, LOOKS_BEFORE_LOST);
    for entry in [None, Some(open(2, 1))] {
        let target = target(None);
        let seen = |status| report_on(status, entry.as_ref(), Some(&target), last);
        assert_eq!(seen(CommandStatus::Running), Report::NotYet);
        assert_fails(seen(CommandStatus::TimedOut), Reason::ScriptTimedOut);
        assert_fails(seen(CommandStatus::NotDelivered), Reason::NotDelivered);
    }
}

/// Its init did not fail, and its target may have been made smaller on purpose.
#[test]
fn a_machine_that_is_lost_while_its_command_runs_is_not_replaced() {
    let command = sent_for_this_claim_that_replaces(CommandStatus::Running);
    assert_lost(report(CommandEnd {
        occasion: Occasion::Look,
        nothing_ran: false,
        command: &command,
        instance: &instance(1),
        target: Some(&target(Some(Lifecycle::Terminating))),
        entry: Some(&open(1, 1)),
        look: 1,
        attach: KnownAttach::Unasked,
        now: NOW,
    }));
}
