//! What must be known before a plan can be made. Only the pool itself must be there: without any other
//! part everything goes on that does not need it, and says what is missing.

use crate::decide::sizing::{self, Reading, Window};
use crate::decide::{
    FAILURES_BACK, FullScan, Targets, View, claims_wait, history_suffices, leak_candidates,
    leak_checks, leak_slice, looks_at_hook, max_age_now, reaches_back_to,
};
use crate::function::ReplenishPool;
use crate::missing::{AllMissing, Missing, Part};
use crate::notes;
use ready_pool_aws::error::ObserveError;
use ready_pool_core::Timestamp;
use ready_pool_core::activity::Activity;
use ready_pool_core::call_error::CallError;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeSet;
use std::time::Duration;

/// So many pages of history are caught up with in a pass, unless it is that of a quarter-hour only.
const MOST_PAGES: usize = 5;

/// How much a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The pool's size and gate.
    Short,
    /// Claims, leaks, health and age too: about once a minute.
    Full,
}

/// One look, and what it goes on without.
pub(crate) struct Observer<'a> {
    function: &'a ReplenishPool,
    extent: Extent,
    now: Timestamp,
    retirement: Option<Group>,
    /// What is missing so far.
    pub(crate) missing: AllMissing,
}

impl<'a> Observer<'a> {
    pub(crate) fn new(function: &'a ReplenishPool, extent: Extent, now: Timestamp) -> Self {
        Self {
            function,
            extent,
            now,
            retirement: None,
            missing: AllMissing::default(),
        }
    }

    /// The pool, as far as its size and its gate need it.
    pub(crate) async fn pool(&mut self) -> Result<View, ObserveError> {
        let config = &self.function.config;
        let names = BTreeSet::from([config.pool.clone(), config.retirement.clone()]);
        let mut groups = self.function.auto_scaling.groups(&names).await?;
        let pool = groups
            .remove(&config.pool)
            .ok_or_else(|| ObserveError::NoGroup(config.pool.clone()))?;
        self.retirement = groups.remove(&config.retirement);
        if self.retirement.is_none() {
            let why = "no group has this name";
            let gone = Missing::gone(Part::RetirementGroup, config.retirement.as_str(), why);
            self.missing.add(gone);
        }

        let max_age = match self.extent {
            Extent::Short => Duration::ZERO,
            Extent::Full => max_age_now(config.max_age, self.now),
        };
        let activities = self.history(&pool, max_age, self.learned_from(&pool)).await;
        let activities = self.missing.or_without(Part::History, "", activities);
        let backlog = self.function.provision_queue.length().await;
        let backlog = self.missing.or_without(Part::Backlog, "", backlog);
        // Whoever decides on growth must know who would be handed out.
        let all =
            self.extent == Extent::Full || claims_wait(backlog, activities.as_deref(), self.now);
        let asked_about: Vec<InstanceId> = pool
            .members
            .iter()
            .filter(|member| all || member.lifecycle == Lifecycle::PendingWait)
            .map(|member| member.instance.clone())
            .collect();
        let agents = self.function.systems_manager.agents(&asked_about).await;
        let agents = self.missing.or_without(Part::PoolAgents, "", agents);
        Ok(View {
            now: self.now,
            size: match &config.sizing {
                Some(settings) => sizing::size_now(&pool, settings),
                None => config.size,
            },
            pool,
            agents,
            activities,
            backlog,
            boot_limit: config.boot_limit,
            max_age,
            growth: self.function.memory.growth(),
            scan: None,
        })
    }

    /// Since when this look learns the size from the history.
    fn learned_from(&self, pool: &Group) -> Option<Timestamp> {
        let config = &self.function.config;
        if self.extent == Extent::Short || config.sizing.is_none() {
            return None;
        }
        match sizing::reading(pool, config.boot_limit, self.now) {
            Reading::Since(time) => Some(time),
            Reading::Behind(_) => None,
        }
    }

    async fn history(
        &self,
        pool: &Group,
        max_age: Duration,
        learned_from: Option<Timestamp>,
    ) -> Result<Vec<Activity>, CallError> {
        // Twice the boot limit: an overdue launch may have been missed for a while. And failed ones
        // for as long as they hold others back.
        let boot_limit = self.function.config.boot_limit;
        let back = (boot_limit * 2).max(FAILURES_BACK).max(max_age);
        let since = (self.now - back).min(learned_from.unwrap_or(self.now));
        self.function
            .auto_scaling
            .activities(&pool.name, since, |activities| {
                history_suffices(pool, activities, max_age, self.now)
                    && learned_from.is_none_or(|time| reaches_back_to(activities, time))
            })
            .await
    }

    /// The pool's history in as much of a window as comes in few pages.
    pub(crate) async fn past(&mut self, mut window: Window) -> Option<(Window, Vec<Activity>)> {
        let ReplenishPool {
            config,
            auto_scaling,
            memory,
            ..
        } = self.function;
        if let Some(minutes) = memory.window() {
            window = window.at_most(minutes);
        }
        loop {
            let most_pages = (!window.is_least()).then_some(MOST_PAGES);
            let times = window.times(config.boot_limit);
            let read = auto_scaling
                .activities_within(&config.pool, &times, most_pages)
                .await;
            if let Some(activities) = self.missing.or_without(Part::Past, "", read)? {
                memory.window_was(window.minutes());
                return Some((window, activities));
            }
            window = window.shorter();
        }
    }

    /// What only a full scan looks at.
    pub(crate) async fn rest(&mut self) -> FullScan {
        self.hook().await;
        let targets = self.targets().await;
        let mut scan = FullScan {
            targets,
            retirement: self.retirement.take(),
            ..FullScan::default()
        };
        self.instances(&mut scan).await;
        scan
    }

    /// The pool's targets.
    pub(crate) async fn targets(&mut self) -> Option<Targets> {
        let pool = &self.function.config.pool;
        let read = self.function.auto_scaling.targets_of(pool).await;
        let read = self.missing.or_without(Part::Targets, "", read)?;
        let mut targets = Targets {
            groups: read.groups,
            ..Targets::default()
        };
        for target in read.unreadable {
            let why = "its name is none that a claim can have, or AWS said too little of it";
            let gone = Missing::gone(Part::Target, &target.name, why);
            self.missing.add(gone);
            let open = target.entries.into_iter().filter(|entry| entry.is_open());
            let instances = open.filter_map(|entry| entry.instance);
            targets.entered_elsewhere.extend(instances);
        }
        Some(targets)
    }

    /// Whether the launch hook is there: nothing else shows that it is not.
    async fn hook(&mut self) {
        if !looks_at_hook(self.now) {
            return;
        }
        let config = &self.function.config;
        let hook = &config.launch_hook;
        let found = (self.function.auto_scaling)
            .has_hook(&config.pool, hook)
            .await;
        match self.missing.or_without(Part::LaunchHook, hook, found) {
            Some(true) | None => {}
            Some(false) => {
                let why = "the pool has no hook of this name";
                self.missing.add(Missing::gone(Part::LaunchHook, hook, why));
            }
        }
    }

    /// The instances that are on their way out, or may have leaked.
    async fn instances(&mut self, scan: &mut FullScan) {
        let Some(retirement) = &scan.retirement else {
            return;
        };
        let ReplenishPool {
            config,
            auto_scaling,
            systems_manager,
            ..
        } = self.function;
        let noted: BTreeSet<InstanceId> = notes::of(retirement).into_keys().collect();
        let window = leak_slice(self.now);
        let detached = auto_scaling
            .activities_within(&config.pool, &window, None)
            .await;
        let detached = self.missing.or_without(Part::Detaches, "", detached);
        let detached = detached.flatten();
        let candidates: BTreeSet<InstanceId> =
            leak_candidates(&detached.unwrap_or_default(), &window)
                .into_iter()
                .filter(|instance| !noted.contains(instance))
                .collect();

        let asked_about: Vec<InstanceId> = noted.union(&candidates).cloned().collect();
        let places = auto_scaling.placements(&asked_about).await;
        let Some(places) = self.missing.or_without(Part::Places, "", places) else {
            return;
        };
        let unsettled: Vec<InstanceId> = asked_about
            .into_iter()
            .filter(|instance| noted.contains(instance) || !places.contains_key(instance))
            .collect();
        let agents = systems_manager.agents(&unsettled).await;
        let Some(agents) = self.missing.or_without(Part::Agents, "", agents) else {
            return;
        };
        let listed: BTreeSet<InstanceId> = agents.into_keys().collect();
        let suspects: Vec<InstanceId> = listed.difference(&noted).cloned().collect();
        let mut looked_at = noted;
        looked_at.extend(leak_checks(&suspects, self.now).iter().cloned());
        let mut histories = Histories::new();
        for instance in looked_at {
            let history = systems_manager.history(&instance).await;
            let history = self
                .missing
                .or_without(Part::Commands, instance.as_str(), history);
            if let Some(history) = history {
                histories.insert(instance, history);
            }
        }
        scan.looked_at = histories.keys().cloned().collect();
        scan.histories = histories;
        scan.places = places;
        scan.listed = listed;
        scan.places
            .retain(|instance, _| scan.looked_at.contains(instance));
        scan.listed
            .retain(|instance| scan.looked_at.contains(instance));
    }
}
