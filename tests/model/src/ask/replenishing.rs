//! replenish-pool's decisions.

use super::{Wish, group, history_of, kept, placement, targets};
use crate::names::{EARLIER, names, time};
use crate::progress::Chore;
use crate::state::{CLAIMS, Clock, Command, INSTANCES, Line, Place};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::agent::Agent;
use ready_pool_core::command::Histories;
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::InstanceId;
use ready_pool_core::ledger::tag_key;
use ready_pool_core::message::LookAgain;
use replenish_pool::decide as replenishing;
use replenish_pool::notes::{self, Note, Stage};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// What replenish-pool's full pass sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sight {
    pub(crate) clock: Clock,
    pub(crate) ledger: [Option<Line>; CLAIMS],
    pub(crate) notes: [Option<bool>; INSTANCES],
    pub(crate) places: [Place; INSTANCES],
    pub(crate) online: [bool; INSTANCES],
    pub(crate) detached: [bool; INSTANCES],
    pub(crate) histories: [Vec<Command>; INSTANCES],
    pub(crate) shared_target: bool,
    pub(crate) wish: Wish,
    /// Whether there is no retirement group.
    pub(crate) retirement_gone: bool,
    /// Every detach counts as long ago: the variant without deadlines.
    pub(crate) all_long_ago: bool,
}

question! {
    /// What replenish-pool wants done.
    chores(sight: Sight) -> Vec<Chore> {
        let names = names();
        let now = time(sight.clock);
        let instances = || 0..u8::try_from(INSTANCES).unwrap();
        let members = |wanted: fn(Place) -> Option<Lifecycle>| {
            instances()
                .filter_map(|instance| Some((instance, wanted(sight.places[usize::from(instance)])?)))
                .collect::<Vec<_>>()
        };
        let pool_members = members(|place| match place {
            Place::Pool => Some(Lifecycle::InService),
            Place::LeavingPool => Some(Lifecycle::Detaching),
            _ => None,
        });
        let retired = members(|place| (place == Place::Retirement).then_some(Lifecycle::InService));
        // Whatever was noted was noted long enough ago: that is for the environment to choose.
        let since = now - Duration::from_hours(1);
        let noted = instances().filter_map(|instance| {
            let stage = if sight.notes[usize::from(instance)]? { Stage::Retiring } else { Stage::Suspect };
            let note = Note { stage, since };
            Some((notes::tag_key(names.instance(instance)), note.to_string()))
        });
        let retirement = group(&names.retirement, retired, noted.collect());
        let started_at = if sight.all_long_ago {
            now - replenishing::LEAK_CHECKED_FROM - Duration::from_hours(1)
        } else {
            EARLIER
        };
        let activities = detaches(sight.detached, started_at);
        // A look is about a slice of the window; which one is chosen by the clock.
        let candidates = replenishing::leak_candidates(&activities, &replenishing::leak_window(now));
        let retirement = (!sight.retirement_gone).then_some(retirement);
        // `observe.rs`, `instances`: without the group nothing is judged.
        let noted = retirement.as_ref().map(notes::of);
        let looked_at: BTreeSet<InstanceId> = noted
            .into_iter()
            .flat_map(BTreeMap::into_keys)
            .chain(candidates.into_iter().filter(|instance| {
                let place = sight.places[usize::from(names.index(instance))];
                retirement.is_some() && placement(place).is_none()
            }))
            .collect();
        let index = |instance: &InstanceId| usize::from(names.index(instance));
        let places = looked_at
            .iter()
            .filter_map(|instance| {
                Some((instance.clone(), placement(sight.places[index(instance)])?))
            })
            .collect();
        let listed = looked_at
            .iter()
            .filter(|instance| sight.places[index(instance)] != Place::Gone)
            .cloned()
            .collect();
        let histories: Histories = looked_at
            .iter()
            .map(|instance| {
                let commands = &sight.histories[index(instance)];
                (instance.clone(), history_of(commands, sight.shared_target, sight.wish))
            })
            .collect();
        let agents = pool_members
            .iter()
            .map(|(instance, _)| {
                let online = sight.online[usize::from(*instance)];
                let agent = Agent { online, ..Agent::default() };
                (names.instance(*instance).clone(), agent)
            })
            .collect();
        let pool = group(&names.pool, pool_members, BTreeMap::new());
        let view = replenishing::View {
            now,
            size: pool.desired_capacity,
            pool,
            agents: Some(agents),
            knows_all_agents: true,
            activities: Some(activities),
            launched: BTreeMap::new(),
            backlog: Some(0),
            boot_limit: Duration::from_mins(10),
            max_age: Duration::ZERO,
            growth: replenish_pool::decide::Growth::default(),
            scan: Some(replenishing::FullScan {
                targets: Some(replenishing::Targets {
                    groups: targets(sight.ledger, u8::MAX, sight.shared_target).into_values().collect(),
                    ..replenishing::Targets::default()
                }),
                retirement,
                looked_at,
                places,
                listed,
                histories,
            }),
        };
        chores_of(&replenishing::decide(&view), sight.shared_target)
    }
}

fn detaches(detached: [bool; INSTANCES], started_at: Timestamp) -> Vec<Activity> {
    let instances = (0_u8..).zip(detached).filter(|(_, detached)| *detached);
    instances
        .map(|(instance, _)| Activity {
            kind: ActivityKind::Detach,
            instance: Some(names().instance(instance).clone()),
            started_at,
            ended_at: Some(started_at),
            failed: false,
            cancelled: false,
        })
        .collect()
}

fn chores_of(plan: &replenishing::Plan, shared_target: bool) -> Vec<Chore> {
    let names = names();
    let index = |instance: &InstanceId| names.index(instance);
    let claims = || 0..u8::try_from(CLAIMS).unwrap();
    let mut chores = Vec::new();
    for look in &plan.look_again {
        let claim = claims().find(|claim| names.claim(*claim, shared_target).key() == look.key());
        chores.push(Chore::LookAgain {
            claim: claim.unwrap(),
            instance: LookAgain::clone(look).instance_id.as_ref().map(index),
            attempt: look.attempt,
        });
    }
    chores.extend(
        plan.note
            .iter()
            .map(|(instance, note)| Chore::Note(index(instance), note.stage == Stage::Retiring)),
    );
    chores.extend(plan.detach.iter().map(|id| Chore::Detach(index(id))));
    chores.extend(
        plan.attach_to_retirement
            .iter()
            .map(|id| Chore::AttachToRetirement(index(id))),
    );
    chores.extend(plan.terminate.iter().map(|id| Chore::Terminate(index(id))));
    for (group, key) in &plan.remove_tags {
        let entry = claims().find(|claim| {
            let claim = names.claim(*claim, shared_target);
            claim.target_group == *group && tag_key(&claim.claim_id) == *key
        });
        let note = (0..u8::try_from(INSTANCES).unwrap())
            .find(|instance| notes::tag_key(names.instance(*instance)) == *key);
        chores.push(match (entry, note) {
            (Some(claim), _) => Chore::RemoveEntry(claim),
            (None, Some(instance)) => Chore::Forget(instance),
            (None, None) => panic!("a tag of nobody: {key}"),
        });
    }
    chores
}
