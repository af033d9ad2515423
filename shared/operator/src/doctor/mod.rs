//! `doctor`: what would go wrong at the next claim, and what to do about it.

mod examine;
mod finding;
mod pool;
mod stack;
mod targets;

use crate::cli::Options;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{Screen, Tone};
use crate::session::Session;
use crate::stack::Stack;
use crate::words;
use examine::Examined;
use finding::{Finding, Severity};
use serde::Serialize;

/// All findings, for programs.
#[derive(Serialize)]
struct Report<'a> {
    stack: &'a str,
    region: &'a str,
    targets: usize,
    findings: &'a [Finding],
}

/// Looks at everything and says what it found.
pub(crate) async fn run(
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let stack = Stack::find(session, &options.stack).await?;
    let examined = examine::examine(session, &stack).await?;
    let findings = findings(&examined);
    if options.json {
        screen.json(&Report {
            stack: &stack.name,
            region: &session.place.region,
            targets: examined.targets.len(),
            findings: &findings,
        })?;
    } else {
        print(&findings, &examined, session, screen)?;
    }
    let is_wrong = findings
        .iter()
        .any(|finding| finding.severity == Severity::Wrong);
    Ok(if is_wrong { Exit::Bad } else { Exit::Done })
}

/// Everything that is not as it should be, the worst first.
fn findings(examined: &Examined) -> Vec<Finding> {
    let mut findings = stack::findings(examined);
    findings.extend(pool::findings(examined));
    findings.extend(targets::findings(examined));
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn print(
    findings: &[Finding],
    examined: &Examined,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let stack = &examined.stack;
    screen.heading(&format!(
        "{} in {}: {}, pool {}, {}",
        stack.name,
        session.place.region,
        words::count(examined.queues.len(), "queue", "queues"),
        stack.pool,
        words::count(examined.targets.len(), "target", "targets"),
    ))?;
    for finding in findings {
        let (label, tone) = match finding.severity {
            Severity::Wrong => ("wrong", Tone::Bad),
            Severity::Doubtful => ("look at", Tone::Doubtful),
        };
        screen.field(
            label,
            &format!("{}: {}", finding.about, finding.problem),
            tone,
        )?;
        screen.field("", &finding.advice, Tone::Plain)?;
    }
    let wrong = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Wrong)
        .count();
    match (wrong, findings.len() - wrong) {
        (0, 0) => screen.field("found", "nothing: all is well", Tone::Good),
        (wrong, doubtful) => {
            let text = format!("{wrong} wrong, {doubtful} to look at");
            screen.field("found", &text, Tone::Plain)
        }
    }
}
