//! What must be known before a plan can be made. A read that fails ends the pass: nothing is
//! decided on half a look.

use crate::config::Config;
use crate::decide::{
    FAILURES_BACK, FullScan, View, history_suffices, leak_candidates, leak_checks, leak_slice,
    max_age_now,
};
use crate::notes;
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::error::ObserveError;
use ready_pool_aws::queue::Queue;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_core::Timestamp;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::BTreeSet;
use std::time::Duration;

/// How much a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The pool's size and gate.
    Short,
    /// Claims, leaks, health and age too: about once a minute.
    Full,
}

/// Takes a look.
pub(crate) async fn observe(
    auto_scaling: &AutoScaling,
    systems_manager: &SystemsManager,
    provision_queue: &Queue,
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
    let max_age = match extent {
        Extent::Short => Duration::ZERO,
        Extent::Full => max_age_now(config.max_age, now),
    };
    // Twice the boot limit: an overdue launch may have been missed for a while. And failed ones
    // for as long as they hold others back.
    let back = (config.boot_limit * 2).max(FAILURES_BACK).max(max_age);
    let activities = auto_scaling
        .activities(&config.pool, now - back, |activities| {
            history_suffices(&pool, activities, max_age, now)
        })
        .await?;
    let backlog = provision_queue.length().await?;
    let scan = match extent {
        Extent::Short => None,
        Extent::Full => {
            Some(observe_targets(auto_scaling, systems_manager, config, retirement, now).await?)
        }
    };
    Ok(View {
        now,
        pool,
        size: config.size,
        agents,
        activities,
        backlog,
        boot_limit: config.boot_limit,
        max_age,
        scan,
    })
}

async fn observe_targets(
    auto_scaling: &AutoScaling,
    systems_manager: &SystemsManager,
    config: &Config,
    retirement: Group,
    now: Timestamp,
) -> Result<FullScan, ObserveError> {
    let targets = auto_scaling.targets_of(&config.pool).await?;
    let window = leak_slice(now);
    let detached = auto_scaling
        .activities_within(&config.pool, &window)
        .await?;
    let noted: BTreeSet<InstanceId> = notes::of(&retirement).into_keys().collect();
    let candidates: BTreeSet<InstanceId> = leak_candidates(&detached, &window)
        .into_iter()
        .filter(|instance| !noted.contains(instance))
        .collect();

    let asked_about: Vec<InstanceId> = noted.union(&candidates).cloned().collect();
    let mut places = auto_scaling.placements(&asked_about).await?;
    let unsettled: Vec<InstanceId> = asked_about
        .into_iter()
        .filter(|instance| noted.contains(instance) || !places.contains_key(instance))
        .collect();
    let mut listed: BTreeSet<InstanceId> = systems_manager
        .agents(&unsettled)
        .await?
        .into_keys()
        .collect();
    let suspects: Vec<InstanceId> = listed.difference(&noted).cloned().collect();
    let mut looked_at = noted;
    looked_at.extend(leak_checks(&suspects, now).iter().cloned());
    places.retain(|instance, _| looked_at.contains(instance));
    listed.retain(|instance| looked_at.contains(instance));
    let mut histories = Histories::new();
    for instance in &looked_at {
        histories.insert(instance.clone(), systems_manager.history(instance).await?);
    }
    Ok(FullScan {
        targets,
        retirement,
        looked_at,
        places,
        listed,
        histories,
    })
}
