//! How long a phase of the demo may take before it counts as stuck.

use crate::failure::Failure;
use crate::print::seconds;
use region::settings::{Settings, Spread};
use std::time::Duration;

/// Runs a phase of the demo, but not forever.
pub(crate) async fn within<T>(
    limit: Duration,
    otherwise: &str,
    phase: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, phase)
        .await
        .unwrap_or_else(|_| {
            let limit = seconds(limit);
            Err(Failure::NotReady(format!("{otherwise} within {limit}")))
        })
}

/// The longest ordinary time from a launch to its instance's being ready.
pub(crate) fn longest_boot(settings: &Settings) -> Duration {
    let timings = &settings.timings;
    let longest: Duration = [
        &timings.launch_notice,
        &timings.instance_start,
        &timings.boot,
        &timings.agent_registration,
        &timings.hook_proceed,
    ]
    .into_iter()
    .map(|spread| spread.max)
    .sum();
    longest.mul_f64(settings.time_scale)
}

/// How long to wait at most for something that takes `refills` refills of the pool: the longest
/// draws of every step, and what the functions themselves take.
pub(crate) fn patience(settings: &Settings, refills: u32) -> Duration {
    let timings = &settings.timings;
    let longest = |spread: &Spread| spread.max.max(spread.tail);
    let round: Duration = [
        &timings.launch_notice,
        &timings.instance_start,
        &timings.boot,
        &timings.agent_registration,
        &timings.hook_proceed,
        &timings.detach,
        &timings.attach,
        &timings.command_pickup,
    ]
    .into_iter()
    .map(longest)
    .sum();
    let own = Duration::from_mins(2);
    (round.mul_f64(settings.time_scale) + own) * (refills + 1)
}
