//! What becomes of claims, as scenes: a pool, a target, what was read of them.

mod admission;
mod aside;
mod begun;
mod choosing;
mod deadlines;
mod deferred;
mod dry_runs;
mod paused;
mod preferences;
mod reserved;
mod retries;
mod room;
mod surplus;

use super::*;
use ready_pool_core::claim::{Init, WhenEmpty};
use ready_pool_core::command::{Command, CommandStatus, Record, comment};
use ready_pool_core::group::{Lifecycle, MAX_TAGS, Member, OPT_IN_TAG};
use ready_pool_core::ids::MAX_ATTEMPTS;
use ready_pool_core::ledger::tag_key;
use ready_pool_core::preferences::Preferences;
use time::Duration;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const DEADLINE: Timestamp = datetime!(2026-11-22 20:15 UTC);

/// A pool in zones a and b, a target with room in both, and what is known of them.
struct Scene {
    now: Timestamp,
    pool: Group,
    size: i32,
    retirement: GroupName,
    targets: BTreeMap<GroupName, Group>,
    online: BTreeSet<InstanceId>,
    places: BTreeMap<InstanceId, Placement>,
    histories: Histories,
    queued: usize,
    memory: Memory,
}

impl Scene {
    fn empty() -> Self {
        let mut tenant = group("tenant", 10);
        tenant.tags.insert(OPT_IN_TAG.to_owned(), "pool".to_owned());
        Self {
            now: NOW,
            pool: group("pool", 10),
            size: 0,
            retirement: name("retired"),
            targets: BTreeMap::from([(name("tenant"), tenant)]),
            online: BTreeSet::new(),
            places: BTreeMap::new(),
            histories: Histories::new(),
            queued: 0,
            memory: Memory::default(),
        }
    }

    /// Instances 1 to `count` are ready in zone a.
    fn with_ready(count: u32) -> Self {
        (1..=count).fold(Self::empty(), |scene, number| scene.ready(number, "a"))
    }

    /// One more ready instance.
    fn ready(mut self, number: u32, zone: &str) -> Self {
        self.pool.members.push(member(number, zone));
        self.online.insert(instance(number));
        self
    }

    fn pool(mut self, change: impl FnOnce(&mut Group)) -> Self {
        change(&mut self.pool);
        self
    }

    fn target(mut self, change: impl FnOnce(&mut Group)) -> Self {
        change(self.targets.get_mut(&name("tenant")).unwrap());
        self
    }

    /// One more target, like the first as it is now.
    fn with_another_target(mut self, text: &str) -> Self {
        let another = Group {
            name: name(text),
            ..self.targets[&name("tenant")].clone()
        };
        self.targets.insert(name(text), another);
        self
    }

    fn entry(self, claim_id: &str, entry: &Entry) -> Self {
        let key = tag_key(&ClaimId::try_from(claim_id).unwrap());
        self.target(|target| {
            target.tags.insert(key, entry.to_string());
        })
    }

    /// Claim `a` was begun with instance 1, which is now there.
    fn begun(self, at: Option<(&str, Lifecycle)>) -> Self {
        let scene = self.entry("a", &entry(Some(1), 1));
        match at {
            Some((group, lifecycle)) => scene.place(1, group, lifecycle),
            None => scene,
        }
    }

    fn place(mut self, number: u32, group: &str, lifecycle: Lifecycle) -> Self {
        let place = Placement {
            group: name(group),
            lifecycle,
        };
        self.places.insert(instance(number), place);
        self
    }

    fn sent(mut self, number: u32, claim: &Claim) -> Self {
        let command = Command {
            id: "c".into(),
            comment: comment(&claim.key()),
            status: CommandStatus::Running,
            record: Record::default(),
        };
        self.histories
            .entry(instance(number))
            .or_default()
            .push(command);
        self
    }

    fn after_the_deadline(mut self) -> Self {
        self.now = DEADLINE;
        self
    }

    fn remembers(mut self, claim: &Claim, entry: Entry) -> Self {
        self.memory.entries.insert(identity(claim), entry);
        self
    }

    fn decide(&self, requests: &[Request]) -> Vec<Decision> {
        let view = View {
            now: self.now,
            pool: &self.pool,
            size: self.size,
            retirement: &self.retirement,
            targets: &self.targets,
            online: &self.online,
            places: &self.places,
            histories: &self.histories,
            queued: self.queued,
            memory: &self.memory,
        };
        decide(&view, requests)
    }

    fn decide_on(&self, claim: Claim) -> Decision {
        self.decide_one(Request::of(claim))
    }

    fn decide_one(&self, request: Request) -> Decision {
        let mut decisions = self.decide(&[request]);
        assert_eq!(decisions.len(), 1);
        decisions.remove(0)
    }
}

fn name(text: &str) -> GroupName {
    GroupName::try_from(text).unwrap()
}

fn instance(number: u32) -> InstanceId {
    InstanceId::try_from(format!("i-{number:08x}")).unwrap()
}

fn group(text: &str, max_size: i32) -> Group {
    Group {
        name: name(text),
        min_size: 0,
        max_size,
        desired_capacity: 0,
        zones: zones(&["a", "b"]),
        subnets: BTreeSet::from(["subnet-1".to_owned()]),
        suspended: BTreeMap::new(),
        deleting: false,
        has_warm_pool: false,
        tags: BTreeMap::new(),
        launch_template: None,
        members: Vec::new(),
    }
}

/// Processes that somebody suspended.
fn suspended(processes: &[&str]) -> BTreeMap<String, String> {
    let reason = "User suspended at 2026-11-22T19:00:00Z";
    let processes = processes.iter();
    let processes = processes.map(|&process| (process.to_owned(), reason.to_owned()));
    processes.collect()
}

fn zones(zones: &[&str]) -> BTreeSet<String> {
    zones.iter().map(|&zone| zone.to_owned()).collect()
}

fn member(number: u32, zone: &str) -> Member {
    Member {
        instance: instance(number),
        zone: zone.to_owned(),
        lifecycle: Lifecycle::InService,
        healthy: true,
        protected: false,
        instance_type: None,
        launch_template: None,
    }
}

/// A claim for `tenant` that waits.
fn claim(claim_id: &str) -> Claim {
    let claim_id = ClaimId::try_from(claim_id).unwrap();
    Claim::new(claim_id, name("tenant"), Init::new(["true"]), DEADLINE)
}

fn claim_for(claim_id: &str, target: &str) -> Claim {
    Claim {
        target_group: name(target),
        ..claim(claim_id)
    }
}

fn impatient(claim_id: &str) -> Claim {
    Claim {
        when_empty: WhenEmpty::Reject,
        ..claim(claim_id)
    }
}

fn sent(claims: &[Claim]) -> Vec<Request> {
    claims.iter().cloned().map(Request::of).collect()
}

fn new(claim_id: &str) -> Request {
    Request::of(claim(claim_id))
}

fn retry(claim_id: &str, attempt: Attempt) -> Request {
    Request {
        asked: Some(attempt),
        ..new(claim_id)
    }
}

/// An open entry.
fn entry(number: Option<u32>, attempt: Attempt) -> Entry {
    Entry {
        instance: number.map(instance),
        attempt,
        standing: Standing::Assigned,
        expires_at: DEADLINE,
        instead_of: None,
    }
}

fn settled(number: u32, standing: Standing) -> Entry {
    Entry {
        standing,
        ..entry(Some(number), 1)
    }
}

fn assign(number: u32, attempt: Attempt) -> Decision {
    Decision::Assign {
        instance: instance(number),
        attempt,
        entered: false,
        decrements: false,
    }
}

fn hand_over(number: u32) -> Decision {
    Decision::HandOver {
        instance: instance(number),
        attempt: 1,
    }
}

const EMPTY: Decision = Decision::Wait(Waiting::PoolEmpty);

#[track_caller]
fn assert_rejected(decision: &Decision, expected: Reason, what_to_fix: &str) {
    let Decision::Reject {
        reason, message, ..
    } = decision
    else {
        panic!("not rejected: {decision:?}");
    };
    assert_eq!(*reason, expected);
    assert!(message.contains(what_to_fix), "{message}");
}

/// The claim ends as failed; its entry, where it has one, is kept and says so.
#[track_caller]
fn assert_closed(decision: &Decision, expected: Reason, why: &str, kept: Option<Entry>) {
    let Decision::Close {
        reason,
        message,
        entry,
    } = decision
    else {
        panic!("not closed: {decision:?}");
    };
    assert_eq!(*reason, expected);
    assert!(message.contains(why), "{message}");
    let kept = kept.map(|entry| Entry {
        standing: Standing::Failed(expected),
        ..entry
    });
    assert_eq!(*entry, kept);
}
