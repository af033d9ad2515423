//! What a hand-over calls for.

use super::*;

/// The first attempt, before the deadline.
fn begin_with(history: &[Command], entry: Option<&Entry>) -> Beginning {
    begin(&hand_over(1), history, entry, NOW)
}

#[track_caller]
fn concluded(beginning: Beginning) -> Conclusion {
    match beginning {
        Beginning::Conclude(conclusion) => conclusion,
        Beginning::Attach => panic!("attaches"),
    }
}

#[test]
fn an_instance_that_was_sent_nothing_is_attached_with_its_entry() {
    assert_eq!(begin_with(&[], Some(&open(1, 1))), Beginning::Attach);
}

#[test]
fn an_instance_that_was_sent_its_command_is_not_sent_it_again() {
    for at in [NOW, DEADLINE] {
        let history = [sent_for_this_claim()];
        let beginning = begin(&hand_over(1), &history, Some(&open(1, 1)), at);
        assert_nothing(&concluded(beginning), Finding::SentBefore);
    }
}

#[test]
fn an_instance_that_was_sent_its_command_is_left_alone_unless_its_claim_was_closed_with_it() {
    for entry in [
        open(2, 2),
        entry(None, 2, Standing::Assigned),
        entry(Some(1), 1, Standing::Ready),
        entry(Some(2), 1, Standing::Ready),
        entry(Some(2), 1, Standing::Failed(Reason::Expired)),
        entry(None, 1, Standing::Failed(Reason::Expired)),
    ] {
        let history = [sent_for_another(), sent_for_this_claim()];
        let beginning = begin_with(&history, Some(&entry));
        assert_nothing(&concluded(beginning), Finding::SentBefore);
    }
    let beginning = begin_with(&[sent_for_this_claim()], None);
    assert_nothing(&concluded(beginning), Finding::SentBefore);
}

#[test]
fn a_claim_that_was_closed_before_its_command_was_seen_is_closed_again_and_its_instance_retired() {
    for reason in [Reason::Expired, Reason::ScriptFailed] {
        let closed = entry(Some(1), 1, Standing::Failed(reason));
        let history = [sent_for_this_claim()];
        let beginning = begin(&hand_over(1), &history, Some(&closed), DEADLINE);
        let steps = [publish_failed(reason), RETIRE.to_owned()];
        assert_concludes(&concluded(beginning), Finding::GivenUpBefore, None, &steps);
    }
}

#[test]
fn a_claim_that_keeps_what_failed_is_closed_again_and_its_instance_left() {
    let mut hand_over = hand_over(1);
    hand_over.claim.on_init_failure = OnInitFailure::Keep;
    for (reason, retire) in [(Reason::ScriptFailed, false), (Reason::Expired, true)] {
        let closed = entry(Some(1), 1, Standing::Failed(reason));
        for history in [vec![sent_for_this_claim()], vec![]] {
            let beginning = begin(&hand_over, &history, Some(&closed), NOW);
            let steps = those([Some(publish_failed(reason)), retire_if(retire)]);
            assert_concludes(&concluded(beginning), Finding::GivenUpBefore, None, &steps);
        }
    }
}

#[test]
fn an_instance_that_was_sent_another_claim_s_command_is_given_up_and_not_touched() {
    for entry in [
        None,
        Some(open(1, 2)),
        Some(open(9, 2)),
        Some(open(9, 1)),
        Some(entry(None, 2, Standing::Assigned)),
    ] {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(2), &[sent_for_another()], entry.as_ref(), at);
            let expected = give_up(&hand_over(2), Cause::SentForAnother, at);
            assert_eq!(beginning, Beginning::Conclude(expected), "{entry:?}");
        }
    }
}

#[test]
fn other_people_s_commands_say_nothing() {
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

/// A hand-over that an earlier delivery gave up, with instance 1 ours alone and not.
#[track_caller]
fn assert_given_up_before(entry: &Entry, way_on: &str) {
    for (history, retire) in [(vec![], true), (vec![sent_for_another()], false)] {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(1), &history, Some(entry), at);
            let steps = those([Some(way_on.to_owned()), retire_if(retire)]);
            assert_concludes(&concluded(beginning), Finding::GivenUpBefore, None, &steps);
        }
    }
}

#[test]
fn a_hand_over_that_was_given_up_half_way_goes_on_from_there() {
    for attempt in [2, MAX_ATTEMPTS] {
        let given_up = entry(None, attempt, Standing::Assigned);
        assert_given_up_before(&given_up, &retry(attempt));
    }
}

#[test]
fn a_hand_over_that_was_closed_half_way_is_closed_for_the_same_reason() {
    for reason in [
        Reason::TargetRefused,
        Reason::Expired,
        Reason::AttemptsExhausted,
    ] {
        let closed = entry(Some(1), 1, Standing::Failed(reason));
        assert_given_up_before(&closed, &publish_failed(reason));
    }
}

/// Entries of a claim that has gone on without instance 1.
fn gone_on() -> [Entry; 6] {
    [
        open(2, 2),
        open(3, 3),
        entry(Some(2), 1, Standing::Ready),
        entry(Some(2), 2, Standing::Ready),
        entry(Some(2), 1, Standing::Failed(Reason::ScriptFailed)),
        entry(None, 2, Standing::Failed(Reason::Expired)),
    ]
}

#[test]
fn a_claim_that_has_gone_on_leaves_behind_what_is_ours_alone() {
    for entry in gone_on() {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(1), &[], Some(&entry), at);
            assert_concludes(&concluded(beginning), Finding::MovedOn, None, &[RETIRE]);
        }
    }
}

#[test]
fn a_claim_that_has_gone_on_leaves_another_s_instance_alone_and_is_not_brought_back() {
    for entry in gone_on() {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(1), &[sent_for_another()], Some(&entry), at);
            assert_nothing(&concluded(beginning), Finding::MovedOn);
        }
    }
}

#[test]
fn an_instance_that_was_assigned_again_is_left_to_its_newer_hand_over() {
    for history in [vec![], vec![sent_for_another()]] {
        let beginning = begin_with(&history, Some(&open(1, 2)));
        assert_nothing(&concluded(beginning), Finding::MovedOn);
    }
}

#[test]
fn an_instance_that_the_ledger_calls_ready_was_sent_its_command_whatever_its_history_shows_yet() {
    let ready = entry(Some(1), 1, Standing::Ready);
    for history in [
        vec![],
        vec![sent_for_another()],
        vec![command("patching")],
        vec![sent_for_this_claim()],
    ] {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(1), &history, Some(&ready), at);
            assert_nothing(&concluded(beginning), Finding::SentBefore);
        }
    }
}

#[test]
fn a_settled_claim_is_not_brought_back_by_a_later_hand_over_either() {
    let ready = entry(Some(2), 1, Standing::Ready);
    let beginning = begin(&hand_over(2), &[], Some(&ready), NOW);
    assert_concludes(&concluded(beginning), Finding::MovedOn, None, &[RETIRE]);
}

#[test]
fn past_the_deadline_nothing_is_attached() {
    for entry in [None, Some(open(1, 1)), Some(open(9, 1))] {
        let beginning = begin(&hand_over(1), &[], entry.as_ref(), DEADLINE);
        let expired = give_up(&hand_over(1), Cause::Expired, DEADLINE);
        assert_eq!(beginning, Beginning::Conclude(expired));
    }
}

#[test]
fn an_instance_is_attached_until_the_last_moment() {
    let last = DEADLINE - Duration::nanoseconds(1);
    assert_eq!(begin(&hand_over(1), &[], None, last), Beginning::Attach);
}
