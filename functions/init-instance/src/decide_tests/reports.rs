//! What a command's status calls for.

use super::*;

fn report_on(status: CommandStatus, entry: Option<&Entry>) -> Report {
    let target = target(Some(Lifecycle::InService));
    report_to(status, entry, Some(&target), 1)
}

/// A report on a command of a claim that retires what fails.
fn report_to(
    status: CommandStatus,
    entry: Option<&Entry>,
    target: Option<&Group>,
    look: u32,
) -> Report {
    let command = Command {
        status,
        ..told_this_claim()
    };
    report(&command, entry, target, &instance(1), look, NOW)
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
    let report = report_to(CommandStatus::Failed, Some(&ready), None, 1);
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
        let report = report_to(
            CommandStatus::Succeeded,
            Some(&open(1, 1)),
            Some(&target),
            1,
        );
        assert_eq!(report, expected, "{lifecycle:?}");
    }
}

#[test]
fn an_initialised_instance_that_is_missing_is_lost_at_the_third_look() {
    let not_yet = Report::NotYet;
    let lost = Report::Failed(Reason::InstanceLost);
    for target in [None, Some(target(None))] {
        for entry in [None, Some(open(1, 1))] {
            for (look, expected) in [
                (1, not_yet),
                (2, not_yet),
                (LOOKS_BEFORE_LOST, lost),
                (u32::MAX, lost),
            ] {
                let report = report_to(
                    CommandStatus::Succeeded,
                    entry.as_ref(),
                    target.as_ref(),
                    look,
                );
                assert_eq!(report, expected, "look {look} of {target:?}");
            }
        }
    }
}

#[test]
fn an_attach_that_takes_long_is_not_a_loss() {
    for lifecycle in [Lifecycle::Pending, Lifecycle::PendingWait, Lifecycle::Other] {
        let target = target(Some(lifecycle));
        let report = report_to(
            CommandStatus::Succeeded,
            Some(&open(1, 1)),
            Some(&target),
            u32::MAX,
        );
        assert_eq!(report, Report::NotYet, "{lifecycle:?}");
    }
}

/// Entries of a claim that gave instance 1 up and goes on, with another or for another.
fn superseded() -> [Entry; 3] {
    [
        entry(None, 2, Standing::Assigned),
        open(2, 2),
        open(3, MAX_ATTEMPTS),
    ]
}

#[test]
fn a_superseded_instance_s_failure_does_not_end_its_claim() {
    for entry in superseded() {
        for status in STATUSES {
            if status.is_final() && status != CommandStatus::Succeeded {
                let report = report_on(status, Some(&entry));
                assert_eq!(report, Report::Leave, "{entry} {status:?}");
            }
        }
    }
}

#[test]
fn a_superseded_instance_that_is_initialised_and_in_service_still_makes_its_claim_ready() {
    for entry in superseded() {
        let report = report_on(CommandStatus::Succeeded, Some(&entry));
        assert_eq!(report, Report::Ready, "{entry}");
    }
}

#[test]
fn a_superseded_instance_that_is_lost_after_its_success_does_not_end_its_claim() {
    for entry in superseded() {
        let report = report_to(
            CommandStatus::Succeeded,
            Some(&entry),
            None,
            LOOKS_BEFORE_LOST,
        );
        assert_eq!(report, Report::Leave, "{entry}");
    }
}

#[test]
fn a_later_attempt_s_own_failure_ends_its_claim() {
    let report = report_on(CommandStatus::Failed, Some(&open(1, 2)));
    assert_eq!(report, Report::Failed(Reason::ScriptFailed));
}

#[test]
fn a_first_attempt_s_entry_that_names_another_instance_does_not_silence_a_failure() {
    let report = report_on(CommandStatus::Failed, Some(&open(9, 1)));
    assert_eq!(report, Report::Failed(Reason::ScriptFailed));
}

#[test]
fn a_failed_script_is_a_failed_script_wherever_the_instance_is() {
    for target in [
        None,
        Some(target(None)),
        Some(target(Some(Lifecycle::Pending))),
    ] {
        let report = report_to(CommandStatus::Failed, Some(&open(1, 1)), target.as_ref(), 1);
        assert_eq!(report, Report::Failed(Reason::ScriptFailed));
    }
}
