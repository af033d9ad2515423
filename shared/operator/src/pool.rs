//! How the pool stands: its members by state and zone.

use ready_pool_core::agent::Agent;
use ready_pool_core::group::{Group, Lifecycle, Member};
use ready_pool_core::ids::InstanceId;
use serde::Serialize;
use std::collections::BTreeMap;

/// The agents of a group's members, as far as Systems Manager lists them.
pub(crate) type Agents = BTreeMap<InstanceId, Agent>;

/// How far a member is, as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It can be handed out.
    Ready,
    /// It is on its way in: it boots, or waits for its agent.
    Booting,
    /// In service, and its agent is not online.
    AgentAway,
    /// In service, and not healthy.
    Unhealthy,
    /// Somebody put it into standby.
    Standby,
    /// On its way out.
    Leaving,
    /// In a state that nobody here knows.
    Other,
}

impl State {
    /// The state in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Booting => "booting",
            Self::AgentAway => "agent away",
            Self::Unhealthy => "unhealthy",
            Self::Standby => "standby",
            Self::Leaving => "leaving",
            Self::Other => "other",
        }
    }

    /// A member's state.
    pub(crate) fn of(member: &Member, agents: &Agents) -> Self {
        match member.lifecycle {
            Lifecycle::Pending | Lifecycle::PendingWait => Self::Booting,
            Lifecycle::InService if !member.healthy => Self::Unhealthy,
            Lifecycle::InService => {
                let agent = agents.get(&member.instance);
                if agent.is_some_and(|agent| agent.online) {
                    Self::Ready
                } else {
                    Self::AgentAway
                }
            }
            Lifecycle::EnteringStandby | Lifecycle::Standby => Self::Standby,
            Lifecycle::Detaching | Lifecycle::Terminating | Lifecycle::Warmed => Self::Leaving,
            Lifecycle::Other => Self::Other,
        }
    }
}

/// The pool in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Census {
    /// Members by state.
    pub(crate) states: BTreeMap<State, usize>,
    /// Members by zone, then by state; a zone without members is listed, too.
    pub(crate) zones: BTreeMap<String, BTreeMap<State, usize>>,
}

impl Census {
    /// Counts the members of a group.
    pub(crate) fn of(group: &Group, agents: &Agents) -> Self {
        let mut census = Self::default();
        for zone in &group.zones {
            census.zones.entry(zone.clone()).or_default();
        }
        for member in &group.members {
            let state = State::of(member, agents);
            *census.states.entry(state).or_default() += 1;
            let zone = census.zones.entry(member.zone.clone()).or_default();
            *zone.entry(state).or_default() += 1;
        }
        census
    }

    /// How many members are in this state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.states.get(&state).copied().unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ready_pool_core::ids::GroupName;
    use std::collections::BTreeSet;

    /// A group of these members, all in zone `a`.
    pub(crate) fn group(name: &str, members: &[(&str, Lifecycle)]) -> Group {
        Group {
            name: GroupName::try_from(name).unwrap(),
            min_size: 0,
            max_size: 10,
            desired_capacity: i32::try_from(members.len()).unwrap(),
            zones: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
            subnets: BTreeSet::from(["subnet-a".to_owned(), "subnet-b".to_owned()]),
            suspended: BTreeMap::new(),
            deleting: false,
            has_warm_pool: false,
            tags: BTreeMap::new(),
            launch_template: None,
            members: members
                .iter()
                .map(|(instance, lifecycle)| Member {
                    instance: instance_id(instance),
                    zone: "a".to_owned(),
                    lifecycle: *lifecycle,
                    healthy: true,
                    protected: false,
                    instance_type: None,
                    launch_template: None,
                })
                .collect(),
        }
    }

    pub(crate) fn instance_id(id: &str) -> InstanceId {
        InstanceId::try_from(id).unwrap()
    }

    /// The agents of these instances, all online.
    pub(crate) fn online(instances: &[&str]) -> Agents {
        instances
            .iter()
            .map(|id| {
                (
                    instance_id(id),
                    Agent {
                        online: true,
                        ..Agent::default()
                    },
                )
            })
            .collect()
    }

    #[test]
    fn a_member_is_ready_only_with_its_agent_online() {
        let mut group = group(
            "pool",
            &[
                ("i-00000001", Lifecycle::InService),
                ("i-00000002", Lifecycle::InService),
                ("i-00000003", Lifecycle::PendingWait),
                ("i-00000004", Lifecycle::Detaching),
                ("i-00000005", Lifecycle::InService),
            ],
        );
        group.members[4].healthy = false;
        group.members[1].zone = "b".to_owned();
        let census = Census::of(&group, &online(&["i-00000001", "i-00000005"]));
        for state in [
            State::Ready,
            State::AgentAway,
            State::Booting,
            State::Leaving,
            State::Unhealthy,
        ] {
            assert_eq!(census.count(state), 1, "{state:?}");
        }
        assert_eq!(census.count(State::Standby), 0);
        assert_eq!(census.zones["b"][&State::AgentAway], 1);
    }
}
