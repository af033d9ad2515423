//! What a look at a claim finds.

use super::*;

fn look_at(entry: Option<&Entry>, told: Told, expired: bool) -> Look {
    look(entry, 1, &instance(1), told, expired)
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
    for expired in [false, true] {
        let found = look_at(Some(&open(1, 1)), Told::AnotherClaim, expired);
        assert_eq!(found, Look::GiveUp(LOST));
    }
}

#[test]
fn a_look_leaves_what_the_ledger_no_longer_says() {
    for entry in [
        None,
        Some(entry(Some(1), 1, Standing::Ready)),
        Some(entry(Some(1), 1, Standing::Failed(Reason::Expired))),
        Some(open(2, 1)),
        Some(open(1, 2)),
        Some(entry(None, 1, Standing::Assigned)),
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
