//! What a check of a claim finds.

use super::*;
use ready_pool_core::message::LookAgain;

/// A look at the claim as it was with this instance and attempt.
fn message(number: Option<u32>, attempt: Attempt) -> LookAgain {
    let claim = hand_over(1).claim;
    LookAgain {
        version: VERSION,
        claim_id: claim.claim_id,
        target_group: claim.target_group,
        instance_id: number.map(instance),
        attempt,
        expires_at: DEADLINE,
    }
}

/// A look at the first attempt, with instance 1, that was delivered before.
fn check_at(entry: Option<&Entry>, command: InitCommand, now: Timestamp) -> Checked {
    check(Check {
        message: &message(Some(1), 1),
        delivery: Delivery::Repeated,
        entry,
        command,
        has_instance: true,
        now,
    })
}

fn sent() -> InitCommand {
    InitCommand::Sent(sent_for_this_claim())
}

fn ended() -> Command {
    Command {
        status: CommandStatus::Failed,
        ..sent_for_this_claim()
    }
}

#[track_caller]
fn concluded(checked: Checked) -> Conclusion {
    match checked {
        Checked::Conclude(conclusion) => conclusion,
        Checked::NeverSent(end) => panic!("asks who else was sent its command: {end:?}"),
        Checked::CommandEnded(command) | Checked::Missing(command) => {
            panic!("reports on {command:?}")
        }
    }
}

#[track_caller]
fn assert_expired(checked: Checked, entry: &Entry, retire: bool) {
    let first = entry.attempt == 1 && entry.instance.is_some();
    let end = match checked {
        Checked::NeverSent(end) if first => end,
        Checked::Conclude(end) if !first => end,
        other => panic!("{other:?}"),
    };
    let failed = Entry {
        standing: Standing::Failed(Reason::Expired),
        ..entry.clone()
    };
    assert_concludes(
        &end,
        Finding::GivenUp(Cause::Expired),
        Some(&failed),
        &those([Some(publish_failed(Reason::Expired)), retire_if(retire)]),
    );
}

#[test]
fn a_check_of_a_command_that_ended_reports_on_it() {
    for now in [NOW, DEADLINE] {
        let checked = check_at(Some(&open(1, 1)), InitCommand::Sent(ended()), now);
        assert_eq!(checked, Checked::CommandEnded(ended()));
    }
}

#[test]
fn a_check_of_a_command_that_is_running_waits_for_its_end() {
    for now in [NOW, DEADLINE] {
        let checked = check_at(Some(&open(1, 1)), sent(), now);
        assert_nothing(&concluded(checked), Finding::StillRunning);
    }
}

#[test]
fn a_check_of_a_running_command_whose_machine_its_target_does_not_have_looks_twice() {
    let at = |entry: &Entry, command: InitCommand, now| {
        check(Check {
            message: &message(Some(1), 1),
            delivery: Delivery::First,
            entry: Some(entry),
            command,
            has_instance: false,
            now,
        })
    };
    for now in [NOW, DEADLINE] {
        let missing = at(&open(1, 1), sent(), now);
        assert_eq!(missing, Checked::Missing(sent_for_this_claim()));
        // A command that has ended is reported on all the same.
        let ended = at(&open(1, 1), InitCommand::Sent(ended()), now);
        assert!(matches!(ended, Checked::CommandEnded(_)), "{ended:?}");
    }
    // An instance that is not attached yet is in no target: its hand-over goes on.
    let not_sent = at(&open(1, 1), InitCommand::NotSent, NOW);
    assert_nothing(&concluded(not_sent), Finding::Nothing);
}

#[test]
fn a_check_before_the_deadline_leaves_an_instance_without_a_command_to_its_hand_over() {
    let checked = check_at(Some(&open(1, 1)), InitCommand::NotSent, NOW);
    assert_nothing(&concluded(checked), Finding::Nothing);
}

#[test]
fn a_check_past_the_deadline_gives_an_instance_without_a_command_up() {
    let checked = check_at(Some(&open(1, 1)), InitCommand::NotSent, DEADLINE);
    assert_expired(checked, &open(1, 1), true);
}

#[test]
fn a_check_of_an_instance_that_was_sent_another_claim_s_command_does_not_touch_it() {
    // Until the deadline the message that asks for another instance may still come.
    let early = check_at(Some(&open(1, 1)), InitCommand::SentForAnother, NOW);
    assert_nothing(&concluded(early), Finding::Nothing);
    let late = check_at(Some(&open(1, 1)), InitCommand::SentForAnother, DEADLINE);
    assert_expired(late, &open(1, 1), false);
}

#[test]
fn a_check_of_a_claim_without_an_instance_waits_for_its_deadline() {
    let entry = entry(None, 2, Standing::Assigned);
    let at = |now| {
        check(Check {
            message: &message(None, 2),
            delivery: Delivery::First,
            entry: Some(&entry),
            command: InitCommand::NotSent,
            has_instance: true,
            now,
        })
    };
    assert_nothing(&concluded(at(NOW)), Finding::Nothing);
    assert_expired(at(DEADLINE), &entry, false);
}

#[test]
fn a_check_leaves_what_the_ledger_no_longer_says() {
    for entry in [
        None,
        Some(open(2, 1)),
        Some(open(1, 2)),
        Some(entry(None, 1, Standing::Assigned)),
        Some(entry(Some(2), 1, Standing::Ready)),
        Some(entry(Some(1), 2, Standing::Failed(Reason::Expired))),
    ] {
        for command in [
            InitCommand::NotSent,
            InitCommand::SentForAnother,
            sent(),
            InitCommand::Sent(ended()),
        ] {
            let checked = check_at(entry.as_ref(), command, DEADLINE);
            assert_nothing(&concluded(checked), Finding::Nothing);
        }
    }
}

#[test]
fn a_check_of_a_claim_that_is_ready_publishes_it_again_and_touches_nothing() {
    let ready = entry(Some(1), 1, Standing::Ready);
    for command in [InitCommand::NotSent, sent()] {
        let conclusion = concluded(check_at(Some(&ready), command, DEADLINE));
        assert_concludes(&conclusion, Finding::SettledBefore, None, &[PUBLISH_READY]);
    }
}

/// Its outcome may have been published by one that died before the protection.
#[test]
fn a_check_of_a_ready_claim_protects_its_instance_again_where_it_has_it() {
    let ready = entry(Some(1), 1, Standing::Ready);
    let mut command = sent_for_this_claim();
    command.record.header.protect = true;
    for has_instance in [true, false] {
        let conclusion = concluded(check(Check {
            message: &message(Some(1), 1),
            delivery: Delivery::Repeated,
            entry: Some(&ready),
            command: InitCommand::Sent(command.clone()),
            has_instance,
            now: NOW,
        }));
        let protect = has_instance.then(|| PROTECT.to_owned());
        let steps = those([protect, Some(PUBLISH_READY.to_owned())]);
        assert_concludes(&conclusion, Finding::SettledBefore, None, &steps);
    }
}

#[test]
fn a_check_of_a_claim_that_failed_publishes_it_again_and_goes_on_retiring_what_is_its_own() {
    let standing = Standing::Failed(Reason::Expired);
    let failed = entry(Some(1), 1, standing);
    for (command, retire) in [
        (InitCommand::NotSent, true),
        (sent(), true),
        (InitCommand::SentForAnother, false),
    ] {
        let conclusion = concluded(check_at(Some(&failed), command, DEADLINE));
        let steps = those([Some(publish_failed(Reason::Expired)), retire_if(retire)]);
        assert_concludes(&conclusion, Finding::SettledBefore, None, &steps);
    }
    let without = check(Check {
        message: &message(None, 1),
        delivery: Delivery::Repeated,
        entry: Some(&entry(None, 1, standing)),
        command: InitCommand::NotSent,
        has_instance: false,
        now: DEADLINE,
    });
    let steps = [publish_failed(Reason::Expired)];
    assert_concludes(&concluded(without), Finding::SettledBefore, None, &steps);
}

#[test]
fn a_check_of_a_claim_that_keeps_what_failed_publishes_it_again_and_touches_nothing() {
    for (reason, retire) in [
        (Reason::ScriptFailed, false),
        (Reason::ScriptTimedOut, false),
        (Reason::NotDelivered, false),
        (Reason::Cancelled, false),
        (Reason::InstanceLost, false),
        // Its command was not known when it was closed.
        (Reason::Expired, true),
    ] {
        let failed = entry(Some(1), 1, Standing::Failed(reason));
        let command = InitCommand::Sent(sent_for_this_claim_that_keeps());
        let conclusion = concluded(check_at(Some(&failed), command, DEADLINE));
        let steps = those([Some(publish_failed(reason)), retire_if(retire)]);
        assert_concludes(&conclusion, Finding::SettledBefore, None, &steps);
    }
}

/// Entries that end the claim with instance 1.
fn settled() -> [Entry; 2] {
    [
        entry(Some(1), 1, Standing::Ready),
        entry(Some(1), 1, Standing::Failed(Reason::ScriptFailed)),
    ]
}

fn finding_at(entry: &Entry, delivery: Delivery, now: Timestamp) -> Finding {
    let checked = check(Check {
        message: &message(Some(1), 1),
        delivery,
        entry: Some(entry),
        command: sent(),
        has_instance: true,
        now,
    });
    concluded(checked).finding
}

#[test]
fn a_first_check_that_was_overtaken_by_the_end_does_not_publish_it_again() {
    for entry in settled() {
        let first = finding_at(&entry, Delivery::First, NOW);
        assert_eq!(first, Finding::Nothing, "{entry}");
        let again = finding_at(&entry, Delivery::Repeated, NOW);
        assert_eq!(again, Finding::SettledBefore, "{entry}");
    }
}

#[test]
fn past_the_deadline_a_first_check_may_have_been_redriven_and_publishes_the_end_again() {
    for entry in settled() {
        let found = finding_at(&entry, Delivery::First, DEADLINE);
        assert_eq!(found, Finding::SettledBefore, "{entry}");
    }
}

#[test]
fn a_first_check_reports_and_gives_up_like_any_other() {
    let at = |command, now| {
        check(Check {
            message: &message(Some(1), 1),
            delivery: Delivery::First,
            entry: Some(&open(1, 1)),
            command,
            has_instance: true,
            now,
        })
    };
    let reported = at(InitCommand::Sent(ended()), NOW);
    assert_eq!(reported, Checked::CommandEnded(ended()));
    assert_expired(at(InitCommand::NotSent, DEADLINE), &open(1, 1), true);
}

#[test]
fn a_check_goes_on_with_a_replacement_that_died_half_way() {
    let failed = sent_for_this_claim_that_replaces(CommandStatus::Failed);
    let begun = Entry {
        instead_of: Some(instance(1)),
        ..entry(None, 2, Standing::Assigned)
    };
    for entry in [begun, open(2, 2), entry(Some(2), 2, Standing::Ready)] {
        let at =
            |command: &Command| check_at(Some(&entry), InitCommand::Sent(command.clone()), NOW);
        assert_eq!(at(&failed), Checked::CommandEnded(failed.clone()));
        for other in [
            ended(),
            sent_for_this_claim_that_keeps(),
            sent_for_this_claim_that_replaces(CommandStatus::Succeeded),
            sent_for_this_claim_that_replaces(CommandStatus::Running),
        ] {
            assert_nothing(&concluded(at(&other)), Finding::Nothing);
        }
    }
    // Only the ledger proves that it is the claim's.
    let without = check_at(None, InitCommand::Sent(failed), DEADLINE);
    assert_nothing(&concluded(without), Finding::Nothing);
}
