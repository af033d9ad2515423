//! How much a look must read: all or only what is about size and gate, and how much of the pool's
//! history. History is paid for by the page, every minute, out of a bucket that the whole account shares.

use super::View;
use super::gate::{self, awaits_association, launch_of, launched_at};
use super::launches::row_is_known;
use super::members::{all_agents, is_online, staying, whole};
use super::removal::{began_at, in_service};
use super::size::{self, SERVED_FOR};
use ready_pool_core::Timestamp;
use ready_pool_core::activity::Activity;
use ready_pool_core::group::Group;
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often everything is looked at. The timer comes as often, but while a burst of events keeps the
/// function busy its tick is throttled, and dropped after a minute.
const FULL_SCAN_EVERY: Duration = Duration::from_mins(1);

/// Whether a look at `now` must be about everything, whatever woke the function up. Where it is not
/// remembered when the last such scan was made, it must.
pub fn full_scan_is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    // A clock that was set back must not put it off.
    last.is_none_or(|last| !(last..last + FULL_SCAN_EVERY).contains(&now))
}

/// How often the agents of all members are asked for while nobody waits and all were online: what they last said is up
/// to five minutes old anyway. (Passes are a minute apart, and start a few seconds early or late.)
const ALL_AGENTS_EVERY: Duration = Duration::from_secs(100);

/// Whether a full look at `now` asks for the agents of all members, though nothing else wants it.
pub fn agents_are_due(all_online_at: Option<Timestamp>, now: Timestamp) -> bool {
    all_online_at.is_none_or(|at| !(at..at + ALL_AGENTS_EVERY).contains(&now))
}

/// Whether the agents of all members are known, and online where those are in service.
pub fn all_are_online(view: &View) -> bool {
    all_agents(view).is_some()
        && in_service(&view.pool).all(|member| is_online(view, &member.instance))
}

/// How often ages are looked at: they are counted in hours.
const AGES_EVERY_MINUTES: u8 = 10;

/// How often the launch hook is looked at.
const HOOK_EVERY_MINUTES: u8 = 10;

/// How often it is said that the pool's group has a warm pool.
const WARM_POOL_SAID_EVERY: Duration = Duration::from_hours(1);

/// The `max_age` of a look at `now`: zero where it is not about ages.
pub fn max_age_now(max_age: Duration, now: Timestamp) -> Duration {
    if now.minute().is_multiple_of(AGES_EVERY_MINUTES) {
        max_age
    } else {
        Duration::ZERO
    }
}

/// Whether a scan at `now` asks whether the launch hook is there: somebody must delete it, so rarely.
pub fn looks_at_hook(now: Timestamp) -> bool {
    now.minute().is_multiple_of(HOOK_EVERY_MINUTES)
}

/// Whether a pass says that the pool's group has a warm pool: once an hour. It may be there for weeks.
pub fn says_warm_pool(pool: &Group, said_at: Option<Timestamp>, now: Timestamp) -> bool {
    pool.has_warm_pool && said_at.is_none_or(|at| now >= at + WARM_POOL_SAID_EVERY)
}

/// Whether a look at the pool's size needs its history: not while nobody waits, as many are there as shall be, and
/// nobody waits in the hook whose launch is not known yet. `view` has none yet.
pub fn needs_history(view: &View) -> bool {
    let desired = view.pool.desired_capacity;
    view.backlog != Some(0)
        || size::within_bounds(view.size, &view.pool) != desired
        || whole(staying(view).count()) < desired
        || gate::waiting(&view.pool).any(|instance| launch_of(view, instance).is_none())
        || !view.max_age.is_zero()
}

/// When those that wait in the hook were launched, as far as these activities say.
pub fn launches_of_waiting(
    pool: &Group,
    activities: &[Activity],
) -> BTreeMap<InstanceId, Timestamp> {
    let waiting = gate::waiting(pool);
    let launched = waiting.map(|instance| (instance, launched_at(activities, instance)));
    launched
        .filter_map(|(instance, at)| Some((instance.clone(), at?)))
        .collect()
}

/// Whether a look at the hook alone needs the history: when an instance was launched that
/// State Manager may have something for. Whether one has waited for too long the full look sees.
pub fn needs_launches(view: &View) -> bool {
    let mut waiting = gate::waiting(&view.pool);
    waiting
        .any(|instance| awaits_association(view, instance) && launch_of(view, instance).is_none())
}

/// Whether these activities (those under way, then the newest first) show all that a look at
/// `pool` asks of them, so that older ones need not be read.
pub fn history_suffices(
    pool: &Group,
    activities: &[Activity],
    max_age: Duration,
    now: Timestamp,
) -> bool {
    gate::waiting(pool).all(|instance| launched_at(activities, instance).is_some())
        && row_is_known(activities, now)
        && shows_served(activities, now)
        && (max_age.is_zero()
            || in_service(pool).all(|member| began_at(activities, &member.instance).is_some()))
}

/// Whether these activities reach back to a time, so that older ones need not be read.
pub fn reaches_back_to(activities: &[Activity], time: Timestamp) -> bool {
    // Those under way come first, however old they are.
    let oldest = activities.last().filter(|one| one.ended_at.is_some());
    oldest.is_some_and(|activity| activity.started_at < time)
}

/// Whether all detaches are there whose claims may still be on the queue. (That nothing came or went
/// for longer, which lowering the capacity asks, shows in the newest ones.)
fn shows_served(activities: &[Activity], now: Timestamp) -> bool {
    let oldest = activities.last();
    oldest.is_some_and(|activity| activity.started_at <= now - SERVED_FOR)
}
