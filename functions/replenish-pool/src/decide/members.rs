//! Which members of the pool count for what.

use super::View;
use ready_pool_core::agent::Agent;
use ready_pool_core::group::Member;
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeMap;

/// What claim-instance would hand out. Where agents are not known, all that is fit: too few claims
/// would be counted then, never too many.
pub(super) fn is_ready(view: &View, member: &Member) -> bool {
    member.is_fit() && (all_agents(view).is_none() || is_online(view, &member.instance))
}

/// The agents of all members, where they are known.
pub(crate) fn all_agents(view: &View) -> Option<&BTreeMap<InstanceId, Agent>> {
    view.agents.as_ref().filter(|_| view.knows_all_agents)
}

/// Its agent, where agents are known and it has one.
pub(super) fn agent(view: &View, instance: &InstanceId) -> Option<Agent> {
    view.agents.as_ref()?.get(instance).copied()
}

/// Whether its agent is known to be online.
pub(super) fn is_online(view: &View, instance: &InstanceId) -> bool {
    agent(view, instance).is_some_and(|agent| agent.online)
}

/// All of those.
pub(crate) fn ready(view: &View) -> impl Iterator<Item = &Member> {
    (view.pool.members.iter()).filter(|member| is_ready(view, member))
}

/// Members that count as capacity: they are there or on their way in.
pub(super) fn staying(view: &View) -> impl Iterator<Item = &Member> {
    (view.pool.members.iter())
        .filter(|member| !member.lifecycle.leaves() && !member.lifecycle.is_standby())
}

/// A count as AWS has it.
pub(super) fn whole(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
