//! What the pool and its claims need now: pure.

mod claims;
mod gate;
mod launches;
mod leaks;
mod members;
mod reading;
mod removal;
mod sent;
mod size;
pub mod sizing;
mod waking;
mod zones;

pub use launches::{FAILURES_BACK, Failure};
pub use leaks::{
    LEAK_CHECKED_FOR, LEAK_CHECKED_FROM, LEAK_CHECKS_PER_PASS, leak_candidates, leak_checks,
    leak_slice, leak_slice_is_due, leak_window,
};
pub(crate) use members::{all_agents, ready};
pub use reading::{
    agents_are_due, all_are_online, full_scan_is_due, history_suffices, launches_of_waiting,
    looks_at_hook, max_age_now, needs_history, needs_launches, reaches_back_to, says_warm_pool,
};
pub use size::claims_wait;
pub use waking::{Cause, Extent, LastLooks, first_look, next_look};
pub use zones::Growth;

use crate::notes::Note;
use ready_pool_core::Timestamp;
use ready_pool_core::activity::Activity;
use ready_pool_core::agent::Agent;
use ready_pool_core::command::Histories;
use ready_pool_core::group::{Group, Placement};
use ready_pool_core::ids::{GroupName, InstanceId};
use ready_pool_core::message::LookAgain;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The world as observed. What could not be read, or is not needed, is `None`: what does not need it goes on.
#[derive(Clone, Debug)]
pub struct View {
    /// The present time.
    pub now: Timestamp,
    /// The pool.
    pub pool: Group,
    /// Ready instances to keep: what is configured, or what the hit rate asks for.
    pub size: i32,
    /// The agents of the pool's members, or only of those on their way in.
    pub agents: Option<BTreeMap<InstanceId, Agent>>,
    /// Whether they are those of all members.
    pub knows_all_agents: bool,
    /// The pool's activities: those under way, then the newest first, until [`history_suffices`] says so or
    /// they are older than anything that matters (`max_age` included).
    pub activities: Option<Vec<Activity>>,
    /// When those on their way in were launched, as far as an earlier look found it in the history.
    pub launched: BTreeMap<InstanceId, Timestamp>,
    /// About how many messages lie on the provisioning queue: claims that wait, and those in the
    /// hands of claim-instance.
    pub backlog: Option<usize>,
    /// After which a launch without an agent is abandoned.
    pub boot_limit: Duration,
    /// After which a member is too old to hand out; zero for never, or not at this look.
    pub max_age: Duration,
    /// What is remembered of growth for zones that lack instances.
    pub growth: Growth,
    /// What only a full scan looks at, about once a minute.
    pub scan: Option<FullScan>,
}

/// What a full pass looks at.
#[derive(Clone, Debug, Default)]
pub struct FullScan {
    /// The pool's targets.
    pub targets: Option<Targets>,
    /// The retirement group.
    pub retirement: Option<Group>,
    /// Instances that this look could judge, each of them fully: the noted ones and some of the leak
    /// candidates. The others are left as they are.
    pub looked_at: BTreeSet<InstanceId>,
    /// Where they are; one in no group is absent.
    pub places: BTreeMap<InstanceId, Placement>,
    /// Those of them that Systems Manager lists: they are not terminated.
    pub listed: BTreeSet<InstanceId>,
    /// Their command histories.
    pub histories: Histories,
}

/// The pool's targets.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Those that could be read.
    pub groups: Vec<Group>,
    /// Instances of open entries on the others: they are somebody's, too.
    pub entered_elsewhere: BTreeSet<InstanceId>,
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Whether an operator has paused replenishing.
    pub paused: bool,
    /// The value of the tag that pauses, where it is none that we know: everything is paused.
    pub misspelt_pause: Option<String>,
    /// Desired capacity to set, where it differs.
    pub desired_capacity: Option<i32>,
    /// Claims that the capacity is raised for because what is ready is in other zones than theirs.
    pub lacking: usize,
    /// What is to be remembered of such growth, but for when it was.
    pub growth: Growth,
    /// Launches to complete: their agent is online.
    pub complete: Vec<InstanceId>,
    /// Launches to abandon: their agent stays away.
    pub abandon: Vec<InstanceId>,
    /// Launches to look at again soon.
    pub booting: usize,
    /// Those of them that wait in the hook.
    pub waiting: usize,
    /// Why the pool launches nothing though it lacks instances: for people.
    pub launches_nothing: Option<String>,
    /// Launches that failed one after the other, when so many did that one at a time is tried.
    pub failing_launches: usize,
    /// What became of them.
    pub failure: Option<Failure>,
    /// Members in service whose agents are away while claims wait: they count for nobody.
    pub silent: usize,
    /// In how long the next one is tried, where one is wanted.
    pub probe_in: Option<Duration>,
    /// In how long it can show whether EC2 launches the one that is tried, where claims wait for it.
    pub tried_in: Option<Duration>,
    /// Open claims that init-instance shall look at.
    pub look_again: Vec<LookAgain>,
    /// Tags to remove: settled entries, notes that are done with, and what lacked once.
    pub remove_tags: Vec<(GroupName, String)>,
    /// Notes to write, before anything is taken out.
    pub note: Vec<(InstanceId, Note)>,
    /// Tags to write on the pool before a member is detached: it is no demand.
    pub before_detach: sizing::Tags,
    /// Instances in no group that were sent an init command, and that nobody speaks for.
    pub without_owner: Vec<InstanceId>,
    /// Members to detach from the pool, on their way out.
    pub detach: Vec<InstanceId>,
    /// Free instances to attach to the retirement group.
    pub attach_to_retirement: Vec<InstanceId>,
    /// Free instances on their way out that Systems Manager does not list: gone, or stopped. An attach says which.
    pub unlisted: Vec<InstanceId>,
    /// Instances to terminate in the retirement group.
    pub terminate: Vec<InstanceId>,
    /// Members that look bad while too many do: the observer may be broken, so nothing is done.
    pub held_back: usize,
}

/// Decides what the pool and its claims need now.
pub fn decide(view: &View) -> Plan {
    let mut plan = for_the_pool(view);
    if let Some(scan) = &view.scan {
        for_the_rest(view, scan, &mut plan);
    }
    plan
}

/// Decides on the pool's size and on who gets into service: it needs nothing of a full scan.
pub fn for_the_pool(view: &View) -> Plan {
    let pause = view.pool.pause();
    let mut plan = Plan {
        paused: pause.replenishing,
        misspelt_pause: pause.misspelt.map(str::to_owned),
        growth: view.growth,
        ..Plan::default()
    };
    size::plan(view, &mut plan);
    plan.launches_nothing = size::launches_nothing(view, &plan);
    gate::plan(view, &mut plan);
    plan
}

/// Decides on claims and on what must go.
pub fn for_the_rest(view: &View, scan: &FullScan, plan: &mut Plan) {
    for_claims(scan.targets.as_ref(), view.now, plan);
    let over = view.pool.lacking_no_more(view.now);
    let over = over.map(|key| (view.pool.name.clone(), key.clone()));
    plan.remove_tags.extend(over);
    removal::plan(view, scan, plan);
}

/// Decides on claims: they need no pool.
pub fn for_claims(targets: Option<&Targets>, now: Timestamp, plan: &mut Plan) {
    if let Some(targets) = targets {
        claims::plan(&targets.groups, now, plan);
    }
}

#[cfg(test)]
mod tests;
