//! A part is missing: what does not need it goes on, and nothing is guessed.

use super::*;

const HOUR: Duration = Duration::from_hours(1);

/// A pool with something to do everywhere: three are wanted of which one is ready, one waits in the
/// hook with its agent online and one overdue; a claim is open, a settled entry is old, a leak was noted long
/// ago, and one instance lies in the retirement group.
fn busy() -> View {
    let mut view = ready_pool(1);
    view.size = 3;
    view.pool.desired_capacity = 2;
    view.backlog = Some(2);
    view.pool.members.extend([
        member(2, Lifecycle::PendingWait),
        member(3, Lifecycle::PendingWait),
    ]);
    view.agents().insert(instance(2), agent(true));
    *view.history() = vec![
        activity(ActivityKind::Launch, 2, SECOND * 60, None),
        activity(ActivityKind::Launch, 3, BOOT_LIMIT * 2, None),
    ];
    view.enter(4);
    let old = "v1 i-00000009 1 ready 2026-11-21T20:00:00Z".to_owned();
    let claim = ClaimId::try_from("old").unwrap();
    view.scan().targets()[0].tags.insert(tag_key(&claim), old);
    view.look_at_free(5);
    view.noted(5, Stage::Suspect, HOUR);
    view.scan().retirement().members = vec![member(6, Lifecycle::InService)];
    view
}

/// What is done of all that.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each named where it is expected"
)]
struct Done {
    capacity: Option<i32>,
    completed: bool,
    abandoned: bool,
    looked_again: bool,
    entry_removed: bool,
    retired: bool,
    terminated: bool,
}

const EVERYTHING: Done = Done {
    capacity: Some(4),
    completed: true,
    abandoned: true,
    looked_again: true,
    entry_removed: true,
    retired: true,
    terminated: true,
};

fn without(lose: impl FnOnce(&mut View)) -> Done {
    let mut view = busy();
    lose(&mut view);
    let plan = decide(&view);
    Done {
        capacity: plan.desired_capacity,
        completed: plan.complete == [instance(2)],
        abandoned: plan.abandon == [instance(3)],
        looked_again: plan.look_again.len() == 1,
        entry_removed: plan.remove_tags.len() == 1,
        retired: plan.attach_to_retirement == [instance(5)],
        terminated: plan.terminate == [instance(6)],
    }
}

#[test]
fn with_all_parts_everything_is_done() {
    assert_eq!(without(|_| ()), EVERYTHING);
}

#[test]
fn without_the_retirement_group_only_nothing_is_retired() {
    let expected = Done {
        retired: false,
        terminated: false,
        ..EVERYTHING
    };
    assert_eq!(without(|view| view.scan().retirement = None), expected);
}

#[test]
fn without_the_agents_nobody_is_let_in_or_given_up() {
    let expected = Done {
        completed: false,
        abandoned: false,
        ..EVERYTHING
    };
    assert_eq!(without(|view| view.agents = None), expected);
}

#[test]
fn without_the_history_the_size_stays_and_nothing_is_given_up() {
    let expected = Done {
        capacity: None,
        abandoned: false,
        ..EVERYTHING
    };
    assert_eq!(without(|view| view.activities = None), expected);
}

#[test]
fn without_the_backlog_the_pool_has_its_size_and_no_more() {
    let expected = Done {
        capacity: Some(3),
        ..EVERYTHING
    };
    assert_eq!(without(|view| view.backlog = None), expected);
    // It is not lowered either: somebody may wait.
    let mut view = ready_pool(3);
    view.size = 2;
    view.backlog = None;
    assert_eq!(decide(&view).desired_capacity, None);
}

/// An open entry says that an instance is somebody's: whose entries are not known, nothing is taken.
#[test]
fn without_the_targets_no_claim_is_looked_at_and_nothing_taken_out() {
    let expected = Done {
        looked_again: false,
        entry_removed: false,
        retired: false,
        ..EVERYTHING
    };
    assert_eq!(without(|view| view.scan().targets = None), expected);
}

#[test]
fn an_entry_on_a_target_that_cannot_be_read_protects_its_instance() {
    let lose = |view: &mut View| {
        let targets = view.scan().targets.as_mut().unwrap();
        targets.entered_elsewhere.insert(instance(5));
    };
    let mut view = busy();
    lose(&mut view);
    let plan = decide(&view);
    assert!(plan.attach_to_retirement.is_empty());
    assert!(plan.remove_tags.contains(&forgotten(5)), "it is not ours");
}

#[test]
fn an_instance_of_which_something_could_not_be_read_is_left_as_it_is() {
    let lose = |view: &mut View| {
        view.scan().looked_at.remove(&instance(5));
        view.scan().histories.remove(&instance(5));
    };
    let expected = Done {
        retired: false,
        ..EVERYTHING
    };
    assert_eq!(without(lose), expected);
    let mut view = busy();
    lose(&mut view);
    let plan = decide(&view);
    assert!(plan.note.is_empty());
    assert!(!plan.remove_tags.contains(&forgotten(5)), "its note stays");
}

#[test]
fn without_a_full_scan_the_pool_is_looked_after() {
    let expected = Done {
        looked_again: false,
        entry_removed: false,
        retired: false,
        terminated: false,
        ..EVERYTHING
    };
    assert_eq!(without(|view| view.scan = None), expected);
}

#[test]
fn without_the_pool_claims_are_looked_after() {
    let mut view = busy();
    let targets = view.scan().targets.take();
    let mut plan = Plan::default();
    for_claims(targets.as_ref(), NOW, &mut plan);
    assert_eq!((plan.look_again.len(), plan.remove_tags.len()), (1, 1));
}

/// A member that was noted is not forgotten because its agent is not known, and none is noted.
#[test]
fn without_the_agents_no_member_is_judged() {
    let mut view = ready_pool(10);
    view.look_at(1, "pool", Lifecycle::InService);
    view.noted(1, Stage::Suspect, HOUR);
    view.agents = None;
    assert_eq!(decide(&view), Plan::default());
    // Nor by its age, while nobody knows how many others are ready.
    view.max_age = HOUR;
    assert_eq!(decide(&view), Plan::default());
}

#[test]
fn without_the_history_no_member_is_too_old() {
    let mut view = ready_pool(10);
    view.max_age = HOUR;
    view.activities = None;
    assert_eq!(decide(&view), Plan::default());
}
