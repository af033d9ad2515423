//! Names in the stack, or in the stacks of a family.

use crate::failure::Failure;
use region::region::Region;
use region::template::Stack;

/// Names in the stack, as AWS would know them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// The stack.
    pub(crate) stack: String,
    /// The family that it is of, if any.
    pub(crate) family: Option<String>,
    /// The pool's group.
    pub(crate) pool: String,
    /// The retirement group.
    pub(crate) retirement: String,
    /// URL of the queue for claims.
    pub(crate) provision: String,
    /// URL of the queue between the functions.
    pub(crate) init: String,
    /// URL of the queue of outcomes.
    pub(crate) outcome: String,
    /// URL of the queue of rejected messages.
    pub(crate) rejected: String,
    /// The other stacks of the family.
    pub(crate) beside: Vec<Names>,
}

impl Names {
    /// The names in a region's stacks: the first one's, and beside it the others'.
    pub(crate) fn of(region: &Region, family: Option<&str>) -> Result<Self, Failure> {
        let mut stacks =
            (region.stacks().iter()).map(|stack| Self::in_stack(region, stack, family));
        let first = stacks.next().ok_or(Failure::NoResource("stack"))??;
        let beside = stacks.collect::<Result<_, _>>()?;
        Ok(Self { beside, ..first })
    }

    fn in_stack(region: &Region, stack: &Stack, family: Option<&str>) -> Result<Self, Failure> {
        let reference = |logical_id: &'static str| {
            stack
                .resources
                .get(logical_id)
                .map(|resource| resource.attributes.reference.clone())
                .ok_or(Failure::NoResource(logical_id))
        };
        // The template makes none where it was given one.
        let given = || {
            let url = stack.outputs.get("OutcomeQueueUrl")?;
            region.read(|world| Some(world.sqs.by_url(url)?.url.clone()))
        };
        Ok(Self {
            stack: stack.name.clone(),
            family: family.map(str::to_owned),
            pool: reference("PoolGroup")?,
            retirement: reference("RetirementGroup")?,
            provision: reference("ProvisionQueue")?,
            init: reference("InitQueue")?,
            outcome: reference("OutcomeQueue").or_else(|none| given().ok_or(none))?,
            rejected: reference("RejectedQueue")?,
            beside: Vec::new(),
        })
    }

    /// Those of each stack, one by one.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.beside)
    }

    /// Those of the stack that has this pool.
    pub(crate) fn of_pool(&self, pool: &str) -> Option<&Self> {
        self.all().find(|names| names.pool == pool)
    }

    /// What a person calls the stack's pool.
    pub(crate) fn title(&self) -> &str {
        self.short(&self.stack)
    }

    /// A name without what all names of the stack, or of the family, share.
    pub(crate) fn short<'n>(&self, name: &'n str) -> &'n str {
        let shared = self.family.as_deref().unwrap_or(&self.stack);
        let own = name
            .strip_prefix(shared)
            .and_then(|rest| rest.strip_prefix('-'))
            .unwrap_or(name);
        own.strip_suffix(".fifo").unwrap_or(own)
    }
}

/// The name of a queue, from its URL.
pub(crate) fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_to_what_tells_them_apart() {
        let mut names = Names {
            stack: "ready-pool".to_owned(),
            ..Names::default()
        };
        assert_eq!(names.short("ready-pool-provision.fifo"), "provision");
        assert_eq!(names.short("ready-pool-claim-instance"), "claim-instance");
        assert_eq!(names.short("ready-pooled"), "ready-pooled");
        assert_eq!(names.title(), "ready-pool");
        names.family = Some("ready-pool".to_owned());
        names.stack = "ready-pool-small".to_owned();
        assert_eq!(names.short("ready-pool-small-init.fifo"), "small-init");
        assert_eq!(names.title(), "small");
    }

    #[test]
    fn a_queue_is_named_at_the_end_of_its_url() {
        assert_eq!(queue_name("http://127.0.0.1:1/123/a.fifo"), "a.fifo");
    }
}
