//! `claim`.

use crate::operator::{harness, run, words};
use end_to_end::{Harness, Target, claim};
use ready_pool_operator::Exit;
use region::commands::Pretence;
use region::faults;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn the_story_of_a_claim_that_is_ready() {
    let says = |_: &region::commands::CommandRun| Pretence {
        stdout: "hello\n".to_owned(),
        ..Pretence::default()
    };
    let harness = harness(Harness::builder().scripts(says)).await;
    harness.send(&claim("c-1", "tenant")).await;
    harness.outcome("c-1").await;
    let instance = harness.in_service("tenant").remove(0);
    harness.pass(Duration::from_secs(5)).await;
    let story = run(&harness, &["claim", "c-1"]).await;
    story.is(
        Exit::Done,
        &[
            "c-1 for tenant (c-1@",
            "): ready",
            "entry       attempt 1, ready, deadline 2026-11-22 20:30:00 UTC",
            &format!("instance    {instance} in tenant, the target: InService, agent online"),
            &format!("on {instance}: Success, exit code 0; sent 2026-11-22 20:0"),
            "stdout      │ hello",
            "times       sent 2026-11-22 20:0",
            "after that: entered ",
            "Attaching an existing EC2 instance",
            "next        nothing: it has ended",
        ],
    );
    let known = run(&harness, &["claim", "c-1", "--json"])
        .await
        .json()
        .remove(0);
    assert_eq!(known["claims"][0]["stage"], "ready");
    let claim = &known["claims"][0];
    assert_eq!(claim["commands"][0]["output"], "hello\n");
    assert_eq!(claim["headline"], "ready");
    assert_eq!(claim["expires_at"], "2026-11-22T20:30:00Z");
    assert_eq!(claim["instance"]["role"], "the target");
    let next = claim["next"][0].as_str().unwrap();
    assert!(next.starts_with("nothing: it has ended"), "{next}");
    let times = claim["commands"][0]["times"].as_object().unwrap();
    for step in [
        "sent",
        "entered",
        "detached",
        "command_sent",
        "script_ended",
    ] {
        assert!(times.contains_key(step), "{step}: {times:?}");
    }
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_story_of_a_script_that_failed_has_its_output_and_says_what_to_do() {
    let fails = |_: &region::commands::CommandRun| Pretence {
        exit_code: 7,
        stderr: "no such package\n".to_owned(),
        ..Pretence::default()
    };
    let harness = harness(Harness::builder().scripts(fails)).await;
    harness.send(&claim("c-1", "tenant")).await;
    harness.outcome("c-1").await;
    let story = run(&harness, &["claim", "c-1"]).await;
    story.is(
        Exit::Done,
        &[
            "failed (script_failed)",
            "Failed, exit code 7",
            "stderr      │ no such package",
            "fix the script",
            "send it with a new claim_id",
        ],
    );
    // Its instance is retired meanwhile.
    harness.pass(Duration::from_mins(2)).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn claims_that_were_sent_at_once_are_found_by_their_common_id() {
    let harness = harness(Harness::builder()).await;
    for number in 1..3 {
        let id = format!("multi-{number}");
        harness.send(&claim(&id, "tenant")).await;
        harness.outcome(&id).await;
    }
    let story = run(&harness, &["claim", "multi"]).await;
    story.is(
        Exit::Done,
        &[
            "multi: 2 claims with this id and a number",
            "claims      multi-1 for tenant: ready, i-",
            "multi-2 for tenant: ready, i-",
            "`ready-pool claim multi-1` shows what happened to the first",
        ],
    );
    let known = run(&harness, &["claim", "multi", "--json"]).await;
    let known = known.json().remove(0);
    assert_eq!(known["sent_as"][1]["claim_id"], "multi-2", "{known}");
    assert_eq!(known["sent_as"][1]["stage"], "ready", "{known}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_on_its_way_says_where_it_is() {
    let slow = |_: &region::commands::CommandRun| Pretence {
        takes: Some(Duration::from_mins(5)),
        ..Pretence::default()
    };
    let harness = harness(Harness::builder().scripts(slow)).await;
    harness.send(&claim("c-1", "tenant")).await;
    harness.pass(Duration::from_secs(30)).await;
    let story = run(&harness, &["claim", "c-1"]).await;
    story.is(
        Exit::Done,
        &[
            "its command was sent and has not ended",
            "entry       attempt 1, assigned, deadline 2026-11-22 20:30:00 UTC (in ",
            "next        the script's exit status decides",
        ],
    );
    harness.outcome("c-1").await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_claim_is_found_on_the_rejected_queue() {
    let harness = harness(Harness::builder()).await;
    harness.create(Target::named("full").max_size(0)).await;
    for number in 0..12 {
        harness
            .send(&claim(&format!("other-{number}"), "full"))
            .await;
    }
    harness.send(&claim("c-1", "full")).await;
    harness.outcomes_come(13).await;
    let story = run(&harness, &["claim", "c-1"]).await;
    story.is(
        Exit::Done,
        &[
            "c-1 for full: rejected (target_full)",
            "has no room",
            "sent again under its id",
        ],
    );
    // The first look hides what it saw for a while.
    let next = run(&harness, &["claim", "other-3"]).await;
    next.is(Exit::Done, &["other-3 for full: rejected (target_full)"]);
    let waits = "the rejected queue is being read by somebody else; looking again in 6 s\n";
    assert_eq!(next.errors, waits);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_entry_was_wiped_is_found_by_its_command() {
    let harness = harness(Harness::builder()).await;
    harness.send(&claim("c-1", "tenant")).await;
    harness.outcome("c-1").await;
    harness.pass(Duration::from_secs(5)).await;
    harness
        .region
        .with(|world| faults::wipe_tags(world, "tenant", "ready-pool:claim/"));
    let story = run(&harness, &["claim", "c-1"]).await;
    story.is(
        Exit::Done,
        &[
            "c-1 for tenant (c-1@",
            "no entry any more",
            "entry       none",
            "Success, exit code 0",
        ],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_nobody_knows_has_a_status_of_its_own() {
    let harness = harness(Harness::builder()).await;
    let story = run(&harness, &["claim", "nosuch"]).await;
    story.is(
        Exit::Unknown,
        &[
            "nosuch: no trace",
            "perhaps",
            "it was sent to another stack",
        ],
    );
    assert!(!story.out.contains("waits in line"), "{story:?}");
    let wrong = run(&harness, &["claim", "no such"]).await;
    wrong.is(Exit::Wrong, &["\"no such\" is no claim id"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_instance_is_part_of_the_story() {
    let mut runs = 0;
    let first_fails = move |_: &region::commands::CommandRun| {
        runs += 1;
        Pretence {
            exit_code: i32::from(runs == 1),
            ..Pretence::default()
        }
    };
    let harness = harness(Harness::builder().scripts(first_fails)).await;
    let mut message = claim("c-1", "tenant");
    message["on_init_failure"] = "replace".into();
    harness.send(&message).await;
    harness.outcome("c-1").await;
    harness.pass(Duration::from_secs(5)).await;
    let story = run(&harness, &["claim", "c-1"]).await;
    story.is(
        Exit::Done,
        &[
            "entry       attempt 2, ready",
            "command     attempt 2, ",
            "Success, exit code 0",
            "command     attempt 1, ",
            "Failed, exit code 1",
        ],
    );
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_kept_in_no_group_is_said_to_cost_money() {
    let fails = |_: &region::commands::CommandRun| Pretence {
        exit_code: 7,
        ..Pretence::default()
    };
    let harness = harness(Harness::builder().scripts(fails)).await;
    let line = "send --target tenant --command false --id f2 --on-init-failure keep --attach-when after_init --wait";
    let sent = run(&harness, &words(line)).await;
    sent.is(
        Exit::Bad,
        &["f2: runs its script on i-", "f2: failed (script_failed)"],
    );
    harness.pass(Duration::from_secs(5)).await;
    let story = run(&harness, &["claim", "f2"]).await;
    story.is(
        Exit::Done,
        &[
            "in no group, agent online",
            "next        i-",
            " is kept, runs in no group, and costs money until you terminate it: aws ec2 terminate-instances",
            "fix the script",
        ],
    );
    let found = run(&harness, &["doctor"]).await;
    found.is(
        Exit::Done,
        &[
            "look at     i-",
            ": the failed claim f2 keeps it: it runs in no group, and costs money",
            "aws ec2 terminate-instances --instance-ids i-",
            "found       0 wrong, 1 to look at",
        ],
    );
    harness.stop().await;
}
