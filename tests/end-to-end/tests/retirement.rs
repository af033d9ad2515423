//! What must go goes, slowly, and nothing else: leaked instances, members nobody should get, and
//! what lies in the retirement group.

use end_to_end::{Stage, StageBuilder, Target, claim};
use ready_pool_core::outcome::Ending;
use region::api::Service;
use region::compute;
use region::faults;
use region::journal::Happening;
use region::settings::Spread;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// After its detach, when a leak is first looked for: a claim's longest deadline and an hour.
const LEAK_CHECKED_FROM: Duration = Duration::from_hours(5);

/// Somebody takes an instance out of the pool by hand.
async fn detach_by_hand(stage: &Stage, instance: &str) {
    let input = json!({ "AutoScalingGroupName": stage.pool, "InstanceIds": [instance],
                        "ShouldDecrementDesiredCapacity": false });
    stage
        .call(Service::AutoScaling, "DetachInstances", input)
        .await
        .unwrap();
    stage.pass(Duration::from_mins(1)).await;
}

/// Somebody puts an instance into a group by hand.
async fn attach_by_hand(stage: &Stage, instance: &str, group: &str) {
    let input = json!({ "AutoScalingGroupName": group, "InstanceIds": [instance] });
    stage
        .call(Service::AutoScaling, "AttachInstances", input)
        .await
        .unwrap();
    stage.pass(Duration::from_secs(10)).await;
}

/// The notes on the retirement group.
fn notes(stage: &Stage) -> Vec<(String, String)> {
    stage.region.with(|world| {
        let tags = &world.autoscaling.groups[&stage.retirement].tags;
        tags.iter()
            .filter(|(key, _)| key.starts_with("ready-pool:note/"))
            .map(|(key, tag)| (key.clone(), tag.value.clone()))
            .collect()
    })
}

/// Launches of the pool that were tried, good or bad.
fn launches(stage: &Stage) -> usize {
    stage.region.with(|world| {
        let activities = &world.autoscaling.groups[&stage.pool].activities;
        activities
            .iter()
            .filter(|activity| activity.description.starts_with("Launching"))
            .count()
    })
}

/// What ended instances, in order: only the retirement group may.
fn terminated(stage: &Stage) -> Vec<String> {
    let is_termination = |what| match what {
        Happening::Terminating { instance, .. } => Some(instance),
        _ => None,
    };
    stage
        .journal()
        .into_iter()
        .filter_map(|entry| is_termination(entry.what))
        .collect()
}

/// Lets time pass until the pool has none of these; answers the fewest that were in service.
async fn fewest_until_replaced(stage: &Stage, old: &BTreeSet<String>, patience: Duration) -> usize {
    let mut fewest = usize::MAX;
    let mut waited = Duration::ZERO;
    loop {
        let members = stage.in_service(&stage.pool);
        fewest = fewest.min(members.len());
        if members.iter().all(|member| !old.contains(member)) {
            return fewest;
        }
        assert!(waited < patience, "not replaced: {members:?}");
        stage.pass(Duration::from_secs(5)).await;
        waited += Duration::from_secs(5);
    }
}

fn members(stage: &Stage) -> BTreeSet<String> {
    stage.in_service(&stage.pool).into_iter().collect()
}

// Leaks.

#[tokio::test(start_paused = true)]
async fn a_leaked_instance_is_found_hours_later_noted_and_retired() {
    let stage = Stage::with_ready_pool(2).await;
    let leaked = stage.in_service(&stage.pool)[0].clone();
    detach_by_hand(&stage, &leaked).await;
    stage.pool_is_ready(2).await;

    let four_minutes = Duration::from_mins(4);
    stage
        .pass(LEAK_CHECKED_FROM.checked_sub(four_minutes).unwrap())
        .await;
    assert_eq!(notes(&stage), [], "its claim might still be under way");
    stage
        .until("the leak is noted", |_| !notes(&stage).is_empty())
        .await;
    let [(key, value)] = notes(&stage).try_into().unwrap();
    assert_eq!(key, format!("ready-pool:note/{leaked}"));
    assert!(value.starts_with("suspect "), "{value}");
    assert!(terminated(&stage).is_empty(), "one look is not enough");

    stage.gone(&leaked).await;
    stage.pass(Duration::from_mins(3)).await;
    assert_eq!(notes(&stage), []);
    assert_eq!(terminated(&stage), [leaked]);
    assert_eq!(stage.in_service(&stage.pool).len(), 2);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn many_leaks_are_all_found() {
    let stage = Stage::with_ready_pool(12).await;
    let leaked: Vec<String> = stage.in_service(&stage.pool);
    let more = |from: usize| leaked[from..from + 6].to_vec();
    for instances in [more(0), more(6)] {
        let input = json!({ "AutoScalingGroupName": stage.pool, "InstanceIds": instances,
                            "ShouldDecrementDesiredCapacity": false });
        stage
            .call(Service::AutoScaling, "DetachInstances", input)
            .await
            .unwrap();
    }
    stage
        .pass(LEAK_CHECKED_FROM + Duration::from_mins(15))
        .await;
    assert_eq!(
        terminated(&stage).into_iter().collect::<BTreeSet<_>>(),
        leaked.into_iter().collect()
    );
    assert_eq!(notes(&stage), []);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_instance_that_somebody_attached_elsewhere_is_left_alone() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("theirs").not_opted_in()).await;
    let taken = stage.in_service(&stage.pool)[0].clone();
    detach_by_hand(&stage, &taken).await;
    attach_by_hand(&stage, &taken, "theirs").await;

    stage
        .pass(LEAK_CHECKED_FROM + Duration::from_hours(1))
        .await;
    assert_eq!(stage.in_service("theirs"), [taken]);
    assert_eq!(stage.calls("CreateOrUpdateTags"), 0, "it was never noted");
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_suspect_that_is_attached_before_the_second_look_is_let_go() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("theirs").not_opted_in()).await;
    let taken = stage.in_service(&stage.pool)[0].clone();
    detach_by_hand(&stage, &taken).await;
    stage
        .until("the leak is noted", |_| !notes(&stage).is_empty())
        .await;
    attach_by_hand(&stage, &taken, "theirs").await;

    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(stage.in_service("theirs"), [taken]);
    assert_eq!(notes(&stage), []);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_a_settled_claim_that_its_tenant_detached_is_the_tenant_s() {
    let stage = Stage::with_ready_pool(2).await;
    stage.create(Target::named("asg-1")).await;
    stage.create(Target::named("theirs").not_opted_in()).await;
    stage.send(&claim("c", "asg-1")).await;
    let outcome = stage.outcome("c").await;
    let instance = outcome.instance_id.unwrap().to_string();
    let input = json!({ "AutoScalingGroupName": "asg-1", "InstanceIds": [instance],
                        "ShouldDecrementDesiredCapacity": true });
    stage
        .call(Service::AutoScaling, "DetachInstances", input)
        .await
        .unwrap();

    stage
        .pass(LEAK_CHECKED_FROM + Duration::from_hours(1))
        .await;
    assert!(terminated(&stage).is_empty(), "told: not ours any more");
    attach_by_hand(&stage, &instance, "theirs").await;
    stage.end().await;
}

// Health.

#[tokio::test(start_paused = true)]
async fn a_member_whose_agent_dies_is_replaced() {
    let stage = Stage::with_ready_pool(3).await;
    let dead = stage.in_service(&stage.pool)[0].clone();
    stage.region.with(|world| compute::kill_agent(world, &dead));
    stage.gone(&dead).await;
    stage.pool_is_ready(3).await;
    stage.pass(Duration::from_mins(3)).await;
    assert_eq!(terminated(&stage), [dead]);
    assert_eq!(notes(&stage), []);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn when_all_agents_look_away_nobody_is_touched() {
    let stage = Stage::with_ready_pool(10).await;
    let before = members(&stage);
    // Their last pings are minutes apart, so they look away one after the other.
    let away = Duration::from_mins(20);
    stage.region.with(|world| {
        let at = world.now;
        for instance in &before {
            let agent = &mut world.compute.instances.get_mut(instance).unwrap().agent;
            agent.died_at = Some(at);
        }
    });
    stage.pass(away).await;
    assert_eq!(members(&stage), before);
    stage.region.with(|world| {
        let machines = world.compute.instances.values_mut();
        machines.for_each(|machine| machine.agent.died_at = None);
    });
    stage.pass(Duration::from_mins(5)).await;
    assert_eq!(members(&stage), before);
    assert_eq!(notes(&stage), []);
    assert!(terminated(&stage).is_empty());
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn while_systems_manager_is_down_nobody_is_touched() {
    let stage = Stage::with_ready_pool(3).await;
    let before = members(&stage);
    stage.region.with(|world| {
        let until = world.now + Duration::from_mins(30);
        let service = Service::Ssm;
        world.faults.outages.push(faults::Outage { service, until });
    });
    stage.pass(Duration::from_mins(40)).await;
    assert_eq!(members(&stage), before);
    assert!(terminated(&stage).is_empty());
    stage.end().await;
}

// Wear.

/// Gives the pool another version of its launch template, as an update of the stack does.
async fn renew_launch_template(stage: &Stage) {
    let (id, version) = stage.region.with(|world| {
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
        "AutoScalingGroupName": stage.pool,
        "LaunchTemplate": { "LaunchTemplateId": id, "Version": version.to_string() },
    });
    stage
        .call(Service::AutoScaling, "UpdateAutoScalingGroup", input)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn members_on_an_old_launch_template_are_replaced_a_few_at_a_time() {
    for (size, least) in [(3, 2), (10, 9), (25, 22)] {
        let stage = Stage::with_ready_pool(size).await;
        let old = members(&stage);
        renew_launch_template(&stage).await;
        let fewest = fewest_until_replaced(&stage, &old, Duration::from_hours(1)).await;
        assert!(fewest >= least, "{fewest} of {size} were ready");
        stage.pool_is_ready(size).await;
        stage.pass(Duration::from_mins(5)).await;
        assert_eq!(terminated(&stage).len(), size, "the new ones stay");
        assert_eq!(notes(&stage), []);
        stage.end().await;
    }
}

fn with_max_age(hours: u32) -> StageBuilder {
    Stage::builder().parameter("MaxAgeHours", &hours.to_string())
}

#[tokio::test(start_paused = true)]
async fn members_that_grow_too_old_are_replaced_a_few_at_a_time() {
    let stage = with_max_age(2).pool_size(3).start();
    stage.pool_is_ready(3).await;
    let old = members(&stage);
    stage.pass(Duration::from_mins(90)).await;
    assert_eq!(members(&stage), old, "younger than the limit less a tenth");
    let fewest = fewest_until_replaced(&stage, &old, Duration::from_mins(45)).await;
    assert!(fewest >= 2, "{fewest} of 3 were ready");
    stage.pool_is_ready(3).await;
    let young = members(&stage);
    stage.pass(Duration::from_mins(60)).await;
    assert_eq!(members(&stage), young);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_members_grow_as_old_as_they_like() {
    let stage = with_max_age(0).pool_size(1).start();
    stage.pool_is_ready(1).await;
    let before = members(&stage);
    stage.pass(Duration::from_hours(7)).await;
    assert_eq!(members(&stage), before);
    stage.end().await;
}

// Failing launches.

#[tokio::test(start_paused = true)]
async fn refused_capacity_is_not_asked_for_again_and_again() {
    let stage = Stage::with_ready_pool(3).await;
    stage.region.with(|world| {
        faults::refuse_capacity(world, Duration::from_hours(3));
    });
    let gone = stage.in_service(&stage.pool)[0].clone();
    let before = launches(&stage);
    detach_by_hand(&stage, &gone).await;
    attach_by_hand(&stage, &gone, &stage.retirement).await;

    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(stage.desired(&stage.pool), 2, "held at what is there");
    stage.pass(Duration::from_mins(150)).await;
    // Unheld, Auto Scaling tries every half minute or so: 320 times.
    let tries = launches(&stage) - before;
    assert!((5..60).contains(&tries), "{tries} tries");
    assert_eq!(stage.in_service(&stage.pool).len(), 2);

    // Capacity comes back, and within a hold so does the pool.
    stage.pass(Duration::from_mins(40)).await;
    assert_eq!(stage.in_service(&stage.pool).len(), 3);
    assert_eq!(stage.desired(&stage.pool), 3);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_launches_without_agents_is_held_back_and_passes() {
    let builder = Stage::builder().pool_size(10);
    let stage = builder
        .parameter("BootLimitSeconds", "120")
        .settings(|settings| {
            settings.timings.agent_registration = Spread::exactly(Duration::from_secs(20));
        })
        .start();
    stage.pool_is_ready(10).await;
    stage
        .region
        .with(|world| world.compute.silent_launches = 40);
    let lost = members(&stage);
    let before = launches(&stage);
    stage.region.with(|world| {
        lost.iter()
            .for_each(|instance| compute::kill_instance(world, instance));
    });

    stage.pass(Duration::from_hours(1)).await;
    let tries = launches(&stage) - before;
    // Unheld: ten every three minutes, two hundred in an hour.
    assert!((20..=60).contains(&tries), "{tries} tries");
    stage.pool_is_ready(10).await;
    stage.end().await;
}

// The retirement group.

#[tokio::test(start_paused = true)]
async fn what_somebody_puts_into_the_retirement_group_is_terminated() {
    let stage = Stage::with_ready_pool(3).await;
    let unwanted: Vec<String> = stage.in_service(&stage.pool).drain(..2).collect();
    for instance in &unwanted {
        detach_by_hand(&stage, instance).await;
        attach_by_hand(&stage, instance, &stage.retirement).await;
    }
    for instance in &unwanted {
        stage.gone(instance).await;
    }
    stage.pool_is_ready(3).await;
    stage.pass(Duration::from_mins(3)).await;
    assert_eq!(stage.in_service(&stage.retirement), [] as [String; 0]);
    assert_eq!(
        stage.desired(&stage.retirement),
        0,
        "nothing is replaced there"
    );
    stage.end().await;
}

// Claims meanwhile.

#[tokio::test(start_paused = true)]
async fn claims_that_run_at_the_same_time_as_removals_never_lose_their_instance() {
    // At every second of the minute between two passes, a claim meets a removal.
    for offset in (0..64).step_by(4) {
        let stage = Stage::with_ready_pool(4).await;
        stage.create(Target::named("asg-1")).await;
        renew_launch_template(&stage).await;
        stage
            .until("a member is on its way out", |_| !notes(&stage).is_empty())
            .await;
        stage.pass(Duration::from_secs(offset)).await;
        stage.send_together((0..3).map(|n| claim(&format!("c-{n}"), "asg-1")));
        let mut claimed = BTreeSet::new();
        for n in 0..3 {
            let outcome = stage.outcome(&format!("c-{n}")).await;
            assert_eq!(outcome.outcome, Ending::Ready, "{offset}: {outcome:?}");
            claimed.insert(outcome.instance_id.unwrap().to_string());
        }
        stage.pass(Duration::from_mins(15)).await;
        let theirs: BTreeSet<String> = stage.in_service("asg-1").into_iter().collect();
        assert_eq!(theirs, claimed, "{offset}");
        assert_eq!(stage.in_service(&stage.pool).len(), 4, "{offset}");
        stage.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_member_is_taken_out_in_its_hands_gets_another() {
    // Whoever detaches first: a claim's pick and a removal of the same member at one instant.
    let stage = Stage::with_ready_pool(1).await;
    stage.create(Target::named("asg-1")).await;
    let only = stage.in_service(&stage.pool)[0].clone();
    renew_launch_template(&stage).await;
    stage
        .until("the member is on its way out", |_| {
            !notes(&stage).is_empty()
        })
        .await;
    stage.pass(Duration::from_secs(50)).await;
    let mut patient = claim("c", "asg-1");
    patient["expires_at"] = stage.at(Duration::from_hours(2)).into();
    stage.send(&patient).await;
    let outcome = stage.outcome("c").await;
    assert_eq!(outcome.outcome, Ending::Ready);
    stage.pass(Duration::from_mins(10)).await;
    let mine = outcome.instance_id.unwrap().to_string();
    assert_eq!(stage.in_service("asg-1"), [mine.clone()]);
    let retired = terminated(&stage);
    assert!(!retired.contains(&mine));
    assert!(mine == only || retired == [only]);
    stage.end().await;
}
