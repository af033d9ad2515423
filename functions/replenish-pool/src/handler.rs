//! One invocation: looks as far as its event calls for it, and again while a launch waits in the hook, or the pool may
//! have to grow, until time is up.

use crate::act::{Act, Done};
use crate::config::TIME_FOR_A_LOOK;
use crate::decide::sizing::{self, Reading, Sizing};
use crate::decide::{
    Cause, Extent, Growth, LastLooks, Plan, View, first_look, for_claims, for_the_pool,
    for_the_rest, full_scan_is_due, next_look, says_warm_pool,
};
use crate::figures;
use crate::function::ReplenishPool;
use crate::observe::Observer;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_aws::error::ObserveError;
use ready_pool_aws::event::{AutoScalingDetail, time_of};
use ready_pool_core::Timestamp;
use ready_pool_core::group::Group;
use serde::Serialize;
use serde_json::Value;
use tracing::{debug, error, info};

const AUTO_SCALING: &str = "aws.autoscaling";

/// What an invocation did, for whoever invokes it by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Whether the event was about something else.
    pub ignored: bool,
    /// Looks taken.
    pub looks: usize,
    /// Launches completed.
    pub completed: usize,
    /// Launches abandoned.
    pub abandoned: usize,
    /// Launches still on their way at the end.
    pub booting: usize,
    /// Claims that init-instance was asked to look at.
    pub claims_looked_at: usize,
    /// Instances taken a step out of the world.
    pub removed: usize,
    /// Calls that failed, for the next pass to repeat.
    pub failures: usize,
}

impl Summary {
    fn add(&mut self, plan: &Plan, done: Done) {
        self.looks += 1;
        self.failures += done.failures;
        self.completed += done.completed;
        self.abandoned += done.abandoned;
        self.booting = plan.booting + done.unended;
        self.claims_looked_at += plan.look_again.len();
        self.removed += plan.attach_to_retirement.len() + plan.detach.len();
    }
}

impl ReplenishPool {
    /// Serves one event, of whatever kind: it only wakes the function up.
    pub async fn handle(
        &self,
        event: &EventBridgeEvent<Value>,
        invocation: &Invocation,
    ) -> Result<Summary, ObserveError> {
        // Boxed: a large future, in the frame of another one.
        let result = Box::pin(self.process(event, invocation)).await;
        self.metrics
            .write_calls(&self.config.pool, "replenish-pool", invocation.now());
        result
    }

    async fn process(
        &self,
        event: &EventBridgeEvent<Value>,
        invocation: &Invocation,
    ) -> Result<Summary, ObserveError> {
        let mut summary = Summary::default();
        if self.is_about_something_else(event) {
            debug!(
                detail_type = event.detail_type,
                "the event is about something else"
            );
            summary.ignored = true;
            return Ok(summary);
        }
        let mut extent = first_look(
            &cause_of(event),
            time_of(event),
            &self.memory.last_looks(),
            invocation.now(),
        );
        while let Some(asked) = extent {
            let look = Box::pin(self.look(asked, invocation.now(), invocation)).await?;
            let Some((plan, done)) = look else {
                break;
            };
            summary.add(&plan, done);
            let LastLooks {
                may_grow,
                full_scan_at,
                ..
            } = self.memory.last_looks();
            let Some((pause, next)) = next_look(&plan, done.unended, may_grow) else {
                break;
            };
            if !invocation.has(pause + TIME_FOR_A_LOOK) {
                break;
            }
            sleep(pause).await;
            // The timer takes the full look, once a minute; a burst of events keeps the timer out: so any look is
            // a full one when that is due.
            let is_due = full_scan_is_due(full_scan_at, invocation.now());
            extent = Some(if is_due { Extent::Full } else { next });
        }
        info!(pool = %self.config.pool, looks = summary.looks, completed = summary.completed, abandoned = summary.abandoned, booting = summary.booting, claims_looked_at = summary.claims_looked_at, removed = summary.removed, failures = summary.failures, "looked at the pool");
        Ok(summary)
    }

    /// One look, and what it asks for done: the pool first, which needs the least. None where nobody waits and the
    /// look was to be about that.
    async fn look(
        &self,
        extent: Extent,
        now: Timestamp,
        invocation: &Invocation,
    ) -> Result<Option<(Plan, Done)>, ObserveError> {
        let pool = &self.config.pool;
        let mut observer = Observer::new(self, extent, now);
        if extent == Extent::Queue && !observer.queue().await {
            observer.missing.say(pool);
            return Ok(None);
        }
        let mut act = Act::new(self);
        let mut plan = Plan::default();
        let mut view = observer.pool().await;
        if let Ok(view) = &mut view {
            self.say_warm_pool(&view.pool, now);
            if extent == Extent::Full {
                self.size_by_hit_rate(view, &mut observer, &mut act).await;
            }
            plan = for_the_pool(view);
            let completed = act.on_the_pool(&plan).await;
            let raised_at = act.done.grew.then_some(now).or(plan.growth.raised_at);
            self.memory.growth_was(Growth {
                raised_at,
                ..plan.growth
            });
            let unended = act.done.unended;
            self.memory
                .looked(|last| last.add(extent, view, &plan, completed, unended));
        }
        if extent == Extent::Full {
            match &view {
                Ok(view) => {
                    let scan = observer.rest().await;
                    for_the_rest(view, &scan, &mut plan);
                    if self.config.sizing.is_some() {
                        plan.before_detach = sizing::before_detach(&view.pool, &plan.detach, now);
                    }
                    let record = figures::state(view, &scan, &plan, &observer.missing);
                    self.metrics.write(&record, now);
                }
                Err(_) => for_claims(observer.targets().await.as_ref(), now, &mut plan),
            }
            act.on_the_rest(&plan, invocation.now()).await;
        }
        observer.missing.say(pool);
        view?;
        if extent == Extent::Full {
            self.memory.looked(|last| last.full_scan_at = Some(now));
        }
        Ok(Some((plan, act.done)))
    }

    fn say_warm_pool(&self, pool: &Group, now: Timestamp) {
        if !says_warm_pool(pool, self.memory.warm_pool_said_at(), now) {
            return;
        }
        error!(
            pool = %pool.name,
            "the pool's group has a warm pool, which is not supported: its instances are never let into service, and are \
             launched again every hour; delete it (aws autoscaling delete-warm-pool)"
        );
        self.memory.warm_pool_was_said(now);
    }

    /// Where a hit rate is asked for: learns, decides, and writes the size down before anything follows from
    /// it. Where that fails, the size is what the pool's tag still says: claim-instance reads it there.
    async fn size_by_hit_rate(
        &self,
        view: &mut View,
        observer: &mut Observer<'_>,
        act: &mut Act<'_>,
    ) {
        let Some(settings) = &self.config.sizing else {
            return;
        };
        let sizing = match sizing::reading(&view.pool, view.boot_limit, view.now) {
            Reading::Since(_) => sizing::decide(view, settings),
            Reading::Behind(window) => match observer.past(window).await {
                Some((window, past)) => sizing::catch_up(view, settings, window, &past),
                None => Sizing::default(),
            },
        };
        if act.on_the_pool_s_tags(&sizing.tags).await {
            let written = sizing.tags.iter();
            let written = written.map(|(key, value)| ((*key).to_owned(), value.clone()));
            view.pool.tags.extend(written);
            view.size = sizing::size_now(&view.pool, settings);
        }
        let record = figures::sizing(&self.config.pool, &sizing);
        self.metrics.write(&record, view.now);
    }

    /// Events of other groups, and of attaches: those instances are not the pool's.
    fn is_about_something_else(&self, event: &EventBridgeEvent<Value>) -> bool {
        if event.source != AUTO_SCALING {
            return false;
        }
        let detail = AutoScalingDetail::of(event);
        detail.auto_scaling_group_name.as_deref() != Some(self.config.pool.as_str())
            || detail.is_attach()
    }
}

fn cause_of(event: &EventBridgeEvent<Value>) -> Cause {
    if event.source != AUTO_SCALING {
        return Cause::Timer;
    }
    let instance = AutoScalingDetail::of(event).instance_id;
    Cause::of(&event.detail_type, instance.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_for_sam_local_tell_their_group() {
        macro_rules! event {
            ($name:literal) => {
                include_str!(concat!("../../../events/replenish-pool.", $name, ".json"))
            };
        }
        for event in [
            event!("detach-successful"),
            event!("detach-unsuccessful"),
            event!("launch-lifecycle-action"),
            event!("launch-successful"),
            event!("launch-unsuccessful"),
            event!("terminate-successful"),
            event!("terminate-unsuccessful"),
        ] {
            let event: EventBridgeEvent<Value> = serde_json::from_str(event).unwrap();
            assert_eq!(event.source, AUTO_SCALING);
            let detail = AutoScalingDetail::of(&event);
            assert_eq!(
                detail.auto_scaling_group_name.as_deref(),
                Some("ready-pool-pool")
            );
            assert!(detail.instance_id.is_some() && !detail.is_attach());
        }
        let timer: EventBridgeEvent<Value> = serde_json::from_str(event!("schedule")).unwrap();
        assert_ne!(timer.source, AUTO_SCALING);
    }
}
