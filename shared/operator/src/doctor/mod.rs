//! `doctor`: what would go wrong at the next claim, and what to do about it.

mod examine;
mod family;
mod finding;
mod kept;
mod pool;
mod stack;
mod targets;
mod text;

use crate::cli::Options;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::family::Family;
use crate::screen::Screen;
use crate::session::{OrFailure, Session};
use crate::stack::Stack;
use crate::words;
use examine::Examined;
use finding::{Finding, Severity};
use ready_pool_core::group::Group;
use ready_pool_core::ids::GroupName;
use serde::Serialize;
use std::collections::BTreeSet;

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
        let (targets, there) = targets_of_any_pool(session).await?;
        let is_served = |target: &Group| target.is_opted_in_to(&stack.pool);
        let strays = family::without_a_pool(&targets, &there, is_served);
        let findings = of_stack(&stack, strays, options, session, screen).await?;
        return Ok(exit(&findings));
    };
    let family = Family::find(session, name).await?;
    let mut all = Vec::new();
    for pool in &family.pools {
        all.extend(of_stack(&pool.stack, Vec::new(), options, session, screen).await?);
    }
    of_family(&family, &mut all, options, session, screen).await?;
    Ok(exit(&all))
}

/// What is wrong with one stack; `others` are findings of other places that are printed with it.
async fn of_stack(
    stack: &Stack,
    others: Vec<Finding>,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Vec<Finding>, Failure> {
    let examined = examine::examine(session, stack).await?;
    let mut findings = findings(&examined);
    findings.extend(others);
    findings.sort_by_key(|finding| finding.severity);
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
        text::print(&findings, screen)?;
        text::print_sum("found", &findings, screen)?;
    }
    Ok(findings)
}

/// What is wrong with the family as a whole, after `all` of its stacks.
async fn of_family(
    family: &Family,
    all: &mut Vec<Finding>,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let (targets, there) = targets_of_any_pool(session).await?;
    let findings = family::findings(family, &targets, &there);
    let region = &session.place.region;
    if options.json {
        screen.json(&FamilyReport {
            family: &family.name,
            region,
            findings: &findings,
        })?;
        all.extend(findings);
    } else {
        let pools = words::count(family.pools.len(), "pool", "pools");
        screen.heading(&format!("{} in {region}: {pools}", family.name))?;
        text::print(&findings, screen)?;
        all.extend(findings);
        text::print_sum("in all", all, screen)?;
    }
    Ok(())
}

/// The groups that opted in to any pool, and those of the groups named in their tags that there are.
async fn targets_of_any_pool(
    session: &Session,
) -> Result<(Vec<Group>, BTreeSet<GroupName>), Failure> {
    let targets = session.auto_scaling.targets_of_any_pool().await;
    let targets = targets.or_failure(session)?;
    let there = session.auto_scaling.groups(&family::named(&targets)).await;
    let there = there.or_failure(session)?.into_keys().collect();
    Ok((targets, there))
}

fn exit(findings: &[Finding]) -> Exit {
    let mut severities = findings.iter().map(|finding| finding.severity);
    if severities.any(|severity| severity == Severity::Wrong) {
        Exit::Bad
    } else {
        Exit::Done
    }
}

/// Everything that is not as it should be.
fn findings(examined: &Examined) -> Vec<Finding> {
    let mut findings = stack::findings(examined);
    findings.extend(pool::findings(examined));
    findings.extend(targets::findings(examined));
    findings.extend(kept::findings(examined));
    findings
}
