use super::*;
use crate::testing::{self, ZERO, hand_over, names};
use ready_pool_core::reason::Reason;
use region::api::Service;
use serde_json::{Value, json};

fn story() -> Story {
    Story::new(names(), BTreeSet::from(["s-claim".to_owned()]))
}

fn after(seconds: u64, what: Happening) -> Entry {
    Entry {
        at: ZERO + Duration::from_secs(seconds),
        what,
    }
}

fn text_of(what: Happening) -> Option<(&'static str, String, Tone)> {
    let line = story().tell(&after(0, what))?;
    Some((line.label, line.text, line.tone))
}

fn logged(line: &str) -> Option<(&'static str, String, Tone)> {
    text_of(Happening::Logged {
        function: "s-claim".to_owned(),
        line: line.to_owned(),
    })
}

fn sent(queue: &str, body: &Value) -> (&'static str, String, Tone) {
    text_of(testing::message(queue, body)).unwrap()
}

#[test]
fn a_step_says_how_long_it_took() {
    let mut story = story();
    let (group, instance) = ("s-pool".to_owned(), "i-1".to_owned());
    let detaching = Happening::Detaching {
        group: group.clone(),
        instance: instance.clone(),
    };
    let detached = Happening::Detached { group, instance };
    let first = story.tell(&after(1, detaching)).unwrap();
    assert_eq!((first.took, first.text.as_str()), (None, "i-1 from s-pool"));
    let second = story.tell(&after(4, detached.clone())).unwrap();
    assert_eq!(second.took, Some(Duration::from_secs(3)));
    assert_eq!(story.tell(&after(5, detached)).unwrap().took, None);
}

#[test]
fn a_script_shows_what_it_printed() {
    let finished = Happening::CommandFinished {
        instance: "i-1".to_owned(),
        command_id: "c".to_owned(),
        status: "Failed".to_owned(),
        exit_code: 7,
        stdout: "one\ntwo\x1b[2J\n".to_owned(),
        stderr: "oh\n".to_owned(),
    };
    let line = story().tell(&after(0, finished)).unwrap();
    assert_eq!(line.below, ["one", "two [2J", "(error) oh"]);
    assert_eq!(line.tone, Tone::Bad);
}

#[test]
fn a_schedule_is_named_without_its_service() {
    let called = Happening::Called {
        caller: "scheduler.amazonaws.com/s-PoolSuspension".to_owned(),
        service: Service::AutoScaling,
        operation: "SuspendProcesses".to_owned(),
        input: json!({ "AutoScalingGroupName": "s-pool" }),
        error: None,
    };
    let (_, text, _) = text_of(called).unwrap();
    assert_eq!(
        text,
        "SuspendProcesses of s-pool, by schedule PoolSuspension"
    );
}

#[test]
fn long_output_is_cut() {
    let lines = output(&"x\n".repeat(50), "");
    assert_eq!(lines.len(), words::MOST_OUTPUT + 1);
    assert_eq!(lines.last().unwrap(), "… and 30 more lines");
}

#[test]
fn messages_are_described_by_what_they_are_about() {
    let claim = json!({ "claim_id": "c-1", "target_group": "t" });
    let (label, text, _) = sent("s-provision.fifo", &claim);
    assert_eq!(
        (label, text.as_str()),
        ("message", "to provision: c-1 for t")
    );
    let later = json!({ "claim_id": "c-1", "target_group": "t", "attach_when": "after_init" });
    assert_eq!(
        sent("s-provision.fifo", &later).1,
        "to provision: c-1 for t, attach_when: after_init"
    );
    let handed_over = hand_over("c-1", "t", "i-00000001");
    assert_eq!(
        sent("s-init.fifo", &handed_over).1,
        "to init: hand-over, c-1 for t"
    );
    let event = json!({ "detail-type": "Something changed" });
    assert_eq!(sent("s-init.fifo", &event).1, "to init: Something changed");
    assert_eq!(sent("other", &json!("?")).1, "to other: \"?\"");
}

#[test]
fn an_outcome_is_good_or_bad() {
    let sent = |reason| sent("s-outcome", &testing::outcome("c-1", "t", reason));
    assert_eq!(
        sent(Reason::Initialised),
        (
            "outcome",
            "c-1 is ready (initialised): m".to_owned(),
            Tone::Good
        )
    );
    assert_eq!(sent(Reason::TargetFull).2, Tone::Bad);
}

#[test]
fn functions_complain_in_short() {
    let warning = r#"{"timestamp":"…","level":"WARN","fields":{"message":"rejected","reason":"full","n":2},"target":"x"}"#;
    assert_eq!(
        logged(warning),
        Some((
            "warning",
            "claim: rejected (n=2, reason=full)".to_owned(),
            Tone::Bad
        ))
    );
    let in_span = r#"{"level":"WARN","fields":{"message":"m"},"spans":[{"name":"Lambda runtime invoke","requestId":"r"},{"name":"hand-over","claim_id":"c"}]}"#;
    assert_eq!(logged(in_span).unwrap().1, "claim: m (claim_id=c)");
    assert_eq!(logged(r#"{"level":"INFO","fields":{"message":"x"}}"#), None);
    assert_eq!(logged(r#"{"Ready":1,"_aws":{"Timestamp":1}}"#), None);
    assert_eq!(logged("thread panicked").unwrap().0, "log");
    assert_eq!(logged(" "), None);
}

#[test]
fn an_entry_says_what_its_time_is() {
    let said = |operation: &str, value: &str| {
        let happening = Happening::Called {
            caller: "s-claim".to_owned(),
            service: Service::AutoScaling,
            operation: operation.to_owned(),
            input: json!({ "Tags": [{ "ResourceId": "t", "Key": "ready-pool:claim/c-1", "Value": value }] }),
            error: None,
        };
        text_of(happening).unwrap().1
    };
    let write = |value: &str| said("CreateOrUpdateTags", value);
    assert_eq!(
        write("v1 i-00000001 1 assigned 2026-11-22T21:00:00+01:00"),
        "t: c-1 assigned i-00000001, deadline 20:00:00 UTC"
    );
    assert_eq!(
        write("v1 - 2 assigned 2026-11-22T21:00:00Z"),
        "t: c-1 assigned no instance, attempt 2, deadline 21:00:00 UTC"
    );
    assert_eq!(
        write("v1 i-00000001 1 failed 2026-11-22T21:00:00Z script_failed"),
        "t: c-1 failed (script_failed) i-00000001, deadline 21:00:00 UTC"
    );
    assert_eq!(write("mine"), "t: ready-pool:claim/c-1 = mine");
    assert_eq!(said("DeleteTags", ""), "t: entry of c-1 removed");
}

#[test]
fn calls_are_printed_when_they_change_a_group_or_are_refused() {
    let call = |operation: &str, error: Option<&str>| {
        text_of(Happening::Called {
            caller: "s-claim".to_owned(),
            service: Service::AutoScaling,
            operation: operation.to_owned(),
            input: json!({ "AutoScalingGroupName": "t",
                "Tags": [{ "ResourceId": "t", "Key": "k", "Value": "v" }] }),
            error: error.map(str::to_owned),
        })
        .map(|(_, text, _)| text)
    };
    assert_eq!(call("DescribeAutoScalingGroups", None), None);
    assert_eq!(
        call("CreateAutoScalingGroup", None).unwrap(),
        "CreateAutoScalingGroup of t, by claim"
    );
    assert_eq!(call("CreateOrUpdateTags", None).unwrap(), "t: k = v");
    assert_eq!(call("DeleteTags", None).unwrap(), "t: k removed");
    assert_eq!(
        call("DetachInstances", Some("Throttling")).unwrap(),
        "DetachInstances by claim: Throttling"
    );
}

#[test]
fn whoever_calls_is_named_and_an_error_has_its_client_s_code() {
    let said = |caller: &str, service: Service, operation: &str, error: Option<&str>| {
        let called = Happening::Called {
            caller: caller.to_owned(),
            service,
            operation: operation.to_owned(),
            input: json!({ "AutoScalingGroupName": "t" }),
            error: error.map(str::to_owned),
        };
        text_of(called).unwrap().1
    };
    let resized = |caller: &str| said(caller, Service::AutoScaling, "SetDesiredCapacity", None);
    assert_eq!(resized("me"), "SetDesiredCapacity of t, by access key me");
    assert_eq!(resized("you"), "SetDesiredCapacity of t, by you");
    assert_eq!(
        resized("cargo serve"),
        "SetDesiredCapacity of t, by cargo serve"
    );
    assert_eq!(resized("s-claim"), "SetDesiredCapacity of t, by claim");
    assert_eq!(
        said("me", Service::Sqs, "SendMessage", Some("QueueDoesNotExist")),
        "SendMessage by access key me: AWS.SimpleQueueService.NonExistentQueue"
    );
}

#[test]
fn only_functions_that_read_queues_are_said_to_run() {
    let invoked = |function: &str| {
        text_of(Happening::Invoked {
            function: function.to_owned(),
            request_id: "1".to_owned(),
        })
    };
    assert_eq!(invoked("s-claim").unwrap().1, "claim runs");
    assert_eq!(invoked("s-replenish"), None);
}

#[test]
fn an_attach_that_is_tried_until_the_detach_is_over_is_no_refusal() {
    let mut story = story();
    let (group, instance) = ("s-pool".to_owned(), "i-1".to_owned());
    let call = |error: &str| Happening::Called {
        caller: "s-init".to_owned(),
        service: Service::AutoScaling,
        operation: "AttachInstances".to_owned(),
        input: json!({ "AutoScalingGroupName": "t", "InstanceIds": ["i-1"] }),
        error: Some(error.to_owned()),
    };
    let mut label = |what: Happening| story.tell(&after(0, what)).map(|line| line.label);
    assert_eq!(label(call("ValidationError")), Some("refused"));
    let detaching = Happening::Detaching {
        group: group.clone(),
        instance: instance.clone(),
    };
    assert_eq!(label(detaching), Some("detaching"));
    assert_eq!(label(call("ValidationError")), None);
    assert_eq!(label(call("Throttling")), Some("refused"));
    assert_eq!(
        label(Happening::Detached { group, instance }),
        Some("detached")
    );
    assert_eq!(label(call("ValidationError")), Some("refused"));
}
