//! User data: the agent does not wait for cloud-init, unless the user data starts it last.

use end_to_end::{Harness, HarnessBuilder, Target, claim};
use ready_pool_core::reason::Reason;
use region::commands::{CommandRun, Pretence};
use region::settings::AgentStart;
use std::time::Duration;

/// A pool of one, whose user data installs what the claim's script needs and takes so long.
fn builder(agent_start: AgentStart, user_data: Duration) -> HarnessBuilder {
    Harness::builder()
        .pool_size(1)
        .settings(|settings| {
            settings.agent_start = agent_start;
            settings.timings.user_data = user_data;
        })
        .scripts(|run: &CommandRun| Pretence {
            exit_code: if run.user_data_done { 0 } else { 127 },
            ..Pretence::default()
        })
}

/// With an image that starts the agent at boot "ready" means "takes commands", and nothing about user data.
#[tokio::test(start_paused = true)]
async fn a_script_that_needs_user_data_may_come_too_early_where_the_agent_starts_at_boot() {
    let harness = builder(AgentStart::AtBoot, Duration::from_mins(4)).start();
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::ScriptFailed);
    assert_eq!(outcome.details.command.unwrap().exit_code, Some(127));
    harness.stop().await;
}

/// With an image that has the agent disabled, the user data's last line starts it: then an instance is
/// ready when its user data is done.
#[tokio::test(start_paused = true)]
async fn a_claim_waits_for_user_data_that_starts_the_agent_last() {
    let harness = builder(AgentStart::LastInUserData, Duration::from_mins(4)).start();
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.reason, Reason::Initialised);
    let entered = outcome.details.times.entered.unwrap();
    let waited = entered - outcome.details.times.sent.unwrap();
    assert!(waited > Duration::from_mins(4), "{waited}");
    harness.pool_is_ready(1).await;
    harness.end().await;
}

/// User data that takes longer than `BootLimitSeconds` is taken for an agent that stays away.
#[tokio::test(start_paused = true)]
async fn user_data_that_takes_longer_than_the_boot_limit_needs_a_higher_one() {
    let long = Duration::from_mins(12);
    for (limit, reason) in [("600", Reason::Expired), ("900", Reason::Initialised)] {
        let harness = builder(AgentStart::LastInUserData, long)
            .parameter("BootLimitSeconds", limit)
            .start();
        harness.create(Target::named("asg-1")).await;
        harness.send(&claim("c", "asg-1")).await;
        assert_eq!(harness.outcome("c").await.reason, reason, "{limit}");
        harness.stop().await;
    }
}
