//! Whether claims may be sent: for what their targets are the functions would reject them.

use crate::failure::Failure;
use crate::session::{OrFailure, Session};
use crate::stack::Stack;
use ready_pool_core::claim::Claim;
use ready_pool_core::group::Group;
use ready_pool_core::ids::GroupName;
use ready_pool_core::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// The groups that claims are about.
#[derive(Debug, Default)]
struct Groups {
    /// Their targets, as far as they are there.
    targets: BTreeMap<GroupName, Group>,
    /// Other groups that the targets' tags name as their pools, as far as they are there.
    others: BTreeSet<GroupName>,
}

/// Refuses claims that would be rejected, or, without `again`, that were sent before. A dry run asks this very thing.
pub(super) async fn check(
    session: &Session,
    stack: &Stack,
    claims: &[Claim],
    again: bool,
) -> Result<(), Failure> {
    let claims: Vec<&Claim> = claims.iter().filter(|claim| !claim.dry_run).collect();
    if claims.is_empty() {
        return Ok(());
    }
    let targets = targets(session, claims.iter().copied()).await?;
    let pools = targets.values().filter_map(Group::opted_in_to);
    let others: BTreeSet<GroupName> = pools
        .filter(|pool| *pool != stack.pool.as_str())
        .filter_map(|pool| GroupName::try_from(pool).ok())
        .collect();
    let others = if others.is_empty() {
        others
    } else {
        let groups = session.auto_scaling.groups(&others).await;
        groups.or_failure(session)?.into_keys().collect()
    };
    let groups = Groups { targets, others };
    problem(&claims, &groups, stack, again)
        .map_err(|problem| Failure::Usage(format!("nothing was sent: {problem}")))
}

/// The targets of these claims.
pub(super) async fn targets<'a>(
    session: &Session,
    claims: impl Iterator<Item = &'a Claim>,
) -> Result<BTreeMap<GroupName, Group>, Failure> {
    let names: BTreeSet<GroupName> = claims.map(|claim| claim.target_group.clone()).collect();
    let groups = session.auto_scaling.groups(&names).await;
    groups.or_failure(session)
}

fn problem(claims: &[&Claim], groups: &Groups, stack: &Stack, again: bool) -> Result<(), String> {
    let mut wanted: BTreeMap<&GroupName, (i32, i32)> = BTreeMap::new();
    for claim in claims {
        let name = &claim.target_group;
        stack.check_may_be_target(name)?;
        let target = groups.targets.get(name);
        let (used, most) = match target {
            None => (0, of_one_to_make(claim, stack)?),
            Some(target) => {
                check_pool(target, groups, stack)?;
                if let Some(entry) = target.entry(&claim.claim_id) {
                    check_entry(claim, &entry.to_string(), again)?;
                    // Its room is counted already.
                    continue;
                }
                (target.desired_capacity, target.max_size)
            }
        };
        let (room, wanted) = wanted.entry(name).or_insert((most - used, 0));
        *wanted += 1;
        if *room <= 0 {
            let known = format!("{name}: desired capacity {used}, maximum size {most}");
            return Err(Reason::TargetFull.sentence_with(Some(&known)));
        }
    }
    match wanted.iter().find(|(_, (room, wanted))| wanted > room) {
        Some((name, (room, _))) => Err(format!(
            "{name} has room for {room}: send {room}, or raise its maximum size"
        )),
        None => Ok(()),
    }
}

/// The maximum size of a target that is to be made.
fn of_one_to_make(claim: &Claim, stack: &Stack) -> Result<i32, String> {
    let name = &claim.target_group;
    let Some(create) = &claim.create_target else {
        return Err(Reason::UnknownTarget.sentence_with(Some(name.as_str())));
    };
    match &stack.target_prefix {
        Some(prefix) if name.as_str().starts_with(prefix) => Ok(create.max_size.into()),
        Some(prefix) => Err(format!(
            "{name} does not exist, and the stack makes only groups whose names begin with {prefix} (its parameter \
             TargetNamePrefix)"
        )),
        None => Err(format!(
            "{name} does not exist, and the stack makes none: its parameters TargetLaunchTemplate, \
             TargetLaunchTemplateVersion and TargetNamePrefix are not set"
        )),
    }
}

fn check_pool(target: &Group, groups: &Groups, stack: &Stack) -> Result<(), String> {
    let name = &target.name;
    if target.is_opted_in_to(&stack.pool) {
        return Ok(());
    }
    Err(match target.opted_in_to() {
        Some(other) if groups.others.iter().any(|there| there.as_str() == other) => format!(
            "{name} has opted in to {other}, and not to {}; name that pool's stack with --stack, or the family of both with \
             --family",
            stack.pool
        ),
        Some(misspelt) => format!(
            "there is no pool {misspelt} here, which {name} has opted in to; `ready-pool opt-in {name}` corrects that"
        ),
        None => format!(
            "{name} has not opted in; `ready-pool opt-in {name}` gives it the tag ready-pool:pool = {}",
            stack.pool
        ),
    })
}

fn check_entry(claim: &Claim, entry: &str, again: bool) -> Result<(), String> {
    if again {
        return Ok(());
    }
    Err(format!(
        "{} has an entry of {} already ({entry}), and the same id is the same claim: it gets no second instance. Use another \
         --id, or --again to have its outcome repeated",
        claim.target_group, claim.claim_id
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::tests::group;
    use crate::stack::tests::stack;
    use ready_pool_core::claim::Init;
    use ready_pool_core::group::OPT_IN_TAG;
    use ready_pool_core::ids::ClaimId;
    use time::macros::datetime;

    fn claim(id: &str) -> Claim {
        Claim::new(
            ClaimId::try_from(id).unwrap(),
            GroupName::try_from("tenant").unwrap(),
            Init::new(["true"]),
            datetime!(2026-11-29 13:15 UTC),
        )
    }

    /// A target with this opt-in tag, and room for two.
    fn groups(pool: &str, others: &[&str]) -> Groups {
        let mut target = group("tenant", &[]);
        target.tags.insert(OPT_IN_TAG.to_owned(), pool.to_owned());
        target.max_size = 2;
        let others = others
            .iter()
            .map(|name| GroupName::try_from(*name).unwrap());
        Groups {
            targets: [(target.name.clone(), target)].into(),
            others: others.collect(),
        }
    }

    #[test]
    fn more_claims_than_the_target_has_room_for_are_refused() {
        let claims: Vec<Claim> = (1..=6)
            .map(|number| claim(&format!("c-{number}")))
            .collect();
        let said = |number: usize, groups: &Groups| {
            let claims: Vec<&Claim> = claims.iter().take(number).collect();
            problem(&claims, groups, &stack(), true)
        };
        let mut groups = groups("rp-pool", &[]);
        assert_eq!(said(2, &groups), Ok(()));
        let room = "tenant has room for 2: send 2, or raise its maximum size";
        assert_eq!(said(6, &groups), Err(room.to_owned()));
        // The room of claims with an entry is counted already.
        let target = groups.targets.values_mut().next().unwrap();
        target.desired_capacity = 2;
        for number in 1..=2 {
            let entry = "v1 i-00000001 1 ready 2026-11-29T13:15:00Z".to_owned();
            let key = format!("ready-pool:claim/c-{number}");
            target.tags.insert(key, entry);
        }
        assert_eq!(said(2, &groups), Ok(()));
        let full = said(3, &groups).unwrap_err();
        assert!(
            full.contains("desired capacity 2, maximum size 2"),
            "{full}"
        );
    }

    #[test]
    fn a_pool_that_is_not_there_is_another_matter_than_another_pool() {
        let claim = claim("c");
        let said = |pool: &str, others: &[&str]| {
            problem(&[&claim], &groups(pool, others), &stack(), false)
        };
        assert_eq!(said("rp-pool", &[]), Ok(()));
        let other = said("other-pool", &["other-pool"]).unwrap_err();
        assert!(other.contains("name that pool's stack"), "{other}");
        let misspelt = said("rp-pol", &[]).unwrap_err();
        assert!(
            misspelt.starts_with("there is no pool rp-pol here"),
            "{misspelt}"
        );
    }
}
