//! What must be known before a batch can be decided on.

use crate::config::Config;
use crate::decide::{Memory, MessageGroup, Request, View};
use crate::function::ClaimInstance;
use ready_pool_aws::error::ObserveError;
use ready_pool_core::Timestamp;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Placement};
use ready_pool_core::ids::{GroupName, InstanceId};
use std::collections::{BTreeMap, BTreeSet};

/// One look at the world.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pool: Group,
    targets: BTreeMap<GroupName, Group>,
    online: BTreeSet<InstanceId>,
    places: BTreeMap<InstanceId, Placement>,
    histories: Histories,
    queued: usize,
}

/// Looks: at the pool and all targets in one call, at the agents of what could be handed out, and
/// at the instances of claims that were begun before.
///
/// `delivered` messages are in the batch: the rest of the queue is ahead of a dry run in a message
/// group of its own, but for claims that wait for something else.
pub(crate) async fn observe(
    function: &ClaimInstance,
    requests: &[Request],
    memory: &Memory,
    delivered: usize,
) -> Result<Observed, ObserveError> {
    let ClaimInstance {
        config,
        auto_scaling,
        systems_manager,
        provision_queue,
        ..
    } = function;
    let pool_name = &config.pool;
    let mut names: BTreeSet<GroupName> = requests
        .iter()
        .map(|request| request.claim.target_group.clone())
        .collect();
    names.insert(pool_name.clone());
    let targets = auto_scaling.groups(&names).await?;
    let mut pool = targets
        .get(pool_name)
        .cloned()
        .ok_or_else(|| ObserveError::NoGroup(pool_name.clone()))?;
    if !config.require_common_subnet {
        // Taken for one that names zones only: then zones decide which target can be served.
        pool.subnets.clear();
    }

    let candidates: Vec<InstanceId> = pool
        .members
        .iter()
        .filter(|member| member.is_fit())
        .map(|member| member.instance.clone())
        .collect();
    let online = systems_manager.online(&candidates).await?;

    let begun: BTreeSet<InstanceId> = requests
        .iter()
        .filter(|request| !request.claim.dry_run)
        .filter_map(|request| {
            let claim = &request.claim;
            let entry = memory.entry_of(claim, targets.get(&claim.target_group))?;
            entry.is_open().then_some(entry.instance)?
        })
        .collect();
    let begun: Vec<InstanceId> = begun.into_iter().collect();
    let places = auto_scaling.placements(&begun).await?;
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
    let beside = |request: &Request| request.group == MessageGroup::DryRuns;
    let queued = if requests.iter().any(beside) {
        let length = provision_queue.length().await?;
        // Those get nothing of what is ready.
        let passed_over = function.line.particular(function.clock.now());
        length.saturating_sub(delivered).saturating_sub(passed_over)
    } else {
        0
    };
    Ok(Observed {
        pool,
        targets,
        online,
        places,
        histories,
        queued,
    })
}

impl Observed {
    /// The pool.
    pub(crate) fn pool(&self) -> &Group {
        &self.pool
    }

    /// The look together with what the delivery remembers.
    pub(crate) fn view<'a>(
        &'a self,
        config: &'a Config,
        now: Timestamp,
        memory: &'a Memory,
    ) -> View<'a> {
        View {
            now,
            size: (self.pool.kept_size().filter(|_| config.sized_by_hit_rate))
                .unwrap_or(config.size),
            pool: &self.pool,
            retirement: &config.retirement,
            targets: &self.targets,
            online: &self.online,
            places: &self.places,
            histories: &self.histories,
            queued: self.queued,
            memory,
        }
    }
}
