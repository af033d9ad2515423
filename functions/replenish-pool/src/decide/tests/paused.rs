//! Replenishing is paused: nothing is launched, abandoned or taken out of the pool, and all that
//! others wait for goes on.

use super::*;
use ready_pool_core::pause::PAUSE_TAG;

fn paused(mut view: View, value: &str) -> Plan {
    let tag = (PAUSE_TAG.to_owned(), value.to_owned());
    view.pool.tags.extend([tag]);
    decide(&view)
}

/// What a paused pool plans where there is nothing else to do.
fn nothing() -> Plan {
    Plan {
        paused: true,
        ..Plan::default()
    }
}

#[test]
fn the_capacity_is_left_alone_in_both_directions() {
    for size in [0, 7] {
        let mut view = ready_pool(3);
        view.size = size;
        assert!(decide(&view).desired_capacity.is_some());
        assert_eq!(paused(view, "replenishing"), nothing());
    }
}

#[test]
fn a_pause_of_claims_changes_nothing_here() {
    let mut view = ready_pool(3);
    view.size = 7;
    assert_eq!(paused(view, "claims").desired_capacity, Some(7));
}

#[test]
fn a_value_that_is_none_pauses_and_is_shown() {
    let mut view = ready_pool(3);
    view.size = 7;
    let plan = paused(view, "replenish");
    assert_eq!(plan.misspelt_pause.as_deref(), Some("replenish"));
    assert_eq!(plan.desired_capacity, None);
}

#[test]
fn launches_are_completed_and_not_abandoned() {
    let mut view = at_rest();
    for number in [1, 2] {
        let launch = activity(ActivityKind::Launch, number, BOOT_LIMIT + SECOND, None);
        view.pool
            .members
            .push(member(number, Lifecycle::PendingWait));
        view.history().push(launch);
    }
    view.size = 2;
    view.pool.desired_capacity = 2;
    view.agents().insert(instance(1), agent(true));
    assert_eq!(decide(&view).abandon, [instance(2)]);
    let plan = paused(view, "replenishing");
    assert_eq!(plan.complete, [instance(1)]);
    assert_eq!((plan.abandon, plan.booting), (vec![], 0));
}

#[test]
fn members_are_neither_suspected_nor_taken_out() {
    let mut view = ready_pool(20);
    view.pool.members[0].launch_template = Some("lt-1:1".to_owned());
    view.lose_agent(2);
    assert_eq!(decide(&view).note.len(), 2);
    assert_eq!(paused(view, "replenishing"), nothing());

    let mut view = ready_pool(20);
    view.lose_agent(2);
    view.noted(2, Stage::Suspect, Duration::from_hours(1));
    view.look_at(2, "pool", Lifecycle::InService);
    assert_eq!(decide(&view).detach, [instance(2)]);
    assert_eq!(paused(view.clone(), "replenishing"), nothing());
    view.noted(2, Stage::Retiring, Duration::from_hours(1));
    assert_eq!(decide(&view).detach, [instance(2)]);
    assert_eq!(paused(view, "replenishing"), nothing());
}

#[test]
fn what_has_left_the_pool_goes_on_to_its_end() {
    let mut view = at_rest();
    view.look_at_free(1);
    view.noted(1, Stage::Retiring, SECOND);
    view.look_at_free(2);
    view.noted(2, Stage::Suspect, Duration::from_mins(1));
    view.scan().retirement().members = vec![member(3, Lifecycle::InService)];
    let plan = paused(view, "replenishing");
    assert_eq!(plan.attach_to_retirement, [instance(1), instance(2)]);
    assert_eq!(plan.terminate, [instance(3)]);
}

#[test]
fn open_claims_are_looked_after() {
    let mut view = at_rest();
    view.enter(1);
    view.now += Duration::from_mins(10);
    assert_eq!(paused(view, "all").look_again.len(), 1);
}
