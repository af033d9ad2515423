//! Findings on instances that failed claims keep in no group.

use super::examine::Examined;
use super::finding::{Finding, Findings};
use crate::kept;

/// All of them.
pub(super) fn findings(examined: &Examined) -> Vec<Finding> {
    let mut all = Vec::new();
    for kept in &examined.kept {
        let mut findings = Findings::about(kept.instance.as_str());
        findings.doubtful(
            format!(
                "the failed claim {} keeps it: it runs in no group, and costs money",
                kept.claim_id
            ),
            format!(
                "terminate it once you have seen enough: {}",
                kept::terminate(&examined.place, &kept.instance)
            ),
        );
        all.extend(findings.into_all());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::examine::Kept;
    use crate::doctor::finding::Severity;
    use crate::doctor::finding::tests::{is_one, problems};
    use crate::doctor::targets::tests::examined;
    use crate::pool::tests::instance_id;

    #[test]
    fn an_instance_that_is_kept_is_to_be_terminated_by_hand() {
        let mut examined = examined();
        assert_eq!(findings(&examined), []);
        examined.kept.push(Kept {
            instance: instance_id("i-00000007"),
            claim_id: "signup-1".to_owned(),
        });
        let found = findings(&examined);
        assert!(found[0].advice.ends_with("--instance-ids i-00000007"));
        let start = "the failed claim signup-1 keeps it";
        is_one(&problems(found), Severity::Doubtful, start);
    }
}
