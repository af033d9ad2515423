//! Protection from scale-in: when it is asked for, and what the answers call for.

use super::*;

fn refused(code: &str, message: &str, effect: Effect) -> Result<(), CallError> {
    Err(CallError {
        operation: "SetInstanceProtection",
        code: code.to_owned(),
        message: message.to_owned(),
        effect,
    })
}

fn ended(status: CommandStatus) -> Command {
    let mut command = sent_for_this_claim();
    command.status = status;
    command.record.header.protect = true;
    command
}

fn report_on(command: &Command, target: &Group) -> Vec<String> {
    let report = report(CommandEnd {
        occasion: Occasion::Event,
        nothing_ran: false,
        command,
        instance: &instance(1),
        target: Some(target),
        entry: Some(&open(1, 1)),
        look: 1,
        attach: KnownAttach::Unasked,
        now: NOW,
    });
    match report {
        Report::Conclude(conclusion) => steps(&conclusion),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_instance_that_is_not_in_service_yet_is_tried_again() {
    let answer = refused(
        "ValidationError",
        "The instance i-00000001 is not in InService or EnteringStandby or Standby.",
        Effect::Refused,
    );
    assert_eq!(after_protect(&answer), AfterProtect::TryAgain);
    for effect in [Effect::Busy, Effect::Unknown] {
        let answer = refused("Throttling", "Rate exceeded", effect);
        assert_eq!(after_protect(&answer), AfterProtect::TryAgain);
    }
}

#[test]
fn what_is_refused_for_good_is_not_tried_again() {
    for (code, message) in [
        (
            "ValidationError",
            "The instance i-00000001 is not part of Auto Scaling group tenant.",
        ),
        ("AccessDenied", "no identity-based policy allows it"),
    ] {
        let answer = refused(code, message, Effect::Refused);
        assert_eq!(after_protect(&answer), AfterProtect::Refused);
    }
    assert_eq!(after_protect(&Ok(())), AfterProtect::Protected);
}

#[test]
fn an_instance_that_is_not_protected_yet_is_before_anybody_hears_that_it_is_ready() {
    let mut target = target(Some(Lifecycle::InService));
    let succeeded = ended(CommandStatus::Succeeded);
    assert_eq!(report_on(&succeeded, &target), [PROTECT, PUBLISH_READY]);
    target.members[0].protected = true;
    assert_eq!(report_on(&succeeded, &target), [PUBLISH_READY]);
}

#[test]
fn an_instance_that_is_retired_is_not_protected_first() {
    let target = target(Some(Lifecycle::InService));
    let steps = report_on(&ended(CommandStatus::Failed), &target);
    assert_eq!(steps, [&publish_failed(Reason::ScriptFailed), RETIRE]);
}
