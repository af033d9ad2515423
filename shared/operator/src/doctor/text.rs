//! Findings, for people: what is the matter with many groups is said once.

use super::finding::{Finding, Severity};
use crate::failure::Failure;
use crate::screen::{Screen, Tone};

/// So many of those with the same finding are named.
const NAMED: usize = 5;

/// Prints the findings.
pub(super) fn print(findings: &[Finding], screen: &mut Screen<'_>) -> Result<(), Failure> {
    for same in grouped(findings) {
        let Some(first) = same.first() else {
            continue;
        };
        let (label, tone) = match first.severity {
            Severity::Wrong => ("wrong", Tone::Bad),
            Severity::Doubtful => ("look at", Tone::Doubtful),
        };
        screen.field(label, &problem(&same, first), tone)?;
        screen.field("", &advice(&same, first), Tone::Plain)?;
    }
    Ok(())
}

/// How many there are of each severity.
pub(super) fn print_sum(
    label: &str,
    findings: &[Finding],
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let is_wrong = |finding: &&Finding| finding.severity == Severity::Wrong;
    let wrong = findings.iter().filter(is_wrong).count();
    match (wrong, findings.len() - wrong) {
        (0, 0) => screen.field(label, "nothing: all is well", Tone::Good),
        (wrong, doubtful) => {
            let text = format!("{wrong} wrong, {doubtful} to look at");
            screen.field(label, &text, Tone::Plain)
        }
    }
}

/// Findings of one kind together, in the order of their first ones. They differ in numbers at most.
fn grouped(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut all: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let is_same = |group: &&mut Vec<&Finding>| {
            let mut group = group.iter();
            group.any(|other| {
                other.severity == finding.severity && kind(&other.problem) == kind(&finding.problem)
            })
        };
        match all.iter_mut().find(is_same) {
            Some(group) => group.push(finding),
            None => all.push(vec![finding]),
        }
    }
    all
}

/// A problem without its numbers.
fn kind(problem: &str) -> String {
    problem.replace(|letter: char| letter.is_ascii_digit(), "")
}

fn problem(same: &[&Finding], first: &Finding) -> String {
    if same.len() == 1 {
        return format!("{}: {}", first.about, first.problem);
    }
    let names: Vec<&str> = (same.iter().take(NAMED))
        .map(|finding| finding.about.as_str())
        .collect();
    let more = match same.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let are_equal = same.iter().all(|finding| finding.problem == first.problem);
    let as_whom = if are_equal {
        String::new()
    } else {
        format!(", as {}", first.about)
    };
    format!(
        "each of {} ({}{more}){as_whom}: {}",
        same.len(),
        names.join(", "),
        first.problem
    )
}

fn advice(same: &[&Finding], first: &Finding) -> String {
    let are_equal = same.iter().all(|finding| finding.advice == first.advice);
    if are_equal {
        first.advice.clone()
    } else {
        format!("for {}: {}", first.about, first.advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Findings;

    fn printed(findings: &[Finding]) -> String {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut screen = Screen::plain(&mut out, &mut errors);
        print(findings, &mut screen).unwrap();
        print_sum("found", findings, &mut screen).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn finding(about: &str, problem: &str, advice: &str) -> Finding {
        let mut findings = Findings::about(about);
        findings.doubtful(problem, advice);
        findings.into_all().remove(0)
    }

    #[test]
    fn what_many_groups_have_is_said_once() {
        let rebalanced = |number: usize| {
            let name = format!("t-{number}");
            finding(&name, "it rebalances", &format!("suspend it in {name}"))
        };
        let mut all: Vec<Finding> = (1..=200).map(rebalanced).collect();
        all.push(finding("t-7", "it is full: 3 of 3", "raise it"));
        assert_eq!(
            printed(&all),
            "  look at     each of 200 (t-1, t-2, t-3, t-4, t-5 and 195 more): it rebalances
              for t-1: suspend it in t-1
  look at     t-7: it is full: 3 of 3
              raise it
  found       0 wrong, 201 to look at
"
        );
    }

    #[test]
    fn what_differs_in_numbers_is_of_one_kind() {
        let all = [
            finding("a", "it is full: 3 of 3", "raise it"),
            finding("b", "it is full: 20 of 20", "raise it"),
        ];
        assert_eq!(
            printed(&all),
            "  look at     each of 2 (a, b), as a: it is full: 3 of 3
              raise it
  found       0 wrong, 2 to look at
"
        );
        assert_eq!(printed(&[]), "  found       nothing: all is well\n");
    }
}
