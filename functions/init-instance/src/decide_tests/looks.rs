//! What a look at a claim finds.

use super::*;

fn look_at(entry: Option<&Entry>, told: Told, expired: bool) -> Look {
    look(entry, 1, Some(&instance(1)), told, expired, false)
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
    // Until the deadline the message that asks for another instance may still come.
    let early = look_at(Some(&open(1, 1)), Told::AnotherClaim, false);
    assert_eq!(early, Look::Leave);
    let late = look_at(Some(&open(1, 1)), Told::AnotherClaim, true);
    assert_eq!(late, Look::GiveUp(too_late(false)));
}

#[test]
fn a_look_at_a_claim_without_an_instance_waits_for_its_deadline() {
    let entry = entry(None, 2, Standing::Assigned);
    let at = |expired| look(Some(&entry), 2, None, Told::Nothing, expired, true);
    assert_eq!(at(false), Look::Leave);
    assert_eq!(at(true), Look::GiveUp(too_late(false)));
}

#[test]
fn a_look_leaves_what_the_ledger_no_longer_says() {
    for entry in [
        None,
        Some(open(2, 1)),
        Some(open(1, 2)),
        Some(entry(None, 1, Standing::Assigned)),
        Some(entry(Some(2), 1, Standing::Ready)),
        Some(entry(Some(1), 2, Standing::Failed(Reason::Expired))),
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

#[test]
fn a_look_at_a_claim_that_is_ready_tells_it_again_and_touches_nothing() {
    let ready = entry(Some(1), 1, Standing::Ready);
    for told in [Told::Nothing, Told::ThisClaim(told_this_claim())] {
        let expected = Look::Settled {
            standing: Standing::Ready,
            retire: false,
        };
        assert_eq!(look_at(Some(&ready), told, true), expected);
    }
}

#[test]
fn a_look_at_a_claim_that_failed_tells_it_again_and_goes_on_removing_what_is_its_own() {
    let standing = Standing::Failed(Reason::Expired);
    let failed = entry(Some(1), 1, standing);
    for (told, retire) in [
        (Told::Nothing, true),
        (Told::ThisClaim(told_this_claim()), true),
        (Told::AnotherClaim, false),
    ] {
        let expected = Look::Settled { standing, retire };
        assert_eq!(look_at(Some(&failed), told, true), expected);
    }
    let without = entry(None, 1, standing);
    let expected = Look::Settled {
        standing,
        retire: false,
    };
    let found = look(Some(&without), 1, None, Told::Nothing, true, false);
    assert_eq!(found, expected);
}

#[test]
fn a_look_at_a_claim_that_keeps_what_failed_tells_it_again_and_touches_nothing() {
    for (reason, retire) in [
        (Reason::ScriptFailed, false),
        (Reason::ScriptTimedOut, false),
        (Reason::NotDelivered, false),
        (Reason::Cancelled, false),
        // Its command was not known when it was closed.
        (Reason::Expired, true),
    ] {
        let standing = Standing::Failed(reason);
        let told = Told::ThisClaim(told_this_claim_that_keeps());
        let found = look_at(Some(&entry(Some(1), 1, standing)), told, true);
        assert_eq!(found, Look::Settled { standing, retire });
    }
}

/// Entries that end the claim with instance 1.
fn settled() -> [Entry; 2] {
    [
        entry(Some(1), 1, Standing::Ready),
        entry(Some(1), 1, Standing::Failed(Reason::ScriptFailed)),
    ]
}

fn look_again_at(entry: &Entry, expired: bool, first: bool) -> Look {
    let told = Told::ThisClaim(told_this_claim());
    look(Some(entry), 1, Some(&instance(1)), told, expired, first)
}

#[test]
fn a_first_look_that_was_overtaken_by_the_end_does_not_tell_it_again() {
    for entry in settled() {
        assert_eq!(look_again_at(&entry, false, true), Look::Leave, "{entry}");
        let again = look_again_at(&entry, false, false);
        assert!(matches!(again, Look::Settled { .. }), "{entry}");
    }
}

#[test]
fn past_the_deadline_a_first_look_may_have_been_redriven_and_tells_the_end_again() {
    for entry in settled() {
        let found = look_again_at(&entry, true, true);
        assert!(matches!(found, Look::Settled { .. }), "{entry}");
    }
}

#[test]
fn a_first_look_reports_and_gives_up_like_any_other() {
    let told = Told::ThisClaim(told_this_claim());
    let at = |told, expired| {
        look(
            Some(&open(1, 1)),
            1,
            Some(&instance(1)),
            told,
            expired,
            true,
        )
    };
    assert_eq!(at(told, false), Look::Report(told_this_claim()));
    assert_eq!(at(Told::Nothing, true), Look::GiveUp(TOO_LATE));
}
