//! Findings on the pool.

use super::examine::{Examined, Pool};
use super::finding::{Finding, Findings};
use super::stack::{resume, suspend_rebalancing};
use crate::pause::Paused;
use crate::pool::{Census, State};
use crate::session::Place;
use crate::words;
use ready_pool_aws::auto_scaling::LoggedActivity;
use ready_pool_core::Timestamp;
use ready_pool_core::pause::PAUSE_TAG;
use time::Duration;

/// A launch that failed longer ago says nothing of today.
const RECENT: Duration = Duration::hours(1);
/// An instance boots within a minute or two.
const LONG_BOOT: Duration = Duration::minutes(5);
/// What to do where agents stay away.
const AGENTS: &str = "look at the way from its subnets to Systems Manager (internet, NAT, or the VPC endpoints ssm, ssmmessages \
                      and ec2messages), at the image and at the instances' role";

/// All of them.
pub(super) fn findings(examined: &Examined) -> Vec<Finding> {
    let mut findings = Findings::about(examined.stack.pool.as_str());
    match &examined.pool {
        None => findings.wrong(
            "there is no such group: no claim can be served",
            "make the pool again, or correct ExistingPoolGroup",
        ),
        Some(pool) => {
            settings(pool, &examined.place, &mut findings);
            processes(pool, &examined.place, &mut findings);
            members(pool, examined.now, &mut findings);
        }
    }
    findings.into_all()
}

fn settings(pool: &Pool, place: &Place, findings: &mut Findings) {
    let Pool {
        group,
        settings,
        has_hook,
        ..
    } = pool;
    if !has_hook {
        findings.wrong(
            "it has no launch hook agent-online: instances get into service before their agents are online",
            "deploy the stack again under another name of the hook, or put it back by hand \
             (aws autoscaling put-lifecycle-hook)",
        );
    }
    if group.min_size > 0 {
        findings.wrong(
            format!(
                "its minimum size is {}: below it nothing can be handed out",
                group.min_size
            ),
            "set it to 0",
        );
    }
    if !settings.load_balancers.is_empty() {
        findings.wrong(
            "it has a load balancer: each instance that is handed out waits for it",
            "take the load balancer off the pool",
        );
    }
    if group.has_warm_pool {
        findings.wrong(
            "it has a warm pool, which is not supported: its instances wait in the launch hook, are abandoned after an hour, \
             and launched again, forever",
            format!(
                "{}; when stopped instances would pay off is in docs/operations.md, not supported",
                place.aws(&format!(
                    "autoscaling delete-warm-pool --auto-scaling-group-name {}",
                    group.name
                ))
            ),
        );
    }
    if settings.has_mixed_instances {
        findings.doubtful(
            "it launches from a mixed instances policy: spot instances in it may be taken from a tenant, and claims get \
             whatever type was launched",
            "on-demand instances only (docs/operations.md, a pool that exists already)",
        );
    }
    if let Some(lifetime) = settings.max_lifetime {
        findings.doubtful(
            format!(
                "it has a maximum instance lifetime of {}",
                words::days(lifetime)
            ),
            "let MaxAgeHours replace old instances: it takes none that is claimed",
        );
    }
    let paused = Paused::from(group.pause());
    match (paused.words(), paused.misspelt.is_some()) {
        (Some(words), true) => findings.wrong(
            format!("it is paused: {words}"),
            format!("set {PAUSE_TAG} by `ready-pool pause`, or `ready-pool resume`"),
        ),
        (Some(words), false) => {
            findings.doubtful(
                format!("it is paused: {words}"),
                "`ready-pool resume` ends it",
            );
        }
        (None, _) => {}
    }
}

fn processes(pool: &Pool, place: &Place, findings: &mut Findings) {
    let group = &pool.group;
    if let Some(problem) = group.launches_nothing() {
        let advice = if group.deleting {
            "make it again once it is gone".to_owned()
        } else {
            format!(
                "fix the reason, then: {}",
                resume(place, group.name.as_str(), "Launch")
            )
        };
        findings.wrong(format!("{problem}: nothing fills it"), advice);
    }
    if !group.suspended.contains_key("AZRebalance") {
        findings.wrong(
            "its process AZRebalance is not suspended: after a claim it may terminate ready instances",
            format!(
                "the stack's schedule suspends it every hour; or now: {}",
                suspend_rebalancing(place, group.name.as_str())
            ),
        );
    }
    if group.suspended.contains_key("Terminate") {
        findings.doubtful(
            "its process Terminate is suspended: launches that fail to get ready are not replaced",
            resume(place, group.name.as_str(), "Terminate"),
        );
    }
}

fn members(pool: &Pool, now: Timestamp, findings: &mut Findings) {
    let census = Census::of(&pool.group, &pool.agents);
    let failed = pool
        .log
        .iter()
        .find(|activity| activity.description.starts_with("Launching"))
        .filter(|activity| activity.status == "Failed" && now - activity.started_at < RECENT);
    if let Some(failed) = failed {
        let why = failed.problem.as_deref().unwrap_or(&failed.cause);
        findings.wrong(
            format!(
                "its last launch failed {} ago: {why}",
                words::span(now, failed.started_at)
            ),
            "capacity: add zones or types; quota: ask for more; image gone: set ImageId; KMS: grant it to Auto Scaling's role",
        );
    }
    let desired = pool.group.desired_capacity;
    if desired == 0 {
        findings.doubtful(
            "it is empty, and wants no instance: each claim waits for a boot",
            "set PoolSize, and see that replenish-pool runs (its log, the alarm …-replenish-pool-stopped)",
        );
    } else if census.count(State::Ready) == 0 {
        match census.count(State::Booting) {
            0 if pool.group.pause().replenishing => findings.wrong(
                format!("no instance is ready of {desired} wanted, and none is launched while replenishing is paused"),
                "`ready-pool resume` ends the pause",
            ),
            0 => findings.wrong(
                format!("no instance is ready of {desired} wanted, and none boots: claims wait"),
                AGENTS,
            ),
            booting => findings.doubtful(
                format!(
                    "no instance is ready of {desired} wanted: claims wait for {booting} that boot"
                ),
                "wait for them; if claims often find the pool empty, raise PoolSize",
            ),
        }
    }
    launches(pool, now, findings);
    let away: Vec<&str> = pool
        .group
        .members
        .iter()
        .filter(|member| State::of(member, &pool.agents) == State::AgentAway)
        .map(|member| member.instance.as_str())
        .collect();
    if !away.is_empty() {
        findings.doubtful(
            format!("in service without an agent online: {}", away.join(", ")),
            format!("they are replaced by and by; if it goes on, {AGENTS}"),
        );
    }
}

/// Launches that take long. One whose agent is online waits for nobody but replenish-pool, which may have been paused.
fn launches(pool: &Pool, now: Timestamp, findings: &mut Findings) {
    let waits_for_replenishing = |activity: &LoggedActivity| {
        let mut members = pool.group.members.iter();
        members.any(|member| {
            let agent = pool.agents.get(&member.instance);
            activity.is_about(&member.instance) && agent.is_some_and(|agent| agent.online)
        })
    };
    let (inside, outside): (Vec<_>, Vec<_>) = pool
        .log
        .iter()
        .filter(|activity| activity.description.starts_with("Launching") && !activity.is_over())
        .filter(|activity| now - activity.started_at > LONG_BOOT)
        .partition(|activity| waits_for_replenishing(activity));
    let oldest = |activities: Vec<&LoggedActivity>| {
        let started = activities.iter().map(|activity| activity.started_at).min();
        started.map(|started| words::span(now, started))
    };
    if let Some(span) = oldest(outside) {
        findings.wrong(
            format!("an instance was launched {span} ago, and its agent is not online"),
            AGENTS,
        );
    }
    if let Some(span) = oldest(inside) {
        findings.doubtful(
            format!("an instance was launched {span} ago, its agent is online, and it is not in service"),
            "replenish-pool lets it into service: within a minute after `ready-pool resume`; if it stays so, see that the \
             function runs (its log, the alarm …-replenish-pool-stopped)",
        );
    }
}

#[cfg(test)]
mod tests;
