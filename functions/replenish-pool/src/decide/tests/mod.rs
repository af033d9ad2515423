//! Plans, each from a small view of the world.

mod claims;
mod gate;
mod launches;
mod leaks;
mod members;
mod missing;
mod paused;
mod reading;
mod sent;
mod size;
mod sizing;
mod waking;
mod zones;

use super::*;
use crate::notes::{self, Stage};
use ready_pool_core::activity::ActivityKind;
use ready_pool_core::command::{Command, CommandStatus, Record};
use ready_pool_core::group::{Lifecycle, Member};
use ready_pool_core::ids::ClaimId;
use ready_pool_core::ledger::tag_key;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const BOOT_LIMIT: Duration = Duration::from_mins(10);
const SECOND: Duration = Duration::from_secs(1);

fn name(text: &str) -> GroupName {
    GroupName::try_from(text).unwrap()
}

fn instance(number: u32) -> InstanceId {
    InstanceId::try_from(format!("i-{number:08x}")).unwrap()
}

fn group(text: &str) -> Group {
    Group {
        name: name(text),
        min_size: 0,
        max_size: 100,
        desired_capacity: 0,
        zones: BTreeSet::from(["a".to_owned()]),
        subnets: BTreeSet::new(),
        suspended: BTreeMap::new(),
        deleting: false,
        has_warm_pool: false,
        tags: BTreeMap::new(),
        launch_template: Some("lt-1:2".to_owned()),
        members: Vec::new(),
    }
}

fn member(number: u32, lifecycle: Lifecycle) -> Member {
    Member {
        instance: instance(number),
        zone: "a".to_owned(),
        lifecycle,
        healthy: true,
        protected: false,
        instance_type: None,
        launch_template: Some("lt-1:2".to_owned()),
    }
}

fn agent(online: bool) -> Agent {
    Agent {
        online,
        ..Agent::default()
    }
}

/// An activity that started and, unless it is under way, ended so long ago.
fn activity(
    kind: ActivityKind,
    number: u32,
    started: Duration,
    ended: Option<Duration>,
) -> Activity {
    Activity {
        kind,
        instance: Some(instance(number)),
        started_at: NOW - started,
        ended_at: ended.map(|ended| NOW - ended),
        failed: false,
        cancelled: false,
    }
}

/// A full look at a pool of nothing, and that is what is wanted.
fn at_rest() -> View {
    View {
        now: NOW,
        pool: group("pool"),
        size: 0,
        agents: Some(BTreeMap::new()),
        knows_all_agents: true,
        activities: Some(Vec::new()),
        launched: BTreeMap::new(),
        backlog: Some(0),
        boot_limit: BOOT_LIMIT,
        max_age: Duration::ZERO,
        growth: Growth::default(),
        scan: Some(FullScan {
            targets: Some(Targets::default()),
            retirement: Some(group("retirement")),
            ..FullScan::default()
        }),
    }
}

/// A pool of `size` ready members, as many as wanted.
fn ready_pool(size: u32) -> View {
    let mut view = at_rest();
    view.size = i32::try_from(size).unwrap();
    view.pool.desired_capacity = view.size;
    for number in 1..=size {
        view.pool.members.push(member(number, Lifecycle::InService));
        view.agents().insert(instance(number), agent(true));
    }
    view
}

fn with_target(target: Group) -> View {
    let mut view = at_rest();
    view.scan().targets().push(target);
    view
}

impl FullScan {
    fn targets(&mut self) -> &mut Vec<Group> {
        &mut self.targets.as_mut().unwrap().groups
    }

    fn retirement(&mut self) -> &mut Group {
        self.retirement.as_mut().unwrap()
    }
}

/// What scenes are changed with.
impl View {
    fn scan(&mut self) -> &mut FullScan {
        self.scan.as_mut().unwrap()
    }

    fn agents(&mut self) -> &mut BTreeMap<InstanceId, Agent> {
        self.agents.as_mut().unwrap()
    }

    fn history(&mut self) -> &mut Vec<Activity> {
        self.activities.as_mut().unwrap()
    }

    /// The look can judge this instance: Systems Manager lists it, it is in no group, and it
    /// was never sent a command.
    fn look_at_free(&mut self, number: u32) {
        let scan = self.scan();
        scan.looked_at.insert(instance(number));
        scan.listed.insert(instance(number));
        scan.histories.insert(instance(number), Vec::new());
    }

    /// As before, and it is in this group.
    fn look_at(&mut self, number: u32, group: &str, lifecycle: Lifecycle) {
        self.look_at_free(number);
        let group = name(group);
        let place = Placement { group, lifecycle };
        self.scan().places.insert(instance(number), place);
    }

    fn noted(&mut self, number: u32, stage: Stage, ago: Duration) {
        let since = NOW - ago;
        let tags = &mut self.scan().retirement().tags;
        tags.insert(
            notes::tag_key(&instance(number)),
            Note { stage, since }.to_string(),
        );
    }

    fn send(&mut self, number: u32, comment: &str) {
        let command = Command {
            id: "c".into(),
            comment: comment.to_owned(),
            status: CommandStatus::Succeeded,
            record: Record::default(),
        };
        self.scan()
            .histories
            .insert(instance(number), vec![command]);
    }

    /// An open claim is entered for this instance.
    fn enter(&mut self, number: u32) {
        let mut target = group("tenant");
        let entry = format!("v1 {} 1 assigned 2026-11-22T20:05:00Z", instance(number));
        target.tags.insert(
            tag_key(&ClaimId::try_from(format!("claim-{number}")).unwrap()),
            entry,
        );
        self.scan().targets().push(target);
    }

    /// The agent of this member is away.
    fn lose_agent(&mut self, number: u32) {
        self.agents().insert(instance(number), agent(false));
    }
}

/// A note of now.
fn note(number: u32, stage: Stage) -> (InstanceId, Note) {
    (instance(number), Note { stage, since: NOW })
}

/// The removal of an instance's note.
fn forgotten(number: u32) -> (GroupName, String) {
    (name("retirement"), notes::tag_key(&instance(number)))
}

#[test]
fn a_pool_at_rest_needs_nothing() {
    assert_eq!(decide(&at_rest()), Plan::default());
    assert_eq!(decide(&ready_pool(10)), Plan::default());
}

#[test]
fn a_short_look_is_about_size_and_gate_only() {
    let mut view = with_target(group("tenant"));
    view.enter(1);
    view.scan().retirement().members = vec![member(2, Lifecycle::InService)];
    view.scan = None;
    assert_eq!(decide(&view), Plan::default());
}
