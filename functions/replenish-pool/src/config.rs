//! The function's settings, and the figures that the template is configured with.

use ready_pool_aws::config::{self, ConfigError, Source};
use ready_pool_core::ids::GroupName;
use std::time::Duration;

/// How long between two looks while instances boot.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Time that must be left for one more look.
pub const TIME_FOR_A_LOOK: Duration = Duration::from_secs(20);

/// Settings from the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// `POOL_GROUP`.
    pub pool: GroupName,
    /// `RETIREMENT_GROUP`.
    pub retirement: GroupName,
    /// `POOL_SIZE`: ready instances to keep.
    pub size: i32,
    /// `LAUNCH_HOOK_NAME`: holds an instance until its agent is online.
    pub launch_hook: String,
    /// `BOOT_LIMIT_SECONDS`: a launch whose agent stays away longer is abandoned.
    pub boot_limit: Duration,
    /// `MAX_AGE_HOURS`: an older member is replaced; 0 for never.
    pub max_age: Duration,
    /// `PROVISION_QUEUE_URL`: where claims wait.
    pub provision_queue: String,
    /// `INIT_QUEUE_URL`: where init-instance is asked to look again.
    pub init_queue: String,
}

impl Config {
    /// Reads the settings.
    pub fn read(source: Source<'_>) -> Result<Self, ConfigError> {
        let hours: u32 = config::required(source, "MAX_AGE_HOURS")?;
        Ok(Self {
            pool: config::group(source, "POOL_GROUP")?,
            retirement: config::group(source, "RETIREMENT_GROUP")?,
            size: config::required(source, "POOL_SIZE")?,
            launch_hook: config::required(source, "LAUNCH_HOOK_NAME")?,
            boot_limit: Duration::from_secs(config::required(source, "BOOT_LIMIT_SECONDS")?),
            max_age: Duration::from_hours(hours.into()),
            provision_queue: config::required(source, "PROVISION_QUEUE_URL")?,
            init_queue: config::required(source, "INIT_QUEUE_URL")?,
        })
    }
}
