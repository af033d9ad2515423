//! The region's time: it follows tokio's clock, so a paused runtime holds the whole region still.

use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

/// Maps tokio's monotonic clock to wall-clock time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: OffsetDateTime,
    started: Instant,
}

impl Clock {
    /// A clock that shows `origin` now. Tests start at a fixed time, the command line at the
    /// present one.
    pub fn starting_at(origin: OffsetDateTime) -> Self {
        Self {
            origin,
            started: Instant::now(),
        }
    }

    /// The present time in the region.
    pub fn now(&self) -> OffsetDateTime {
        self.origin + self.started.elapsed()
    }

    /// The instant at which the region's clock will show (or has shown) `time`.
    pub fn instant_of(&self, time: OffsetDateTime) -> Instant {
        let elapsed = Duration::try_from(time - self.origin).unwrap_or(Duration::ZERO);
        self.started + elapsed
    }
}
