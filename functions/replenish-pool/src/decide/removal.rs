//! What must go: leaked instances, members nobody should get, and what lies in the retirement
//! group. Slowly, on two looks, and never what was told or is entered for a claim.

use super::{Plan, Round, View};
use crate::notes::{self, Note, Stage};
use ready_pool_aws::auto_scaling::{Activity, ActivityKind};
use ready_pool_core::Timestamp;
use ready_pool_core::claim::MAX_TIME_TO_EXPIRY;
use ready_pool_core::command::was_told;
use ready_pool_core::group::{Lifecycle, Member};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::retirement::{Step, next_step};
use std::collections::BTreeSet;
use std::time::Duration;

/// From how long after its detach on an instance is checked for a leak: its claim must have
/// expired by then, with an hour for everything that may come late.
pub const LEAK_CHECKED_FROM: Duration =
    Duration::from_secs(MAX_TIME_TO_EXPIRY.whole_seconds().unsigned_abs() + 3600);
/// For how long after that. Older leaks are a person's: command history is kept 30 days.
pub const LEAK_CHECKED_FOR: Duration = Duration::from_hours(24);
/// How long two looks at a suspected leak must lie apart, at least (passes are a minute apart,
/// and start a few seconds early or late).
const LEAK_LOOKS_APART: Duration = Duration::from_secs(50);
/// For how long a member's agent must stay away.
const AGENT_AWAY: Duration = Duration::from_mins(5);
/// At most so many instances on their way out at once (also: notes on one group).
const MOST_AT_ONCE: usize = 20;

/// Instances that were detached so long ago that their claim must have expired, newest first.
/// Those that came back, or went through the retirement group, are not among them.
pub fn leak_candidates(
    activities: &[Activity],
    retirement: &[Activity],
    now: Timestamp,
) -> Vec<InstanceId> {
    let retired: BTreeSet<&InstanceId> = retirement
        .iter()
        .filter(|activity| activity.kind == ActivityKind::Attach)
        .filter_map(|activity| activity.instance.as_ref())
        .collect();
    let window = (now - LEAK_CHECKED_FROM - LEAK_CHECKED_FOR)..(now - LEAK_CHECKED_FROM);
    activities
        .iter()
        .filter(|activity| activity.kind == ActivityKind::Detach && !activity.failed)
        .filter(|activity| window.contains(&activity.started_at))
        .filter_map(|activity| activity.instance.as_ref())
        .filter(|instance| !retired.contains(instance))
        .cloned()
        .collect()
}

pub(super) fn plan(view: &View, round: &Round, plan: &mut Plan) {
    plan.terminate = round
        .retirement
        .members
        .iter()
        .filter(|member| member.lifecycle == Lifecycle::InService)
        .map(|member| member.instance.clone())
        .collect();
    let mut removal = Removal {
        view,
        round,
        entered: entered(round),
        plan,
    };
    let notes = notes::of(&round.retirement);
    for (instance, note) in &notes {
        removal.follow(instance, *note);
    }
    let mut free_places = MOST_AT_ONCE.saturating_sub(notes.len());
    for instance in &round.looked_at {
        if free_places > 0 && !notes.contains_key(instance) && removal.looks_leaked(instance) {
            removal.note(instance, Stage::Suspect);
            free_places -= 1;
        }
    }
    removal.take_out_members(&notes.keys().collect(), free_places);
}

/// Instances of open claims.
fn entered(round: &Round) -> BTreeSet<InstanceId> {
    round
        .targets
        .iter()
        .flat_map(ready_pool_core::group::Group::entries)
        .filter(|(_, entry)| entry.is_open())
        .filter_map(|(_, entry)| entry.instance)
        .collect()
}

struct Removal<'a> {
    view: &'a View,
    round: &'a Round,
    entered: BTreeSet<InstanceId>,
    plan: &'a mut Plan,
}

impl Removal<'_> {
    /// A noted instance: the second look, or the next step of its way out.
    fn follow(&mut self, instance: &InstanceId, note: Note) {
        if self.is_spoken_for(instance) {
            self.forget(instance);
            return;
        }
        match note.stage {
            Stage::Suspect => self.look_twice(instance, note.since),
            Stage::Retiring => self.take_a_step(instance),
        }
    }

    /// Told, or entered for a claim: not ours to take.
    fn is_spoken_for(&self, instance: &InstanceId) -> bool {
        let history = self.round.histories.get(instance);
        self.entered.contains(instance) || history.is_none_or(|history| was_told(history))
    }

    fn look_twice(&mut self, instance: &InstanceId, since: Timestamp) {
        let (still, apart) = if self.looks_leaked(instance) {
            (true, LEAK_LOOKS_APART)
        } else {
            (self.agent_is_away(instance), AGENT_AWAY)
        };
        if !still {
            self.forget(instance);
        } else if since <= self.view.now - apart {
            self.note(instance, Stage::Retiring);
            self.take_a_step(instance);
        }
    }

    fn take_a_step(&mut self, instance: &InstanceId) {
        let place = self.round.places.get(instance);
        let step = next_step(
            place,
            Some(&self.view.pool.name),
            &self.view.pool.name,
            &self.round.retirement.name,
        );
        match step {
            Step::Detach => self.plan.detach.push(instance.clone()),
            Step::Attach if self.round.listed.contains(instance) => {
                self.plan.take_in.push(instance.clone());
            }
            // In the retirement group everything is terminated, noted or not.
            Step::Attach | Step::Terminate | Step::Done => self.forget(instance),
            Step::Wait => {}
        }
    }

    /// Free, running as far as anybody knows, never told, and in no open entry.
    fn looks_leaked(&self, instance: &InstanceId) -> bool {
        self.round.looked_at.contains(instance)
            && self.round.listed.contains(instance)
            && !self.round.places.contains_key(instance)
            && !self.is_spoken_for(instance)
    }

    fn agent_is_away(&self, instance: &InstanceId) -> bool {
        self.view.pool.member(instance).is_some_and(|member| {
            member.lifecycle == Lifecycle::InService
                && self
                    .view
                    .agents
                    .get(instance)
                    .is_none_or(|agent| !agent.online)
        })
    }

    /// Members that nobody should get. A tenth of the pool at a time; and when a third looks bad
    /// at once, nothing: then the observer is broken, not the pool.
    fn take_out_members(&mut self, noted: &BTreeSet<&InstanceId>, free_places: usize) {
        let members: Vec<&Member> = self
            .view
            .pool
            .members
            .iter()
            .filter(|member| member.lifecycle == Lifecycle::InService)
            .collect();
        let away: Vec<InstanceId> = members
            .iter()
            .filter(|member| self.agent_is_away(&member.instance))
            .map(|member| member.instance.clone())
            .collect();
        if away.len() > 1 && away.len() * 3 > members.len() {
            self.plan.spared = away.len();
            return;
        }
        let leaving = noted
            .iter()
            .filter(|instance| self.view.pool.member(instance).is_some())
            .count();
        let tenth = members.len().div_ceil(10);
        let worn: Vec<InstanceId> = members
            .iter()
            .filter(|member| self.is_worn(member))
            .map(|member| member.instance.clone())
            .filter(|instance| !away.contains(instance))
            .collect();
        let away = away.into_iter().map(|instance| (instance, Stage::Suspect));
        let worn = worn.into_iter().map(|instance| (instance, Stage::Retiring));
        away.chain(worn)
            .filter(|(instance, _)| !noted.contains(instance) && !self.entered.contains(instance))
            .take(tenth.saturating_sub(leaving).min(free_places))
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|(instance, stage)| self.note(&instance, stage));
    }

    /// Too old, or launched from an old template.
    fn is_worn(&self, member: &Member) -> bool {
        let current = &self.view.pool.launch_template;
        let outdated = member.launch_template.is_some()
            && current.is_some()
            && member.launch_template != *current;
        outdated || self.is_too_old(&member.instance)
    }

    fn is_too_old(&self, instance: &InstanceId) -> bool {
        let max_age = self.view.max_age;
        let Some(agent) = self.view.agents.get(instance) else {
            return false;
        };
        // Jittered by up to a tenth, by the id: a pool filled at once does not age at once.
        let spread = u32::from(instance.as_str().bytes().last().unwrap_or_default() % 16);
        let limit = max_age.saturating_sub(max_age * spread / 160);
        !max_age.is_zero() && agent.registered_at < self.view.now - limit
    }

    fn note(&mut self, instance: &InstanceId, stage: Stage) {
        let since = self.view.now;
        self.plan
            .note
            .push((instance.clone(), Note { stage, since }));
    }

    fn forget(&mut self, instance: &InstanceId) {
        self.plan
            .remove_tags
            .push((self.round.retirement.name.clone(), notes::tag_key(instance)));
    }
}
