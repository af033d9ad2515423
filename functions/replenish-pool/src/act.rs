//! Carries out a plan. What fails is left to the next pass, a minute later at most: the world is
//! looked at again anyway.

mod stopped;

use crate::decide::{Failure, Plan};
use crate::function::ReplenishPool;
use crate::notes;
use ready_pool_aws::auto_scaling::{Capacity, GroupTag, LaunchResult};
use ready_pool_aws::metrics::Record;
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::message::Message;
use ready_pool_core::pool_size::SIZE_TAG;
use std::collections::BTreeSet;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

/// How many launches are ended at a time: 480 in four seconds.
const ENDED_AT_ONCE: usize = 12;

/// What became of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Parts that failed.
    pub(crate) failures: usize,
    /// Launches completed.
    pub(crate) completed: usize,
    /// Launches abandoned.
    pub(crate) abandoned: usize,
    /// Launches that shall end and still wait: the next look is soon.
    pub(crate) unended: usize,
    /// Whether the capacity was raised for zones that lack instances.
    pub(crate) grew: bool,
}

/// Carries plans out.
pub(crate) struct Act<'a> {
    function: &'a ReplenishPool,
    /// What became of it so far.
    pub(crate) done: Done,
    /// Keys of notes that stay, whatever the plan says.
    kept_notes: BTreeSet<String>,
}

impl<'a> Act<'a> {
    pub(crate) fn new(function: &'a ReplenishPool) -> Self {
        Self {
            function,
            done: Done::default(),
            kept_notes: BTreeSet::new(),
        }
    }

    /// The pool's size, and who gets into service. Answers whose launches were completed.
    pub(crate) async fn on_the_pool(&mut self, plan: &Plan) -> Vec<InstanceId> {
        self.warn_of(plan);
        self.size(plan).await;
        self.gate(plan).await
    }

    /// Writes these tags on the pool, all in one call. Answers whether they are there.
    pub(crate) async fn on_the_pool_s_tags(&mut self, tags: &[(&'static str, String)]) -> bool {
        if tags.is_empty() {
            return true;
        }
        let pool = &self.function.config.pool;
        if let Some((_, size)) = tags.iter().find(|(key, _)| *key == SIZE_TAG) {
            info!(pool = %pool, size, "noting the pool's size");
        }
        let tags: Vec<GroupTag> = tags
            .iter()
            .map(|(key, value)| GroupTag {
                group: pool.clone(),
                key: (*key).to_owned(),
                value: value.clone(),
            })
            .collect();
        let written = self.function.auto_scaling.write_tags(&tags).await;
        !self.count("write what the pool's size is learned from", written)
    }

    /// What a full scan found.
    pub(crate) async fn on_the_rest(&mut self, plan: &Plan, now: Timestamp) {
        if plan.held_back > 0 {
            error!(pool = %self.function.config.pool, members = plan.held_back, "too many members look bad at once; touching none of them");
        }
        for instance in &plan.without_owner {
            error!(instance_id = %instance, "an instance in no group was sent an init command, and belongs to no open claim; a person must decide what becomes of it");
        }
        self.look_again(plan, now).await;
        self.take_out(plan, now).await;
        self.remove_tags(plan).await;
    }

    fn warn_of(&self, plan: &Plan) {
        let pool = &self.function.config.pool;
        if let Some(value) = &plan.misspelt_pause {
            error!(pool = %pool, value, "the pool's tag ready-pool:pause has none of the values claims, replenishing and all; everything is paused until it is mended");
        } else if plan.paused {
            warn!(pool = %pool, "replenishing is paused by the tag ready-pool:pause on the pool");
        }
        if plan.silent > 0 {
            warn!(pool = %pool, members = plan.silent, "claims wait, and members are in service whose agents are not online; they do not count as ready");
        }
        if let Some(problem) = &plan.launches_nothing {
            error!(pool = %pool, problem, "the pool lacks instances, and launches none until a person mends that");
        }
        match plan.failure {
            Some(Failure::Refused) => {
                error!(pool = %pool, failures = plan.failing_launches, "EC2 refuses launch after launch; trying one at a time");
            }
            Some(Failure::NotReady) => {
                error!(pool = %pool, failures = plan.failing_launches, "launched instances do not become ready, one after the other; trying one at a time");
            }
            None => {}
        }
    }

    async fn size(&mut self, plan: &Plan) {
        let Some(capacity) = plan.desired_capacity else {
            return;
        };
        let pool = &self.function.config.pool;
        info!(pool = %pool, capacity, "setting the pool's desired capacity");
        if plan.lacking > 0 {
            info!(pool = %pool, capacity, lacking = plan.lacking, "growing for claims that wait for zones where nothing is ready");
        }
        let auto_scaling = &self.function.auto_scaling;
        let result = auto_scaling.set_desired_capacity(pool, capacity).await;
        let failed = self.count("set the desired capacity", result);
        self.done.grew = plan.lacking > 0 && !failed;
    }

    async fn gate(&mut self, plan: &Plan) -> Vec<InstanceId> {
        let completed = self
            .end_launches(&plan.complete, LaunchResult::Continue)
            .await;
        let abandoned = self
            .end_launches(&plan.abandon, LaunchResult::Abandon)
            .await;
        self.done.completed = completed.len();
        self.done.abandoned = abandoned.len();
        completed
    }

    /// Ends these launches' waits, some at once: after the first fill, or an outage, hundreds may wait.
    /// Where AWS is busy no further one is begun. Answers whose ended.
    async fn end_launches(
        &mut self,
        instances: &[InstanceId],
        result: LaunchResult,
    ) -> Vec<InstanceId> {
        let mut calls = JoinSet::new();
        let mut rest = instances.iter();
        let mut busy = false;
        let mut ended = Vec::new();
        loop {
            while !busy && calls.len() < ENDED_AT_ONCE {
                let Some(instance) = rest.next() else {
                    break;
                };
                match result {
                    LaunchResult::Continue => {
                        info!(instance_id = %instance, "the agent is online; completing the launch");
                    }
                    LaunchResult::Abandon => {
                        warn!(instance_id = %instance, "the agent stays away; abandoning the launch");
                    }
                }
                let auto_scaling = self.function.auto_scaling.clone();
                let config = &self.function.config;
                let (pool, hook) = (config.pool.clone(), config.launch_hook.clone());
                let instance = instance.clone();
                calls.spawn(async move {
                    let answer = auto_scaling
                        .complete_launch(&pool, &hook, &instance, result)
                        .await;
                    (instance, answer)
                });
            }
            let Some(answer) = calls.join_next().await else {
                break;
            };
            let (instance, answer) = match answer {
                Ok((instance, answer)) => (Some(instance), answer),
                Err(panicked) => {
                    let what = format!("answer: {panicked}");
                    let error = CallError::incomplete("CompleteLifecycleAction", &what);
                    (None, Err(error))
                }
            };
            busy |= matches!(&answer, Err(error) if error.effect == Effect::Busy);
            if !self.count("end a launch's wait", answer) {
                ended.extend(instance);
            }
        }
        self.done.unended += instances.len() - ended.len();
        ended
    }

    async fn look_again(&mut self, plan: &Plan, now: Timestamp) {
        let messages: Result<Vec<Outgoing>, CallError> = plan
            .look_again
            .iter()
            .map(|look| {
                let message = Outgoing::json(&Message::LookAgain(look.clone()))?;
                Ok(message.ordered(look.group_id(), look.deduplication_id(now)))
            })
            .collect();
        let results = match messages {
            Ok(messages) => self.function.init_queue.send(&messages).await,
            Err(error) => vec![Err(error)],
        };
        for result in results {
            self.count("ask for a look at an open claim", result);
        }
    }

    /// The notes first: an instance that left the pool by our hand is never forgotten.
    async fn take_out(&mut self, plan: &Plan, now: Timestamp) {
        let config = &self.function.config;
        let auto_scaling = &self.function.auto_scaling;
        if !plan.note.is_empty() {
            let tags: Vec<GroupTag> = plan
                .note
                .iter()
                .map(|(instance, note)| {
                    warn!(instance_id = %instance, stage = ?note.stage, "noted an instance on its way out");
                    GroupTag {
                        group: config.retirement.clone(),
                        key: notes::tag_key(instance),
                        value: note.to_string(),
                    }
                })
                .collect();
            if self.count("write notes", auto_scaling.write_tags(&tags).await) {
                return;
            }
        }
        let detach = if self.on_the_pool_s_tags(&plan.before_detach).await {
            plan.detach.as_slice()
        } else {
            &[]
        };
        for instance in detach {
            warn!(instance_id = %instance, "detaching a member to retire it");
            let instances = std::slice::from_ref(instance);
            let result = auto_scaling
                .detach(&config.pool, instances, Capacity::Replace)
                .await;
            self.count("detach a member", result);
        }
        for instance in &plan.attach_to_retirement {
            warn!(instance_id = %instance, "attaching an instance in no group to the retirement group");
            let result = auto_scaling.attach(&config.retirement, instance).await;
            self.count("attach to the retirement group", result);
        }
        self.try_unlisted(&plan.unlisted, now).await;
        for instance in &plan.terminate {
            warn!(instance_id = %instance, "terminating in the retirement group");
            let failed = self.count("terminate", auto_scaling.terminate(instance).await);
            if !failed {
                let record = Record::of(&config.pool)
                    .count("Retirements", 1)
                    .with("instance_id", instance.as_str());
                self.function.metrics.write(&record, now);
            }
        }
    }

    async fn remove_tags(&mut self, plan: &Plan) {
        if plan.remove_tags.is_empty() {
            return;
        }
        info!(
            tags = plan.remove_tags.len(),
            "removing tags that are done with"
        );
        // Those of each kind in calls of their own: a policy that allows the keys of one kind on
        // one group refuses a request that has the other's keys, too (`aws:TagKeys` are all keys
        // of a request).
        let config = &self.function.config;
        let tags = plan.remove_tags.iter();
        let tags = tags.filter(|(_, key)| !self.kept_notes.contains(key));
        let (notes, rest): (Vec<_>, Vec<_>) = tags
            .cloned()
            .partition(|(group, _)| *group == config.retirement);
        let rest = rest.into_iter();
        let (lacking, entries): (Vec<_>, Vec<_>) =
            rest.partition(|(group, _)| *group == config.pool);
        for tags in [notes, lacking, entries] {
            let result = self.function.auto_scaling.remove_tags(&tags).await;
            self.count("remove tags", result);
        }
    }

    /// Counts a failure; answers whether it was one.
    fn count(&mut self, what: &str, result: Result<(), CallError>) -> bool {
        if let Err(error) = result {
            warn!(%error, "cannot {what}; the next look at the pool tries again");
            self.done.failures += 1;
            return true;
        }
        false
    }
}
