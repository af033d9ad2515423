//! What is known of a claim: its entry, its instance, its commands, what its target did with it.

use super::next::{next, perhaps};
use super::numbered::Numbered;
use super::stage::Stage;
use super::text::{headline, role, times};
use crate::pause::Paused;
use crate::rejected::Rejected;
use crate::session::Place;
use ready_pool_aws::auto_scaling::LoggedActivity;
use ready_pool_aws::systems_manager::Run;
use ready_pool_core::Timestamp;
use ready_pool_core::agent::Agent;
use ready_pool_core::command::Command;
use ready_pool_core::group::Placement;
use ready_pool_core::ids::{ClaimId, GroupName, InstanceId};
use ready_pool_core::ledger::Entry;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

/// All that is known of the claims of one id.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    /// The id.
    pub(super) claim_id: ClaimId,
    /// When this was so.
    pub(super) now: Timestamp,
    /// Where.
    pub(super) place: Place,
    /// The pool.
    pub(super) pool: PoolFacts,
    /// A claim for each target.
    pub(super) claims: Vec<ClaimFacts>,
    /// What lies on the rejected queue. Read only where there is no entry.
    pub(super) rejected: Vec<Rejected>,
    /// Messages on that queue that somebody else's look hid.
    pub(super) hidden: usize,
    /// Claims that were sent at once with this id before their numbers. Looked for only where there is no trace else.
    pub(super) numbered: Vec<Numbered>,
}

impl Facts {
    /// Whether anything is known of the claim.
    pub(super) fn has_trace(&self) -> bool {
        !self.claims.is_empty() || !self.rejected.is_empty() || !self.numbered.is_empty()
    }
}

/// The pool, as far as it matters to a claim that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolFacts {
    /// Its group.
    pub(super) group: GroupName,
    /// The retirement group.
    pub(super) retirement: GroupName,
    /// Instances that can be handed out.
    pub(super) ready: usize,
    /// Instances on their way in.
    pub(super) booting: usize,
    /// Its desired capacity.
    pub(super) desired: i32,
    /// What is paused.
    pub(super) paused: Paused,
    /// Messages on the provisioning queue.
    pub(super) waiting: usize,
}

/// A claim for one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ClaimFacts {
    /// The target; none where only a command's comment names it, and no target of today has that hash.
    pub(super) target: Option<GroupName>,
    /// The tag's value.
    pub(super) written: Option<String>,
    /// The entry; none where there is no tag, or somebody else wrote it.
    pub(super) entry: Option<Entry>,
    /// Its present instance, or its last one.
    pub(super) instance: Option<InstanceFacts>,
    /// Its commands, the newest first.
    pub(super) commands: Vec<CommandFacts>,
    /// What the target did with its instance, the newest first.
    pub(super) activities: Vec<LoggedActivity>,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InstanceFacts {
    /// Which.
    pub(super) id: InstanceId,
    /// Where it is; none in no group.
    pub(super) placement: Option<Placement>,
    /// Its agent; none where Systems Manager does not list it: then it is gone, as a rule.
    pub(super) agent: Option<Agent>,
}

/// An init command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandFacts {
    /// Where it was sent.
    pub(super) instance: InstanceId,
    /// What the history says.
    pub(super) command: Command,
    /// How it ran, where Systems Manager says so.
    pub(super) run: Option<Run>,
}

impl Facts {
    /// For programs: all that people read.
    pub(super) fn to_json(&self) -> Value {
        let claims = self.claims.iter().map(|claim| claim.to_json(self));
        let claims: Vec<Value> = claims.collect();
        json!({
            "claim_id": self.claim_id,
            "at": time_of(Some(self.now)),
            "pool": {
                "group": self.pool.group,
                "ready": self.pool.ready,
                "booting": self.pool.booting,
                "desired": self.pool.desired,
                "waiting": self.pool.waiting,
                "paused": self.pool.paused,
            },
            "claims": claims,
            "rejected": self.rejected,
            "rejected_hidden": self.hidden,
            "sent_as": self.numbered.iter().map(Numbered::to_json).collect::<Vec<_>>(),
            "perhaps": if self.has_trace() { Vec::new() } else { perhaps(self) },
        })
    }
}

impl ClaimFacts {
    fn to_json(&self, facts: &Facts) -> Value {
        let stage = Stage::of(self, &facts.pool);
        let commands: Vec<Value> = self.commands.iter().map(CommandFacts::to_json).collect();
        let activities: Vec<Value> = self
            .activities
            .iter()
            .map(|activity| {
                json!({
                    "at": time_of(Some(activity.started_at)),
                    "description": activity.description,
                    "cause": activity.cause,
                    "status": activity.status,
                    "problem": activity.problem,
                })
            })
            .collect();
        json!({
            "target_group": self.target,
            "stage": stage.code(),
            "headline": headline(stage),
            "entry": self.written,
            "expires_at": time_of(self.entry.as_ref().map(|entry| entry.expires_at)),
            "instance": self.instance.as_ref().map(|instance| instance.to_json(self, facts)),
            "commands": commands,
            "activities": activities,
            "next": next(self, facts, stage),
        })
    }
}

impl InstanceFacts {
    fn to_json(&self, claim: &ClaimFacts, facts: &Facts) -> Value {
        json!({
            "instance_id": self.id,
            "role": self.placement.as_ref().map(|place| role(&place.group, claim, facts)),
            "group": self.placement.as_ref().map(|place| &place.group),
            "lifecycle": self.placement.as_ref().map(|place| super::text::lifecycle(place.lifecycle)),
            "agent_online": self.agent.map(|agent| agent.online),
        })
    }
}

impl CommandFacts {
    fn to_json(&self) -> Value {
        let run = self.run.as_ref();
        let times = times(self).into_iter();
        let times: Map<String, Value> = times
            .map(|(step, at)| (step.replace(' ', "_"), json!(time_of(Some(at)))))
            .collect();
        json!({
            "command_id": self.command.id,
            "instance_id": self.instance,
            "status_detail": self.command.record.status_detail,
            "sent_at": time_of(self.command.record.sent_at),
            "exit_code": run.and_then(|run| run.exit_code),
            "ended_at": time_of(run.and_then(|run| run.ended_at)),
            "output": run.map(|run| &run.output),
            "errors": run.map(|run| &run.errors),
            "times": times,
        })
    }
}

fn time_of(at: Option<Timestamp>) -> Option<String> {
    at?.format(&Rfc3339).ok()
}
