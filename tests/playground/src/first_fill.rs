//! The first fill of the pool: whoever starts a region waits for it, and came to see something else. It is
//! quick, and has no long tail; afterwards the region is as it was asked for.

use crate::start::{Names, pool_is_full};
use region::region::Region;
use region::settings::{Settings, Spread};
use region::sqs::Queue;
use region::world::World;
use std::time::Duration;

/// The largest factor on the region's latencies while the pool is filled first.
pub(crate) const TIME_SCALE: f64 = 0.1;
/// It ends after so long, full or not.
const LIMIT: Duration = Duration::from_mins(1);

/// How the region behaves until the pool is full. Who sets a timing wants to see it: then only the tails go.
pub(crate) fn settings(asked: &Settings, has_own_timings: bool) -> Settings {
    let mut settings = asked.clone();
    if !has_own_timings {
        settings.time_scale = settings.time_scale.min(TIME_SCALE);
    }
    let timings = &mut settings.timings;
    for spread in [
        &mut timings.launch_notice,
        &mut timings.instance_start,
        &mut timings.boot,
        &mut timings.hook_proceed,
        &mut timings.agent_registration,
    ] {
        *spread = Spread::between(spread.min, spread.max);
    }
    settings
}

/// Waits for the end of the first fill, and has the region behave as it was asked to from then on.
pub(crate) async fn end(region: Region, names: Names, asked: Settings) {
    let over = region.wait_until(|world| is_over(world, &names));
    // Whatever keeps the pool from being filled: the limit ends it.
    let _ = tokio::time::timeout(LIMIT, over).await;
    region.with(|world| world.settings = asked);
}

/// All pools are full, or there is a claim: nothing of that one may be quicker than it was asked for.
fn is_over(world: &World, names: &Names) -> bool {
    let has_claim = |queue: &Queue| queue.messages(world.now).next().is_some();
    names.all().all(|names| pool_is_full(world, names))
        || (names.all()).any(|names| world.sqs.by_url(&names.provision).is_some_and(has_claim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fill_is_quick_and_without_tails() {
        let asked = Settings::default();
        assert!(asked.timings.agent_registration.tail_chance > 0.0);
        let quick = settings(&asked, false);
        assert!((quick.time_scale - TIME_SCALE).abs() < f64::EPSILON);
        let registration = quick.timings.agent_registration;
        assert_eq!(registration.max, asked.timings.agent_registration.max);
        assert!(registration.tail_chance.abs() < f64::EPSILON);
        // Not of the claims that come.
        assert!(quick.timings.detach.tail_chance > 0.0);
    }

    #[test]
    fn what_is_asked_for_is_never_slowed_down_and_own_timings_are_kept() {
        let scale = |time_scale: f64, has_own_timings: bool| {
            let asked = Settings {
                time_scale,
                ..Settings::default()
            };
            settings(&asked, has_own_timings).time_scale
        };
        assert!((scale(0.02, false) - 0.02).abs() < f64::EPSILON);
        assert!((scale(1.0, true) - 1.0).abs() < f64::EPSILON);
    }
}
