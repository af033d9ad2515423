//! Members in service whose agents are dead: nobody gets them, so they must not count as ready where the
//! pool's growth is decided on.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::compute;
use std::time::Duration;

/// From the call for an instance until it is in service, at the region's figures: noticed after 30 s
/// at most, running and its agent registered after 47 s more, in service after another 10.
const BOOT: Duration = Duration::from_secs(90);

/// A pool of this size, of which this many agents died so long ago that Systems Manager knows.
async fn with_dead_agents(size: usize, dead: usize) -> Harness {
    let harness = Harness::builder()
        .pool_size(size)
        .settings(|settings| {
            let spread = &mut settings.timings.agent_registration;
            *spread = region::settings::Spread::between(spread.min, spread.max);
        })
        .start();
    harness.pool_is_ready(size).await;
    harness.create(Target::named("asg-1")).await;
    for instance in harness.in_service(&harness.pool).iter().take(dead) {
        harness
            .region
            .with(|world| compute::kill_agent(world, instance));
    }
    // Systems Manager calls an agent lost after six minutes; then nothing has been done about it yet.
    harness.pass(Duration::from_mins(7)).await;
    harness
}

/// How long each of these claims waits for its instance's script to succeed.
async fn waits(harness: &Harness, claims: usize) -> Vec<Duration> {
    let since = harness.now();
    harness.send_together((0..claims).map(|n| {
        let mut claim = claim(&format!("claim-{n}"), "asg-1");
        claim["expires_at"] = harness.in_future(Duration::from_mins(15)).into();
        claim
    }));
    let outcomes = harness.outcomes_of(claims).await;
    let mut waits: Vec<Duration> = Vec::new();
    for outcome in outcomes {
        assert_eq!(outcome.outcome, Ending::Ready, "{outcome:?}");
        waits.push((outcome.at - since).unsigned_abs());
    }
    waits.sort_unstable();
    println!("{claims} claims waited {waits:?}");
    waits
}

#[tokio::test(start_paused = true)]
async fn four_claims_at_a_pool_whose_four_agents_are_dead_are_served() {
    let harness = with_dead_agents(4, 4).await;
    let waits = waits(&harness, 4).await;
    assert!(waits[0] <= BOOT * 2, "{waits:?}");
    assert!(waits[3] <= BOOT * 2, "{waits:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_three_of_four_dead_the_others_are_launched_at_once_and_not_one_after_the_other() {
    let harness = with_dead_agents(4, 3).await;
    let waits = waits(&harness, 4).await;
    assert!(waits[0] < Duration::from_secs(15), "{waits:?}");
    assert!(waits[3] <= BOOT * 2, "{waits:?}");
    // All of them came at about the same time.
    assert!(waits[3] < waits[1] + Duration::from_mins(1), "{waits:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_crowd_at_a_pool_whose_agents_are_all_dead_is_served_and_grows_it_no_further() {
    let harness = with_dead_agents(3, 3).await;
    let waits = waits(&harness, 12).await;
    assert!(waits[11] <= BOOT * 2, "{waits:?}");
    let most = harness
        .figures
        .values("Desired", &[])
        .into_iter()
        .fold(0.0, f64::max);
    assert!(most <= 15.0, "{most}: its size, and one for each claim");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn dead_agents_launch_nothing_while_nobody_waits() {
    let harness = with_dead_agents(4, 4).await;
    harness.pass(Duration::from_mins(30)).await;
    assert_eq!(harness.desired(&harness.pool), 4);
    assert_eq!(harness.in_service(&harness.pool).len(), 4);
    harness.end().await;
}
