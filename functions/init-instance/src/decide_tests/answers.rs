//! What AWS's answers call for, and how a claim goes on after its instance was given up.

use super::*;

// Answers to attaching.

fn refusal(code: &str, message: &str, effect: Effect) -> CallError {
    CallError {
        operation: "AttachInstances",
        code: code.to_owned(),
        message: message.to_owned(),
        effect,
    }
}

fn invalid(message: &str) -> CallError {
    refusal("ValidationError", message, Effect::Refused)
}

fn attach_answered(error: CallError) -> Attached {
    after_attach(&Err(error), &name("tenant"), &name("pool"))
}

#[test]
fn an_attached_instance_is_told() {
    let attached = after_attach(&Ok(()), &name("tenant"), &name("pool"));
    assert_eq!(attached, Attached::Tell);
}

#[test]
fn an_instance_that_is_in_its_target_already_is_told() {
    let attached = attach_answered(invalid(
        "The Instance: i-00000001 is already part of AutoScalingGroup:tenant",
    ));
    assert_eq!(attached, Attached::Tell);
}

#[test]
fn an_instance_that_has_not_quite_left_the_pool_is_waited_for() {
    let attached = attach_answered(invalid(
        "The Instance: i-00000001 is already part of AutoScalingGroup:pool",
    ));
    assert_eq!(attached, Attached::TryAgain);
}

#[test]
fn an_instance_in_somebody_else_s_group_is_given_up_and_not_touched() {
    for group in ["elsewhere", "tenant-2", "retired"] {
        let attached = attach_answered(invalid(&format!(
            "The Instance: i-00000001 is already part of AutoScalingGroup:{group}"
        )));
        assert_eq!(attached, Attached::GiveUp(LOST), "{group}");
    }
}

#[test]
fn an_instance_that_is_gone_is_given_up_for_another() {
    for message in [
        "Invalid Instance ID(s): [i-00000001] specified",
        "The Instance: i-00000001 is not in correct state",
    ] {
        let attached = attach_answered(invalid(message));
        assert_eq!(attached, Attached::GiveUp(LOST), "{message}");
    }
}

#[test]
fn a_target_that_refuses_ends_the_claim_and_not_the_next_instance_too() {
    for message in [
        "New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup.",
        "AutoScalingGroup name not found - AutoScalingGroup: tenant",
    ] {
        let expected = Attached::GiveUp(GivingUp {
            reason: Reason::TargetRefused,
            another: false,
            retire: true,
        });
        assert_eq!(attach_answered(invalid(message)), expected, "{message}");
    }
}

#[test]
fn attaching_is_tried_again_when_aws_was_busy() {
    for error in [
        refusal("Throttling", "Rate exceeded", Effect::Busy),
        refusal("ResourceContention", "", Effect::Busy),
        refusal(
            "ValidationError",
            "EC2 Request limit exceeded.",
            Effect::Busy,
        ),
    ] {
        assert_eq!(attach_answered(error), Attached::TryAgain);
    }
}

#[test]
fn attaching_is_tried_again_after_a_lost_answer() {
    let error = refusal("NoResponse", "connection reset", Effect::Unknown);
    assert_eq!(attach_answered(error), Attached::TryAgain);
}

#[test]
fn attaching_is_tried_again_while_a_permission_is_missing() {
    let error = refusal("AccessDenied", "not authorized", Effect::Refused);
    assert_eq!(attach_answered(error), Attached::TryAgain);
}

// Answers to telling.

#[test]
fn an_instance_that_was_told_is_done() {
    assert_eq!(after_telling(&Ok("c".to_owned())), AfterTelling::Done);
}

#[test]
fn a_lost_answer_is_looked_for_before_anything_is_told_again() {
    let error = refusal("TimedOut", "", Effect::Unknown);
    assert_eq!(after_telling(&Err(error)), AfterTelling::LookFirst);
    let error = refusal("InternalServerError", "", Effect::Unknown);
    assert_eq!(after_telling(&Err(error)), AfterTelling::LookFirst);
}

#[test]
fn an_instance_whose_agent_is_gone_is_replaced_and_retired() {
    let error = refusal("InvalidInstanceId", "", Effect::Refused);
    let expected = AfterTelling::GiveUp(GivingUp {
        reason: Reason::NotDelivered,
        another: true,
        retire: true,
    });
    assert_eq!(after_telling(&Err(error)), expected);
}

#[test]
fn telling_is_tried_again_when_aws_was_busy_or_a_permission_is_missing() {
    for error in [
        refusal("ThrottlingException", "Rate exceeded", Effect::Busy),
        refusal("AccessDeniedException", "", Effect::Refused),
    ] {
        assert_eq!(after_telling(&Err(error)), AfterTelling::TryAgain);
    }
}

// How a claim goes on.

#[test]
fn a_claim_goes_on_with_another_instance() {
    assert_eq!(goes_on(LOST, 1, false), GoesOn::Another(2));
    assert_eq!(
        goes_on(LOST, MAX_ATTEMPTS - 1, false),
        GoesOn::Another(MAX_ATTEMPTS)
    );
}

#[test]
fn a_claim_ends_after_its_last_attempt() {
    for attempt in [MAX_ATTEMPTS, Attempt::MAX] {
        let expected = GoesOn::Closed(Reason::AttemptsExhausted);
        assert_eq!(goes_on(LOST, attempt, false), expected);
    }
}

#[test]
fn a_claim_that_no_instance_can_serve_ends_for_that_reason() {
    let refused = GivingUp {
        reason: Reason::TargetRefused,
        another: false,
        retire: true,
    };
    for attempt in [1, MAX_ATTEMPTS] {
        let expected = GoesOn::Closed(Reason::TargetRefused);
        assert_eq!(goes_on(refused, attempt, false), expected);
    }
}

#[test]
fn an_expired_claim_ends_as_expired_and_asks_for_nothing() {
    for giving_up in [LOST, TOO_LATE] {
        let expected = GoesOn::Closed(Reason::Expired);
        assert_eq!(goes_on(giving_up, 1, true), expected);
    }
}
