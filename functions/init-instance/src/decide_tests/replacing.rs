//! What the end of a command calls for whose claim wants another instance when its init fails.

use super::*;

const FAILURES: [(CommandStatus, Reason); 3] = [
    (CommandStatus::Failed, Reason::ScriptFailed),
    (CommandStatus::TimedOut, Reason::ScriptTimedOut),
    (CommandStatus::NotDelivered, Reason::NotDelivered),
];

fn report_at(status: CommandStatus, entry: Option<&Entry>, now: Timestamp) -> Report {
    let target = target(Some(Lifecycle::InService));
    let command = told_this_claim_that_replaces(status);
    report(&command, entry, Some(&target), &instance(1), 1, now)
}

/// An entry that says that the place of this instance is to be taken.
fn instead_of(number: u32, attempt: Attempt) -> Entry {
    Entry {
        instead_of: Some(instance(number)),
        ..entry(None, attempt, Standing::Assigned)
    }
}

#[test]
fn each_way_an_init_fails_is_replaced_under_the_next_attempt() {
    for (status, reason) in FAILURES {
        for attempt in 1..MAX_ATTEMPTS {
            let expected = Report::Replace {
                reason,
                attempt: attempt + 1,
                entered: false,
            };
            let open = open(1, attempt);
            assert_eq!(report_at(status, Some(&open), NOW), expected);
        }
    }
}

#[test]
fn the_last_attempt_s_failure_is_the_claim_s() {
    for (status, reason) in FAILURES {
        for attempt in [MAX_ATTEMPTS, Attempt::MAX] {
            let report = report_at(status, Some(&open(1, attempt)), NOW);
            assert_eq!(report, Report::Failed(reason));
        }
    }
}

#[test]
fn nothing_is_replaced_once_the_deadline_has_passed() {
    for (status, reason) in FAILURES {
        let report = report_at(status, Some(&open(1, 1)), DEADLINE);
        assert_eq!(report, Report::Failed(reason));
    }
}

#[test]
fn a_replacement_that_was_begun_goes_on_even_past_the_deadline() {
    // Whoever is asked then says that it is too late.
    for now in [NOW, DEADLINE] {
        let expected = Report::Replace {
            reason: Reason::ScriptFailed,
            attempt: 2,
            entered: true,
        };
        let begun = instead_of(1, 2);
        assert_eq!(
            report_at(CommandStatus::Failed, Some(&begun), now),
            expected
        );
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
                assert_eq!(
                    report_at(status, Some(&entry), now),
                    Report::Retire,
                    "{entry}"
                );
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
        assert_eq!(
            report_at(status, Some(&failed), NOW),
            Report::Failed(reason)
        );
        assert_eq!(report_at(status, Some(&ready), NOW), Report::Ready);
    }
}

#[test]
fn what_is_no_failure_of_the_init_is_not_replaced() {
    let open = open(1, 1);
    let at = |status| report_at(status, Some(&open), NOW);
    assert_eq!(at(CommandStatus::Succeeded), Report::Ready);
    assert_eq!(at(CommandStatus::Running), Report::NotYet);
    assert_eq!(
        at(CommandStatus::Cancelled),
        Report::Failed(Reason::Cancelled)
    );
}

#[test]
fn without_its_entry_nothing_is_replaced() {
    let reason = Reason::ScriptFailed;
    assert_eq!(
        report_at(CommandStatus::Failed, None, NOW),
        Report::Failed(reason)
    );
    let command = told_this_claim_that_replaces(CommandStatus::Failed);
    let gone = report(&command, None, None, &instance(1), 1, NOW);
    assert_eq!(gone, Report::Failed(reason));
    // It was taken out before: perhaps by us, and then its claim goes on.
    let elsewhere = report(&command, None, Some(&target(None)), &instance(1), 1, NOW);
    assert_eq!(elsewhere, Report::Leave);
}

#[test]
fn a_claim_that_its_script_does_not_carry_is_not_replaced() {
    let mut command = told_this_claim_that_replaces(CommandStatus::Failed);
    command.record.claim = None;
    let report = report(&command, Some(&open(1, 1)), None, &instance(1), 1, NOW);
    assert_eq!(report, Report::Failed(Reason::ScriptFailed));
}

#[test]
fn a_look_goes_on_with_a_replacement_that_died_half_way() {
    let failed = told_this_claim_that_replaces(CommandStatus::Failed);
    let look_at = |entry: &Entry, told: &Command| {
        let told = Told::ThisClaim(told.clone());
        look(Some(entry), 1, Some(&instance(1)), told, false, true)
    };
    for entry in [
        instead_of(1, 2),
        open(2, 2),
        entry(Some(2), 2, Standing::Ready),
    ] {
        assert_eq!(look_at(&entry, &failed), Look::Report(failed.clone()));
        for other in [
            told_this_claim(),
            told_this_claim_that_keeps(),
            told_this_claim_that_replaces(CommandStatus::Succeeded),
            told_this_claim_that_replaces(CommandStatus::Running),
        ] {
            assert_eq!(look_at(&entry, &other), Look::Leave, "{entry}");
        }
    }
    let told = Told::ThisClaim(failed);
    let found = look(None, 1, Some(&instance(1)), told, true, true);
    assert_eq!(
        found,
        Look::Leave,
        "only the ledger proves that it is the claim's"
    );
}
