//! A family: the stacks called `<family>-<pool>`, each with a pool of its own. Nothing lists them but the names of
//! their provisioning queues.

use crate::failure::Failure;
use crate::session::{OrFailure, Session};
use crate::stack::{QueueKind, Stack};
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use ready_pool_core::reason::Reason;

/// A family that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Its name.
    pub(crate) name: String,
    /// Its pools, by their names.
    pub(crate) pools: Vec<Pool>,
}

/// A pool of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    /// What follows the family's name in the stack's.
    pub(crate) name: String,
    /// Its stack.
    pub(crate) stack: Stack,
}

impl Family {
    /// Finds all stacks of the family.
    pub(crate) async fn find(session: &Session, name: &str) -> Result<Self, Failure> {
        let mut pools = Vec::new();
        for pool in pool_names(session, name).await? {
            let stack = Stack::find(session, &format!("{name}-{pool}")).await?;
            pools.push(Pool { name: pool, stack });
        }
        Ok(Self {
            name: name.to_owned(),
            pools,
        })
    }

    /// The names of its pools, for people.
    fn names(&self) -> String {
        let names: Vec<&str> = self.pools.iter().map(|pool| pool.name.as_str()).collect();
        names.join(", ")
    }

    /// The pool whose target the group is.
    pub(crate) fn pool_of(&self, target: &Group) -> Option<&Pool> {
        let is_its = |pool: &&Pool| target.is_opted_in_to(&pool.stack.pool);
        self.pools.iter().find(is_its)
    }
}

/// The one stack of a family that was asked for.
pub(crate) async fn one(
    session: &Session,
    family: &str,
    pool: Option<&str>,
) -> Result<Stack, Failure> {
    let names = pool_names(session, family).await?;
    let all = names.join(", ");
    match pool {
        None => Err(Failure::Usage(format!(
            "this is about one pool: name it with --pool; the family {family} has {all}"
        ))),
        Some(pool) if names.iter().any(|name| name == pool) => {
            Stack::find(session, &format!("{family}-{pool}")).await
        }
        Some(pool) => Err(Failure::Usage(format!(
            "the family {family} has no pool {pool}, but {all}"
        ))),
    }
}

/// The stack whose pool the target opted in to, by its tag. `asked` is the pool that it shall be, where one is named.
pub(crate) async fn of_target(
    session: &Session,
    family: &str,
    asked: Option<&str>,
    target: &GroupName,
    may_be_made: bool,
) -> Result<Stack, Failure> {
    let family = Family::find(session, family).await?;
    let group = session.auto_scaling.group(target).await;
    let group = group.or_failure(session)?;
    let pool = match group {
        // One that is made becomes the target of whichever pool is asked for it.
        None if may_be_made => return one(session, &family.name, asked).await,
        group => choose(&family, asked, target, group.as_ref()),
    };
    let pool = pool.map_err(|problem| Failure::Usage(format!("nothing was sent: {problem}")))?;
    Ok(pool.stack.clone())
}

fn choose<'f>(
    family: &'f Family,
    asked: Option<&str>,
    name: &GroupName,
    target: Option<&Group>,
) -> Result<&'f Pool, String> {
    let all = family.names();
    for pool in &family.pools {
        pool.stack.check_may_be_target(name)?;
    }
    let Some(target) = target else {
        return Err(Reason::UnknownTarget.sentence_with(Some(name.as_str())));
    };
    let pool = match (target.opted_in_to(), family.pool_of(target)) {
        (None, _) => {
            return Err(format!(
                "{name} has not opted in; `ready-pool opt-in {name} --family {} --pool …` does that, with one of {all}",
                family.name
            ));
        }
        (Some(tag), None) => {
            return Err(format!(
                "{name} has opted in to {tag} ({OPT_IN_TAG}), which is no pool of the family {}, but {all}; if there is no such \
                 pool, `ready-pool opt-in {name} --family {} --pool …` corrects that",
                family.name, family.name
            ));
        }
        (Some(_), Some(pool)) => pool,
    };
    match asked {
        Some(asked) if asked != pool.name => Err(format!(
            "{name} has opted in to the pool {}, and not to {asked}",
            pool.name
        )),
        _ => Ok(pool),
    }
}

/// The names of the family's pools, in order. There is at least one.
async fn pool_names(session: &Session, family: &str) -> Result<Vec<String>, Failure> {
    let urls = session.queues.beginning_with(&format!("{family}-")).await;
    let urls = urls.or_failure(session)?;
    let mut names: Vec<String> = urls
        .iter()
        .filter_map(|url| pool_name(url, family))
        .map(str::to_owned)
        .collect();
    names.sort();
    if names.is_empty() {
        return Err(Failure::NoFamily {
            family: family.to_owned(),
            place: session.place.clone(),
        });
    }
    Ok(names)
}

/// The pool in the address of a provisioning queue of the family; none of other queues.
fn pool_name<'u>(url: &'u str, family: &str) -> Option<&'u str> {
    let (_, queue) = url.rsplit_once('/')?;
    let stack = queue.strip_suffix(&QueueKind::Provision.name(""))?;
    let pool = stack.strip_prefix(family)?.strip_prefix('-')?;
    (!pool.is_empty()).then_some(pool)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pool::tests::group;

    /// A family `rp` with the pools `large` and `small`.
    pub(crate) fn family() -> Family {
        let pool = |name: &str| Pool {
            name: name.to_owned(),
            stack: Stack {
                name: format!("rp-{name}"),
                pool: GroupName::try_from(format!("rp-{name}-pool").as_str()).unwrap(),
                retirement: GroupName::try_from(format!("rp-{name}-retirement").as_str()).unwrap(),
                provision: format!("https://sqs/1/rp-{name}-provision.fifo"),
                outcome_queue: None,
                target_prefix: None,
            },
        };
        Family {
            name: "rp".to_owned(),
            pools: vec![pool("large"), pool("small")],
        }
    }

    /// A target that opted in to this pool.
    pub(crate) fn target(name: &str, pool: &str) -> Group {
        let mut target = group(name, &[]);
        target.tags.insert(OPT_IN_TAG.to_owned(), pool.to_owned());
        target
    }

    #[test]
    fn a_pool_is_what_stands_between_the_family_and_the_kind_of_queue() {
        for (queue, expected) in [
            ("prod-large-provision.fifo", Some("large")),
            ("prod-eu-west-provision.fifo", Some("eu-west")),
            ("prod-provision.fifo", None),
            ("prod--provision.fifo", None),
            ("prod-large-init.fifo", None),
            ("prod-large-provision-dead-letter.fifo", None),
            ("production-large-provision.fifo", None),
        ] {
            let url = format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{queue}");
            assert_eq!(pool_name(&url, "prod"), expected, "{queue}");
        }
    }

    #[test]
    fn the_target_s_tag_says_which_pool_and_a_named_pool_only_checks() {
        let family = family();
        let name = GroupName::try_from("t").unwrap();
        let said = |asked, target: Option<&Group>| {
            choose(&family, asked, &name, target).map(|pool| pool.name.as_str())
        };
        let small = target("t", "rp-small-pool");
        assert_eq!(said(None, Some(&small)), Ok("small"));
        assert_eq!(said(Some("small"), Some(&small)), Ok("small"));
        for (asked, target, problem) in [
            (
                Some("large"),
                Some(small),
                "has opted in to the pool small, and not to large",
            ),
            (
                None,
                Some(target("t", "rp-tiny-pool")),
                "which is no pool of the family rp, but large, small; if there is no such pool, `ready-pool opt-in t --family rp",
            ),
            (
                None,
                Some(group("t", &[])),
                "--pool …` does that, with one of large, small",
            ),
            (
                None,
                None,
                "there is no Auto Scaling group of that name (t)",
            ),
        ] {
            let said = said(asked, target.as_ref()).unwrap_err();
            assert!(said.contains(problem), "{said}");
        }
        for pool in &family.pools {
            let ours = &pool.stack.pool;
            let said = choose(&family, None, ours, Some(&group(ours.as_str(), &[])));
            let said = said.map(|pool| pool.name.as_str()).unwrap_err();
            assert!(said.contains("a group of ready-pool itself"), "{said}");
        }
    }
}
