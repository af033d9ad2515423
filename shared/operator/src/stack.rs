//! The parts of a stack by the names that the template gives them. The pool alone may have another name: it stands in
//! a tag of the provisioning queue.

use crate::failure::Failure;
use crate::session::{OrFailure, Session};
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use std::collections::{BTreeMap, BTreeSet};

/// A queue of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum QueueKind {
    /// Where claims wait.
    Provision,
    /// Between the functions.
    Init,
    /// Of outcomes.
    Outcome,
    /// Of messages that were rejected.
    Rejected,
    /// What claim-instance failed on.
    ProvisionDeadLetters,
    /// What init-instance failed on.
    InitDeadLetters,
    /// What EventBridge could not deliver.
    EventsDeadLetters,
}

impl QueueKind {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 7] = [
        Self::Provision,
        Self::Init,
        Self::Outcome,
        Self::Rejected,
        Self::ProvisionDeadLetters,
        Self::InitDeadLetters,
        Self::EventsDeadLetters,
    ];

    /// The name without the stack's.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Init => "init",
            Self::Outcome => "outcome",
            Self::Rejected => "rejected",
            Self::ProvisionDeadLetters => "provision-dead-letter",
            Self::InitDeadLetters => "init-dead-letter",
            Self::EventsDeadLetters => "events-dead-letter",
        }
    }

    /// Whether it is a FIFO queue.
    pub(crate) fn is_fifo(self) -> bool {
        matches!(
            self,
            Self::Provision | Self::Init | Self::ProvisionDeadLetters | Self::InitDeadLetters
        )
    }

    /// Whether somebody must look at what lies on it.
    pub(crate) fn is_for_people(self) -> bool {
        !matches!(self, Self::Provision | Self::Init | Self::Outcome)
    }

    /// The name in this stack.
    pub(crate) fn name(self, stack: &str) -> String {
        let end = if self.is_fifo() { ".fifo" } else { "" };
        format!("{stack}-{}{end}", self.short())
    }
}

/// A stack that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// Its name.
    pub(crate) name: String,
    /// The pool's group.
    pub(crate) pool: GroupName,
    /// The retirement group.
    pub(crate) retirement: GroupName,
    /// The address of the provisioning queue.
    pub(crate) provision: String,
}

impl Stack {
    /// Finds the stack.
    pub(crate) async fn find(session: &Session, name: &str) -> Result<Self, Failure> {
        let queue = QueueKind::Provision.name(name);
        let provision = session.queues.url(&queue).await.or_failure(session)?;
        let provision = provision.ok_or_else(|| Failure::NoStack {
            stack: name.to_owned(),
            queue,
            place: session.place.clone(),
        })?;
        let tags = session.queues.tags(&provision).await.or_failure(session)?;
        let group = |name: &str| {
            GroupName::try_from(name).map_err(|problem| {
                Failure::NoPart(format!("{name:?} is no name of a group: it {problem}"))
            })
        };
        Ok(Self {
            name: name.to_owned(),
            pool: group(&pool_name(&tags, name))?,
            retirement: group(&format!("{name}-retirement"))?,
            provision,
        })
    }

    /// The address of a queue: all queues of a stack are of one account and region.
    pub(crate) fn url(&self, queue: QueueKind) -> String {
        let base = self.provision.rsplit_once('/').map_or("", |(base, _)| base);
        format!("{base}/{}", queue.name(&self.name))
    }

    /// The pool and, if it is there, the retirement group.
    pub(crate) async fn groups(
        &self,
        session: &Session,
    ) -> Result<(Group, Option<Group>), Failure> {
        let names = BTreeSet::from([self.pool.clone(), self.retirement.clone()]);
        let groups = session.auto_scaling.groups(&names).await;
        let mut groups = groups.or_failure(session)?;
        let pool = groups.remove(&self.pool).ok_or_else(|| {
            Failure::NoPart(format!(
                "the pool is gone: there is no Auto Scaling group {}",
                self.pool
            ))
        })?;
        Ok((pool, groups.remove(&self.retirement)))
    }
}

/// A stack of an older version has no tag: then the pool has the name that the template gives it.
fn pool_name(tags: &BTreeMap<String, String>, stack: &str) -> String {
    tags.get(OPT_IN_TAG)
        .cloned()
        .unwrap_or_else(|| format!("{stack}-pool"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_have_the_names_that_the_template_gives_them() {
        let template = include_str!("../../../template.yaml");
        for queue in QueueKind::ALL {
            let name = queue.name("${AWS::StackName}");
            assert!(
                template.contains(&format!("QueueName: !Sub '{name}'")),
                "{name}"
            );
        }
        assert!(template.contains("AutoScalingGroupName: !Sub '${AWS::StackName}-retirement'"));
        assert!(template.contains("AutoScalingGroupName: !Sub '${AWS::StackName}-pool'"));
    }

    #[test]
    fn an_existing_pool_is_found_by_the_queue_s_tag() {
        assert_eq!(pool_name(&BTreeMap::new(), "rp"), "rp-pool");
        let tags = BTreeMap::from([(OPT_IN_TAG.to_owned(), "ours".to_owned())]);
        assert_eq!(pool_name(&tags, "rp"), "ours");
    }

    #[test]
    fn the_queues_of_a_stack_stand_beside_each_other() {
        let stack = Stack {
            name: "rp".to_owned(),
            pool: GroupName::try_from("rp-pool").unwrap(),
            retirement: GroupName::try_from("rp-retirement").unwrap(),
            provision: "https://sqs.eu-west-1.amazonaws.com/123456789012/rp-provision.fifo"
                .to_owned(),
        };
        assert_eq!(
            stack.url(QueueKind::Rejected),
            "https://sqs.eu-west-1.amazonaws.com/123456789012/rp-rejected"
        );
    }
}
