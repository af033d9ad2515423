//! What the end of a command calls for whose claim wants another instance when its init fails.

use super::*;

const FAILURES: [(CommandStatus, Reason); 3] = [
    (CommandStatus::Failed, Reason::ScriptFailed),
    (CommandStatus::TimedOut, Reason::ScriptTimedOut),
    (CommandStatus::NotDelivered, Reason::NotDelivered),
];

/// The report on this command, with instance 1 in service in its target.
fn report_of(command: &Command, entry: Option<&Entry>, now: Timestamp) -> Report {
    report(CommandEnd {
        occasion: Occasion::Event,
        nothing_ran: false,
        command,
        instance: &instance(1),
        target: Some(&target(Some(Lifecycle::InService))),
        entry,
        look: 1,
        attach: KnownAttach::Unasked,
        now,
    })
}

#[track_caller]
fn report_at(status: CommandStatus, entry: Option<&Entry>, now: Timestamp) -> Conclusion {
    let command = sent_for_this_claim_that_replaces(status);
    concluded(report_of(&command, entry, now))
}

#[track_caller]
fn concluded(report: Report) -> Conclusion {
    match report {
        Report::Conclude(conclusion) => conclusion,
        Report::NotYet | Report::StillRunning | Report::AskActivities | Report::Attach => {
            panic!("waits")
        }
    }
}

/// An entry that says that the place of this instance is to be taken.
fn instead_of(number: u32, attempt: Attempt) -> Entry {
    Entry {
        instead_of: Some(instance(number)),
        ..entry(None, attempt, Standing::Assigned)
    }
}

/// Checks that the claim fails with instance 1, which is retired.
#[track_caller]
fn assert_fails(conclusion: &Conclusion, entered: Option<&Entry>, reason: Reason) {
    let steps = [publish_failed(reason), RETIRE.to_owned()];
    assert_concludes(conclusion, Finding::Failed, entered, &steps);
}

#[test]
fn each_way_an_init_fails_is_replaced_under_the_next_attempt_once_its_instance_is_retired() {
    for (status, reason) in FAILURES {
        for attempt in 1..MAX_ATTEMPTS {
            let conclusion = report_at(status, Some(&open(1, attempt)), NOW);
            let finding = match status {
                CommandStatus::NotDelivered => Finding::NothingRan,
                _ => Finding::Replaced,
            };
            assert_concludes(
                &conclusion,
                finding,
                Some(&instead_of(1, attempt + 1)),
                &[RETIRE.to_owned(), retry(attempt + 1)],
            );
            // There is no other instance where the target's tags cannot be written.
            let fails = Some(vec![Step::PublishFailed(reason), Step::Retire]);
            assert_eq!(conclusion.without_entry, fails);
        }
    }
}

#[test]
fn a_retry_carries_the_claim_that_the_script_does() {
    let conclusion = report_at(CommandStatus::Failed, Some(&open(1, 1)), NOW);
    let [Step::Retire, Step::Retry(retry)] = conclusion.steps.as_slice() else {
        panic!("{:?}", steps(&conclusion));
    };
    assert_eq!(retry.claim, hand_over(1).claim);
}

#[test]
fn the_last_attempt_s_failure_is_the_claim_s() {
    for (status, reason) in FAILURES {
        for attempt in [MAX_ATTEMPTS, Attempt::MAX] {
            let conclusion = report_at(status, Some(&open(1, attempt)), NOW);
            let failed = entry(Some(1), attempt, Standing::Failed(reason));
            assert_fails(&conclusion, Some(&failed), reason);
        }
    }
}

#[test]
fn nothing_is_replaced_once_the_deadline_has_passed() {
    for (status, reason) in FAILURES {
        let conclusion = report_at(status, Some(&open(1, 1)), DEADLINE);
        let failed = entry(Some(1), 1, Standing::Failed(reason));
        assert_fails(&conclusion, Some(&failed), reason);
    }
}

#[test]
fn a_replacement_that_was_begun_goes_on_even_past_the_deadline() {
    // Whoever is asked then says that it is too late.
    for now in [NOW, DEADLINE] {
        let conclusion = report_at(CommandStatus::Failed, Some(&instead_of(1, 2)), now);
        let steps = [RETIRE.to_owned(), retry(2)];
        assert_concludes(&conclusion, Finding::ReplacedBefore, None, &steps);
    }
}

#[test]
fn an_instance_that_its_claim_has_left_behind_is_retired_and_nothing_asked_for() {
    for entry in [
        instead_of(2, 3),
        entry(None, 2, Standing::Assigned),
        open(2, 2),
        entry(Some(2), 2, Standing::Ready),
        entry(Some(2), 3, Standing::Failed(Reason::ScriptFailed)),
        entry(None, 2, Standing::Failed(Reason::Expired)),
    ] {
        for (status, _) in FAILURES {
            for now in [NOW, DEADLINE] {
                let conclusion = report_at(status, Some(&entry), now);
                assert_concludes(&conclusion, Finding::Superseded, None, &[RETIRE]);
            }
        }
    }
}

#[test]
fn a_claim_that_was_settled_with_it_stays_settled() {
    let reason = Reason::Expired;
    let failed = entry(Some(1), 1, Standing::Failed(reason));
    let ready = entry(Some(1), 1, Standing::Ready);
    for (status, _) in FAILURES {
        assert_fails(&report_at(status, Some(&failed), NOW), None, reason);
        let conclusion = report_at(status, Some(&ready), NOW);
        assert_concludes(&conclusion, Finding::Ready, None, &[PUBLISH_READY]);
    }
}

#[test]
fn what_is_no_failure_of_the_init_is_not_replaced() {
    let open = open(1, 1);
    let succeeded = report_at(CommandStatus::Succeeded, Some(&open), NOW);
    assert_eq!(succeeded.finding, Finding::Ready);
    let cancelled = report_at(CommandStatus::Cancelled, Some(&open), NOW);
    let failed = entry(Some(1), 1, Standing::Failed(Reason::Cancelled));
    assert_fails(&cancelled, Some(&failed), Reason::Cancelled);
    let running = sent_for_this_claim_that_replaces(CommandStatus::Running);
    assert_eq!(report_of(&running, Some(&open), NOW), Report::NotYet);
}

#[test]
fn without_its_entry_nothing_is_replaced() {
    let reason = Reason::ScriptFailed;
    let failed = Entry {
        expires_at: NOW + Duration::hours(4),
        ..entry(Some(1), 1, Standing::Failed(reason))
    };
    let there = report_at(CommandStatus::Failed, None, NOW);
    assert_fails(&there, Some(&failed), reason);
    let command = sent_for_this_claim_that_replaces(CommandStatus::Failed);
    let with_target = |target: Option<&Group>| {
        concluded(report(CommandEnd {
            occasion: Occasion::Event,
            nothing_ran: false,
            command: &command,
            instance: &instance(1),
            target,
            entry: None,
            look: 1,
            attach: KnownAttach::Unasked,
            now: NOW,
        }))
    };
    let steps = [publish_failed(reason)];
    assert_concludes(&with_target(None), Finding::Failed, None, &steps);
    // It was taken out before: perhaps by us, and then its claim goes on.
    assert_nothing(&with_target(Some(&target(None))), Finding::Nothing);
}

#[test]
fn a_claim_that_its_script_does_not_carry_is_not_replaced() {
    let mut command = sent_for_this_claim_that_replaces(CommandStatus::Failed);
    command.record.claim = None;
    let conclusion = concluded(report_of(&command, Some(&open(1, 1)), NOW));
    let failed = entry(Some(1), 1, Standing::Failed(Reason::ScriptFailed));
    assert_fails(&conclusion, Some(&failed), Reason::ScriptFailed);
}
