//! Findings on a family as a whole, and on groups that opted in to a pool that nobody serves.

use super::finding::{Finding, Findings};
use crate::family::Family;
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use std::collections::BTreeSet;

/// The groups that the targets' tags name.
pub(super) fn named(targets: &[Group]) -> BTreeSet<GroupName> {
    let tags = targets.iter().filter_map(Group::opted_in_to);
    tags.filter_map(|tag| GroupName::try_from(tag).ok())
        .collect()
}

/// Groups that opted in to a pool that is not there: a name that was misspelt, or a stack that is gone. `targets` are
/// the groups that opted in to any pool, `there` those of the groups named in their tags that there are. A stack's own
/// pool that is gone is found once, and not for each target.
pub(super) fn without_a_pool(
    targets: &[Group],
    there: &BTreeSet<GroupName>,
    is_served: impl Fn(&Group) -> bool,
) -> Vec<Finding> {
    let mut all = Vec::new();
    for target in targets {
        let Some(tag) = target.opted_in_to() else {
            continue;
        };
        if is_served(target) || GroupName::try_from(tag).is_ok_and(|name| there.contains(&name)) {
            continue;
        }
        let mut findings = Findings::about(target.name.as_str());
        findings.wrong(
            format!("it has opted in to {tag}, and there is no such group: no claim for it is served"),
            format!(
                "`ready-pool opt-in {}` corrects its tag {OPT_IN_TAG}, `ready-pool opt-out {}` removes it",
                target.name, target.name
            ),
        );
        all.extend(findings.into_all());
    }
    all
}

/// The same, and groups that opted in to a group of the family's that is no pool.
pub(super) fn findings(
    family: &Family,
    targets: &[Group],
    there: &BTreeSet<GroupName>,
) -> Vec<Finding> {
    let is_served = |target: &Group| family.pool_of(target).is_some();
    let mut all = without_a_pool(targets, there, is_served);
    for target in targets {
        let Some(tag) = target.opted_in_to() else {
            continue;
        };
        if is_served(target) {
            continue;
        }
        let is_there = GroupName::try_from(tag).is_ok_and(|name| there.contains(&name));
        // A group of another name may be the pool of another family.
        let is_ours = tag
            .strip_prefix(&family.name)
            .is_some_and(|rest| rest.starts_with('-'));
        if !is_there || !is_ours {
            continue;
        }
        let mut findings = Findings::about(target.name.as_str());
        findings.wrong(
            format!(
                "it has opted in to {tag}, which is no pool of this family: no claim for it is served"
            ),
            format!("correct its tag {OPT_IN_TAG}, or remove it"),
        );
        all.extend(findings.into_all());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::tests::{family, target};

    #[test]
    fn a_tag_that_names_no_pool_is_found_and_another_family_s_is_left_alone() {
        let targets = [
            target("good", "rp-small-pool"),
            target("misspelt", "rp-smal-pool"),
            target("wrong-kind", "rp-small-retirement"),
            target("gone", "elsewhere-pool"),
            target("others", "production-large-pool"),
        ];
        let named = named(&targets);
        assert_eq!(named.len(), 5);
        let there = [
            "rp-small-pool",
            "rp-small-retirement",
            "production-large-pool",
        ]
        .map(|name| GroupName::try_from(name).unwrap());
        let found: Vec<String> = findings(&family(), &targets, &there.into())
            .into_iter()
            .map(|finding| format!("{}: {}", finding.about, finding.problem))
            .collect();
        let end = "no claim for it is served";
        assert_eq!(
            found,
            [
                format!(
                    "misspelt: it has opted in to rp-smal-pool, and there is no such group: {end}"
                ),
                format!(
                    "gone: it has opted in to elsewhere-pool, and there is no such group: {end}"
                ),
                format!(
                    "wrong-kind: it has opted in to rp-small-retirement, which is no pool of this family: {end}"
                ),
            ]
        );
    }
}
