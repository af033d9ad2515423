//! What the doctor looks at. Nothing is changed.

use crate::failure::Failure;
use crate::kept;
use crate::pool::Agents;
use crate::session::{OrFailure, Place, Session};
use crate::stack::{QueueKind, Stack};
use crate::status;
use ready_pool_aws::auto_scaling::{GroupSettings, LoggedActivity, UnreadableTarget};
use ready_pool_core::Timestamp;
use ready_pool_core::command::{STACK_TAG, claim_key_of};
use ready_pool_core::group::Group;
use ready_pool_core::ids::InstanceId;
use std::collections::{BTreeMap, BTreeSet};

/// The launch hook's name in the template.
const LAUNCH_HOOK: &str = "agent-online";
/// Of so many instances in no group the history is read, at most: a call each.
const FREE_INSTANCES: usize = 50;

/// Everything that was looked at.
pub(super) struct Examined {
    /// The present time.
    pub(super) now: Timestamp,
    /// Where.
    pub(super) place: Place,
    /// The stack.
    pub(super) stack: Stack,
    /// The attributes of the queues that are there.
    pub(super) queues: BTreeMap<QueueKind, BTreeMap<String, String>>,
    /// The pool, if it is there.
    pub(super) pool: Option<Pool>,
    /// The retirement group, if it is there.
    pub(super) retirement: Option<Group>,
    /// The targets.
    pub(super) targets: Vec<Target>,
    /// Groups that opted in and that no claim can name.
    pub(super) unreadable: Vec<UnreadableTarget>,
    /// Instances of the stack that failed claims keep, and that are in no group.
    pub(super) kept: Vec<Kept>,
}

/// An instance that a failed claim keeps in no group.
pub(super) struct Kept {
    /// Which.
    pub(super) instance: InstanceId,
    /// The claim's id.
    pub(super) claim_id: String,
}

/// The pool.
pub(super) struct Pool {
    /// Its group.
    pub(super) group: Group,
    /// What else it is set to.
    pub(super) settings: GroupSettings,
    /// The agents of its members.
    pub(super) agents: Agents,
    /// Whether its launch hook is there.
    pub(super) has_hook: bool,
    /// Its newest activities, the newest first.
    pub(super) log: Vec<LoggedActivity>,
}

/// A target.
pub(super) struct Target {
    /// Its group.
    pub(super) group: Group,
    /// What else it is set to.
    pub(super) settings: GroupSettings,
    /// Whether an instance refresh is under way; none where that could not be read.
    pub(super) is_refreshing: Option<bool>,
}

/// Looks at everything.
pub(super) async fn examine(session: &Session, stack: &Stack) -> Result<Examined, Failure> {
    let mut queues = BTreeMap::new();
    for queue in QueueKind::ALL {
        if let Some(attributes) = status::attributes(session, stack, queue).await? {
            queues.insert(queue, attributes);
        }
    }
    let names = BTreeSet::from([stack.pool.clone(), stack.retirement.clone()]);
    let groups = session.auto_scaling.groups(&names).await;
    let mut groups = groups.or_failure(session)?;
    let pool = match groups.remove(&stack.pool) {
        Some(group) => Some(pool(session, group).await?),
        None => None,
    };
    let found = session.auto_scaling.targets_of(&stack.pool).await;
    let found = found.or_failure(session)?;
    Ok(Examined {
        now: session.now(),
        place: session.place.clone(),
        stack: stack.clone(),
        queues,
        pool,
        retirement: groups.remove(&stack.retirement),
        targets: targets(session, found.groups).await?,
        unreadable: found.unreadable,
        kept: kept(session, stack).await?,
    })
}

/// Nothing lists these but the stack's tag, which they have from their launch template.
async fn kept(session: &Session, stack: &Stack) -> Result<Vec<Kept>, Failure> {
    let tag = (STACK_TAG, stack.name.as_str());
    let ours = session.systems_manager.tagged(tag).await;
    let ours = ours.or_failure(session)?;
    let places = session.auto_scaling.placements(&ours).await;
    let places = places.or_failure(session)?;
    let free = ours.into_iter().filter(|id| !places.contains_key(id));
    let mut all = Vec::new();
    for instance in free.take(FREE_INSTANCES) {
        let history = session.systems_manager.history(&instance).await;
        let history = history.or_failure(session)?;
        let mut claims = history.iter().filter_map(|command| {
            let (claim_id, _) = claim_key_of(&command.comment)?;
            Some((command, claim_id))
        });
        if let Some((command, claim_id)) = claims.next()
            && kept::is_kept_by(command)
        {
            let claim_id = claim_id.to_owned();
            all.push(Kept { instance, claim_id });
        }
    }
    Ok(all)
}

async fn pool(session: &Session, group: Group) -> Result<Pool, Failure> {
    let names = BTreeSet::from([group.name.clone()]);
    let settings = session.auto_scaling.settings(&names).await;
    let settings = settings.or_failure(session)?.remove(&group.name);
    let hook = session
        .auto_scaling
        .has_hook(&group.name, LAUNCH_HOOK)
        .await;
    let log = session.auto_scaling.log(&group.name).await;
    Ok(Pool {
        settings: settings.unwrap_or_default(),
        agents: status::agents(session, &group).await?,
        has_hook: hook.or_failure(session)?,
        log: log.or_failure(session)?,
        group,
    })
}

async fn targets(session: &Session, groups: Vec<Group>) -> Result<Vec<Target>, Failure> {
    let names = groups.iter().map(|group| group.name.clone()).collect();
    let settings = session.auto_scaling.settings(&names).await;
    let mut settings = settings.or_failure(session)?;
    let mut targets = Vec::new();
    for group in groups {
        // A call for each target: where AWS gets busy, the rest of the findings is worth more.
        let is_refreshing = session.auto_scaling.is_refreshing(&group.name).await.ok();
        targets.push(Target {
            settings: settings.remove(&group.name).unwrap_or_default(),
            group,
            is_refreshing,
        });
    }
    Ok(targets)
}
