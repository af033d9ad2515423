//! `opt-in` and `opt-out`: the tag with which a group becomes a target of the pool.

use crate::cli::Options;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{Screen, Tone};
use crate::session::{OrFailure, Session};
use crate::stack::Stack;
use crate::words;
use ready_pool_aws::auto_scaling::GroupTag;
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use serde::Serialize;

/// How a group stands to the pool, for programs.
#[derive(Serialize)]
struct Standing<'a> {
    target_group: &'a str,
    pool: Option<&'a str>,
    open_claims: usize,
}

/// Lets the group get instances of the pool.
pub(crate) async fn opt_in(
    name: &str,
    session: &Session,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let stack = Stack::asked_for(session, options).await?;
    let group = group(name, session).await?;
    check(&group, &stack)?;
    let tag = GroupTag {
        group: group.name.clone(),
        key: OPT_IN_TAG.to_owned(),
        value: stack.pool.to_string(),
    };
    let written = session.auto_scaling.write_tags(&[tag]).await;
    written.or_failure(session)?;
    if options.json {
        screen.json(&target(&group, Some(&stack.pool)))?;
        return Ok(Exit::Done);
    }
    screen.heading(group.name.as_str())?;
    let text = format!("claims may name it: it gets instances of {}", stack.pool);
    screen.field("opted in", &text, Tone::Good)?;
    let next = "`ready-pool doctor` lists settings of the group that could terminate its instances";
    screen.field("next", next, Tone::Plain)?;
    Ok(Exit::Done)
}

/// Takes that back.
pub(crate) async fn opt_out(
    name: &str,
    session: &Session,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let stack = Stack::asked_for(session, options).await?;
    let group = group(name, session).await?;
    if !group.is_opted_in_to(&stack.pool) {
        return Err(Failure::Usage(format!(
            "nothing was changed: {name} has not opted in to {}",
            stack.pool
        )));
    }
    let tag = (group.name.clone(), OPT_IN_TAG.to_owned());
    let removed = session.auto_scaling.remove_tags(&[tag]).await;
    removed.or_failure(session)?;
    let target = target(&group, None);
    if options.json {
        screen.json(&target)?;
        return Ok(Exit::Done);
    }
    screen.heading(group.name.as_str())?;
    screen.field("opted out", "claims that name it are rejected", Tone::Good)?;
    if target.open_claims > 0 {
        let claims = words::count(target.open_claims, "claim was", "claims were");
        let text = format!(
            "{claims} open: the functions may not write there any more, and what they had not attached yet is retired"
        );
        screen.field("look at", &text, Tone::Doubtful)?;
    }
    let next = "instances that it has stay where they are";
    screen.field("next", next, Tone::Plain)?;
    Ok(Exit::Done)
}

fn target<'a>(group: &'a Group, pool: Option<&'a GroupName>) -> Standing<'a> {
    Standing {
        target_group: group.name.as_str(),
        pool: pool.map(GroupName::as_str),
        open_claims: group.entries().filter(|(_, entry)| entry.is_open()).count(),
    }
}

async fn group(name: &str, session: &Session) -> Result<Group, Failure> {
    let name = GroupName::try_from(name).map_err(|problem| {
        Failure::Usage(format!("{name:?} is no name of a group: it {problem}"))
    })?;
    let group = session.auto_scaling.group(&name).await;
    group.or_failure(session)?.ok_or_else(|| {
        Failure::Usage(format!(
            "nothing was changed: there is no Auto Scaling group {name} in {}; create it first, or correct the name",
            session.place
        ))
    })
}

/// Whether it may opt in.
fn check(group: &Group, stack: &Stack) -> Result<(), Failure> {
    let name = &group.name;
    let refuse = |problem: String| Err(Failure::Usage(format!("nothing was changed: {problem}")));
    stack.check_may_be_target(name).or_else(refuse)?;
    match group.tags.get(OPT_IN_TAG) {
        Some(other) if other != stack.pool.as_str() => refuse(format!(
            "{name} has opted in to {other}, and a group is a target of one pool; opt it out there first"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::tests::group;
    use crate::stack::tests::stack;

    #[test]
    fn a_target_is_of_one_pool_and_none_of_ours() {
        let stack = stack();
        let said = |name: &str, tag: Option<&str>| {
            let mut group = group(name, &[]);
            if let Some(tag) = tag {
                group.tags.insert(OPT_IN_TAG.to_owned(), tag.to_owned());
            }
            check(&group, &stack).map_err(|failure| failure.to_string())
        };
        assert_eq!(said("tenant", None), Ok(()));
        assert_eq!(said("tenant", Some("rp-pool")), Ok(()));
        assert!(
            said("tenant", Some("other"))
                .unwrap_err()
                .contains("opted in to other")
        );
        for ours in ["rp-pool", "rp-retirement"] {
            assert!(
                said(ours, None)
                    .unwrap_err()
                    .contains("name a tenant's group"),
                "{ours}"
            );
        }
    }
}
