//! What becomes of claims, told as scenes: a pool, a target, what was read of them.

use super::*;
use ready_pool_core::claim::Init;
use ready_pool_core::command::{Command, CommandStatus, comment};
use ready_pool_core::group::OPT_IN_TAG;
use ready_pool_core::ledger::tag_key;
use time::Duration;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2026-11-22 20:00 UTC);
const DEADLINE: Timestamp = datetime!(2026-11-22 20:15 UTC);

/// A pool in zones a and b, a target with room in both, and what is known of them.
struct Scene {
    now: Timestamp,
    pool: Group,
    retirement: GroupName,
    targets: BTreeMap<GroupName, Group>,
    online: BTreeMap<InstanceId, Timestamp>,
    places: BTreeMap<InstanceId, Whereabouts>,
    histories: Histories,
    memory: Memory,
}

impl Scene {
    fn empty() -> Self {
        let mut tenant = group("tenant", 10);
        tenant.tags.insert(OPT_IN_TAG.to_owned(), "pool".to_owned());
        Self {
            now: NOW,
            pool: group("pool", 10),
            retirement: name("retired"),
            targets: BTreeMap::from([(name("tenant"), tenant)]),
            online: BTreeMap::new(),
            places: BTreeMap::new(),
            histories: Histories::new(),
            memory: Memory::default(),
        }
    }

    /// Instances 1 to `count` are ready in zone a; 1 is the oldest.
    fn with_ready(count: u32) -> Self {
        (1..=count).fold(Self::empty(), |scene, number| scene.ready(number, "a"))
    }

    /// One more ready instance; the greater its number, the later it registered.
    fn ready(mut self, number: u32, zone: &str) -> Self {
        self.pool.members.push(member(number, zone));
        let registered = NOW - Duration::hours(1) + Duration::seconds(number.into());
        self.online.insert(instance(number), registered);
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
        let place = Whereabouts {
            group: name(group),
            lifecycle,
        };
        self.places.insert(instance(number), place);
        self
    }

    fn told(mut self, number: u32, claim: &Claim) -> Self {
        let command = Command {
            id: "c".to_owned(),
            comment: comment(&claim.key()),
            status: CommandStatus::Running,
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
            retirement: &self.retirement,
            targets: &self.targets,
            online: &self.online,
            places: &self.places,
            histories: &self.histories,
            memory: &self.memory,
        };
        decide(&view, requests)
    }

    fn decide_on(&self, claim: Claim) -> Decision {
        self.decide_one(Request { claim, asked: None })
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
        suspended: BTreeSet::new(),
        tags: BTreeMap::new(),
        members: Vec::new(),
    }
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
    }
}

/// A claim for `tenant` that waits.
fn claim(claim_id: &str) -> Claim {
    Claim {
        claim_id: ClaimId::try_from(claim_id).unwrap(),
        target_group: name("tenant"),
        init: Init {
            commands: vec!["true".to_owned()],
            environment: BTreeMap::new(),
            working_directory: None,
            execution_timeout_seconds: 60,
        },
        when_empty: WhenEmpty::Wait,
        expires_at: DEADLINE,
    }
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
    let request = |claim: &Claim| Request {
        claim: claim.clone(),
        asked: None,
    };
    claims.iter().map(request).collect()
}

fn retry(claim_id: &str, attempt: Attempt) -> Request {
    Request {
        claim: claim(claim_id),
        asked: Some(attempt),
    }
}

/// An open entry.
fn entry(number: Option<u32>, attempt: Attempt) -> Entry {
    Entry {
        instance: number.map(instance),
        attempt,
        standing: Standing::Assigned,
        expires_at: DEADLINE,
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
    }
}

fn hand_over(number: u32) -> Decision {
    Decision::HandOver {
        instance: instance(number),
        attempt: 1,
    }
}

fn close(reason: Reason, entry: Option<Entry>) -> Decision {
    let entry = entry.map(|entry| Entry {
        standing: Standing::Failed(reason),
        ..entry
    });
    Decision::Close { reason, entry }
}

const EMPTY: Decision = Decision::Wait(Waiting::PoolEmpty);

#[track_caller]
fn assert_rejected(decision: &Decision, expected: Reason, what_to_fix: &str) {
    let Decision::Reject { reason, message } = decision else {
        panic!("not rejected: {decision:?}");
    };
    assert_eq!(*reason, expected);
    assert!(message.contains(what_to_fix), "{message}");
}

// Which instance.

#[test]
fn a_claim_gets_a_ready_instance() {
    let decision = Scene::with_ready(1).decide_on(claim("a"));
    assert_eq!(decision, assign(1, 1));
}

#[test]
fn no_claims_no_decisions() {
    assert_eq!(Scene::with_ready(1).decide(&[]), []);
}

#[test]
fn a_claim_waits_for_an_empty_pool() {
    assert_eq!(Scene::empty().decide_on(claim("a")), EMPTY);
}

#[test]
fn an_unhealthy_instance_is_not_ready() {
    let scene = Scene::with_ready(1).pool(|pool| pool.members[0].healthy = false);
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn only_an_instance_in_service_is_ready() {
    for lifecycle in [
        Lifecycle::Pending,
        Lifecycle::PendingWait,
        Lifecycle::Standby,
        Lifecycle::Detaching,
        Lifecycle::Terminating,
        Lifecycle::Other,
    ] {
        let scene = Scene::with_ready(1).pool(|pool| pool.members[0].lifecycle = lifecycle);
        assert_eq!(scene.decide_on(claim("a")), EMPTY, "{lifecycle:?}");
    }
}

#[test]
fn an_instance_whose_agent_is_not_online_is_not_ready() {
    let mut scene = Scene::with_ready(2);
    scene.online.remove(&instance(1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
    scene.online.clear();
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn an_online_agent_outside_the_pool_is_nobody_s_instance() {
    let mut scene = Scene::empty();
    scene.online.insert(instance(1), NOW);
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn an_instance_in_a_zone_that_the_target_lacks_is_passed_over() {
    let scene = Scene::with_ready(1)
        .ready(2, "b")
        .target(|target| target.zones = zones(&["b"]));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
}

#[test]
fn a_claim_waits_while_all_ready_instances_are_in_other_zones() {
    let scene = Scene::with_ready(3).target(|target| target.zones = zones(&["b"]));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn the_zone_least_represented_in_the_target_comes_first() {
    let scene = Scene::with_ready(1)
        .ready(2, "b")
        .target(|target| target.members = vec![member(90, "a")]);
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
}

#[test]
fn zones_stay_balanced_within_a_batch() {
    let scene = Scene::with_ready(2).ready(3, "b");
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    assert_eq!(decisions, [assign(1, 1), assign(3, 1), assign(2, 1)]);
}

#[test]
fn each_target_has_its_own_balance() {
    let other = Scene::empty().targets[&name("tenant")].clone();
    let mut scene = Scene::with_ready(2).ready(3, "b");
    let other = Group {
        name: name("other"),
        ..other
    };
    scene.targets.insert(name("other"), other);
    let decisions = scene.decide(&sent(&[claim("a"), claim_for("a", "other")]));
    assert_eq!(decisions, [assign(1, 1), assign(2, 1)]);
}

#[test]
fn within_a_zone_the_instance_that_registered_first_comes_first() {
    let scene = Scene::empty().ready(3, "a").ready(1, "a").ready(2, "a");
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    assert_eq!(decisions, [assign(1, 1), assign(2, 1), assign(3, 1)]);
}

#[test]
fn instances_that_registered_at_once_are_taken_in_the_order_of_their_ids() {
    let mut scene = Scene::empty().ready(2, "a").ready(1, "a");
    for registered in scene.online.values_mut() {
        *registered = NOW;
    }
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn the_first_claim_in_the_line_is_served_first_and_the_rest_waits() {
    let decisions = Scene::with_ready(1).decide(&sent(&[claim("z"), claim("a")]));
    assert_eq!(decisions, [assign(1, 1), EMPTY]);
}

#[test]
fn two_new_claims_never_get_one_instance() {
    let claims: Vec<Claim> = (0..5)
        .map(|number| claim(&format!("claim-{number}")))
        .collect();
    let decisions = Scene::with_ready(3).decide(&sent(&claims));
    assert_eq!(decisions[..3], [assign(1, 1), assign(2, 1), assign(3, 1)]);
    assert_eq!(decisions[3..], [EMPTY, EMPTY]);
}

#[test]
fn a_claim_that_waits_for_a_zone_is_passed_over() {
    let only_b = Scene::empty().target(|target| {
        target.name = name("only-b");
        target.zones = zones(&["b"]);
    });
    let mut scene = Scene::with_ready(1);
    let only_b = only_b.targets[&name("tenant")].clone();
    scene.targets.insert(name("only-b"), only_b);
    let decisions = scene.decide(&sent(&[claim_for("a", "only-b"), claim("b")]));
    assert_eq!(decisions, [EMPTY, assign(1, 1)]);
}

#[test]
fn an_instance_that_this_delivery_spent_is_not_chosen_again() {
    let mut scene = Scene::with_ready(2);
    scene.memory.spent.insert(instance(1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
    scene.memory.spent.insert(instance(2));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

// The same claim twice.

#[test]
fn the_same_claim_twice_in_a_batch_gets_one_instance() {
    let decisions = Scene::with_ready(2).decide(&sent(&[claim("a"), claim("a")]));
    assert_eq!(
        decisions,
        [assign(1, 1), Decision::Wait(Waiting::BehindItself)]
    );
}

#[test]
fn a_retry_behind_its_own_claim_waits() {
    let [claim] = sent(&[claim("a")]).try_into().unwrap();
    let decisions = Scene::with_ready(2).decide(&[claim, retry("a", 2)]);
    assert_eq!(
        decisions,
        [assign(1, 1), Decision::Wait(Waiting::BehindItself)]
    );
}

#[test]
fn one_claim_id_in_two_targets_is_two_claims() {
    let mut scene = Scene::with_ready(2);
    let mut other = scene.targets[&name("tenant")].clone();
    other.name = name("other");
    scene.targets.insert(name("other"), other);
    let decisions = scene.decide(&sent(&[claim("a"), claim_for("a", "other")]));
    assert_eq!(decisions, [assign(1, 1), assign(2, 1)]);
}

// The pool is empty.

#[test]
fn a_claim_that_would_not_wait_is_rejected_by_an_empty_pool() {
    let decision = Scene::empty().decide_on(impatient("a"));
    assert_rejected(&decision, Reason::PoolEmpty, "`when_empty`: `wait`");
}

#[test]
fn a_claim_that_would_not_wait_is_served_when_it_can_be() {
    let decision = Scene::with_ready(1).decide_on(impatient("a"));
    assert_eq!(decision, assign(1, 1));
}

#[test]
fn a_claim_that_would_not_wait_but_was_begun_is_closed_and_not_rejected() {
    let begun = entry(None, 2);
    let scene = Scene::empty().entry("a", &begun);
    assert_eq!(
        scene.decide_on(impatient("a")),
        close(Reason::PoolEmpty, Some(begun))
    );
}

// Whether the target may have one.

#[test]
fn an_unknown_target_is_rejected() {
    let decision = Scene::with_ready(1).decide_on(claim_for("a", "tennant"));
    assert_rejected(
        &decision,
        Reason::UnknownTarget,
        "no Auto Scaling group tennant",
    );
}

#[test]
fn a_target_that_has_not_opted_in_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| target.tags.clear());
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::NotOptedIn, "ready-pool:pool = pool");
}

#[test]
fn opting_in_to_another_pool_is_not_opting_in() {
    let scene = Scene::with_ready(1).target(|target| {
        target
            .tags
            .insert(OPT_IN_TAG.to_owned(), "pool-2".to_owned());
    });
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::NotOptedIn, "ready-pool:pool = pool");
}

#[test]
fn the_pool_itself_is_no_target() {
    let mut scene = Scene::with_ready(1);
    let mut pool = scene.pool.clone();
    pool.tags.insert(OPT_IN_TAG.to_owned(), "pool".to_owned());
    scene.targets.insert(name("pool"), pool);
    let decision = scene.decide_on(claim_for("a", "pool"));
    assert_rejected(&decision, Reason::TargetIsOurs, "name a tenant's group");
}

#[test]
fn the_retirement_group_is_no_target() {
    let decision = Scene::with_ready(1).decide_on(claim_for("a", "retired"));
    assert_rejected(&decision, Reason::TargetIsOurs, "name a tenant's group");
}

#[test]
fn a_target_whose_launches_are_suspended_is_rejected() {
    let scene =
        Scene::with_ready(1).target(|target| target.suspended = zones(&["AZRebalance", "Launch"]));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetSuspended, "resume it");
}

#[test]
fn other_suspended_processes_do_not_matter() {
    let scene =
        Scene::with_ready(1).target(|target| target.suspended = zones(&["Terminate", "Schedule"]));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_target_without_a_zone_in_common_with_the_pool_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| target.zones = zones(&["c"]));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::NoCommonZone, "no availability zone");
}

#[test]
fn what_is_rejected_takes_no_instance_from_the_next() {
    let decisions = Scene::with_ready(1).decide(&sent(&[claim_for("a", "nowhere"), claim("a")]));
    assert_rejected(&decisions[0], Reason::UnknownTarget, "nowhere");
    assert_eq!(decisions[1], assign(1, 1));
}

// Room.

#[test]
fn a_target_at_its_maximum_size_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| {
        target.max_size = 4;
        target.desired_capacity = 4;
    });
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetFull, "raise its maximum size");
}

#[test]
fn the_last_place_of_a_target_is_given() {
    let scene = Scene::with_ready(1).target(|target| {
        target.max_size = 4;
        target.desired_capacity = 3;
    });
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_full_target_is_rejected_even_while_the_pool_is_empty() {
    let scene = Scene::empty().target(|target| target.max_size = 0);
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetFull, "maximum size 0");
}

#[test]
fn an_open_claim_whose_instance_is_on_its_way_holds_a_place() {
    for on_its_way in [entry(Some(90), 1), entry(None, 2)] {
        let scene = Scene::with_ready(1)
            .target(|target| target.max_size = 1)
            .entry("z", &on_its_way);
        let decision = scene.decide_on(claim("a"));
        assert_rejected(&decision, Reason::TargetFull, "1 on the way");
    }
}

#[test]
fn an_open_claim_whose_instance_has_arrived_is_not_counted_twice() {
    let scene = Scene::with_ready(1)
        .target(|target| {
            target.max_size = 2;
            target.desired_capacity = 1;
            target.members = vec![member(90, "a")];
        })
        .entry("z", &entry(Some(90), 1));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_settled_claim_holds_no_place() {
    let scene = Scene::with_ready(1)
        .target(|target| target.max_size = 1)
        .entry("y", &settled(90, Standing::Ready))
        .entry("z", &settled(91, Standing::Failed(Reason::Expired)));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn an_entry_that_reads_do_not_show_yet_holds_a_place() {
    let scene = Scene::with_ready(1)
        .target(|target| target.max_size = 1)
        .remembers(&claim("z"), entry(Some(90), 1));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TargetFull, "1 on the way");
}

#[test]
fn earlier_claims_of_the_batch_take_the_room_of_later_ones() {
    let scene = Scene::with_ready(3).target(|target| target.max_size = 2);
    let decisions = scene.decide(&sent(&[claim("a"), claim("b"), claim("c")]));
    assert_eq!(decisions[..2], [assign(1, 1), assign(2, 1)]);
    assert_rejected(&decisions[2], Reason::TargetFull, "2 on the way");
}

#[test]
fn a_claim_that_was_begun_has_its_place_in_a_full_target() {
    let scene = Scene::with_ready(1)
        .target(|target| target.max_size = 1)
        .entry("a", &entry(None, 2));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(1, 2));
}

// Room in the ledger.

/// A target with one tag less than AWS allows, made of its opt-in and these entries.
fn crowded(others: &Entry) -> Scene {
    (0..MAX_TAGS - 2).fold(
        Scene::with_ready(2).target(|target| {
            target.max_size = 100;
        }),
        |scene, number| scene.entry(&format!("other-{number}"), others),
    )
}

#[test]
fn the_last_free_tag_is_used() {
    let scene = crowded(&entry(Some(90), 1));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn a_claim_waits_until_settled_entries_make_room_for_its_own() {
    let scene = crowded(&settled(90, Standing::Ready)).entry("one-more", &entry(Some(91), 1));
    assert_eq!(
        scene.decide_on(claim("a")),
        Decision::Wait(Waiting::LedgerFull)
    );
}

#[test]
fn a_target_whose_tags_are_full_of_open_claims_is_rejected() {
    let scene = crowded(&entry(Some(90), 1)).entry("one-more", &entry(Some(91), 1));
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TooManyOpenClaims, "50 tags");
}

#[test]
fn a_target_whose_tags_are_full_of_its_owner_s_is_rejected() {
    let scene = Scene::with_ready(1).target(|target| {
        for number in 0..MAX_TAGS - 1 {
            target.tags.insert(format!("owner-{number}"), String::new());
        }
    });
    let decision = scene.decide_on(claim("a"));
    assert_rejected(&decision, Reason::TooManyOpenClaims, "50 tags");
}

#[test]
fn earlier_claims_of_the_batch_take_the_tags_of_later_ones() {
    let decisions = crowded(&entry(Some(90), 1)).decide(&sent(&[claim("a"), claim("b")]));
    assert_eq!(decisions[0], assign(1, 1));
    assert_rejected(&decisions[1], Reason::TooManyOpenClaims, "50 tags");
}

#[test]
fn a_claim_that_was_begun_has_its_tag_already() {
    let scene = crowded(&entry(Some(90), 1)).entry("a", &entry(None, 2));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(1, 2));
}

// Deadlines.

#[test]
fn an_expired_claim_without_an_entry_gets_no_instance() {
    let decision = Scene::with_ready(1)
        .after_the_deadline()
        .decide_on(claim("a"));
    assert_eq!(decision, close(Reason::Expired, None));
}

#[test]
fn an_expired_claim_for_a_target_that_is_gone_ends_as_expired() {
    let decision = Scene::with_ready(1)
        .after_the_deadline()
        .decide_on(claim_for("a", "gone"));
    assert_eq!(decision, close(Reason::Expired, None));
}

#[test]
fn a_claim_is_served_until_the_last_moment() {
    let mut scene = Scene::with_ready(1);
    scene.now = DEADLINE - Duration::nanoseconds(1);
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

#[test]
fn an_expired_claim_that_waits_for_another_instance_is_closed_with_its_entry() {
    let begun = entry(None, 2);
    let scene = Scene::with_ready(1).entry("a", &begun).after_the_deadline();
    assert_eq!(
        scene.decide_one(retry("a", 2)),
        close(Reason::Expired, Some(begun))
    );
}

#[test]
fn an_expired_claim_whose_instance_never_left_the_pool_is_closed_with_its_entry() {
    for lifecycle in [Lifecycle::InService, Lifecycle::Standby] {
        let scene = Scene::with_ready(1)
            .begun(Some(("pool", lifecycle)))
            .after_the_deadline();
        let expected = close(Reason::Expired, Some(entry(Some(1), 1)));
        assert_eq!(scene.decide_on(claim("a")), expected);
    }
}

#[test]
fn an_expired_claim_whose_instance_left_the_pool_is_left_to_a_look() {
    for at in [
        None,
        Some(("pool", Lifecycle::Detaching)),
        Some(("tenant", Lifecycle::Pending)),
        Some(("tenant", Lifecycle::InService)),
    ] {
        let scene = Scene::with_ready(1).begun(at).after_the_deadline();
        let expected = Decision::LookAgain {
            instance: instance(1),
            attempt: 1,
        };
        assert_eq!(scene.decide_on(claim("a")), expected, "{at:?}");
    }
}

#[test]
fn a_claim_whose_instance_was_told_keeps_its_say_after_the_deadline() {
    let scene = Scene::with_ready(1)
        .begun(Some(("tenant", Lifecycle::InService)))
        .told(1, &claim("a"))
        .after_the_deadline();
    let expected = Decision::LeaveToInit(instance(1));
    assert_eq!(scene.decide_on(claim("a")), expected);
}

#[test]
fn an_expired_claim_does_not_try_another_instance() {
    let scene = Scene::with_ready(2)
        .begun(Some(("elsewhere", Lifecycle::InService)))
        .after_the_deadline();
    let expected = close(Reason::Expired, Some(entry(Some(1), 1)));
    assert_eq!(scene.decide_on(claim("a")), expected);
}

// Claims that were settled before.

#[test]
fn a_settled_claim_hears_its_outcome_again() {
    for standing in [
        Standing::Ready,
        Standing::Failed(Reason::ScriptFailed),
        Standing::Failed(Reason::Expired),
    ] {
        let scene = Scene::with_ready(2).entry("a", &settled(1, standing));
        let expected = Decision::Repeat(settled(1, standing));
        assert_eq!(scene.decide_on(claim("a")), expected);
        assert_eq!(scene.decide_one(retry("a", 2)), expected);
    }
}

#[test]
fn a_settled_claim_hears_its_outcome_again_after_the_deadline_too() {
    let ready = settled(1, Standing::Ready);
    let scene = Scene::with_ready(1).entry("a", &ready).after_the_deadline();
    assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(ready));
}

#[test]
fn a_settled_claim_hears_its_outcome_from_a_target_that_has_opted_out() {
    let ready = settled(1, Standing::Ready);
    let scene = Scene::empty().entry("a", &ready).target(|target| {
        target.tags.remove(OPT_IN_TAG);
    });
    assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(ready));
}

#[test]
fn an_entry_of_another_claim_is_not_this_claim_s() {
    let scene = Scene::with_ready(2).entry("aa", &settled(1, Standing::Ready));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 1));
}

// Claims that were begun before.

#[test]
fn a_told_instance_is_left_to_init_wherever_it_seems_to_be() {
    for at in [
        None,
        Some(("pool", Lifecycle::InService)),
        Some(("tenant", Lifecycle::InService)),
        Some(("elsewhere", Lifecycle::InService)),
    ] {
        let scene = Scene::with_ready(2).begun(at).told(1, &claim("a"));
        let expected = Decision::LeaveToInit(instance(1));
        assert_eq!(scene.decide_on(claim("a")), expected, "{at:?}");
    }
}

#[test]
fn an_instance_that_was_told_for_another_claim_is_replaced() {
    let scene = Scene::with_ready(0)
        .ready(2, "a")
        .begun(Some(("tenant", Lifecycle::InService)))
        .told(1, &claim("b"));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 2));
}

#[test]
fn other_people_s_commands_tell_nothing() {
    let mut scene = Scene::with_ready(2).begun(Some(("tenant", Lifecycle::InService)));
    let patching = Command {
        id: "p".to_owned(),
        comment: "patching".to_owned(),
        status: CommandStatus::Succeeded,
    };
    scene.histories.insert(instance(1), vec![patching]);
    assert_eq!(scene.decide_on(claim("a")), hand_over(1));
}

#[test]
fn an_instance_that_was_never_told_is_handed_over_again_wherever_it_left_for() {
    for at in [
        None,
        Some(("pool", Lifecycle::Detaching)),
        Some(("tenant", Lifecycle::Pending)),
        Some(("tenant", Lifecycle::InService)),
    ] {
        let decision = Scene::with_ready(2).begun(at).decide_on(claim("a"));
        assert_eq!(decision, hand_over(1), "{at:?}");
    }
}

#[test]
fn an_instance_that_is_still_in_the_pool_is_assigned_without_another_entry() {
    for lifecycle in [Lifecycle::InService, Lifecycle::Standby] {
        let scene = Scene::with_ready(2).begun(Some(("pool", lifecycle)));
        let expected = Decision::Assign {
            instance: instance(1),
            attempt: 1,
            entered: true,
        };
        assert_eq!(scene.decide_on(claim("a")), expected);
    }
}

#[test]
fn an_instance_that_is_lost_is_replaced_by_the_next_attempt() {
    for at in [
        ("pool", Lifecycle::Terminating),
        ("pool", Lifecycle::Other),
        ("pool", Lifecycle::Pending),
        ("elsewhere", Lifecycle::InService),
        ("retired", Lifecycle::InService),
    ] {
        let scene = Scene::empty().ready(2, "a").begun(Some(at));
        assert_eq!(scene.decide_on(claim("a")), assign(2, 2), "{at:?}");
    }
}

#[test]
fn a_claim_that_lost_its_instance_waits_for_another_like_any_other() {
    let scene = Scene::empty().begun(Some(("elsewhere", Lifecycle::InService)));
    assert_eq!(scene.decide_on(claim("a")), EMPTY);
}

#[test]
fn after_the_last_attempt_the_claim_is_closed_with_its_entry() {
    let last = entry(Some(1), MAX_ATTEMPTS);
    let scene = Scene::with_ready(2)
        .entry("a", &last)
        .place(1, "elsewhere", Lifecycle::InService);
    let expected = close(Reason::AttemptsExhausted, Some(last));
    assert_eq!(scene.decide_on(claim("a")), expected);
}

#[test]
fn an_entry_without_an_instance_gets_one_under_its_attempt() {
    let scene = Scene::with_ready(1).entry("a", &entry(None, 2));
    assert_eq!(scene.decide_on(claim("a")), assign(1, 2));
}

// Retries.

#[test]
fn a_retry_asks_for_a_later_attempt_although_reads_still_show_the_earlier() {
    let scene = Scene::empty()
        .ready(2, "a")
        .begun(Some(("tenant", Lifecycle::InService)));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(2, 2));
}

#[test]
fn a_retry_whose_attempt_is_entered_already_goes_on_with_its_instance() {
    let scene = Scene::with_ready(1).entry("a", &entry(Some(90), 2));
    let expected = Decision::HandOver {
        instance: instance(90),
        attempt: 2,
    };
    assert_eq!(scene.decide_one(retry("a", 2)), expected);
}

#[test]
fn a_late_retry_does_not_undo_a_later_attempt() {
    let scene = Scene::with_ready(1).entry("a", &entry(Some(90), 3));
    let expected = Decision::HandOver {
        instance: instance(90),
        attempt: 3,
    };
    assert_eq!(scene.decide_one(retry("a", 2)), expected);
    let scene = Scene::with_ready(1).entry("a", &entry(None, 3));
    assert_eq!(scene.decide_one(retry("a", 2)), assign(1, 3));
}

#[test]
fn a_retry_whose_entry_was_wiped_keeps_its_attempt() {
    let decision = Scene::with_ready(1).decide_one(retry("a", 2));
    assert_eq!(decision, assign(1, 2));
}

#[test]
fn a_retry_past_the_last_attempt_closes_the_claim() {
    let decision = Scene::with_ready(1).decide_one(retry("a", MAX_ATTEMPTS + 1));
    assert_eq!(decision, close(Reason::AttemptsExhausted, None));
}

#[test]
fn the_last_attempt_is_served() {
    let decision = Scene::with_ready(1).decide_one(retry("a", MAX_ATTEMPTS));
    assert_eq!(decision, assign(1, MAX_ATTEMPTS));
}

// Memory over reads.

#[test]
fn an_entry_that_reads_do_not_show_yet_is_remembered() {
    let scene = Scene::with_ready(2).remembers(&claim("a"), entry(Some(1), 1));
    assert_eq!(scene.decide_on(claim("a")), hand_over(1));
}

#[test]
fn what_was_written_beats_what_was_read() {
    let scene = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .remembers(&claim("a"), entry(Some(90), 2));
    let expected = Decision::HandOver {
        instance: instance(90),
        attempt: 2,
    };
    assert_eq!(scene.decide_on(claim("a")), expected);
}

#[test]
fn a_claim_that_this_delivery_closed_stays_closed() {
    let failed = settled(1, Standing::Failed(Reason::Expired));
    let scene = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .remembers(&claim("a"), failed.clone());
    assert_eq!(scene.decide_on(claim("a")), Decision::Repeat(failed));
}

#[test]
fn an_instance_that_left_the_pool_first_is_replaced_under_the_same_attempt() {
    let mut scene = Scene::with_ready(2)
        .begun(Some(("pool", Lifecycle::InService)))
        .remembers(&claim("a"), entry(None, 1));
    scene.memory.spent.insert(instance(1));
    assert_eq!(scene.decide_on(claim("a")), assign(2, 1));
}
