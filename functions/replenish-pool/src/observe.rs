//! What must be known before a plan can be made. A read that fails ends the pass: nothing is
//! decided on half a look.

use crate::config::{Config, LEAK_CHECKS_PER_PASS};
use crate::decide::{HOLD, LEAK_CHECKED_FOR, LEAK_CHECKED_FROM, Round, View, leak_candidates};
use crate::notes;
use ready_pool_aws::auto_scaling::{Activity, AutoScaling};
use ready_pool_aws::error::AwsError;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_core::Timestamp;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::BTreeSet;

/// Why a look failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ObserveError {
    /// A read failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The function's own settings name a group that does not exist.
    #[error("the group {0} does not exist; check POOL_GROUP and RETIREMENT_GROUP")]
    NoGroup(GroupName),
}

/// How much a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The pool's size and gate.
    Short,
    /// Claims, leaks, health and age too: once a minute.
    Full,
}

/// Takes a look.
pub(crate) async fn observe(
    auto_scaling: &AutoScaling,
    systems_manager: &SystemsManager,
    config: &Config,
    extent: Extent,
    now: Timestamp,
) -> Result<View, ObserveError> {
    let names = BTreeSet::from([config.pool.clone(), config.retirement.clone()]);
    let mut groups = auto_scaling.groups(&names).await?;
    let mut take = |name: &GroupName| {
        groups
            .remove(name)
            .ok_or_else(|| ObserveError::NoGroup(name.clone()))
    };
    let pool = take(&config.pool)?;
    let retirement = take(&config.retirement)?;

    let asked_about: Vec<InstanceId> = pool
        .members
        .iter()
        .filter(|member| match extent {
            Extent::Short => member.lifecycle == Lifecycle::PendingWait,
            Extent::Full => true,
        })
        .map(|member| member.instance.clone())
        .collect();
    let agents = systems_manager.agents(&asked_about).await?;
    // Twice the boot limit: an overdue launch may have been missed for a while. And failed ones
    // for as long as they hold others back.
    let launches = config.boot_limit * 2 + HOLD;
    let back = match extent {
        Extent::Short => launches,
        Extent::Full => (LEAK_CHECKED_FROM + LEAK_CHECKED_FOR)
            .max(launches)
            .max(config.max_age),
    };
    let activities = auto_scaling.activities(&config.pool, now - back).await?;
    let round = match extent {
        Extent::Short => None,
        Extent::Full => Some(
            look_around(
                auto_scaling,
                systems_manager,
                config,
                retirement,
                &activities,
                now,
            )
            .await?,
        ),
    };
    Ok(View {
        now,
        pool,
        size: config.size,
        agents,
        activities,
        boot_limit: config.boot_limit,
        max_age: config.max_age,
        round,
    })
}

async fn look_around(
    auto_scaling: &AutoScaling,
    systems_manager: &SystemsManager,
    config: &Config,
    retirement: Group,
    activities: &[Activity],
    now: Timestamp,
) -> Result<Round, ObserveError> {
    let targets = auto_scaling.targets_of(&config.pool).await?;
    let since = now - LEAK_CHECKED_FROM - LEAK_CHECKED_FOR;
    let retired = auto_scaling.activities(&config.retirement, since).await?;
    let candidates = leak_candidates(activities, &retired, now);

    let mut asked_about: BTreeSet<InstanceId> = notes::of(&retirement).into_keys().collect();
    asked_about.extend(free_ones(auto_scaling, &candidates, now).await?);
    let asked_about: Vec<InstanceId> = asked_about.into_iter().collect();
    let places = auto_scaling.whereabouts(&asked_about).await?;
    let listed: BTreeSet<InstanceId> = systems_manager
        .agents(&asked_about)
        .await?
        .into_keys()
        .collect();
    let mut histories = Histories::new();
    for instance in &asked_about {
        histories.insert(instance.clone(), systems_manager.history(instance).await?);
    }
    Ok(Round {
        targets,
        retirement,
        looked_at: asked_about.into_iter().collect(),
        places,
        listed,
        histories,
    })
}

/// Of the candidates that are in no group, those whose turn it is: twenty a pass, and the next
/// twenty in the next minute. Each is asked for alone, which is dear, so not all at once.
async fn free_ones(
    auto_scaling: &AutoScaling,
    candidates: &[InstanceId],
    now: Timestamp,
) -> Result<Vec<InstanceId>, AwsError> {
    let places = auto_scaling.whereabouts(candidates).await?;
    let free: Vec<&InstanceId> = candidates
        .iter()
        .filter(|instance| !places.contains_key(instance))
        .collect();
    let minute = usize::try_from(now.unix_timestamp() / 60).unwrap_or_default();
    let passes = free.len().div_ceil(LEAK_CHECKS_PER_PASS).max(1);
    Ok(free
        .into_iter()
        .skip(minute % passes * LEAK_CHECKS_PER_PASS)
        .take(LEAK_CHECKS_PER_PASS)
        .cloned()
        .collect())
}
