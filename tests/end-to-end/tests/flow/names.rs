//! Names and places that AWS allows: what its API takes is not refused here.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::autoscaling::was_always_named;
use region::commands::{CommandRun, Pretence};
use serde_json::json;
use std::time::Duration;

/// Names of groups that are older than today's text for names.
const OLDER: [&str; 3] = ["Web Servers (blue)", "tenant:1337", "größe 42."];

async fn older(harness: &Harness, name: &str) {
    harness.create(Target::named("made")).await;
    let rename = |world: &mut _| was_always_named(world, "made", name);
    harness.region.with(rename);
}

#[tokio::test(start_paused = true)]
async fn a_group_with_a_space_in_its_name_is_a_target_like_any_other() {
    for name in OLDER {
        let harness = Harness::with_ready_pool(2).await;
        older(&harness, name).await;
        harness.send(&claim("c", name)).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        assert_eq!(outcome.target_group.as_deref(), Some(name));
        assert_eq!(harness.in_service(name).len(), 1);
        harness.pool_is_ready(2).await;
        harness.end().await;
    }
}

/// The longest way: a script that fails, another instance, a repeat.
#[tokio::test(start_paused = true)]
async fn and_so_it_is_where_its_script_fails_and_another_instance_is_tried() {
    let scripts = |run: &CommandRun| Pretence {
        exit_code: i32::from(run.script.contains("attempt 1")),
        ..Pretence::default()
    };
    for name in OLDER {
        let harness = Harness::builder().scripts(scripts).start();
        harness.pool_is_ready(2).await;
        older(&harness, name).await;
        let mut message = claim("c", name);
        message["on_init_failure"] = json!("replace");
        harness.send(&message).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        assert_eq!(outcome.details.attempt, Some(2));
        harness
            .send_as(message.to_string(), &harness.pool, "again")
            .await;
        assert_eq!(
            harness.outcomes_come(2).await[1].reason,
            Reason::Initialised
        );
        harness.pass(Duration::from_mins(5)).await;
        harness.end().await;
    }
}

/// A line's end is refused by name, not looked for: no group has one.
#[tokio::test(start_paused = true)]
async fn a_name_with_a_line_s_end_is_refused_with_what_it_must_be() {
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1\n")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::Malformed);
    let words = "none of them a control character";
    assert!(outcome.message.contains(words), "{}", outcome.message);
    harness.end().await;
}

/// In China and in the government's regions ARNs begin otherwise, and hosts end otherwise.
#[tokio::test(start_paused = true)]
async fn the_stack_serves_claims_in_every_partition() {
    for (region, partition) in [
        ("cn-north-1", "arn:aws-cn:"),
        ("us-gov-west-1", "arn:aws-us-gov:"),
        ("us-west-2", "arn:aws:"),
    ] {
        let harness = Harness::builder()
            .settings(|settings| settings.region_name = region.to_owned())
            .parameter(
                "AlarmTopic",
                &format!("{partition}sns:{region}:123456789012:alarms"),
            )
            .parameter(
                "RedriveRole",
                &format!("{partition}iam::123456789012:role/operator"),
            )
            .start();
        harness.pool_is_ready(2).await;
        harness.create(Target::named("asg-1")).await;
        harness.send(&claim("c", "asg-1")).await;
        let outcome = harness.outcome("c").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{region}: {outcome:?}");
        harness.pool_is_ready(2).await;
        let suspended = harness.region.read(|world| {
            let group = &world.autoscaling.groups[&harness.pool];
            assert!(group.arn.starts_with(partition), "{}", group.arn);
            group.suspended.contains_key("AZRebalance")
        });
        assert!(
            suspended,
            "the scheduler's universal target works in {region}"
        );
        harness.end().await;
    }
}
