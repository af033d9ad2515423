//! What answers to `SendCommand` call for.

use super::*;

fn refused(code: &str, effect: Effect) -> AfterSend {
    let error = CallError {
        operation: "SendCommand",
        code: code.to_owned(),
        message: String::new(),
        effect,
    };
    after_send(&Err(error), &hand_over(1), NOW)
}

#[test]
fn an_instance_that_was_sent_its_command_is_done() {
    let sent = after_send(&Ok(CommandId::from("c")), &hand_over(1), NOW);
    assert_eq!(sent, AfterSend::Sent);
}

#[test]
fn a_lost_answer_is_looked_for_before_anything_is_sent_again() {
    for code in ["TimedOut", "InternalServerError"] {
        assert_eq!(refused(code, Effect::Unknown), AfterSend::LookFirst);
    }
}

#[test]
fn an_instance_whose_agent_is_gone_is_given_up() {
    let given_up = give_up(&hand_over(1), Cause::NotDelivered, NOW);
    assert_eq!(
        refused("InvalidInstanceId", Effect::Refused),
        AfterSend::Conclude(given_up)
    );
}

#[test]
fn sending_is_tried_again_when_aws_was_busy_or_a_permission_is_missing() {
    for (code, effect) in [
        ("ThrottlingException", Effect::Busy),
        ("AccessDeniedException", Effect::Refused),
    ] {
        assert_eq!(refused(code, effect), AfterSend::TryAgain);
    }
}
