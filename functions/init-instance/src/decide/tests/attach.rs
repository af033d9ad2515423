//! What answers to `AttachInstances` call for.

use super::*;

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

fn answered(result: &Result<(), CallError>) -> Attached {
    after_attach(result, &hand_over(1), &name("pool"), NOW)
}

fn given_up(cause: Cause) -> Attached {
    Attached::Conclude(give_up(&hand_over(1), cause, NOW))
}

#[test]
fn an_attached_instance_is_sent_its_command() {
    assert_eq!(answered(&Ok(())), Attached::Send);
}

#[test]
fn an_instance_that_is_in_its_target_already_is_sent_its_command() {
    let attached = answered(&Err(invalid(
        "The Instance: i-00000001 is already part of AutoScalingGroup:tenant",
    )));
    assert_eq!(attached, Attached::Send);
}

#[test]
fn an_instance_that_has_not_quite_left_the_pool_is_waited_for() {
    let attached = answered(&Err(invalid(
        "The Instance: i-00000001 is already part of AutoScalingGroup:pool",
    )));
    assert_eq!(attached, Attached::TryAgain);
}

#[test]
fn an_instance_in_somebody_else_s_group_is_given_up_and_not_touched() {
    for group in ["elsewhere", "tenant-2", "retired"] {
        let attached = answered(&Err(invalid(&format!(
            "The Instance: i-00000001 is already part of AutoScalingGroup:{group}"
        ))));
        assert_eq!(attached, given_up(Cause::Lost), "{group}");
    }
}

#[test]
fn an_instance_that_is_gone_is_given_up_for_another() {
    for message in [
        "Invalid Instance ID(s): [i-00000001] specified",
        "The Instance: i-00000001 is not in correct state",
    ] {
        let attached = answered(&Err(invalid(message)));
        assert_eq!(attached, given_up(Cause::Lost), "{message}");
    }
}

#[test]
fn a_target_that_refuses_ends_the_claim_and_not_the_next_instance_too() {
    for message in [
        "New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup.",
        "AutoScalingGroup name not found - AutoScalingGroup: tenant",
    ] {
        let attached = answered(&Err(invalid(message)));
        assert_eq!(attached, given_up(Cause::TargetRefused), "{message}");
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
        assert_eq!(answered(&Err(error)), Attached::TryAgain);
    }
}

#[test]
fn attaching_is_tried_again_after_a_lost_answer() {
    let error = refusal("NoResponse", "connection reset", Effect::Unknown);
    assert_eq!(answered(&Err(error)), Attached::TryAgain);
}

#[test]
fn attaching_is_tried_again_while_a_permission_is_missing() {
    let error = refusal("AccessDenied", "not authorized", Effect::Refused);
    assert_eq!(answered(&Err(error)), Attached::TryAgain);
}
