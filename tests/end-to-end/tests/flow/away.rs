//! Machines that are away, though nobody terminated them: agents that restart and machines that reboot when they
//! first come online, machines that somebody stops, and a pool whose `Launch` AWS itself suspends.

use crate::error_lines::Errors;
use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use region::api::Service;
use region::commands::{CommandRun, Pretence};
use region::compute;
use region::journal::Happening;
use region::settings::{FirstOnline, Spread};
use serde_json::json;
use std::time::Duration;

/// An empty pool of two whose machines are patched as soon as they register, and a claim that waits for one.
async fn patched_at_first(first_online: FirstOnline) -> Harness {
    let harness = Harness::builder()
        .pool_size(2)
        .starts_empty()
        .settings(|settings| settings.first_online = first_online)
        .start();
    harness.create(Target::named("tenant")).await;
    harness.send(&claim("early", "tenant")).await;
    harness
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_reboots_when_it_first_comes_online_is_not_handed_out_in_that_moment() {
    for first_online in [FirstOnline::Reboots, FirstOnline::AgentRestarts] {
        let harness = patched_at_first(first_online).await;
        let outcome = harness.outcome("early").await;
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        assert_eq!(outcome.details.attempt.map(usize::from), Some(1));
        // It was sent its command after the reboot, and not lucky to be in time for it.
        let instance = outcome.instance_id.as_ref().unwrap().as_str();
        let back = harness.region.read(|world| {
            let machine = &world.compute.instances[instance];
            machine.agent.registered_at.unwrap()
        });
        let journal = harness.journal();
        let sent = journal.iter().find(|entry| {
            matches!(&entry.what, Happening::CommandSent { instance: on, .. } if on == instance)
        });
        assert!(sent.unwrap().at > back, "{first_online:?}");
        harness.end().await;
    }
}

/// What cannot be known before: a reboot later on. It takes the script along, which its time-out ends.
#[tokio::test(start_paused = true)]
async fn a_machine_that_reboots_in_its_script_ends_by_the_script_s_time_out() {
    let harness = Harness::builder()
        .scripts(|_: &CommandRun| Pretence {
            takes: Some(Duration::from_mins(2)),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("tenant")).await;
    harness.send(&claim("rebooted", "tenant")).await;
    let mut member = None;
    harness
        .until("the script runs", |world| {
            member = world.journal.entries().find_map(|entry| match &entry.what {
                Happening::CommandStarted { instance, .. } => Some(instance.clone()),
                _ => None,
            });
            member.is_some()
        })
        .await;
    let member = member.unwrap();
    harness.region.with(|world| compute::reboot(world, &member));
    let outcome = harness.outcome("rebooted").await;
    assert_eq!(outcome.reason, Reason::ScriptTimedOut, "{outcome:?}");
    harness.gone(&member).await;
    harness.end().await;
}

/// Waits until an instance is free, and stops it there.
async fn stopped_on_its_way(harness: &Harness) -> String {
    let mut free = None;
    harness
        .until("an instance is free", |world| {
            free = world.journal.entries().find_map(|entry| match &entry.what {
                Happening::Detached { instance, .. } => Some(instance.clone()),
                _ => None,
            });
            free.is_some()
        })
        .await;
    let instance = free.unwrap();
    harness.region.with(|world| compute::stop(world, &instance));
    instance
}

const NAMED: &str = "somebody has stopped the instance, which is in no group";

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_stopped_on_its_way_is_named_to_a_person_and_its_claim_gets_another() {
    let errors = Errors::default();
    let _guard = tracing::subscriber::set_default(errors.clone());
    let harness = Harness::builder()
        .settings(|settings| {
            // Between the detach and the attach there is time to stop it.
            settings.latencies.attach_detach = Duration::from_secs(4);
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("tenant")).await;
    harness.send(&claim("c", "tenant")).await;
    let instance = stopped_on_its_way(&harness).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_ne!(outcome.instance_id.unwrap().as_str(), instance);
    assert_eq!(errors.count(NAMED), 1);
    assert_eq!(errors.count(&instance), 1);
    // It is not retried for ever.
    let tries = || {
        let journal = harness.journal();
        let is_try = |what: &Happening| {
            matches!(what, Happening::Called { operation, input, .. }
                if operation == "AttachInstances" && input["InstanceIds"][0] == instance.as_str())
        };
        journal.iter().filter(|entry| is_try(&entry.what)).count()
    };
    let before = tries();
    harness.pass(Duration::from_hours(3)).await;
    assert_eq!(tries(), before);
    harness.stop().await;
}

/// A member whose agent is away is taken out of the pool, and stopped by the night's scheduler when it is free.
#[tokio::test(start_paused = true)]
async fn a_machine_that_is_stopped_on_its_way_out_is_named_once_an_hour_until_it_runs_again() {
    let errors = Errors::default();
    let _guard = tracing::subscriber::set_default(errors.clone());
    let harness = Harness::builder()
        .pool_size(4)
        .settings(|settings| {
            settings.timings.detach = Spread::exactly(Duration::from_secs(3));
        })
        .start();
    harness.pool_is_ready(4).await;
    let dead = harness.in_service(&harness.pool).remove(0);
    harness
        .region
        .with(|world| compute::kill_agent(world, &dead));
    let instance = stopped_on_its_way(&harness).await;
    assert_eq!(instance, dead);
    harness.pass(Duration::from_mins(150)).await;
    assert_eq!(errors.count(NAMED), 3);
    harness
        .region
        .with(|world| compute::start(world, &instance));
    harness.gone(&instance).await;
    harness.pass(Duration::from_hours(2)).await;
    assert_eq!(errors.count(NAMED), 3);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_somebody_stops_is_replaced_and_never_handed_out() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("tenant")).await;
    let stopped = harness.in_service(&harness.pool).remove(0);
    harness.region.with(|world| compute::stop(world, &stopped));
    harness.send(&claim("c", "tenant")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
    assert_ne!(outcome.instance_id.unwrap().as_str(), stopped);
    harness.gone(&stopped).await;
    harness.pool_is_ready(2).await;
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn when_aws_suspends_launch_itself_after_a_day_of_failures_a_person_hears_so_until_it_is_resumed()
 {
    let errors = Errors::default();
    let _guard = tracing::subscriber::set_default(errors.clone());
    let harness = Harness::builder().starts_empty().start();
    harness
        .region
        .with(|world| world.compute.capacity_refused = true);
    harness.pass(Duration::from_hours(25)).await;
    let suspended = |harness: &Harness| {
        let pool = harness.pool.clone();
        (harness.region).read(|world| {
            world.autoscaling.groups[&pool]
                .suspended
                .get("Launch")
                .cloned()
        })
    };
    let reason = suspended(&harness).expect("AWS has suspended it");
    assert!(reason.starts_with("Administrative suspension"), "{reason}");
    // Capacity is back, and nothing is launched for it.
    harness
        .region
        .with(|world| world.compute.capacity_refused = false);
    let said = errors.count("launches none until a person mends that");
    harness.pass(Duration::from_mins(30)).await;
    let now = errors.count("launches none until a person mends that");
    assert!(now >= said + 25, "{said}, then {now}");
    assert!(errors.count("Administrative suspension") > 0);
    assert_eq!(harness.in_service(&harness.pool).len(), 0);
    let input = json!({
        "AutoScalingGroupName": harness.pool, "ScalingProcesses": ["Launch"],
    });
    let resumed = harness.call(Service::AutoScaling, "ResumeProcesses", input);
    resumed.await.unwrap();
    harness.pool_is_ready(2).await;
    harness.end().await;
}
