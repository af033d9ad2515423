//! `claim`: one claim's story, from its entry, the membership of its instance, the command history and its target's
//! activities, and what to do.

mod facts;
mod gather;
mod next;
mod numbered;
mod rejections;
mod stage;
mod text;

use crate::cli::{ClaimOptions, Options};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::family::Family;
use crate::screen::Screen;
use crate::session::Session;
use crate::stack::Stack;
use facts::Facts;
use ready_pool_core::ids::ClaimId;

/// Tells the story.
pub(crate) async fn run(
    asked: &ClaimOptions,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let claim_id = ClaimId::try_from(asked.id.as_str()).map_err(|problem| {
        Failure::Usage(format!("{:?} is no claim id: it {problem}", asked.id))
    })?;
    let stacks = match (&options.family, &options.pool) {
        (Some(family), None) => {
            let family = Family::find(session, family).await?;
            family.pools.into_iter().map(|pool| pool.stack).collect()
        }
        _ => vec![Stack::asked_for(session, options).await?],
    };
    let mut all = Vec::new();
    for stack in &stacks {
        all.push(gather::facts(session, stack, &claim_id, screen).await?);
    }
    let is_known = all.iter().any(Facts::has_trace);
    if is_known {
        all.retain(Facts::has_trace);
    }
    for facts in &all {
        print(facts, options, screen)?;
    }
    Ok(if is_known { Exit::Done } else { Exit::Unknown })
}

fn print(facts: &Facts, options: &Options, screen: &mut Screen<'_>) -> Result<(), Failure> {
    if options.json {
        return screen.json(&facts.to_json());
    }
    for claim in &facts.claims {
        text::print(claim, facts, screen)?;
    }
    if !facts.claims.is_empty() {
        return Ok(());
    }
    if !facts.rejected.is_empty() {
        return rejections::print(facts, screen);
    }
    if !facts.numbered.is_empty() {
        return numbered::print(facts, screen);
    }
    text::print_no_trace(facts, screen)
}

#[cfg(test)]
mod tests {
    use super::facts::{ClaimFacts, CommandFacts, Facts, InstanceFacts, PoolFacts};
    use crate::pause::Paused;
    use crate::pool::tests::instance_id;
    use crate::session::tests::place;
    use ready_pool_core::agent::Agent;
    use ready_pool_core::command::{Command, CommandStatus, Record};
    use ready_pool_core::ids::{ClaimId, GroupName};
    use time::macros::datetime;

    pub(super) fn pool() -> PoolFacts {
        PoolFacts {
            group: GroupName::try_from("rp-pool").unwrap(),
            retirement: GroupName::try_from("rp-retirement").unwrap(),
            ready: 1,
            booting: 2,
            desired: 3,
            paused: Paused {
                claims: false,
                replenishing: false,
                misspelt: None,
            },
            waiting: 0,
        }
    }

    /// A claim for `tenant` with this entry, whose instance is in no group.
    pub(super) fn claim(entry: &str) -> ClaimFacts {
        ClaimFacts {
            target: Some(GroupName::try_from("tenant").unwrap()),
            written: Some(entry.to_owned()),
            entry: entry.parse().ok(),
            instance: Some(InstanceFacts {
                id: instance_id("i-00000001"),
                placement: None,
                agent: Some(Agent {
                    online: true,
                    ..Agent::default()
                }),
            }),
            ..ClaimFacts::default()
        }
    }

    /// Its command.
    pub(super) fn command(status: CommandStatus) -> CommandFacts {
        CommandFacts {
            instance: instance_id("i-00000001"),
            command: Command {
                id: "c-1".into(),
                comment: String::new(),
                status,
                record: Record::default(),
            },
            run: None,
        }
    }

    pub(super) fn facts(claim: ClaimFacts) -> Facts {
        Facts {
            claim_id: ClaimId::try_from("signup-1").unwrap(),
            now: datetime!(2026-11-29 13:00 UTC),
            place: place(),
            pool: pool(),
            claims: vec![claim],
            rejected: Vec::new(),
            hidden: 0,
            numbered: Vec::new(),
        }
    }
}
