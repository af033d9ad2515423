//! Which members of the pool count for what.

use super::View;
use ready_pool_core::agent::Agent;
use ready_pool_core::group::Member;
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeMap;

/// What claim-instance would hand out. Where agents are not known, all that is fit: too few claims
/// would be counted then, never too many.
pub(super) fn is_ready(view: &View, member: &Member) -> bool {
    let is_online = |agents: &BTreeMap<InstanceId, Agent>| {
        (agents.get(&member.instance)).is_some_and(|agent| agent.online)
    };
    member.is_fit() && view.agents.as_ref().is_none_or(is_online)
}

/// All of those.
pub(super) fn ready(view: &View) -> impl Iterator<Item = &Member> {
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
