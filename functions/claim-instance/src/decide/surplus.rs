//! Which instances leave the pool without a replacement.

use super::View;
use super::allocation::Allocation;

impl Allocation<'_> {
    /// Whether the next instance that leaves the pool decrements its desired capacity.
    pub(super) fn take_surplus(&mut self) -> bool {
        let is_surplus = self.surplus > 0;
        self.surplus -= i32::from(is_surplus);
        is_surplus
    }
}

/// How many instances the pool was given for waiting claims, beyond its size: as many leave
/// without a replacement. While replenishing is paused all do.
pub(super) fn of(view: &View<'_>) -> i32 {
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
