//! Launches that fail for a while: how soon the pool has instances again, and what it costs meanwhile.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::Timestamp;
use region::journal::Happening;
use std::time::Duration;

/// When Auto Scaling launched an instance, after `since`.
fn launches(harness: &Harness, since: Timestamp) -> Vec<Timestamp> {
    let journal = harness.journal().into_iter();
    journal
        .filter(|entry| entry.at >= since && matches!(entry.what, Happening::Launching { .. }))
        .map(|entry| entry.at)
        .collect()
}

/// How many launches of the pool EC2 refused.
fn refusals(harness: &Harness) -> usize {
    let journal = harness.journal().into_iter();
    journal
        .filter(|entry| {
            matches!(&entry.what, Happening::Event { detail_type, detail, .. }
                if detail_type == "EC2 Instance Launch Unsuccessful"
                    && detail["AutoScalingGroupName"] == harness.pool.as_str())
        })
        .count()
}

/// A pool of ten, all of which are claimed at this moment.
async fn claimed_pool(seed: u64, prepare: impl FnOnce(&mut region::world::World)) -> Harness {
    let harness = Harness::builder()
        .pool_size(10)
        .settings(|settings| settings.seed = seed)
        .start();
    harness.pool_is_ready(10).await;
    harness.create(Target::named("asg-1")).await;
    harness.region.with(prepare);
    harness.send_together((0..10).map(|n| claim(&format!("claim-{n}"), "asg-1")));
    harness.outcomes_of(10).await;
    harness
}

/// How long after an outage of this length the first instance is launched, and the pool is full.
async fn after_an_outage(seed: u64, length: Duration) -> (Duration, Duration) {
    let harness = claimed_pool(seed, |world| world.compute.capacity_refused = true).await;
    harness.pass(length).await;
    assert_eq!(harness.in_service(&harness.pool).len(), 0);
    let over = harness.now();
    harness
        .region
        .with(|world| world.compute.capacity_refused = false);
    harness.pool_is_ready(10).await;
    let full = harness.now() - over;
    let first = launches(&harness, over)[0] - over;
    println!(
        "seed {seed}, capacity refused for {length:?}: first launch {first} after it, full {full} after it"
    );
    assert_eq!(launches(&harness, over).len(), 10, "as many as are missing");
    harness.end().await;
    (first.unsigned_abs(), full.unsigned_abs())
}

#[tokio::test(start_paused = true)]
async fn within_a_minute_of_an_outage_of_five_minutes_an_instance_is_launched() {
    for seed in 1..=6 {
        let length = Duration::from_secs(300 + 11 * seed);
        let (first, full) = after_an_outage(seed, length).await;
        assert!(first <= Duration::from_mins(1), "{first:?}");
        assert!(full <= Duration::from_mins(5), "{full:?}");
    }
}

/// The first launch says that EC2 has capacity again; of its beginning no event tells.
#[tokio::test(start_paused = true)]
async fn while_claims_wait_all_that_are_missing_follow_the_first_launch_before_it_has_booted() {
    for seed in 1..=6 {
        let harness = claimed_pool(seed, |world| world.compute.capacity_refused = true).await;
        let waiting = (10..15).map(|n| {
            let mut claim = claim(&format!("claim-{n}"), "asg-1");
            claim["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
            claim
        });
        harness.send_together(waiting);
        harness.pass(Duration::from_secs(240 + 11 * seed)).await;
        let over = harness.now();
        (harness.region).with(|world| world.compute.capacity_refused = false);
        harness.outcomes_of(15).await;
        let launches = launches(&harness, over);
        let others = launches[1] - launches[0];
        println!("seed {seed}: the second launch {others} after the first");
        assert!(others <= Duration::from_secs(36), "{others}");
        harness.end().await;
    }
}

/// The longer it lasts, the less often anybody asks.
#[tokio::test(start_paused = true)]
async fn the_end_of_an_outage_of_two_hours_is_noticed_within_five_minutes_and_tries_are_few() {
    let harness = claimed_pool(1, |world| world.compute.capacity_refused = true).await;
    harness.pass(Duration::from_hours(2)).await;
    let tries = refusals(&harness);
    println!("two hours without capacity: {tries} tries");
    assert!(tries < 80, "{tries} tries");
    let over = harness.now();
    harness
        .region
        .with(|world| world.compute.capacity_refused = false);
    harness.pool_is_ready(10).await;
    let first = launches(&harness, over)[0] - over;
    assert!(first <= Duration::from_mins(5), "{first}");
    harness.end().await;
}

/// A bad image: machines run, and their agents never come online.
#[tokio::test(start_paused = true)]
async fn a_bad_image_costs_one_machine_at_a_time() {
    let harness = claimed_pool(1, |world| world.compute.silent_launches = u32::MAX).await;
    harness.pass(Duration::from_hours(2)).await;
    let mut launched = launches(&harness, Timestamp::UNIX_EPOCH);
    let launched = launched.split_off(10); // The good ones, that were claimed.
    println!("two hours with a bad image: {} machines", launched.len());

    // The ten that were missing, and from then on one by one, each for the boot limit of ten minutes and
    // with a pause before it. (All that are missing, every twenty minutes, would be sixty.)
    assert!((12..=18).contains(&launched.len()), "{}", launched.len());
    let apart = launched.windows(2).skip(9).map(|two| two[1] - two[0]);
    assert!(apart.min().unwrap() > Duration::from_mins(10));

    let mended = harness.now();
    harness
        .region
        .with(|world| world.compute.silent_launches = 0);
    harness.pool_is_ready(10).await;
    let took = harness.now() - mended;
    println!("full again {took} after the image was mended");
    // One more machine's boot limit, the pause after it, a boot for it and one for the others.
    assert!(took <= Duration::from_mins(25), "{took}");
    harness.end().await;
}
