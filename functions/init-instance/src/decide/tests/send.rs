//! What answers to `SendCommand` call for.

use super::*;

fn refused(code: &str, message: &str, effect: Effect) -> AfterSend {
    let error = CallError {
        operation: "SendCommand",
        code: code.to_owned(),
        message: message.to_owned(),
        effect,
    };
    after_send(&Err(error), &hand_over(1), NOW)
}

fn given_up(cause: Cause) -> AfterSend {
    AfterSend::Conclude(give_up(&hand_over(1), cause, NOW))
}

#[test]
fn an_instance_that_was_sent_its_command_is_done() {
    let sent = after_send(&Ok(CommandId::from("c")), &hand_over(1), NOW);
    assert_eq!(sent, AfterSend::Sent);
}

#[test]
fn a_lost_answer_is_looked_for_before_anything_is_sent_again() {
    for code in ["TimedOut", "InternalServerError"] {
        assert_eq!(refused(code, "", Effect::Unknown), AfterSend::LookFirst);
    }
}

#[test]
fn what_is_final_for_the_machine_gives_it_up_for_another() {
    for code in ["InvalidInstanceId", "UnsupportedPlatformType"] {
        let next = refused(code, "", Effect::Refused);
        assert_eq!(next, given_up(Cause::NotDelivered), "{code}");
    }
    let conclusion = give_up(&hand_over(1), Cause::NotDelivered, NOW);
    assert_eq!(steps(&conclusion), [retry(2), RETIRE.to_owned()]);
}

#[test]
fn what_is_final_for_the_claim_ends_it() {
    for code in [
        "InvalidParameters",
        "MaxDocumentSizeExceeded",
        "ValidationException",
    ] {
        let next = refused(code, "", Effect::Refused);
        assert_eq!(next, given_up(Cause::CommandRefused), "{code}");
    }
    let conclusion = give_up(&hand_over(1), Cause::CommandRefused, NOW);
    let failed = publish_failed(Reason::CommandRefused);
    assert_eq!(steps(&conclusion), [failed, RETIRE.to_owned()]);
}

#[test]
fn what_is_wrong_for_every_machine_is_waited_for_and_costs_none() {
    for code in [
        "AccessDeniedException",
        "InvalidDocument",
        "InvalidDocumentVersion",
        "InvalidRole",
        "InvalidOutputFolder",
        "ExpiredTokenException",
        "SomethingNew",
    ] {
        let next = refused(code, "", Effect::Refused);
        assert_eq!(next, AfterSend::TryAgainLater, "{code}");
    }
}

#[test]
fn sending_is_tried_again_when_aws_was_busy() {
    let next = refused("ThrottlingException", "", Effect::Busy);
    assert_eq!(next, AfterSend::TryAgain);
}

#[test]
fn a_denial_on_the_instance_is_its_own_where_it_has_lost_its_tag() {
    let denied = |resource: &str| {
        let message = format!("not authorized to perform: ssm:SendCommand on resource: {resource}");
        refused("AccessDeniedException", &message, Effect::Refused)
    };
    let of = |number| {
        format!(
            "arn:aws:ec2:eu-west-1:123456789012:instance/{}",
            instance(number)
        )
    };
    assert_eq!(denied(&of(1)), AfterSend::AskWhy);
    assert_eq!(denied(&of(2)), AfterSend::TryAgainLater);
    let document = "arn:aws:ssm:eu-west-1:123456789012:document/ready-pool-init";
    assert_eq!(denied(document), AfterSend::TryAgainLater);
    let after = |has_tag| after_denial(has_tag, &hand_over(1), NOW);
    assert_eq!(after(true), AfterSend::TryAgainLater);
    assert_eq!(after(false), given_up(Cause::NotDelivered));
}
