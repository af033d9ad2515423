//! What must go goes, slowly, and nothing else: leaked instances, members nobody should get, and
//! what lies in the retirement group.

use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::autoscaling::Lifecycle;
use region::compute;
use region::faults;
use region::journal::Happening;
use region::settings::Spread;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long before a leak is looked for: a claim's longest deadline and an hour.
const LEAK_CHECKED_FROM: Duration = Duration::from_hours(5);
/// Within which every candidate is looked at twice, once it is one.
const LEAK_FOUND_WITHIN: Duration = Duration::from_mins(66);

/// Puts what happened to these instances in the pool back in its history: hours that nothing
/// else happens in need not be played.
fn date_back(harness: &Harness, instances: &[String], by: Duration) {
    harness.region.with(|world| {
        let pool = world.autoscaling.groups.get_mut(&harness.pool).unwrap();
        let is_theirs = |instance: &Option<String>| {
            instance.as_ref().is_some_and(|one| instances.contains(one))
        };
        for activity in &mut pool.activities {
            if is_theirs(&activity.instance) {
                activity.started_at -= by;
                activity.ended_at = activity.ended_at.map(|ended_at| ended_at - by);
            }
        }
        // The history is in order.
        pool.activities.sort_by_key(|activity| activity.started_at);
    });
}

/// Somebody takes an instance out of the pool by hand.
async fn detach_by_hand(harness: &Harness, instance: &str) {
    let input = json!({ "AutoScalingGroupName": harness.pool, "InstanceIds": [instance],
                        "ShouldDecrementDesiredCapacity": false });
    harness
        .call(Service::AutoScaling, "DetachInstances", input)
        .await
        .unwrap();
    harness.pass(Duration::from_mins(1)).await;
}

/// Somebody puts an instance into a group by hand.
async fn attach_by_hand(harness: &Harness, instance: &str, group: &str) {
    let input = json!({ "AutoScalingGroupName": group, "InstanceIds": [instance] });
    harness
        .call(Service::AutoScaling, "AttachInstances", input)
        .await
        .unwrap();
    harness.pass(Duration::from_secs(10)).await;
}

/// The notes on the retirement group.
fn notes(harness: &Harness) -> Vec<(String, String)> {
    harness.region.with(|world| {
        let tags = &world.autoscaling.groups[&harness.retirement].tags;
        tags.iter()
            .filter(|(key, _)| key.starts_with("ready-pool:note/"))
            .map(|(key, tag)| (key.clone(), tag.value.clone()))
            .collect()
    })
}

/// Waits until something is noted.
async fn something_is_noted(harness: &Harness) {
    harness
        .until("something is noted", |world| {
            let tags = &world.autoscaling.groups[&harness.retirement].tags;
            tags.keys().any(|key| key.starts_with("ready-pool:note/"))
        })
        .await;
}

/// Launches of the pool that were tried, good or bad.
fn launches(harness: &Harness) -> usize {
    harness.region.with(|world| {
        let activities = &world.autoscaling.groups[&harness.pool].activities;
        activities
            .iter()
            .filter(|activity| activity.description.starts_with("Launching"))
            .count()
    })
}

/// What ended instances, in order: only the retirement group may.
fn terminated(harness: &Harness) -> Vec<String> {
    let is_termination = |what| match what {
        Happening::Terminating { instance, .. } => Some(instance),
        _ => None,
    };
    harness
        .journal()
        .into_iter()
        .filter_map(|entry| is_termination(entry.what))
        .collect()
}

/// Lets time pass until the pool has none of these; answers the fewest that were in service.
async fn fewest_until_replaced(
    harness: &Harness,
    old: &BTreeSet<String>,
    patience: Duration,
) -> usize {
    let mut fewest = usize::MAX;
    let mut waited = Duration::ZERO;
    loop {
        let members = harness.in_service(&harness.pool);
        fewest = fewest.min(members.len());
        if members.iter().all(|member| !old.contains(member)) {
            return fewest;
        }
        assert!(waited < patience, "not replaced: {members:?}");
        harness.pass(Duration::from_secs(5)).await;
        waited += Duration::from_secs(5);
    }
}

fn members(harness: &Harness) -> BTreeSet<String> {
    harness.in_service(&harness.pool).into_iter().collect()
}

// Leaks.

#[tokio::test(start_paused = true)]
async fn a_leaked_instance_is_found_hours_later_noted_and_retired() {
    let harness = Harness::with_ready_pool(2).await;
    let leaked = harness.in_service(&harness.pool)[0].clone();
    detach_by_hand(&harness, &leaked).await;
    harness.pool_is_ready(2).await;

    let all_but = Duration::from_mins(4);
    let long = LEAK_CHECKED_FROM.checked_sub(all_but).unwrap();
    date_back(&harness, std::slice::from_ref(&leaked), long);
    harness.pass(Duration::from_mins(1)).await;
    assert_eq!(notes(&harness), [], "its claim might still be under way");
    something_is_noted(&harness).await;
    let [(key, value)] = notes(&harness).try_into().unwrap();
    assert_eq!(key, format!("ready-pool:note/{leaked}"));
    assert!(value.starts_with("suspect "), "{value}");
    assert!(terminated(&harness).is_empty(), "one look is not enough");

    harness.gone(&leaked).await;
    harness.pass(Duration::from_mins(3)).await;
    assert_eq!(notes(&harness), []);
    assert_eq!(terminated(&harness), [leaked]);
    assert_eq!(harness.in_service(&harness.pool).len(), 2);
    let said = |metric| harness.figures.sum(metric, &[]).round();
    assert_eq!((said("Leaks"), said("Retirements")), (1.0, 1.0));
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn many_leaks_are_all_found() {
    let harness = Harness::with_ready_pool(12).await;
    let leaked: Vec<String> = harness.in_service(&harness.pool);
    let more = |from: usize| leaked[from..from + 6].to_vec();
    for instances in [more(0), more(6)] {
        let input = json!({ "AutoScalingGroupName": harness.pool, "InstanceIds": instances,
                            "ShouldDecrementDesiredCapacity": false });
        harness
            .call(Service::AutoScaling, "DetachInstances", input)
            .await
            .unwrap();
    }
    harness.pool_is_ready(12).await;
    date_back(&harness, &leaked, LEAK_CHECKED_FROM);
    harness.pass(LEAK_FOUND_WITHIN).await;
    assert_eq!(
        terminated(&harness).into_iter().collect::<BTreeSet<_>>(),
        leaked.into_iter().collect()
    );
    assert_eq!(notes(&harness), []);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_instance_that_somebody_attached_elsewhere_is_left_alone() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("theirs").not_opted_in()).await;
    let taken = harness.in_service(&harness.pool)[0].clone();
    detach_by_hand(&harness, &taken).await;
    attach_by_hand(&harness, &taken, "theirs").await;

    date_back(&harness, std::slice::from_ref(&taken), LEAK_CHECKED_FROM);
    harness.pass(LEAK_FOUND_WITHIN).await;
    assert_eq!(harness.in_service("theirs"), [taken]);
    assert_eq!(harness.calls("CreateOrUpdateTags"), 0, "it was never noted");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_suspect_that_is_attached_before_the_second_look_is_let_go() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("theirs").not_opted_in()).await;
    let taken = harness.in_service(&harness.pool)[0].clone();
    detach_by_hand(&harness, &taken).await;
    date_back(&harness, std::slice::from_ref(&taken), LEAK_CHECKED_FROM);
    something_is_noted(&harness).await;
    attach_by_hand(&harness, &taken, "theirs").await;

    harness.pass(Duration::from_mins(10)).await;
    assert_eq!(harness.in_service("theirs"), [taken]);
    assert_eq!(notes(&harness), []);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_a_settled_claim_that_its_tenant_detached_is_the_tenant_s() {
    let harness = Harness::with_ready_pool(2).await;
    harness.create(Target::named("asg-1")).await;
    harness.create(Target::named("theirs").not_opted_in()).await;
    harness.send(&claim("c", "asg-1")).await;
    let outcome = harness.outcome("c").await;
    let instance = outcome.instance_id.unwrap().to_string();
    let input = json!({ "AutoScalingGroupName": "asg-1", "InstanceIds": [instance],
                        "ShouldDecrementDesiredCapacity": true });
    harness
        .call(Service::AutoScaling, "DetachInstances", input)
        .await
        .unwrap();

    date_back(&harness, std::slice::from_ref(&instance), LEAK_CHECKED_FROM);
    harness.pass(LEAK_FOUND_WITHIN).await;
    assert!(
        terminated(&harness).is_empty(),
        "it was sent a command: not ours any more"
    );
    attach_by_hand(&harness, &instance, "theirs").await;
    harness.end().await;
}

// Health.

#[tokio::test(start_paused = true)]
async fn a_member_whose_agent_dies_is_replaced() {
    let harness = Harness::with_ready_pool(3).await;
    let dead = harness.in_service(&harness.pool)[0].clone();
    harness
        .region
        .with(|world| compute::kill_agent(world, &dead));
    harness.gone(&dead).await;
    harness.pool_is_ready(3).await;
    harness.pass(Duration::from_mins(3)).await;
    assert_eq!(terminated(&harness), [dead]);
    assert_eq!(notes(&harness), []);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn when_all_agents_look_away_nobody_is_touched() {
    let harness = Harness::with_ready_pool(10).await;
    let before = members(&harness);
    // Their last pings are minutes apart, so they look away one after the other.
    let away = Duration::from_mins(20);
    harness.region.with(|world| {
        let at = world.now;
        for instance in &before {
            let agent = &mut world.compute.instances.get_mut(instance).unwrap().agent;
            agent.died_at = Some(at);
        }
    });
    harness.pass(away).await;
    assert_eq!(members(&harness), before);
    harness.region.with(|world| {
        let machines = world.compute.instances.values_mut();
        machines.for_each(|machine| machine.agent.died_at = None);
    });
    harness.pass(Duration::from_mins(5)).await;
    assert_eq!(members(&harness), before);
    assert_eq!(notes(&harness), []);
    assert!(terminated(&harness).is_empty());
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn while_systems_manager_is_down_nobody_is_touched() {
    let harness = Harness::with_ready_pool(3).await;
    let before = members(&harness);
    harness.region.with(|world| {
        let until = world.now + Duration::from_mins(30);
        let service = Service::Ssm;
        world.faults.outages.push(faults::Outage { service, until });
    });
    harness.pass(Duration::from_mins(40)).await;
    assert_eq!(members(&harness), before);
    assert!(terminated(&harness).is_empty());
    harness.end().await;
}

// Wear.

/// Gives the pool another version of its launch template, as an update of the stack does.
async fn renew_launch_template(harness: &Harness) {
    let (id, version) = harness.region.with(|world| {
        let template = world.compute.launch_templates.values().next().unwrap();
        let (name, kind, tags) = (
            template.name.clone(),
            template.instance_type.clone(),
            template.instance_tags.clone(),
        );
        let id = compute::register_launch_template(world, &name, &kind, tags);
        (id, world.compute.launch_templates[&name].version)
    });
    let input = json!({
        "AutoScalingGroupName": harness.pool,
        "LaunchTemplate": { "LaunchTemplateId": id, "Version": version.to_string() },
    });
    harness
        .call(Service::AutoScaling, "UpdateAutoScalingGroup", input)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn members_on_an_old_launch_template_are_replaced_one_after_the_other() {
    let harness = Harness::with_ready_pool(3).await;
    let old = members(&harness);
    renew_launch_template(&harness).await;
    let fewest = fewest_until_replaced(&harness, &old, Duration::from_hours(1)).await;
    assert!(fewest >= 2, "{fewest} of 3 were ready");
    harness.pool_is_ready(3).await;
    harness.pass(Duration::from_mins(5)).await;
    let gone: BTreeSet<String> = terminated(&harness).into_iter().collect();
    assert_eq!(gone, old, "the new ones stay");
    assert_eq!(notes(&harness), []);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn members_that_grow_too_old_are_replaced_a_few_at_a_time() {
    let harness = Harness::builder()
        .parameter("MaxAgeHours", "48")
        .pool_size(3)
        .start();
    harness.pool_is_ready(3).await;
    let old = members(&harness);
    let old_ids: Vec<String> = old.iter().cloned().collect();
    date_back(&harness, &old_ids, Duration::from_hours(43));
    harness.pass(Duration::from_mins(3)).await;
    assert_eq!(
        members(&harness),
        old,
        "younger than the limit less a tenth"
    );
    date_back(&harness, &old_ids, Duration::from_hours(5));
    let fewest = fewest_until_replaced(&harness, &old, Duration::from_mins(45)).await;
    assert!(fewest >= 2, "{fewest} of 3 were ready");
    harness.pool_is_ready(3).await;
    let young = members(&harness);
    harness.pass(Duration::from_mins(6)).await;
    assert_eq!(members(&harness), young);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_members_grow_as_old_as_they_like() {
    let harness = Harness::with_ready_pool(1).await;
    let before = harness.in_service(&harness.pool);
    date_back(&harness, &before, Duration::from_hours(24 * 365));
    harness.pass(Duration::from_mins(6)).await;
    assert_eq!(harness.in_service(&harness.pool), before);
    harness.end().await;
}

// Failing launches.

#[tokio::test(start_paused = true)]
async fn refused_capacity_is_not_asked_for_again_and_again() {
    let harness = Harness::with_ready_pool(3).await;
    harness.region.with(|world| {
        faults::refuse_capacity(world, Duration::from_mins(25));
    });
    let gone = harness.in_service(&harness.pool)[0].clone();
    let before = launches(&harness);
    detach_by_hand(&harness, &gone).await;
    attach_by_hand(&harness, &gone, &harness.retirement).await;

    harness.pass(Duration::from_mins(8)).await;
    assert_eq!(harness.desired(&harness.pool), 2, "held at what is there");
    harness.pass(Duration::from_mins(15)).await;
    // Unheld, Auto Scaling tries every half minute or so: fifty times.
    let tries = launches(&harness) - before;
    assert!((15..30).contains(&tries), "{tries} tries");
    assert_eq!(harness.in_service(&harness.pool).len(), 2);

    // Capacity comes back, and within a hold so does the pool.
    harness.pass(Duration::from_mins(15)).await;
    assert_eq!(harness.in_service(&harness.pool).len(), 3);
    assert_eq!(harness.desired(&harness.pool), 3);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn launches_without_agents_are_tried_one_at_a_time_until_one_is_good() {
    let builder = Harness::builder().pool_size(5);
    let harness = builder
        .parameter("BootLimitSeconds", "120")
        .settings(|settings| {
            settings.timings.agent_registration = Spread::exactly(Duration::from_secs(20));
            // All deaths are noticed at once, so all five launches fail in a row.
            settings.timings.health_notice = Spread::exactly(Duration::from_mins(1));
        })
        .start();
    harness.pool_is_ready(5).await;
    let before = launches(&harness);
    harness.region.with(|world| {
        world.compute.silent_launches = 5;
        let pool = &world.autoscaling.groups[&harness.pool];
        let members: Vec<String> = pool.members.keys().cloned().collect();
        for instance in &members {
            compute::kill_instance(world, instance);
        }
    });

    // The boot limit, and not yet the pause after it.
    harness.pass(Duration::from_secs(220)).await;
    let tries = launches(&harness) - before;
    assert_eq!(tries, 5, "all that were missing");
    harness.pool_is_ready(5).await;
    let tries = launches(&harness) - before;
    assert_eq!(
        tries, 10,
        "one that is tried, and when it is good the others"
    );
    harness.end().await;
}

// The retirement group.

#[tokio::test(start_paused = true)]
async fn what_somebody_puts_into_the_retirement_group_is_terminated() {
    let harness = Harness::with_ready_pool(3).await;
    let unwanted: Vec<String> = harness.in_service(&harness.pool).drain(..2).collect();
    for instance in &unwanted {
        detach_by_hand(&harness, instance).await;
        attach_by_hand(&harness, instance, &harness.retirement).await;
    }
    for instance in &unwanted {
        harness.gone(instance).await;
    }
    harness.pool_is_ready(3).await;
    harness.pass(Duration::from_mins(3)).await;
    assert_eq!(harness.in_service(&harness.retirement), [] as [String; 0]);
    assert_eq!(
        harness.desired(&harness.retirement),
        0,
        "nothing is replaced there"
    );
    harness.end().await;
}

// Claims meanwhile.

/// A pool of four, one of whose members was noted a moment ago.
async fn with_a_noted_member() -> Harness {
    let harness = Harness::with_ready_pool(4).await;
    harness.create(Target::named("asg-1")).await;
    renew_launch_template(&harness).await;
    something_is_noted(&harness).await;
    harness
}

/// How long after its note a member is detached, where nobody claims it.
async fn time_to_removal() -> Duration {
    let harness = with_a_noted_member().await;
    let noted = harness.now();
    harness
        .until("a member is detached", |world| {
            let members = &world.autoscaling.groups[&harness.pool].members;
            members
                .values()
                .any(|member| member.lifecycle == Lifecycle::Detaching)
        })
        .await;
    (harness.now() - noted).unsigned_abs()
}

/// Claims for all members of a pool of four come so long after one of them was noted. Answers whether a
/// claim and the removal wanted the same member.
async fn claims_meet_a_removal(after: Duration) -> bool {
    let harness = with_a_noted_member().await;
    let old = members(&harness);
    harness.pass(after).await;
    harness.send_together((0..4).map(|n| claim(&format!("c-{n}"), "asg-1")));
    let mut claimed = BTreeSet::new();
    for n in 0..4 {
        let outcome = harness.outcome(&format!("c-{n}")).await;
        assert_eq!(outcome.outcome, Ending::Ready, "{after:?}: {outcome:?}");
        claimed.insert(outcome.instance_id.unwrap().to_string());
    }
    fewest_until_replaced(&harness, &old, Duration::from_mins(15)).await;
    harness.pool_is_ready(4).await;
    harness.pass(Duration::from_mins(2)).await;
    assert_eq!(notes(&harness), []);
    let theirs: BTreeSet<String> = harness.in_service("asg-1").into_iter().collect();
    assert_eq!(theirs, claimed, "{after:?}");
    let met = !harness.refusals("DetachInstances").is_empty();
    harness.end().await;
    met
}

#[tokio::test(start_paused = true)]
async fn a_claim_before_or_after_a_removal_never_loses_its_instance() {
    let removal = time_to_removal().await;
    let apart = Duration::from_secs(5);
    for after in [removal.saturating_sub(apart), removal + apart] {
        assert!(!claims_meet_a_removal(after).await, "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_and_a_removal_of_the_same_member_at_one_instant_do_no_harm() {
    let removal = time_to_removal().await;
    let mut met = false;
    // A claim wants to detach half a second after it was sent.
    for earlier in [900, 700, 500, 300, 100] {
        let after = removal.saturating_sub(Duration::from_millis(earlier));
        met |= claims_meet_a_removal(after).await;
    }
    assert!(met, "the instant was missed: look for it anew");
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_member_is_taken_out_in_its_hands_gets_another() {
    // Whoever detaches first: a claim's pick and a removal of the same member at one instant.
    let harness = Harness::with_ready_pool(1).await;
    harness.create(Target::named("asg-1")).await;
    let only = harness.in_service(&harness.pool)[0].clone();
    renew_launch_template(&harness).await;
    something_is_noted(&harness).await;
    harness.pass(Duration::from_secs(50)).await;
    let mut patient = claim("c", "asg-1");
    patient["expires_at"] = harness.at(Duration::from_hours(2)).into();
    harness.send(&patient).await;
    let outcome = harness.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    harness.pass(Duration::from_mins(10)).await;
    let mine = outcome.instance_id.unwrap().to_string();
    assert_eq!(harness.in_service("asg-1"), std::slice::from_ref(&mine));
    let retired = terminated(&harness);
    assert!(!retired.contains(&mine));
    assert!(mine == only || retired == [only]);
    harness.end().await;
}
