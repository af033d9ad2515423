//! How everything stands, from what was read: plain data in, plain data out.

use crate::pause::Paused;
use crate::pool::{Agents, Census, State};
use crate::screen::Tone;
use crate::stack::{QueueKind, Stack};
use crate::words;
use ready_pool_aws::auto_scaling::Targets;
use ready_pool_core::Timestamp;
use ready_pool_core::group::Group;
use serde::Serialize;
use std::collections::BTreeMap;

/// Open this long after its deadline, a claim is worth a look: a script may run for six hours, and most do not.
const LONG_AFTER_DEADLINE: time::Duration = time::Duration::minutes(15);

/// What was read.
pub(crate) struct Seen {
    /// The present time.
    pub(crate) now: Timestamp,
    /// The stack.
    pub(crate) stack: Stack,
    /// The region.
    pub(crate) region: String,
    /// The pool.
    pub(crate) pool: Group,
    /// The agents of its members.
    pub(crate) agents: Agents,
    /// The retirement group.
    pub(crate) retirement: Option<Group>,
    /// The targets.
    pub(crate) targets: Targets,
    /// The queues that are there.
    pub(crate) queues: BTreeMap<QueueKind, Counts>,
}

/// How many messages a queue holds, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Those that can be received.
    pub(crate) visible: usize,
    /// Those that somebody has received.
    pub(crate) in_flight: usize,
    /// Those that are delayed.
    pub(crate) delayed: usize,
}

impl Counts {
    /// Reads the counts among a queue's attributes.
    pub(crate) fn of(attributes: &BTreeMap<String, String>) -> Self {
        let count = |name: &str| {
            let count = attributes.get(&format!("ApproximateNumberOfMessages{name}"));
            count.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        Self {
            visible: count(""),
            in_flight: count("NotVisible"),
            delayed: count("Delayed"),
        }
    }

    /// All of them.
    pub(crate) fn all(self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

/// How everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    /// The stack's name.
    pub(crate) stack: String,
    /// The region.
    pub(crate) region: String,
    /// When this was so.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: Timestamp,
    /// The pool.
    pub(crate) pool: Pool,
    /// What is paused.
    pub(crate) paused: Paused,
    /// Queues by their names without the stack's.
    pub(crate) queues: BTreeMap<&'static str, Counts>,
    /// Claims that have an entry and no end.
    pub(crate) open_claims: Vec<OpenClaim>,
    /// How many groups have opted in.
    pub(crate) targets: usize,
    /// How many instances are on their way out.
    pub(crate) retiring: usize,
    /// What somebody should look at.
    pub(crate) attention: Vec<String>,
}

/// The pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Pool {
    /// Its group.
    pub(crate) group: String,
    /// Instances that can be handed out.
    pub(crate) ready: usize,
    /// Its desired capacity: what replenish-pool wants.
    pub(crate) desired: i32,
    /// Its maximum size.
    pub(crate) max: i32,
    /// How many it keeps ready, where that follows from a hit rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kept_ready: Option<i32>,
    /// All members.
    #[serde(flatten)]
    pub(crate) census: Census,
}

/// A claim that has an entry and no end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OpenClaim {
    /// Its id.
    pub(crate) claim_id: String,
    /// Its target.
    pub(crate) target_group: String,
    /// Its instance; none while it waits for another one.
    pub(crate) instance_id: Option<String>,
    /// Which instance of the claim that is.
    pub(crate) attempt: u8,
    /// Its deadline.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: Timestamp,
}

impl Status {
    /// How everything stands.
    pub(crate) fn of(seen: &Seen) -> Self {
        let census = Census::of(&seen.pool, &seen.agents);
        let pool = Pool {
            group: seen.pool.name.to_string(),
            ready: census.count(State::Ready),
            desired: seen.pool.desired_capacity,
            max: seen.pool.max_size,
            kept_ready: seen.pool.kept_size(),
            census,
        };
        let open_claims = open_claims(&seen.targets.groups);
        let mut status = Self {
            stack: seen.stack.name.clone(),
            region: seen.region.clone(),
            at: seen.now,
            paused: seen.pool.pause().into(),
            queues: (seen.queues.iter())
                .map(|(queue, counts)| (queue.short(), *counts))
                .collect(),
            targets: seen.targets.groups.len() + seen.targets.unreadable.len(),
            retiring: seen
                .retirement
                .as_ref()
                .map_or(0, |group| group.members.len()),
            pool,
            open_claims,
            attention: Vec::new(),
        };
        status.attention = attention(seen, &status);
        status
    }

    /// Messages on the provisioning queue.
    pub(crate) fn waiting(&self) -> usize {
        let queue = self.queues.get(QueueKind::Provision.short());
        queue.map_or(0, |counts| counts.all())
    }

    /// Whether the pool is as it should be.
    pub(crate) fn tone(&self) -> Tone {
        match self.pool.ready {
            0 if self.pool.desired > 0 => Tone::Bad,
            ready if i32::try_from(ready).unwrap_or(i32::MAX) < self.pool.desired => Tone::Doubtful,
            _ => Tone::Good,
        }
    }
}

/// The open claims, the next deadline first.
fn open_claims(targets: &[Group]) -> Vec<OpenClaim> {
    let mut open: Vec<OpenClaim> = targets
        .iter()
        .flat_map(|target| target.entries().map(move |entry| (target, entry)))
        .filter(|(_, (_, entry))| entry.is_open())
        .map(|(target, (claim_id, entry))| OpenClaim {
            claim_id: claim_id.to_string(),
            target_group: target.name.to_string(),
            instance_id: entry.instance.map(String::from),
            attempt: entry.attempt,
            expires_at: entry.expires_at,
        })
        .collect();
    open.sort_by(|one, other| {
        let key = |claim: &OpenClaim| (claim.expires_at, claim.claim_id.clone());
        key(one).cmp(&key(other))
    });
    open
}

fn attention(seen: &Seen, status: &Status) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(seen.pool.launches_nothing());
    if status.waiting() > 0 && status.pool.ready == 0 {
        all.push("claims wait, and no instance is ready".to_owned());
    }
    let away = status.pool.census.count(State::AgentAway);
    if away > 0 {
        let instances = words::count(away, "instance is", "instances are");
        all.push(format!("{instances} in service without an agent online"));
    }
    for (queue, counts) in &seen.queues {
        if queue.is_for_people() && counts.all() > 0 {
            let messages = words::there_are(counts.all(), "message");
            let name = seen.stack.queue_name(*queue);
            all.push(format!(
                "{messages} on {name}: see docs/failures.md, messages on each queue"
            ));
        }
    }
    for queue in QueueKind::ALL {
        if !seen.queues.contains_key(&queue) {
            all.push(format!(
                "there is no queue {}",
                seen.stack.queue_name(queue)
            ));
        }
    }
    let late = status
        .open_claims
        .iter()
        .filter(|claim| claim.expires_at + LONG_AFTER_DEADLINE < seen.now);
    all.extend(late.map(|claim| {
        format!(
            "{} is open {} after its deadline: a script that runs that long, or see `ready-pool claim {}`",
            claim.claim_id,
            words::span(seen.now, claim.expires_at),
            claim.claim_id
        )
    }));
    all.extend(seen.targets.unreadable.iter().map(|target| {
        format!(
            "the group {:?} has opted in, and no claim can name it",
            target.name
        )
    }));
    all
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pool::tests::{group, online};
    use crate::stack::tests::stack;
    use ready_pool_core::group::Lifecycle;
    use time::macros::datetime;

    pub(crate) fn seen() -> Seen {
        let members = [
            ("i-00000001", Lifecycle::InService),
            ("i-00000002", Lifecycle::PendingWait),
        ];
        Seen {
            now: datetime!(2026-11-29 13:00 UTC),
            stack: stack(),
            region: "eu-west-1".to_owned(),
            pool: group("rp-pool", &members),
            agents: online(&["i-00000001"]),
            retirement: Some(group("rp-retirement", &[])),
            targets: Targets::default(),
            queues: QueueKind::ALL
                .map(|queue| (queue, Counts::default()))
                .into(),
        }
    }

    #[test]
    fn when_all_is_well_nothing_asks_for_attention() {
        let status = Status::of(&seen());
        assert_eq!(status.pool.ready, 1);
        assert_eq!(status.pool.desired, 2);
        assert!(status.attention.is_empty(), "{:?}", status.attention);
    }

    #[test]
    fn what_somebody_should_look_at_is_said() {
        let mut seen = seen();
        seen.agents.clear();
        seen.queues.insert(
            QueueKind::Provision,
            Counts {
                in_flight: 3,
                ..Counts::default()
            },
        );
        seen.queues.insert(
            QueueKind::Rejected,
            Counts {
                visible: 1,
                ..Counts::default()
            },
        );
        seen.queues.remove(&QueueKind::EventsDeadLetters);
        let mut target = group("tenant", &[]);
        target.tags.insert(
            "ready-pool:claim/late".to_owned(),
            "v1 i-00000009 1 assigned 2026-11-29T12:00:00Z".to_owned(),
        );
        seen.targets.groups.push(target);
        let status = Status::of(&seen);
        let attention = status.attention.join("\n");
        for part in [
            "claims wait, and no instance is ready",
            "1 instance is in service without an agent online",
            "there is 1 message on rp-rejected",
            "there is no queue rp-events-dead-letter",
            "late is open 60 min after its deadline",
        ] {
            assert!(attention.contains(part), "no {part:?} in:\n{attention}");
        }
        assert_eq!(status.open_claims.len(), 1);
    }

    #[test]
    fn settled_claims_are_not_open() {
        let mut target = group("tenant", &[]);
        for (id, value) in [
            ("b", "v1 - 2 assigned 2026-11-29T13:10:00Z"),
            ("a", "v1 i-00000001 1 ready 2026-11-29T13:10:00Z"),
            ("c", "v1 i-00000002 1 assigned 2026-11-29T13:05:00Z"),
        ] {
            let key = format!("ready-pool:claim/{id}");
            target.tags.insert(key, value.to_owned());
        }
        let open = open_claims(&[target]);
        let ids: Vec<&str> = open.iter().map(|claim| claim.claim_id.as_str()).collect();
        assert_eq!(ids, ["c", "b"]);
    }
}
