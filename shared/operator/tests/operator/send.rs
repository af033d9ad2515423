//! `send`, and how its wait ends.

use crate::operator::{harness, run, run_for, words};
use end_to_end::{Harness, Target, claim};
use ready_pool_operator::Exit;
use region::api::Service;
use region::commands::Pretence;
use serde_json::json;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_claim_is_followed_until_it_is_ready() {
    let harness = harness(Harness::builder()).await;
    let line = [
        "send",
        "--target",
        "tenant",
        "--command",
        "echo hello",
        "--id",
        "c-1",
        "--wait",
    ];
    let sent = run(&harness, &line).await;
    sent.is(
        Exit::Done,
        &[
            "Sent to pool ready-pool-pool",
            "c-1: waits for an instance",
            "c-1: gets i-",
            "which moves to tenant",
            "is in tenant; the script is about to run or running",
            "c-1: ready: i-",
        ],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn several_claims_are_sent_at_once_and_each_has_an_end() {
    let harness = harness(Harness::builder()).await;
    let line = words("send --target tenant --command true --id many --instances 3 --wait --json");
    let sent = run(&harness, &line).await;
    assert_eq!(sent.exit, Exit::Done, "{sent:?}");
    let ends = sent.json();
    assert_eq!(ends.len(), 3, "{ends:?}");
    for end in &ends {
        assert_eq!(end["outcome"], "ready", "{end}");
        assert_eq!(end["reason"], "initialised", "{end}");
    }
    assert_eq!(harness.in_service("tenant").len(), 3);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_script_that_fails_is_a_bad_end() {
    let fails = |_: &region::commands::CommandRun| Pretence {
        exit_code: 7,
        ..Pretence::default()
    };
    let harness = harness(Harness::builder().scripts(fails)).await;
    let line = words("send --target tenant --command false --id c-1 --wait");
    let sent = run(&harness, &line).await;
    sent.is(
        Exit::Bad,
        &[
            "c-1: failed (script_failed): the init script ended with a non-zero exit code (7); ",
            "`ready-pool claim c-1` shows its command's output",
        ],
    );
    // Its instance is retired meanwhile.
    harness.pass(Duration::from_mins(2)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_heard_without_waiting_for_the_deadline() {
    let harness = harness(Harness::builder()).await;
    let elsewhere = Target::named("elsewhere").zones(&["eu-west-1a"]);
    harness.create(elsewhere.in_another_vpc()).await;
    let began = harness.now();
    let line = words("send --target elsewhere --command true --id c-1 --wait");
    let sent = run(&harness, &line).await;
    sent.is(Exit::Bad, &["c-1: rejected (no_common_subnet): "]);
    let took = harness.now() - began;
    assert!(took < time::Duration::seconds(10), "{took}");
    // The message of the first is known, and is no end of the second.
    let again = run(&harness, &line).await;
    again.is(Exit::Bad, &["c-1: rejected (no_common_subnet)"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_old_rejection_that_somebody_is_reading_is_no_end_of_the_claim_sent_again() {
    let harness = harness(Harness::builder()).await;
    harness.create(Target::named("full").max_size(0)).await;
    harness.send(&claim("c-1", "full")).await;
    harness.outcomes_come(1).await;
    let input = json!({ "AutoScalingGroupName": "full", "MaxSize": 1 });
    let raised = harness.call(Service::AutoScaling, "UpdateAutoScalingGroup", input);
    raised.await.expect("the group can be changed");
    run(&harness, &["pause"]).await.is(Exit::Done, &[]);
    // It hides the message for a while.
    let seen = run(&harness, &["claim", "c-1"]).await;
    seen.is(Exit::Done, &["rejected (target_full)"]);
    let line = words("send --target full --command true --id c-1 --wait");
    let sent = run_for(&harness, "operator", &line, Some(Duration::from_mins(1))).await;
    sent.is(Exit::Done, &["c-1: waits for an instance"]);
    assert!(!sent.out.contains("rejected"), "{sent:?}");
    harness.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_expires_in_line_ends_as_unknown() {
    let harness = harness(Harness::builder()).await;
    run(&harness, &["pause"]).await.is(Exit::Done, &[]);
    let began = harness.now();
    let line = words("send --target tenant --command true --expires-in 60s --wait --json");
    let sent = run(&harness, &line).await;
    assert_eq!(sent.exit, Exit::Unknown, "{sent:?}");
    let took = harness.now() - began;
    let (least, most) = (time::Duration::minutes(3), time::Duration::minutes(4));
    assert!(least <= took && took < most, "{took}");
    let end = sent.json().remove(0);
    assert_eq!(end["outcome"], "unknown", "{end}");
    let message = end["message"].as_str().unwrap();
    assert!(message.contains("Look at ready-pool-rejected"), "{message}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_would_be_waited_for_in_vain_is_not_sent() {
    let harness = harness(Harness::builder()).await;
    harness
        .create(Target::named("stranger").not_opted_in())
        .await;
    harness.create(Target::named("full").max_size(0)).await;
    harness.send(&claim("used", "tenant")).await;
    harness.outcome("used").await;
    let sent_before = harness.calls("SendMessage");
    for (target, id, problem) in [
        (
            "nosuch",
            "c",
            "there is no Auto Scaling group of that name (nosuch)",
        ),
        (
            "stranger",
            "c",
            "has not opted in; `ready-pool opt-in stranger` gives it the tag ready-pool:pool = ready-pool-pool",
        ),
        (
            "ready-pool-pool",
            "c",
            "ready-pool-pool is a group of ready-pool itself; name a tenant's group",
        ),
        (
            "full",
            "c",
            "leaves no room (full: desired capacity 0, maximum size 0); raise it",
        ),
        ("tenant", "used", "has an entry of used already"),
    ] {
        let line = [
            "send",
            "--target",
            target,
            "--id",
            id,
            "--command",
            "true",
            "--wait",
        ];
        run(&harness, &line)
            .await
            .is(Exit::Wrong, &["nothing was sent", problem]);
    }
    assert_eq!(harness.calls("SendMessage"), sent_before);
    let unheard = words("send --target tenant --id used --command true");
    run(&harness, &unheard).await.is(
        Exit::Wrong,
        &[
            "nothing was sent",
            "has an entry of used already",
            "--again",
        ],
    );
    assert_eq!(harness.calls("SendMessage"), sent_before);
    let line = words("send --target tenant --id used --command true --wait --again");
    run(&harness, &line)
        .await
        .is(Exit::Done, &["used: ready: i-"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_is_answered_on_the_outcome_queue() {
    let harness = harness(Harness::builder()).await;
    let line = words("send --target tenant --command true --id asks --dry-run");
    let sent = run(&harness, &line).await;
    sent.is(
        Exit::Done,
        &[
            "asks for tenant",
            "the answer goes to the outcome queue, ready-pool-outcome",
            "aws sqs receive-message --queue-url ",
            "/ready-pool-outcome --wait-time-seconds 20",
        ],
    );
    let outcome = harness.outcome("asks").await;
    assert_eq!(outcome.reason.code(), "would_be_served");
    assert_eq!(harness.in_service("tenant").len(), 0);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_from_a_file_is_printed_or_sent() {
    let harness = harness(Harness::builder()).await;
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join("claim-from-a-file.json");
    let body = json!({
        "claim_id": "from-file", "target_group": "tenant", "init": { "commands": ["true"] },
        "expires_at": harness.in_future(Duration::from_mins(5)),
    });
    std::fs::write(&file, body.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let printed = run(&harness, &["send", "--file", file, "--print"]).await;
    assert_eq!(printed.json()[0]["claim_id"], "from-file");
    assert!(harness.outcomes().is_empty());
    let sent = run(&harness, &["send", "--file", file]).await;
    sent.is(
        Exit::Done,
        &[
            "from-file for tenant, until 2026-11-22 ",
            "`ready-pool claim from-file`",
        ],
    );
    assert_eq!(
        harness.outcome("from-file").await.reason.code(),
        "initialised"
    );
    let missing = run(&harness, &["send", "--file", "/nonexistent"]).await;
    missing.is(
        Exit::Wrong,
        &["nothing was sent: cannot read --file /nonexistent"],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_the_functions_would_reject_is_not_sent() {
    let harness = harness(Harness::builder()).await;
    let line = ["send", "--target", "tenant", "--command", "echo {{x}}"];
    let refused = run(&harness, &line).await;
    refused.is(
        Exit::Wrong,
        &["nothing was sent: `init.commands[0]` must not have `{{`"],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_exist_is_made_and_the_claim_followed() {
    let harness = harness(Harness::builder().makes_targets("made-")).await;
    let line_for = |target: &str| {
        let line = format!(
            "send --target {target} --command true --id c-1 --create-target --max-size 4 --tag org=1337 --wait"
        );
        line.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let made = line_for("made-7");
    let words: Vec<&str> = made.iter().map(String::as_str).collect();
    let sent = run(&harness, &words).await;
    sent.is(Exit::Done, &["c-1: waits", "c-1: ready: i-"]);
    assert_eq!(harness.in_service("made-7").len(), 1);
    let other = line_for("other-7");
    let words: Vec<&str> = other.iter().map(String::as_str).collect();
    let refused = run(&harness, &words).await;
    refused.is(Exit::Wrong, &["only groups whose names begin with made-"]);
    // The group that was made is a target like any: nothing suspends its rebalancing.
    let said = run(&harness, &["doctor"]).await;
    assert!(
        said.out.contains("AZRebalance is not suspended"),
        "{said:?}"
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_makes_no_targets_is_not_asked_for_one() {
    let harness = harness(Harness::builder()).await;
    let line = "send --target made-7 --command true --create-target --max-size 4";
    let words: Vec<&str> = line.split(' ').collect();
    let refused = run(&harness, &words).await;
    refused.is(Exit::Wrong, &["TargetLaunchTemplate", "are not set"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_the_target_has_room_for_is_not_sent() {
    let harness = harness(Harness::builder()).await;
    harness.create(Target::named("small").max_size(2)).await;
    let line = words("send --target small --command true --id c --instances 6");
    run(&harness, &line).await.is(
        Exit::Wrong,
        &["nothing was sent: small has room for 2: send 2, or raise its maximum size"],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_does_not_pass_while_somebody_else_reads_the_rejected_queue() {
    let harness = harness(Harness::builder()).await;
    harness.create(Target::named("full").max_size(0)).await;
    harness.send(&claim("other", "full")).await;
    harness.outcomes_come(1).await;
    run(&harness, &["claim", "other"]).await.is(Exit::Done, &[]);
    let line = words("send --target tenant --command true --id c-1 --expires-in 8s --wait");
    let sent = run(&harness, &line).await;
    assert!(
        sent.errors.contains("looking again in 6 s"),
        "{}",
        sent.errors
    );
    sent.is(Exit::Done, &["c-1: ready: i-"]);
    harness.end().await;
}
