//! `opt-in` and `opt-out`: the tag with which a group becomes a target of the pool.

use crate::cli::Options;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{Screen, Tone};
use crate::session::{OrFailure, Place, Session};
use crate::stack::Stack;
use crate::words;
use ready_pool_aws::auto_scaling::GroupTag;
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use serde::Serialize;
use std::fmt::Display;

/// How a group stands to the pool, for programs.
#[derive(Serialize)]
struct Standing<'a> {
    target_group: &'a str,
    pool: Option<&'a str>,
    open_claims: usize,
}

/// What an opt-in does.
#[derive(Debug, PartialEq, Eq)]
enum OptIn {
    /// It writes the tag; where that named a pool that is not there, over this name.
    Write(Option<String>),
    /// The tag is there.
    Already,
}

/// What an opt-out does.
#[derive(Debug, PartialEq, Eq)]
enum OptOut {
    /// It removes the tag.
    Remove,
    /// There is none.
    Already,
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
    let other = living_pool(&group, &stack, session).await?;
    let what = to_opt_in(&group, &stack, other.as_deref(), &session.place).map_err(unchanged)?;
    if let OptIn::Write(_) = &what {
        let tag = GroupTag {
            group: group.name.clone(),
            key: OPT_IN_TAG.to_owned(),
            value: stack.pool.to_string(),
        };
        let written = session.auto_scaling.write_tags(&[tag]).await;
        written.or_failure(session)?;
    }
    if options.json {
        screen.json(&target(&group, Some(&stack.pool)))?;
        return Ok(Exit::Done);
    }
    screen.heading(group.name.as_str())?;
    let already = if what == OptIn::Already {
        "already: "
    } else {
        ""
    };
    let text = format!(
        "{already}claims may name it: it gets instances of {}",
        stack.pool
    );
    screen.field("opted in", &text, Tone::Good)?;
    if let OptIn::Write(Some(misspelt)) = what {
        let text = format!("its tag {OPT_IN_TAG}: it named {misspelt}, and there is no such group");
        screen.field("corrected", &text, Tone::Plain)?;
    }
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
    let other = living_pool(&group, &stack, session).await?;
    let what = to_opt_out(&group, &stack, other.as_deref(), &session.place).map_err(unchanged)?;
    if what == OptOut::Remove {
        let tag = (group.name.clone(), OPT_IN_TAG.to_owned());
        let removed = session.auto_scaling.remove_tags(&[tag]).await;
        removed.or_failure(session)?;
    }
    let target = target(&group, None);
    if options.json {
        screen.json(&target)?;
        return Ok(Exit::Done);
    }
    screen.heading(group.name.as_str())?;
    let already = if what == OptOut::Already {
        "already: "
    } else {
        ""
    };
    let text = format!("{already}claims that name it are rejected");
    screen.field("opted out", &text, Tone::Good)?;
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
        unchanged(format!(
            "there is no Auto Scaling group {name} in {}; correct the name",
            session.place
        ))
    })
}

fn unchanged(problem: impl Display) -> Failure {
    Failure::Usage(format!("nothing was changed: {problem}"))
}

/// The pool that the group opted in to, if it is another than the stack's, and is there.
async fn living_pool(
    group: &Group,
    stack: &Stack,
    session: &Session,
) -> Result<Option<String>, Failure> {
    let Some(tag) = group
        .opted_in_to()
        .filter(|tag| *tag != stack.pool.as_str())
    else {
        return Ok(None);
    };
    // What is no name of a group is none.
    let Ok(name) = GroupName::try_from(tag) else {
        return Ok(None);
    };
    let pool = session.auto_scaling.group(&name).await;
    Ok(pool.or_failure(session)?.map(|_| tag.to_owned()))
}

/// What an opt-in does to this group; `other` is another pool that it opted in to, if that is there.
fn to_opt_in(
    group: &Group,
    stack: &Stack,
    other: Option<&str>,
    place: &Place,
) -> Result<OptIn, String> {
    let name = &group.name;
    stack.check_may_be_target(name)?;
    if let Some(other) = other {
        return Err(format!(
            "{name} has opted in to {other}, and a group is a target of one pool; opt it out there first{}",
            unless_a_pool(group, other, place)
        ));
    }
    Ok(match group.opted_in_to() {
        Some(tag) if tag == stack.pool.as_str() => OptIn::Already,
        misspelt => OptIn::Write(misspelt.map(str::to_owned)),
    })
}

/// What an opt-out does to this group; `other` as above.
fn to_opt_out(
    group: &Group,
    stack: &Stack,
    other: Option<&str>,
    place: &Place,
) -> Result<OptOut, String> {
    match other {
        Some(other) => Err(format!(
            "{} has opted in to {other}, and not to {}; name that pool's stack{}",
            group.name,
            stack.pool,
            unless_a_pool(group, other, place)
        )),
        None if group.opted_in_to().is_some() => Ok(OptOut::Remove),
        None => Ok(OptOut::Already),
    }
}

/// The way back where the group that the tag names is there, and no pool: nothing here can tell.
fn unless_a_pool(group: &Group, other: &str, place: &Place) -> String {
    let line = format!(
        "autoscaling delete-tags --tags ResourceId={},ResourceType=auto-scaling-group,Key={OPT_IN_TAG}",
        group.name
    );
    format!(". If {other} is no pool: {}", place.aws(&line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::tests::group;
    use crate::session::tests::place;
    use crate::stack::tests::stack;

    fn tagged(name: &str, tag: Option<&str>) -> Group {
        let mut group = group(name, &[]);
        if let Some(tag) = tag {
            group.tags.insert(OPT_IN_TAG.to_owned(), tag.to_owned());
        }
        group
    }

    #[test]
    fn a_target_is_of_one_pool_and_none_of_ours() {
        let stack = stack();
        let said = |name: &str, tag: Option<&str>, other: Option<&str>| {
            to_opt_in(&tagged(name, tag), &stack, other, &place())
        };
        assert_eq!(said("tenant", None, None), Ok(OptIn::Write(None)));
        assert_eq!(said("tenant", Some("rp-pool"), None), Ok(OptIn::Already));
        let corrected = Ok(OptIn::Write(Some("rp-pol".to_owned())));
        assert_eq!(said("tenant", Some("rp-pol"), None), corrected);
        let refused = said("tenant", Some("other"), Some("other")).unwrap_err();
        assert!(refused.contains("opted in to other"), "{refused}");
        let way_back = "If other is no pool: aws autoscaling delete-tags --tags ResourceId=tenant,";
        assert!(refused.contains(way_back), "{refused}");
        for ours in ["rp-pool", "rp-retirement"] {
            let refused = said(ours, None, None).unwrap_err();
            assert!(refused.contains("name a tenant's group"), "{refused}");
        }
    }

    #[test]
    fn an_opt_out_removes_what_nobody_else_serves() {
        let stack = stack();
        let said = |tag: Option<&str>, other: Option<&str>| {
            to_opt_out(&tagged("tenant", tag), &stack, other, &place())
        };
        assert_eq!(said(Some("rp-pool"), None), Ok(OptOut::Remove));
        assert_eq!(said(Some("rp-pol"), None), Ok(OptOut::Remove));
        assert_eq!(said(None, None), Ok(OptOut::Already));
        assert!(said(Some("other"), Some("other")).is_err());
    }
}
