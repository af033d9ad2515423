//! Which instances leave the pool without a replacement.

use super::{Batch, View};

impl Batch<'_> {
    /// Whether the next instance that leaves the pool takes its place along.
    pub(super) fn fund(&mut self) -> bool {
        let is_funded = self.funded > 0;
        self.funded -= i32::from(is_funded);
        is_funded
    }
}

/// How many instances the pool was given for waiting claims, beyond its size: as many leave
/// without a replacement. While replenishing is paused all do.
pub(super) fn funded(view: &View<'_>) -> i32 {
    let pool = view.pool;
    let kept = if pool.pause().replenishing {
        0
    } else {
        view.size
    };
    // AWS refuses to shrink a group below its minimum.
    pool.desired_capacity
        .saturating_sub(kept.max(pool.min_size))
        .max(0)
}
