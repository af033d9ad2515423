//! The function's settings, and the figures that its queue is configured with.

use ready_pool_aws::config::{self, ConfigError, Source};
use ready_pool_aws::metrics::Detail;
use ready_pool_core::ids::GroupName;
use std::time::Duration;

/// For how long one delivery looks again while claims wait, before it gives the batch back.
pub const LOOK_FOR: Duration = Duration::from_secs(20);
/// How long between two looks.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Time that must be left to begin detaching: entering, detaching and handing over, with one
/// time-out of a call among them.
pub const TIME_TO_ASSIGN: Duration = Duration::from_secs(15);
/// For how long messages stay invisible after something was written that reads may not show yet.
pub const SETTLE: Duration = Duration::from_secs(10);

/// Settings from the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DETAIL`: which figures become metrics.
    pub detail: Detail,
    /// `POOL_GROUP`: the pool, and the only message group accepted.
    pub pool: GroupName,
    /// `RETIREMENT_GROUP`.
    pub retirement: GroupName,
    /// `POOL_SIZE`: ready instances that replenish-pool keeps. What the pool has beyond was launched
    /// for waiting claims, and leaves without a replacement.
    pub size: i32,
    /// `HIT_RATE`, unless it is 0: then the size is what replenish-pool wrote on the pool, and claims that find
    /// nothing ready are counted there.
    pub sized_by_hit_rate: bool,
    /// `REQUIRE_COMMON_SUBNET`: whether a target must share a subnet with the pool, or zones suffice.
    pub require_common_subnet: bool,
    /// `PROVISION_QUEUE_URL`: where the batches come from.
    pub provision_queue: String,
    /// `INIT_QUEUE_URL`: where instances are handed over.
    pub init_queue: String,
    /// `OUTCOME_QUEUE_URL`.
    pub outcome_queue: String,
    /// `REJECTED_QUEUE_URL`: where the originals of rejected messages are kept.
    pub rejected_queue: String,
}

impl Config {
    /// Reads the settings.
    pub fn read(source: Source<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            detail: config::required(source, "DETAIL")?,
            pool: config::group(source, "POOL_GROUP")?,
            retirement: config::group(source, "RETIREMENT_GROUP")?,
            size: config::required(source, "POOL_SIZE")?,
            sized_by_hit_rate: config::required::<f64>(source, "HIT_RATE")? != 0.0,
            require_common_subnet: config::required(source, "REQUIRE_COMMON_SUBNET")?,
            provision_queue: config::required(source, "PROVISION_QUEUE_URL")?,
            init_queue: config::required(source, "INIT_QUEUE_URL")?,
            outcome_queue: config::required(source, "OUTCOME_QUEUE_URL")?,
            rejected_queue: config::required(source, "REJECTED_QUEUE_URL")?,
        })
    }
}
