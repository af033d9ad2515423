//! What must be known before a plan can be made.

use crate::config::Config;
use crate::decide::View;
use ready_pool_aws::auto_scaling::{ActivityKind, AutoScaling};
use ready_pool_aws::error::AwsError;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_core::Timestamp;
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::{BTreeMap, BTreeSet};

/// Why a look failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ObserveError {
    /// A read failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The function's own settings name a group that does not exist.
    #[error("the pool's group {0} does not exist; check POOL_GROUP")]
    NoPool(GroupName),
}

/// Whether a pass also looks after open claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    LookAfter,
    LeaveAlone,
}

/// Looks at the pool, at the agents of its booting members, and (`claims`) at its targets.
pub(crate) async fn observe(
    auto_scaling: &AutoScaling,
    systems_manager: &SystemsManager,
    config: &Config,
    claims: Claims,
    now: Timestamp,
) -> Result<View, ObserveError> {
    let pool = auto_scaling
        .groups(&BTreeSet::from([config.pool.clone()]))
        .await?
        .remove(&config.pool)
        .ok_or_else(|| ObserveError::NoPool(config.pool.clone()))?;
    let held: Vec<InstanceId> = pool
        .members
        .iter()
        .filter(|member| member.lifecycle == Lifecycle::PendingWait)
        .map(|member| member.instance.clone())
        .collect();
    let online: BTreeSet<InstanceId> = systems_manager.online(&held).await?.into_keys().collect();
    let launched_at = if held.iter().all(|instance| online.contains(instance)) {
        BTreeMap::new()
    } else {
        launches(auto_scaling, config, now).await?
    };
    let targets = match claims {
        Claims::LookAfter => auto_scaling.targets_of(&config.pool).await?,
        Claims::LeaveAlone => Vec::new(),
    };
    Ok(View {
        now,
        pool,
        size: config.size,
        online,
        launched_at,
        boot_limit: config.boot_limit,
        targets,
    })
}

async fn launches(
    auto_scaling: &AutoScaling,
    config: &Config,
    now: Timestamp,
) -> Result<BTreeMap<InstanceId, Timestamp>, AwsError> {
    // Twice the limit: an overdue launch may have been missed for a while.
    let since = now - config.boot_limit * 2;
    let activities = auto_scaling.activities(&config.pool, since).await?;
    Ok(activities
        .into_iter()
        .filter(|activity| activity.kind == ActivityKind::Launch)
        .filter_map(|activity| Some((activity.instance?, activity.started_at)))
        .collect())
}
