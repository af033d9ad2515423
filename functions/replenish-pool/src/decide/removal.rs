//! What must go: leaked instances, members nobody should get, and what lies in the retirement
//! group. Slowly, on two looks, and never what was sent a command or is entered for a claim.

use super::members::all_agents;
use super::{FullScan, Plan, Targets, View, sent};
use crate::notes::{self, Note, Stage};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::command::has_init_command;
use ready_pool_core::group::{Group, Lifecycle, Member};
use ready_pool_core::ids::{GroupName, InstanceId};
use ready_pool_core::retirement::{Route, Step};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long two looks at a suspected leak must lie apart, at least (passes are a minute apart,
/// and start a few seconds early or late).
const LEAK_LOOKS_APART: Duration = Duration::from_secs(50);
/// For how long a member's agent must stay away.
const AGENT_AWAY: Duration = Duration::from_mins(5);
/// At most so many instances on their way out at once (also: notes on one group).
const MOST_AT_ONCE: usize = 20;

/// Nothing goes without the retirement group, which holds the notes and is the only place where
/// anything is terminated. And nothing gets there while it is not known whose it is.
pub(super) fn plan(view: &View, scan: &FullScan, plan: &mut Plan) {
    let Some(retirement) = &scan.retirement else {
        return;
    };
    plan.terminate = in_service(retirement)
        .map(|member| member.instance.clone())
        .collect();
    let away = away(view);
    if away.len() > 1 && away.len() * 3 > in_service(&view.pool).count() {
        plan.held_back = away.len();
    }
    let Some(targets) = &scan.targets else {
        return;
    };
    let mut removal = Removal {
        view,
        scan,
        targets,
        retirement: &retirement.name,
        entered: entered(targets),
        away,
        plan,
    };
    let notes = notes::of(retirement);
    for (instance, note) in &notes {
        if removal.can_judge(instance) {
            removal.follow(instance, *note);
        }
    }
    let mut free_places = MOST_AT_ONCE.saturating_sub(notes.len());
    for instance in &scan.looked_at {
        if free_places > 0 && !notes.contains_key(instance) && removal.looks_leaked(instance) {
            removal.note(instance, Stage::Suspect);
            free_places -= 1;
        }
    }
    let owned =
        |instance: &InstanceId| removal.entered.contains(instance) || notes.contains_key(instance);
    removal.plan.without_owner = sent::without_owner(scan, targets, owned, view.now);
    removal.take_out_members(&notes.keys().collect(), free_places);
}

/// Instances of open claims.
fn entered(targets: &Targets) -> BTreeSet<InstanceId> {
    let readable = (targets.groups.iter())
        .flat_map(Group::entries)
        .filter(|(_, entry)| entry.is_open())
        .filter_map(|(_, entry)| entry.instance);
    readable
        .chain(targets.entered_elsewhere.iter().cloned())
        .collect()
}

pub(super) fn in_service(group: &Group) -> impl Iterator<Item = &Member> {
    (group.members.iter()).filter(|member| member.lifecycle == Lifecycle::InService)
}

/// When the instance was launched into the pool or attached to it, if these activities say.
pub(super) fn began_at(activities: &[Activity], instance: &InstanceId) -> Option<Timestamp> {
    activities
        .iter()
        .find(|activity| {
            matches!(activity.kind, ActivityKind::Launch | ActivityKind::Attach)
                && activity.instance.as_ref() == Some(instance)
        })
        .map(|activity| activity.started_at)
}

/// Members in service whose agent is away, as far as agents are known.
fn away(view: &View) -> BTreeSet<InstanceId> {
    let Some(agents) = all_agents(view) else {
        return BTreeSet::new();
    };
    in_service(&view.pool)
        .map(|member| &member.instance)
        .filter(|instance| agents.get(instance).is_none_or(|agent| !agent.online))
        .cloned()
        .collect()
}

struct Removal<'a> {
    view: &'a View,
    scan: &'a FullScan,
    targets: &'a Targets,
    retirement: &'a GroupName,
    entered: BTreeSet<InstanceId>,
    away: BTreeSet<InstanceId>,
    plan: &'a mut Plan,
}

impl Removal<'_> {
    /// Whether this look knows all of an instance that it is judged by: of a member its agent, too.
    fn can_judge(&self, instance: &InstanceId) -> bool {
        self.scan.looked_at.contains(instance)
            && (all_agents(self.view).is_some() || self.view.pool.member(instance).is_none())
    }

    /// A noted instance: the second look, or the next step of its way out.
    fn follow(&mut self, instance: &InstanceId, note: Note) {
        if self.is_reserved(instance) {
            self.forget(instance);
            return;
        }
        match note.stage {
            Stage::Suspect => self.look_twice(instance, note.since),
            Stage::Retiring => self.take_a_step(instance),
        }
    }

    /// Sent an init command, or entered for a claim: not ours to take. But for what a failed claim left behind.
    fn is_reserved(&self, instance: &InstanceId) -> bool {
        let history = self.scan.histories.get(instance);
        let sent = history.is_none_or(|history| has_init_command(history));
        let left = || sent::is_left_by_failed_claims(self.scan, self.targets, instance);
        self.entered.contains(instance) || (sent && !left())
    }

    fn look_twice(&mut self, instance: &InstanceId, since: Timestamp) {
        let apart = if self.looks_leaked(instance) {
            LEAK_LOOKS_APART
        } else if !self.away.contains(instance) {
            self.forget(instance);
            return;
        } else if self.plan.paused {
            return;
        } else if self.plan.held_back > 0 {
            // This look says nothing: its time begins anew.
            self.note(instance, Stage::Suspect);
            return;
        } else {
            AGENT_AWAY
        };
        if since <= self.view.now - apart {
            self.note(instance, Stage::Retiring);
            self.take_a_step(instance);
        }
    }

    fn take_a_step(&mut self, instance: &InstanceId) {
        let place = self.scan.places.get(instance);
        let pool = &self.view.pool.name;
        let route = Route {
            from: pool,
            pool,
            from_pool: false,
            retirement: self.retirement,
        };
        match route.next_step(place) {
            // While replenishing is paused the members stay. What has left the pool goes on.
            Step::Detach if self.plan.paused => {}
            Step::Detach => self.plan.detach.push(instance.clone()),
            Step::Attach if self.scan.listed.contains(instance) => {
                self.plan.attach_to_retirement.push(instance.clone());
            }
            Step::Attach => {
                self.plan.unlisted.push(instance.clone());
                self.forget(instance);
            }
            // In the retirement group everything is terminated, noted or not.
            // From standby of the pool: somebody has put it aside, perhaps for a look.
            Step::DetachFromStandby | Step::DetachFromPool | Step::Terminate | Step::Done => {
                self.forget(instance);
            }
            Step::Wait => {}
        }
    }

    /// Free, running as far as anybody knows, in no open entry, and never sent an init command but for a claim
    /// that failed with it.
    fn looks_leaked(&self, instance: &InstanceId) -> bool {
        self.scan.looked_at.contains(instance)
            && self.scan.listed.contains(instance)
            && !self.scan.places.contains_key(instance)
            && !self.is_reserved(instance)
    }

    /// Members that nobody should get, a tenth of the pool at a time. When a third looks bad at
    /// once, none: then the observer is broken, not the pool.
    fn take_out_members(&mut self, noted: &BTreeSet<&InstanceId>, free_places: usize) {
        if self.plan.held_back > 0 || self.plan.paused || all_agents(self.view).is_none() {
            return;
        }
        let members: Vec<&Member> = in_service(&self.view.pool).collect();
        let tenth = members.len().div_ceil(10);
        let leaving = noted
            .iter()
            .filter(|instance| self.view.pool.member(instance).is_some())
            .count();
        let fit_to_note =
            |instance: &InstanceId| !noted.contains(instance) && !self.entered.contains(instance);
        let away: Vec<InstanceId> = (self.away.iter())
            .filter(|instance| fit_to_note(instance))
            .take(tenth.saturating_sub(leaving))
            .cloned()
            .collect();
        // Outdated ones still do: they wait until the last one's replacement is ready.
        let wanted = usize::try_from(self.view.size.min(self.view.pool.max_size)).unwrap_or(0);
        let lacking = wanted.saturating_sub(members.len() - self.away.len());
        let outdated: Vec<InstanceId> = members
            .iter()
            .filter(|member| self.is_outdated(member) && !self.away.contains(&member.instance))
            .map(|member| member.instance.clone())
            .filter(fit_to_note)
            .take(tenth.saturating_sub(leaving + lacking))
            .collect();
        let away = away.into_iter().map(|instance| (instance, Stage::Suspect));
        let outdated = outdated
            .into_iter()
            .map(|instance| (instance, Stage::Retiring));
        away.chain(outdated)
            .take(free_places)
            .for_each(|(instance, stage)| self.note(&instance, stage));
    }

    /// Too old, or launched from an old template.
    fn is_outdated(&self, member: &Member) -> bool {
        let current = &self.view.pool.launch_template;
        let outdated = member.launch_template.is_some()
            && current.is_some()
            && member.launch_template != *current;
        outdated || self.is_too_old(&member.instance)
    }

    /// By the pool's history: Systems Manager knows no age of EC2 instances. A member whose
    /// beginning is not there began before what was read.
    fn is_too_old(&self, instance: &InstanceId) -> bool {
        let max_age = self.view.max_age;
        let Some(activities) = &self.view.activities else {
            return false;
        };
        if max_age.is_zero() {
            return false;
        }
        // Jittered by up to a tenth, by the id: a pool filled at once does not age at once.
        let last_digit = instance.as_str().chars().last();
        let spread = last_digit
            .and_then(|digit| digit.to_digit(16))
            .unwrap_or_default();
        let limit = max_age.saturating_sub(max_age * spread / 160);
        began_at(activities, instance).is_none_or(|began| began < self.view.now - limit)
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
            .push((self.retirement.clone(), notes::tag_key(instance)));
    }
}
