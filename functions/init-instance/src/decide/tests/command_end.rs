//! What a command's status calls for.

use super::*;

/// What a report comes to, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    NotYet,
    StillRunning,
    Leave,
    Ready,
    Failed(Reason),
}

use Verdict::{Failed, Leave, NotYet, Ready, StillRunning};

/// The report on a command, checked whole: with the entry it writes and the steps in their order.
#[track_caller]
fn verdict(seen: CommandEnd<'_>) -> Verdict {
    let conclusion = match report(seen) {
        Report::NotYet => return NotYet,
        Report::StillRunning => return StillRunning,
        Report::AskActivities | Report::Attach => panic!("attaches"),
        Report::Conclude(conclusion) => conclusion,
    };
    if conclusion.finding == Finding::Nothing {
        assert_nothing(&conclusion, Finding::Nothing);
        return Leave;
    }
    let (verdict, standing, publish) = match conclusion.steps.first() {
        Some(Step::PublishReady) => (Ready, Standing::Ready, PUBLISH_READY.to_owned()),
        Some(Step::PublishFailed(reason)) => {
            let standing = Standing::Failed(*reason);
            (Failed(*reason), standing, publish_failed(*reason))
        }
        _ => panic!("{:?}", steps(&conclusion)),
    };
    let settled = Entry {
        instance: Some(seen.instance.clone()),
        attempt: seen.entry.map_or(1, |entry| entry.attempt),
        standing,
        expires_at: seen
            .entry
            .map_or(NOW + Duration::hours(4), |entry| entry.expires_at),
        instead_of: None,
    };
    let is_new = seen.target.is_some() && seen.entry != Some(&settled);
    let (finding, retires) = match verdict {
        Ready => (Finding::Ready, false),
        // It is not the claim's any more, and not ours to take.
        Failed(Reason::InstanceLost) => (Finding::Lost, false),
        _ => (Finding::Failed, seen.target.is_some()),
    };
    let steps = those([Some(publish), retire_if(retires)]);
    assert_concludes(&conclusion, finding, is_new.then_some(&settled), &steps);
    verdict
}

fn report_on(status: CommandStatus, entry: Option<&Entry>) -> Verdict {
    let target = target(Some(Lifecycle::InService));
    report_to(status, entry, Some(&target), 1)
}

/// A report on a command of a claim that retires what fails.
#[track_caller]
fn report_to(
    status: CommandStatus,
    entry: Option<&Entry>,
    target: Option<&Group>,
    look: u32,
) -> Verdict {
    let command = Command {
        status,
        ..sent_for_this_claim()
    };
    verdict(CommandEnd {
        occasion: Occasion::Event,
        nothing_ran: false,
        command: &command,
        instance: &instance(1),
        target,
        entry,
        look,
        attach: KnownAttach::Unasked,
        now: NOW,
    })
}

const STATUSES: [CommandStatus; 7] = [
    CommandStatus::Running,
    CommandStatus::Succeeded,
    CommandStatus::Failed,
    CommandStatus::TimedOut,
    CommandStatus::NotDelivered,
    CommandStatus::Interrupted,
    CommandStatus::Cancelled,
];

#[test]
fn the_final_status_decides_with_and_without_an_entry() {
    for (status, expected) in [
        (CommandStatus::Running, NotYet),
        (CommandStatus::Succeeded, Ready),
        (CommandStatus::Failed, Failed(Reason::ScriptFailed)),
        (CommandStatus::TimedOut, Failed(Reason::ScriptTimedOut)),
        (CommandStatus::NotDelivered, Failed(Reason::NotDelivered)),
        (CommandStatus::Cancelled, Failed(Reason::Cancelled)),
    ] {
        assert_eq!(report_on(status, Some(&open(1, 1))), expected, "{status:?}");
        assert_eq!(report_on(status, None), expected, "{status:?}");
    }
}

#[test]
fn an_entry_that_names_another_instance_does_not_silence_one_that_was_sent_its_command() {
    let report = report_on(CommandStatus::Succeeded, Some(&open(9, 1)));
    assert_eq!(report, Ready);
}

#[test]
fn a_claim_that_failed_never_becomes_ready() {
    let failed = entry(Some(1), 1, Standing::Failed(Reason::Cancelled));
    for status in STATUSES {
        let expected = Failed(Reason::Cancelled);
        assert_eq!(report_on(status, Some(&failed)), expected, "{status:?}");
    }
}

#[test]
fn a_claim_that_is_ready_never_fails() {
    let ready = entry(Some(1), 1, Standing::Ready);
    for status in STATUSES {
        assert_eq!(report_on(status, Some(&ready)), Ready, "{status:?}");
    }
    let report = report_to(CommandStatus::Failed, Some(&ready), None, 1);
    assert_eq!(report, Ready);
}

#[test]
fn a_claim_that_was_settled_with_another_instance_is_left_as_it_is() {
    for standing in [Standing::Ready, Standing::Failed(Reason::Expired)] {
        for settled in [entry(Some(2), 1, standing), entry(None, 1, standing)] {
            for status in STATUSES {
                assert_eq!(report_on(status, Some(&settled)), Leave);
            }
        }
    }
}

#[test]
fn an_initialised_instance_is_ready_where_it_is_its_target_s_in_service_or_in_standby() {
    let lost = Failed(Reason::InstanceLost);
    for (lifecycle, expected) in [
        (Lifecycle::InService, Ready),
        (Lifecycle::Pending, NotYet),
        (Lifecycle::PendingWait, NotYet),
        (Lifecycle::Other, NotYet),
        (Lifecycle::EnteringStandby, Ready),
        (Lifecycle::Standby, Ready),
        (Lifecycle::Detaching, lost),
        (Lifecycle::Terminating, lost),
        (Lifecycle::Warmed, lost),
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
    let not_yet = NotYet;
    let lost = Failed(Reason::InstanceLost);
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
        assert_eq!(report, NotYet, "{lifecycle:?}");
    }
}

/// AWS adds states: the claim must end in one that nobody here knows, too.
#[test]
fn past_the_deadline_a_member_in_a_state_that_nobody_knows_is_the_target_s() {
    let command = Command {
        status: CommandStatus::Succeeded,
        ..sent_for_this_claim()
    };
    for (lifecycle, expected) in [(Lifecycle::Other, Ready), (Lifecycle::Pending, NotYet)] {
        let report = verdict(CommandEnd {
            occasion: Occasion::Event,
            nothing_ran: false,
            command: &command,
            instance: &instance(1),
            target: Some(&target(Some(lifecycle))),
            entry: Some(&open(1, 1)),
            look: 1,
            attach: KnownAttach::Unasked,
            now: DEADLINE,
        });
        assert_eq!(report, expected, "{lifecycle:?}");
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
                assert_eq!(report, Leave, "{entry} {status:?}");
            }
        }
    }
}

#[test]
fn a_superseded_instance_that_is_initialised_and_in_service_still_makes_its_claim_ready() {
    for entry in superseded() {
        let report = report_on(CommandStatus::Succeeded, Some(&entry));
        assert_eq!(report, Ready, "{entry}");
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
        assert_eq!(report, Leave, "{entry}");
    }
}

#[test]
fn a_later_attempt_s_own_failure_ends_its_claim() {
    let report = report_on(CommandStatus::Failed, Some(&open(1, 2)));
    assert_eq!(report, Failed(Reason::ScriptFailed));
}

#[test]
fn a_first_attempt_s_entry_that_names_another_instance_does_not_silence_a_failure() {
    let report = report_on(CommandStatus::Failed, Some(&open(9, 1)));
    assert_eq!(report, Failed(Reason::ScriptFailed));
}

#[test]
fn a_failed_script_is_a_failed_script_wherever_the_instance_is() {
    for target in [
        None,
        Some(target(None)),
        Some(target(Some(Lifecycle::Pending))),
    ] {
        let report = report_to(CommandStatus::Failed, Some(&open(1, 1)), target.as_ref(), 1);
        assert_eq!(report, Failed(Reason::ScriptFailed));
    }
}

#[test]
fn the_instance_of_a_claim_that_keeps_what_failed_is_left() {
    let target = target(Some(Lifecycle::InService));
    let command = Command {
        status: CommandStatus::Failed,
        ..sent_for_this_claim_that_keeps()
    };
    let report = report(CommandEnd {
        occasion: Occasion::Event,
        nothing_ran: false,
        command: &command,
        instance: &instance(1),
        target: Some(&target),
        entry: Some(&open(1, 1)),
        look: 1,
        attach: KnownAttach::Unasked,
        now: NOW,
    });
    let Report::Conclude(conclusion) = report else {
        panic!("waits");
    };
    let reason = Reason::ScriptFailed;
    let failed = entry(Some(1), 1, Standing::Failed(reason));
    let steps = [publish_failed(reason)];
    assert_concludes(&conclusion, Finding::Kept, Some(&failed), &steps);
}
