//! What must be known before a plan can be made. Only the pool itself must be there: without any other
//! part everything goes on that does not need it, and says what is missing.

use crate::decide::sizing::{self, Reading, Window};
use crate::decide::{
    Extent, FAILURES_BACK, FullScan, LEAK_CHECKS_PER_PASS, Targets, View, agents_are_due,
    all_are_online, claims_wait, history_suffices, launches_of_waiting, leak_candidates,
    leak_checks, leak_slice, leak_slice_is_due, looks_at_hook, max_age_now, needs_history,
    needs_launches, reaches_back_to,
};
use crate::function::ReplenishPool;
use crate::missing::{AllMissing, Missing, Part};
use crate::notes;
use ready_pool_aws::error::ObserveError;
use ready_pool_core::Timestamp;
use ready_pool_core::activity::Activity;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeSet;
use std::time::Duration;

/// So many pages of history are caught up with in a pass, unless it is that of a quarter-hour only.
const MOST_PAGES: usize = 5;

/// One look, and what it goes on without.
pub(crate) struct Observer<'a> {
    function: &'a ReplenishPool,
    extent: Extent,
    now: Timestamp,
    retirement: Option<Group>,
    /// Messages on the provisioning queue, where they were counted.
    backlog: Option<usize>,
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
            backlog: None,
            missing: AllMissing::default(),
        }
    }

    /// Whether anything lies on the provisioning queue. If so this look goes on to be about the pool's size.
    pub(crate) async fn queue(&mut self) -> bool {
        self.count_messages().await;
        self.extent = Extent::Size;
        self.backlog.is_some_and(|backlog| backlog > 0)
    }

    async fn count_messages(&mut self) {
        let backlog = self.function.provision_queue.length().await;
        self.backlog = self.missing.or_without(Part::Backlog, "", backlog);
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
        let mut launched = self.function.memory.launched();
        launched.retain(|instance, _| pool.member(instance).is_some());
        let mut view = View {
            now: self.now,
            size: match &config.sizing {
                Some(settings) => sizing::size_now(&pool, settings),
                None => config.size,
            },
            pool,
            agents: None,
            knows_all_agents: false,
            activities: None,
            launched,
            backlog: None,
            boot_limit: config.boot_limit,
            max_age: match self.extent {
                Extent::Full => max_age_now(config.max_age, self.now),
                Extent::Queue | Extent::Gate | Extent::Size => Duration::ZERO,
            },
            growth: self.function.memory.growth(),
            scan: None,
        };
        if self.extent == Extent::Gate {
            self.agents(&mut view, false).await;
            if needs_launches(&view) {
                let activities = self.history(&view, None).await;
                self.remember_launches(&mut view, activities.as_deref());
            }
        } else {
            self.size(&mut view).await;
        }
        Ok(view)
    }

    /// What the pool's size needs: who waits, what happened, and who would be handed out.
    async fn size(&mut self, view: &mut View) {
        if self.backlog.is_none() {
            self.count_messages().await;
        }
        view.backlog = self.backlog;
        let learns = self.extent == Extent::Full && self.function.config.sizing.is_some();
        if learns || needs_history(view) {
            let learned_from = self.learned_from(&view.pool);
            let activities = self.history(view, learned_from).await;
            self.remember_launches(view, activities.as_deref());
            view.activities = activities;
        }
        let of_all = self.wants_all_agents(view);
        self.agents(view, of_all).await;
    }

    /// Whoever decides on growth must know who would be handed out, and whoever judges a member must know its agent.
    fn wants_all_agents(&self, view: &View) -> bool {
        let notes = self.retirement.as_ref().map(notes::of);
        let judges = notes.is_some_and(|notes| !notes.is_empty()) || !view.max_age.is_zero();
        claims_wait(view.backlog, view.activities.as_deref(), self.now)
            || (self.extent == Extent::Full
                && (judges || agents_are_due(self.function.memory.agents_online_at(), self.now)))
    }

    async fn agents(&mut self, view: &mut View, of_all: bool) {
        let members = view.pool.members.iter();
        let asked_about: Vec<InstanceId> = members
            .filter(|member| of_all || member.lifecycle == Lifecycle::PendingWait)
            .map(|member| member.instance.clone())
            .collect();
        let agents = self.function.systems_manager.agents(&asked_about).await;
        view.agents = self.missing.or_without(Part::PoolAgents, "", agents);
        view.knows_all_agents = of_all;
        if of_all {
            let all_online_at = all_are_online(view).then_some(self.now);
            self.function.memory.agents_were_online(all_online_at);
        }
    }

    fn remember_launches(&self, view: &mut View, activities: Option<&[Activity]>) {
        let found = launches_of_waiting(&view.pool, activities.unwrap_or_default());
        view.launched.extend(found);
        self.function.memory.launched_were(view.launched.clone());
    }

    /// Since when this look learns the size from the history.
    fn learned_from(&self, pool: &Group) -> Option<Timestamp> {
        let config = &self.function.config;
        if self.extent != Extent::Full || config.sizing.is_none() {
            return None;
        }
        match sizing::reading(pool, config.boot_limit, self.now) {
            Reading::Since(time) => Some(time),
            Reading::Behind(_) => None,
        }
    }

    async fn history(
        &mut self,
        view: &View,
        learned_from: Option<Timestamp>,
    ) -> Option<Vec<Activity>> {
        // Twice the boot limit: an overdue launch may have been missed for a while. And failed ones
        // for as long as they hold others back.
        let (pool, max_age) = (&view.pool, view.max_age);
        let back = (view.boot_limit * 2).max(FAILURES_BACK).max(max_age);
        let since = (self.now - back).min(learned_from.unwrap_or(self.now));
        let read = self
            .function
            .auto_scaling
            .activities(&pool.name, since, |activities| {
                history_suffices(pool, activities, max_age, self.now)
                    && learned_from.is_none_or(|time| reaches_back_to(activities, time))
            })
            .await;
        self.missing.or_without(Part::History, "", read)
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

    /// Those that left the pool in the part of a day that this look is about.
    async fn leak_candidates(&mut self) -> Option<Vec<InstanceId>> {
        let (pool, window) = (&self.function.config.pool, leak_slice(self.now));
        let auto_scaling = &self.function.auto_scaling;
        let detached = auto_scaling.activities_within(pool, &window, None).await;
        let detached = self.missing.or_without(Part::Detaches, "", detached)?;
        Some(leak_candidates(&detached.unwrap_or_default(), &window))
    }

    /// The instances that are on their way out, or may have leaked.
    async fn instances(&mut self, scan: &mut FullScan) {
        let Some(retirement) = &scan.retirement else {
            return;
        };
        let ReplenishPool {
            auto_scaling,
            systems_manager,
            memory,
            ..
        } = self.function;
        let noted: BTreeSet<InstanceId> = notes::of(retirement).into_keys().collect();
        let (leaks_at, are_crowded) = memory.leaks_at().unzip();
        let detached = if leak_slice_is_due(leaks_at, are_crowded.unwrap_or_default(), self.now) {
            self.leak_candidates().await
        } else {
            None
        };
        let looks_for_leaks = detached.is_some();
        let mut candidates: BTreeSet<InstanceId> =
            detached.unwrap_or_default().into_iter().collect();
        candidates.retain(|instance| !noted.contains(instance));

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
        if looks_for_leaks {
            memory.leaks_were(self.now, suspects.len() > LEAK_CHECKS_PER_PASS);
        }
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
