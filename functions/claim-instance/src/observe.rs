//! What must be known before a batch can be decided on.

use crate::decide::{Memory, Request, View};
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::error::AwsError;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_core::Timestamp;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Lifecycle, Whereabouts};
use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::{BTreeMap, BTreeSet};

/// One look at the world.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pool: Group,
    targets: BTreeMap<GroupName, Group>,
    online: BTreeMap<InstanceId, Timestamp>,
    places: BTreeMap<InstanceId, Whereabouts>,
    histories: Histories,
}

/// Why a look failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ObserveError {
    /// A read failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The function's own settings name a group that does not exist.
    #[error("the pool's group {0} does not exist; check POOL_GROUP")]
    NoPool(GroupName),
}

/// Looks: at the pool and all targets in one call, at the agents of what could be handed out, and
/// at the instances of claims that were begun before.
pub(crate) async fn observe(
    auto_scaling: &AutoScaling,
    systems_manager: &SystemsManager,
    pool_name: &GroupName,
    requests: &[Request],
    memory: &Memory,
) -> Result<Observed, ObserveError> {
    let mut names: BTreeSet<GroupName> = requests
        .iter()
        .map(|request| request.claim.target_group.clone())
        .collect();
    names.insert(pool_name.clone());
    let targets = auto_scaling.groups(&names).await?;
    let pool = targets
        .get(pool_name)
        .cloned()
        .ok_or_else(|| ObserveError::NoPool(pool_name.clone()))?;

    let candidates: Vec<InstanceId> = pool
        .members
        .iter()
        .filter(|member| member.lifecycle == Lifecycle::InService && member.healthy)
        .map(|member| member.instance.clone())
        .collect();
    let online = systems_manager.online(&candidates).await?;

    let begun: BTreeSet<InstanceId> = requests
        .iter()
        .filter_map(|request| {
            let claim = &request.claim;
            let entry = memory.entry_of(claim, targets.get(&claim.target_group))?;
            entry.is_open().then_some(entry.instance)?
        })
        .collect();
    let begun: Vec<InstanceId> = begun.into_iter().collect();
    let places = auto_scaling.whereabouts(&begun).await?;
    let mut histories = Histories::new();
    for instance in &begun {
        let history = systems_manager.history(instance).await?;
        histories.insert(instance.clone(), history);
    }
    // Whoever moves a begun instance writes the claim's entry first: an entry that was read
    // before the place could be older than what it is judged by.
    let targets = if begun.is_empty() {
        targets
    } else {
        auto_scaling.groups(&names).await?
    };
    Ok(Observed {
        pool,
        targets,
        online,
        places,
        histories,
    })
}

impl Observed {
    /// The look together with what the delivery remembers.
    pub(crate) fn view<'a>(
        &'a self,
        now: Timestamp,
        retirement: &'a GroupName,
        memory: &'a Memory,
    ) -> View<'a> {
        View {
            now,
            pool: &self.pool,
            retirement,
            targets: &self.targets,
            online: &self.online,
            places: &self.places,
            histories: &self.histories,
            memory,
        }
    }
}
