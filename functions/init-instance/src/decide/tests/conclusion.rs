//! Giving an instance up: how its claim goes on, and what is done in which order.

use super::*;

const CAUSES: [Cause; 5] = [
    Cause::Lost,
    Cause::SentForAnother,
    Cause::NotDelivered,
    Cause::TargetRefused,
    Cause::Expired,
];
/// What is the instance's own fault, or its own bad luck.
const ANOTHER_MAY_DO_BETTER: [Cause; 3] = [Cause::Lost, Cause::SentForAnother, Cause::NotDelivered];
/// What leaves the instance to nobody but the claim.
const OURS_ALONE: [Cause; 3] = [Cause::NotDelivered, Cause::TargetRefused, Cause::Expired];

#[test]
fn a_claim_goes_on_with_another_instance_and_then_the_last_one_is_retired() {
    for cause in ANOTHER_MAY_DO_BETTER {
        for attempt in 1..MAX_ATTEMPTS {
            let conclusion = give_up(&hand_over(attempt), cause, NOW);
            let retire = retire_if(OURS_ALONE.contains(&cause));
            assert_concludes(
                &conclusion,
                Finding::GivenUp(cause),
                Some(&entry(None, attempt + 1, Standing::Assigned)),
                &those([Some(retry(attempt + 1)), retire]),
            );
        }
    }
}

/// Checks that the claim ends with this instance.
#[track_caller]
fn assert_fails(attempt: Attempt, cause: Cause, now: Timestamp, reason: Reason) {
    let conclusion = give_up(&hand_over(attempt), cause, now);
    let retire = retire_if(OURS_ALONE.contains(&cause));
    assert_concludes(
        &conclusion,
        Finding::GivenUp(cause),
        Some(&entry(Some(1), attempt, Standing::Failed(reason))),
        &those([Some(publish_failed(reason)), retire]),
    );
}

#[test]
fn a_claim_ends_after_its_last_attempt() {
    for cause in ANOTHER_MAY_DO_BETTER {
        for attempt in [MAX_ATTEMPTS, Attempt::MAX] {
            assert_fails(attempt, cause, NOW, Reason::AttemptsExhausted);
        }
    }
}

#[test]
fn a_claim_that_no_instance_can_serve_ends_for_that_reason() {
    for attempt in [1, MAX_ATTEMPTS] {
        assert_fails(attempt, Cause::TargetRefused, NOW, Reason::TargetRefused);
    }
}

#[test]
fn an_expired_claim_ends_as_expired_and_asks_for_nothing() {
    for cause in CAUSES {
        assert_fails(1, cause, DEADLINE, Reason::Expired);
    }
}

#[test]
fn a_retry_carries_the_claim_whole_and_the_time_of_its_send_alone() {
    let mut hand_over = hand_over(1);
    hand_over.times = Times {
        sent: Some(NOW),
        entered: Some(NOW),
        detached: Some(NOW),
        ..Times::default()
    };
    let conclusion = give_up(&hand_over, Cause::Lost, NOW);
    let [Step::Retry(retry)] = conclusion.steps.as_slice() else {
        panic!("{:?}", steps(&conclusion));
    };
    assert_eq!(retry.claim, hand_over.claim);
    let sent = Times {
        sent: Some(NOW),
        ..Times::default()
    };
    assert_eq!(retry.times, sent);
}

#[test]
fn it_is_too_late_from_the_deadline_on() {
    let last = DEADLINE - Duration::nanoseconds(1);
    assert_eq!(too_late(&hand_over(1), last), None);
    let expired = give_up(&hand_over(1), Cause::Expired, DEADLINE);
    assert_eq!(too_late(&hand_over(1), DEADLINE), Some(expired));
}

#[test]
fn no_step_s_words_show_the_sender_s_script() {
    let mut hand_over = hand_over(1);
    hand_over.claim.init.commands = vec!["hunter2".to_owned()];
    let conclusion = give_up(&hand_over, Cause::Lost, NOW);
    assert_eq!(steps(&conclusion), [retry(2)]);
}
