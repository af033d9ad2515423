//! How much a pass looks at: what woke the function up, and what the last look left. Events are hints, and most say
//! nothing that asks for a call; what is missed by that the minute's full look finds.

use super::reading::full_scan_is_due;
use super::{Plan, View, members, size};
use ready_pool_core::Timestamp;
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long between two looks of a pass: an agent that comes online makes no event.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Whether anything lies on the provisioning queue, and the pool's size only then.
    Queue,
    /// Who waits in the launch hook.
    Gate,
    /// The pool's size and its gate.
    Size,
    /// Claims, leaks, health and age too: about once a minute.
    Full,
}

/// What woke the function up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The timer, or a person.
    Timer,
    /// A launch waits in its hook.
    Waits(Option<InstanceId>),
    /// A launch ended well.
    Launched,
    /// An instance left the pool, or failed to.
    Left,
    /// A launch failed, or something that nobody here knows.
    Other,
}

impl Cause {
    /// What an Auto Scaling event of this type, about this instance, is.
    pub fn of(detail_type: &str, instance: Option<&str>) -> Self {
        match detail_type {
            "EC2 Instance-launch Lifecycle Action" => {
                Self::Waits(instance.and_then(|id| InstanceId::try_from(id).ok()))
            }
            "EC2 Instance Launch Successful" => Self::Launched,
            "EC2 Instance Detach Successful"
            | "EC2 Instance Detach Unsuccessful"
            | "EC2 Instance Terminate Successful"
            | "EC2 Instance Terminate Unsuccessful" => Self::Left,
            _ => Self::Other,
        }
    }
}

/// What is remembered of the last looks; nothing where the environment is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastLooks {
    /// When everything was looked at.
    pub full_scan_at: Option<Timestamp>,
    /// When the size was.
    pub sized_at: Option<Timestamp>,
    /// Whether the pool may have to grow within the minute: then each look is about its size.
    pub may_grow: bool,
    /// How many were ready while somebody waits in the hook; none where nobody does.
    pub ready_while_one_waits: Option<usize>,
    /// Whose launches were completed.
    pub completed: BTreeSet<InstanceId>,
}

impl LastLooks {
    /// Adds a look at the pool, after which these launches were completed, and so many could not be ended.
    pub fn add(
        &mut self,
        extent: Extent,
        view: &View,
        plan: &Plan,
        completed: Vec<InstanceId>,
        unended: usize,
    ) {
        if extent != Extent::Gate {
            self.sized_at = Some(view.now);
        }
        let ready = members::ready(view).count();
        // Events of those that left wait until the pass has ended.
        let left = (self.ready_while_one_waits).is_some_and(|before| ready < before);
        self.may_grow = may_grow(view, plan) || (extent == Extent::Gate && left);
        self.ready_while_one_waits = (plan.waiting + unended > 0).then_some(ready);
        let pool = &view.pool;
        self.completed
            .retain(|instance| pool.member(instance).is_some());
        self.completed.extend(completed);
    }
}

/// What is looked at first, for an event of this time; none where nothing can follow from it.
pub fn first_look(
    cause: &Cause,
    happened_at: Option<Timestamp>,
    last: &LastLooks,
    now: Timestamp,
) -> Option<Extent> {
    if *cause == Cause::Timer || full_scan_is_due(last.full_scan_at, now) {
        return Some(Extent::Full);
    }
    // Events tell their time to the second.
    let one_waits = last.ready_while_one_waits.is_some();
    let is_seen = (last.sized_at.zip(happened_at)).is_some_and(|(seen, happened)| seen > happened);
    match cause {
        Cause::Left if one_waits => Some(Extent::Size),
        _ if last.may_grow => Some(Extent::Size),
        // The last pass's time was up.
        _ if one_waits => Some(Extent::Gate),
        // It came while another pass was at work, which saw the instance itself.
        Cause::Waits(Some(instance)) if last.completed.contains(instance) => None,
        Cause::Waits(_) => Some(Extent::Gate),
        // Auto Scaling replaces what left. Claims that wait beyond that are all that matters.
        Cause::Left if is_seen => None,
        Cause::Left => Some(Extent::Queue),
        Cause::Launched => None,
        Cause::Timer | Cause::Other => Some(Extent::Size),
    }
}

/// What is looked at next in the same pass, and in how long; none where nothing can happen that no event tells.
/// `unended` launches could not be ended.
pub fn next_look(plan: &Plan, unended: usize, may_grow: bool) -> Option<(Duration, Extent)> {
    if may_grow {
        let boots = (plan.booting + unended > 0).then_some(LOOK_EVERY);
        let pause = boots.or(plan.probe_in).or(plan.tried_in)?;
        return Some((pause.max(LOOK_EVERY), Extent::Size));
    }
    // Of an instance that reaches its hook an event tells, of an agent that comes online none.
    (plan.waiting + unended > 0).then_some((LOOK_EVERY, Extent::Gate))
}

/// Claims wait, or the next one will, or launches fail.
fn may_grow(view: &View, plan: &Plan) -> bool {
    // Where the history could not be read, nobody knows who is served already.
    let activities = view.activities.as_deref().unwrap_or_default();
    members::ready(view).next().is_none()
        || plan.failing_launches > 0
        || size::waiting(view.backlog, activities, view.now) > 0
}
