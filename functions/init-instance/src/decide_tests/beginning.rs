//! What a hand-over calls for.

use super::*;

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
fn a_told_instance_is_left_alone_unless_its_claim_was_closed_with_it() {
    for entry in [
        open(2, 2),
        entry(None, 2, Standing::Assigned),
        entry(Some(1), 1, Standing::Ready),
        entry(Some(2), 1, Standing::Ready),
        entry(Some(2), 1, Standing::Failed(Reason::Expired)),
        entry(None, 1, Standing::Failed(Reason::Expired)),
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
fn a_claim_that_was_closed_before_its_command_was_seen_is_closed_again_and_its_instance_removed() {
    for reason in [Reason::Expired, Reason::ScriptFailed] {
        let closed = entry(Some(1), 1, Standing::Failed(reason));
        let beginning = begin(&hand_over(1), &[told_this_claim()], Some(&closed), DEADLINE);
        let way = GoesOn::Closed(reason);
        let expected = Beginning::GivenUpBefore { way, retire: true };
        assert_eq!(beginning, expected);
    }
}

#[test]
fn a_claim_that_keeps_what_failed_is_closed_again_and_its_instance_left() {
    let mut hand_over = hand_over(1);
    hand_over.claim.on_init_failure = OnInitFailure::Keep;
    for (reason, retire) in [(Reason::ScriptFailed, false), (Reason::Expired, true)] {
        let closed = entry(Some(1), 1, Standing::Failed(reason));
        for history in [vec![told_this_claim()], vec![]] {
            let beginning = begin(&hand_over, &history, Some(&closed), NOW);
            let way = GoesOn::Closed(reason);
            assert_eq!(beginning, Beginning::GivenUpBefore { way, retire });
        }
    }
}

#[test]
fn an_instance_that_was_told_another_claim_is_given_up_and_not_touched() {
    for entry in [
        None,
        Some(open(1, 2)),
        Some(open(9, 2)),
        Some(open(9, 1)),
        Some(entry(None, 2, Standing::Assigned)),
    ] {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(2), &[told_another()], entry.as_ref(), at);
            assert_eq!(beginning, Beginning::GiveUp(LOST), "{entry:?}");
        }
    }
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

/// A hand-over that an earlier delivery gave up, with instance 1 ours alone and not.
#[track_caller]
fn assert_given_up_before(entry: &Entry, way: GoesOn) {
    for (history, retire) in [(vec![], true), (vec![told_another()], false)] {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(1), &history, Some(entry), at);
            let expected = Beginning::GivenUpBefore { way, retire };
            assert_eq!(beginning, expected, "{entry} {history:?}");
        }
    }
}

#[test]
fn a_hand_over_that_was_given_up_half_way_goes_on_from_there() {
    for attempt in [2, MAX_ATTEMPTS] {
        let given_up = entry(None, attempt, Standing::Assigned);
        assert_given_up_before(&given_up, GoesOn::Another(attempt));
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
        assert_given_up_before(&closed, GoesOn::Closed(reason));
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
            assert_eq!(beginning, Beginning::Abandon, "{entry}");
        }
    }
}

#[test]
fn a_claim_that_has_gone_on_leaves_another_s_instance_alone_and_is_not_brought_back() {
    for entry in gone_on() {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(1), &[told_another()], Some(&entry), at);
            assert_eq!(beginning, Beginning::Leave, "{entry}");
        }
    }
}

#[test]
fn an_instance_that_the_ledger_calls_ready_was_told_whatever_its_history_shows_yet() {
    let ready = entry(Some(1), 1, Standing::Ready);
    for history in [
        vec![],
        vec![told_another()],
        vec![command("patching")],
        vec![told_this_claim()],
    ] {
        for at in [NOW, DEADLINE] {
            let beginning = begin(&hand_over(1), &history, Some(&ready), at);
            assert_eq!(beginning, Beginning::ToldBefore, "{history:?}");
        }
    }
}

#[test]
fn a_settled_claim_is_not_brought_back_by_a_later_hand_over_either() {
    let ready = entry(Some(2), 1, Standing::Ready);
    let beginning = begin(&hand_over(2), &[], Some(&ready), NOW);
    assert_eq!(beginning, Beginning::Abandon);
}

#[test]
fn past_the_deadline_nothing_is_attached() {
    for entry in [None, Some(open(1, 1)), Some(open(9, 1))] {
        let beginning = begin(&hand_over(1), &[], entry.as_ref(), DEADLINE);
        assert_eq!(beginning, Beginning::GiveUp(TOO_LATE));
    }
}

#[test]
fn an_instance_is_attached_until_the_last_moment() {
    let last = DEADLINE - Duration::nanoseconds(1);
    assert_eq!(begin(&hand_over(1), &[], None, last), Beginning::Attach);
}
