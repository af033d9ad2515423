//! What a finding is.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// Claims fail or wait, or instances are lost.
    Wrong,
    /// It may be meant so.
    Doubtful,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How bad it is.
    pub(super) severity: Severity,
    /// What it is about: a group, a queue.
    pub(super) about: String,
    /// What is the matter, and what comes of it.
    pub(super) problem: String,
    /// What to do.
    pub(super) advice: String,
}

/// Findings about one thing.
pub(super) struct Findings {
    about: String,
    all: Vec<Finding>,
}

impl Findings {
    /// None yet.
    pub(super) fn about(about: impl Into<String>) -> Self {
        Self {
            about: about.into(),
            all: Vec::new(),
        }
    }

    /// Something is wrong.
    pub(super) fn wrong(&mut self, problem: impl Into<String>, advice: impl Into<String>) {
        self.add(Severity::Wrong, problem.into(), advice.into());
    }

    /// Something may be meant so.
    pub(super) fn doubtful(&mut self, problem: impl Into<String>, advice: impl Into<String>) {
        self.add(Severity::Doubtful, problem.into(), advice.into());
    }

    fn add(&mut self, severity: Severity, problem: String, advice: String) {
        self.all.push(Finding {
            severity,
            about: self.about.clone(),
            problem,
            advice,
        });
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<Finding> {
        self.all
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// How bad each is, and what is the matter.
    pub(in crate::doctor) fn problems(findings: Vec<Finding>) -> Vec<(Severity, String)> {
        let findings = findings.into_iter();
        findings
            .map(|finding| (finding.severity, finding.problem))
            .collect()
    }

    /// Nothing else was found than this.
    pub(in crate::doctor) fn is_one(said: &[(Severity, String)], severity: Severity, start: &str) {
        let [(found, problem)] = said else {
            panic!("{start}: {said:?}");
        };
        assert_eq!(*found, severity, "{start}");
        assert!(problem.starts_with(start), "{start}: {problem}");
    }
}
