//! Growth for zones that lack instances: claims wait there, while what is ready elsewhere is of no use to them.
//!
//! Nobody can ask Auto Scaling for an instance in a zone: it launches where the group has fewest. So the capacity is
//! raised until that is the zone that lacks them. Where a zone has no capacity Auto Scaling launches in the others;
//! without bounds the pool would grow to its maximum for claims that nothing there can serve.

use super::members::{is_ready, ready, staying, whole};
use super::{Plan, View};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::{Activity, ActivityKind};
use ready_pool_core::group::{Lifecycle, Member};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is remembered of growth for zones, while some lack instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// When the capacity was raised for them last.
    pub raised_at: Option<Timestamp>,
    /// Most claims that lacked an instance at once.
    pub most: usize,
}

/// How many claims wait for each zone: as many as claim-instance said, and all together no more than wait at all.
pub(super) fn waiting_by_zone(view: &View, mut waiting: usize) -> BTreeMap<String, usize> {
    let mut by_zone = BTreeMap::new();
    for (zone, claims) in view.pool.lacking(view.now) {
        let claims = usize::try_from(claims).unwrap_or_default().min(waiting);
        if claims > 0 && view.pool.zones.contains(&zone) {
            waiting -= claims;
            by_zone.insert(zone, claims);
        }
    }
    by_zone
}

/// How many of so many waiting claims nothing ready will serve: those of a zone are served there only, the others
/// anywhere.
pub(super) fn unserved(view: &View, waiting: usize) -> usize {
    let by_zone = waiting_by_zone(view, waiting);
    let mut anywhere = ready(view).count();
    let mut unserved = 0;
    let mut others = waiting;
    for (zone, claims) in &by_zone {
        let served = ready(view).filter(|member| member.zone == *zone).count();
        let served = served.min(*claims);
        unserved += claims - served;
        anywhere -= served;
        others -= claims;
    }
    unserved + others.saturating_sub(anywhere)
}

/// The capacity at which so many waiting claims have an instance in their zones; none where it need not be raised for
/// that, or may not be yet. `wanted` is what is wanted without.
pub(super) fn capacity(
    view: &View,
    activities: &[Activity],
    waiting: usize,
    wanted: i32,
    plan: &mut Plan,
) -> Option<i32> {
    let by_zone = waiting_by_zone(view, waiting);
    let lacking: usize = by_zone.values().sum();
    if lacking == 0 {
        plan.growth = Growth::default();
        return None;
    }
    let most = view.growth.most.max(lacking);
    plan.growth = Growth {
        most,
        ..view.growth
    };
    let waits =
        (view.growth.raised_at).is_some_and(|at| view.now < at + boot_time(view, activities));
    if waits || has_failed(view, activities) {
        return None;
    }
    let zones = view.pool.zones.len();
    let launches = launches_for(view, &by_zone, zones.saturating_mul(lacking));
    if launches == 0 {
        return None;
    }
    let capacity = whole(staying(view).count().saturating_add(launches));
    let bound = view.size.saturating_add(whole(zones.saturating_mul(most)));
    let capacity = capacity.min(bound.max(wanted));
    let grows = capacity > wanted.max(view.pool.desired_capacity);
    plan.lacking = if grows { lacking } else { 0 };
    grows.then_some(capacity)
}

/// How many launches it takes until each of these zones has that many instances ready or booting, if each goes where
/// the pool has fewest; at most so many.
fn launches_for(view: &View, by_zone: &BTreeMap<String, usize>, most: usize) -> usize {
    let zones = view.pool.zones.iter();
    let mut zones: Vec<Zone<'_>> = zones
        .map(|name| Zone {
            members: staying(view).filter(|member| member.zone == *name).count(),
            lacks: (by_zone.get(name).copied())
                .unwrap_or_default()
                .saturating_sub(usable(view).filter(|member| member.zone == *name).count()),
            name,
        })
        .collect();
    for launched in 0..most {
        if zones.iter().all(|zone| zone.lacks == 0) {
            return launched;
        }
        // Of zones with as few the one that lacks least: which Auto Scaling takes is chance.
        if let Some(zone) =
            (zones.iter_mut()).min_by_key(|zone| (zone.members, zone.lacks, zone.name))
        {
            zone.members += 1;
            zone.lacks = zone.lacks.saturating_sub(1);
        }
    }
    most
}

/// One of the pool's zones.
struct Zone<'a> {
    name: &'a str,
    /// Instances that stay.
    members: usize,
    /// Claims beyond what is usable there.
    lacks: usize,
}

/// How long a launch takes here, as far as that is known.
fn boot_time(view: &View, activities: &[Activity]) -> Duration {
    let good = (activities.iter())
        .filter(|activity| activity.kind == ActivityKind::Launch && !activity.failed);
    let took =
        good.filter_map(|launch| Duration::try_from(launch.ended_at? - launch.started_at).ok());
    took.max().unwrap_or(view.boot_limit).min(view.boot_limit)
}

/// Whether a launch failed lately: then more of them help nobody.
fn has_failed(view: &View, activities: &[Activity]) -> bool {
    let since = view.now - view.boot_limit;
    activities.iter().any(|activity| {
        activity.kind == ActivityKind::Launch
            && activity.failed
            && !activity.cancelled
            && activity.ended_at.is_some_and(|ended_at| ended_at > since)
    })
}

/// Ready, or on its way there.
fn usable(view: &View) -> impl Iterator<Item = &Member> {
    (view.pool.members.iter()).filter(|member| {
        let boots = matches!(
            member.lifecycle,
            Lifecycle::Pending | Lifecycle::PendingWait
        );
        boots || is_ready(view, member)
    })
}
