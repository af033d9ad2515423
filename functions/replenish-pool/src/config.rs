//! The function's settings, and the figures that the template is configured with.

use crate::decide::sizing;
use ready_pool_aws::config::{self, ConfigError, Source};
use ready_pool_aws::metrics::Detail;
use ready_pool_core::ids::GroupName;
use ready_pool_sizing::{HitRate, Target};
use std::time::Duration;

/// Time that must be left for one more look.
pub const TIME_FOR_A_LOOK: Duration = Duration::from_secs(20);

/// Settings from the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DETAIL`: which figures become metrics.
    pub detail: Detail,
    /// `POOL_GROUP`.
    pub pool: GroupName,
    /// `RETIREMENT_GROUP`.
    pub retirement: GroupName,
    /// `POOL_SIZE`: ready instances to keep, where no hit rate is asked for.
    pub size: i32,
    /// `HIT_RATE` (a percentage, 0 for none), `LEAST_READY` and `POOL_MAX_SIZE`: how the pool is sized by its
    /// hit rate.
    pub sizing: Option<sizing::Settings>,
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
            detail: config::required(source, "DETAIL")?,
            pool: config::group(source, "POOL_GROUP")?,
            retirement: config::group(source, "RETIREMENT_GROUP")?,
            size: config::required(source, "POOL_SIZE")?,
            sizing: sizing(source)?,
            launch_hook: config::required(source, "LAUNCH_HOOK_NAME")?,
            boot_limit: Duration::from_secs(config::required(source, "BOOT_LIMIT_SECONDS")?),
            max_age: Duration::from_hours(hours.into()),
            provision_queue: config::required(source, "PROVISION_QUEUE_URL")?,
            init_queue: config::required(source, "INIT_QUEUE_URL")?,
        })
    }
}

fn sizing(source: Source<'_>) -> Result<Option<sizing::Settings>, ConfigError> {
    const HIT_RATE: &str = "HIT_RATE";
    let percent: f64 = config::required(source, HIT_RATE)?;
    if percent == 0.0 {
        return Ok(None);
    }
    let hit_rate = HitRate::of_percent(percent).ok_or_else(|| ConfigError::Unreadable {
        name: HIT_RATE,
        value: percent.to_string(),
        problem: "must be 50 to 99.9 percent, or 0 for a fixed size".to_owned(),
    })?;
    Ok(Some(sizing::Settings {
        target: Target {
            hit_rate,
            least_ready: config::required(source, "LEAST_READY")?,
        },
        pool_size: config::required(source, "POOL_SIZE")?,
        pool_max_size: config::required(source, "POOL_MAX_SIZE")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hit_rate: &str) -> Result<Option<sizing::Settings>, ConfigError> {
        let hit_rate = hit_rate.to_owned();
        sizing(&move |name| match name {
            "HIT_RATE" => Some(hit_rate.clone()),
            "LEAST_READY" => Some("1".to_owned()),
            "POOL_SIZE" => Some("10".to_owned()),
            "POOL_MAX_SIZE" => Some("50".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_hit_rate_of_0_is_none() {
        assert_eq!(read("0"), Ok(None));
        let settings = read("99.9").unwrap().unwrap();
        assert_eq!(settings.target.hit_rate.to_string(), "99.9 %");
        assert_eq!((settings.pool_size, settings.pool_max_size), (10, 50));
    }

    #[test]
    fn a_hit_rate_that_cannot_be_kept_is_refused_by_its_name() {
        for value in ["49.9", "100", "-1", "NaN", "ninety", ""] {
            let error = read(value).unwrap_err().to_string();
            assert!(error.contains("HIT_RATE"), "{value:?}: {error}");
        }
    }
}
