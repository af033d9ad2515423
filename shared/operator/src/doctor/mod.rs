//! `doctor`: what would go wrong at the next claim, and what to do about it.

mod examine;
mod family;
mod finding;
mod pool;
mod stack;
mod targets;

use crate::cli::Options;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::family::Family;
use crate::screen::{Screen, Tone};
use crate::session::{OrFailure, Session};
use crate::stack::Stack;
use crate::words;
use examine::Examined;
use finding::{Finding, Severity};
use ready_pool_core::group::Group;
use serde::Serialize;

/// All findings, for programs.
#[derive(Serialize)]
struct Report<'a> {
    stack: &'a str,
    region: &'a str,
    targets: usize,
    findings: &'a [Finding],
}

/// What is wrong with a family as a whole, for programs.
#[derive(Serialize)]
struct FamilyReport<'a> {
    family: &'a str,
    region: &'a str,
    findings: &'a [Finding],
}

/// Looks at everything and says what it found.
pub(crate) async fn run(
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let (Some(name), None) = (&options.family, &options.pool) else {
        let stack = Stack::asked_for(session, options).await?;
        return of_stack(&stack, options, session, screen).await;
    };
    let family = Family::find(session, name).await?;
    let mut exit = Exit::Done;
    for pool in &family.pools {
        exit = exit.max(of_stack(&pool.stack, options, session, screen).await?);
    }
    Ok(exit.max(of_family(&family, options, session, screen).await?))
}

async fn of_stack(
    stack: &Stack,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let examined = examine::examine(session, stack).await?;
    let findings = findings(&examined);
    if options.json {
        screen.json(&Report {
            stack: &stack.name,
            region: &session.place.region,
            targets: examined.targets.len(),
            findings: &findings,
        })?;
    } else {
        screen.heading(&format!(
            "{} in {}: {}, pool {}, {}",
            stack.name,
            session.place.region,
            words::count(examined.queues.len(), "queue", "queues"),
            stack.pool,
            words::count(examined.targets.len(), "target", "targets"),
        ))?;
        print(&findings, screen)?;
    }
    Ok(exit(&findings))
}

async fn of_family(
    family: &Family,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let targets = session.auto_scaling.targets_of_any_pool().await;
    let targets: Vec<Group> = targets.or_failure(session)?;
    let there = session.auto_scaling.groups(&family::named(&targets)).await;
    let there = there.or_failure(session)?.into_keys().collect();
    let findings = family::findings(family, &targets, &there);
    let region = &session.place.region;
    if options.json {
        screen.json(&FamilyReport {
            family: &family.name,
            region,
            findings: &findings,
        })?;
    } else {
        let pools = words::count(family.pools.len(), "pool", "pools");
        screen.heading(&format!("{} in {region}: {pools}", family.name))?;
        print(&findings, screen)?;
    }
    Ok(exit(&findings))
}

fn exit(findings: &[Finding]) -> Exit {
    let mut severities = findings.iter().map(|finding| finding.severity);
    if severities.any(|severity| severity == Severity::Wrong) {
        Exit::Bad
    } else {
        Exit::Done
    }
}

/// Everything that is not as it should be, the worst first.
fn findings(examined: &Examined) -> Vec<Finding> {
    let mut findings = stack::findings(examined);
    findings.extend(pool::findings(examined));
    findings.extend(targets::findings(examined));
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn print(findings: &[Finding], screen: &mut Screen<'_>) -> Result<(), Failure> {
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
