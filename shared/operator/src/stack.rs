//! The parts of a stack by the names that the template gives them. The pool and the outcome queue alone may have other
//! names: these stand in tags of the provisioning queue.

use crate::cli::Options;
use crate::failure::Failure;
use crate::family;
use crate::session::{OrFailure, Session};
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use std::collections::{BTreeMap, BTreeSet};

/// The tag of the provisioning queue with the outcome queue's name.
const OUTCOME_QUEUE_TAG: &str = "ready-pool:outcome-queue";
/// The tag of the provisioning queue with what the names of targets begin with that claims have made.
const TARGET_PREFIX_TAG: &str = "ready-pool:target-prefix";

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

    /// The name that the template gives it.
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
    /// The outcome queue's name, where several stacks share one.
    pub(crate) outcome_queue: Option<String>,
    /// What the names of targets begin with that claims have made; none where none are made.
    pub(crate) target_prefix: Option<String>,
}

impl Stack {
    /// The one stack that the options name.
    pub(crate) async fn asked_for(session: &Session, options: &Options) -> Result<Self, Failure> {
        match &options.family {
            Some(family) => family::one(session, family, options.pool.as_deref()).await,
            None => Self::find(session, &options.stack).await,
        }
    }

    /// Finds the stack of this name.
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
            outcome_queue: tags.get(OUTCOME_QUEUE_TAG).cloned(),
            target_prefix: tags.get(TARGET_PREFIX_TAG).cloned(),
        })
    }

    /// The name of a queue.
    pub(crate) fn queue_name(&self, queue: QueueKind) -> String {
        let named = self
            .outcome_queue
            .as_ref()
            .filter(|_| queue == QueueKind::Outcome);
        named.cloned().unwrap_or_else(|| queue.name(&self.name))
    }

    /// The address of a queue: all queues of a stack are of one account and region.
    pub(crate) fn url(&self, queue: QueueKind) -> String {
        let base = self.provision.rsplit_once('/').map_or("", |(base, _)| base);
        format!("{base}/{}", self.queue_name(queue))
    }

    /// Whether a group of this name may be a target: none of the stack's own may.
    pub(crate) fn check_may_be_target(&self, name: &GroupName) -> Result<(), String> {
        if *name == self.pool || *name == self.retirement {
            return Err(format!(
                "{name} is a group of ready-pool itself; name a tenant's group"
            ));
        }
        Ok(())
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
pub(crate) mod tests {
    use super::*;

    /// A stack called `rp`, as the template makes it.
    pub(crate) fn stack() -> Stack {
        Stack {
            name: "rp".to_owned(),
            pool: GroupName::try_from("rp-pool").unwrap(),
            retirement: GroupName::try_from("rp-retirement").unwrap(),
            provision: "https://sqs.eu-west-1.amazonaws.com/123456789012/rp-provision.fifo"
                .to_owned(),
            outcome_queue: None,
            target_prefix: None,
        }
    }

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
        let stack = stack();
        assert_eq!(
            stack.url(QueueKind::Rejected),
            "https://sqs.eu-west-1.amazonaws.com/123456789012/rp-rejected"
        );
    }

    #[test]
    fn a_shared_outcome_queue_has_a_name_of_its_own() {
        let stack = Stack {
            outcome_queue: Some("all-outcomes".to_owned()),
            ..stack()
        };
        assert!(stack.url(QueueKind::Outcome).ends_with("/all-outcomes"));
        assert!(stack.url(QueueKind::Rejected).ends_with("/rp-rejected"));
    }
}
