//! `pause` and `resume`: the tag on the pool that both functions heed.

use crate::cli::{Options, Pausing};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{Screen, Tone};
use crate::session::{OrFailure, Session};
use crate::stack::Stack;
use ready_pool_aws::auto_scaling::GroupTag;
use ready_pool_core::ids::GroupName;
use ready_pool_core::pause::{PAUSE_TAG, Pause};
use serde::Serialize;

/// What is paused, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Paused {
    /// Whether no claim gets an instance.
    pub(crate) claims: bool,
    /// Whether the pool is neither filled nor renewed.
    pub(crate) replenishing: bool,
    /// The tag's value where it is none of ours: it pauses everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) misspelt: Option<String>,
}

impl From<Pause<'_>> for Paused {
    fn from(pause: Pause<'_>) -> Self {
        Self {
            claims: pause.claims,
            replenishing: pause.replenishing,
            misspelt: pause.misspelt.map(str::to_owned),
        }
    }
}

impl Paused {
    /// Whether anything is paused, in words.
    pub(crate) fn words(&self) -> Option<String> {
        let what = match (self.claims, self.replenishing) {
            (false, false) => return None,
            (true, false) => "claims: none gets an instance, all wait in line",
            (false, true) => "replenishing: the pool is neither filled nor renewed",
            (true, true) => "claims and replenishing",
        };
        Some(match &self.misspelt {
            Some(value) => format!(
                "{what}, because the tag {PAUSE_TAG} has the value {value:?}, which is none of claims, replenishing, all"
            ),
            None => what.to_owned(),
        })
    }
}

/// Pauses.
pub(crate) async fn pause(
    what: Pausing,
    session: &Session,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let pool = pool(session, options).await?;
    let tag = GroupTag {
        group: pool.clone(),
        key: PAUSE_TAG.to_owned(),
        value: what.code().to_owned(),
    };
    let written = session.auto_scaling.write_tags(&[tag]).await;
    written.or_failure(session)?;
    let paused = Paused {
        claims: what != Pausing::Replenishing,
        replenishing: what != Pausing::Claims,
        misspelt: None,
    };
    say(&pool, &paused, options, screen)
}

/// Goes on.
pub(crate) async fn resume(
    session: &Session,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let pool = pool(session, options).await?;
    let tag = (pool.clone(), PAUSE_TAG.to_owned());
    let removed = session.auto_scaling.remove_tags(&[tag]).await;
    removed.or_failure(session)?;
    let paused = Paused {
        claims: false,
        replenishing: false,
        misspelt: None,
    };
    say(&pool, &paused, options, screen)
}

/// The pool, if it is there: a tag on a group that is not there is refused in words that help nobody.
async fn pool(session: &Session, options: &Options) -> Result<GroupName, Failure> {
    let stack = Stack::asked_for(session, options).await?;
    let (pool, _) = stack.groups(session).await?;
    Ok(pool.name)
}

fn say(
    pool: &GroupName,
    paused: &Paused,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    if options.json {
        screen.json(paused)?;
        return Ok(Exit::Done);
    }
    screen.heading(pool.as_str())?;
    match paused.words() {
        Some(words) => {
            screen.field("paused", &words, Tone::Doubtful)?;
            let next = "what was begun goes on to its end; `ready-pool resume` ends the pause";
            screen.field("next", next, Tone::Plain)?;
        }
        None => screen.field("paused", "nothing: the pool works", Tone::Good)?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_tag_is_quoted() {
        let pause = Pause {
            claims: true,
            replenishing: true,
            misspelt: Some("claim"),
        };
        let words = Paused::from(pause).words().unwrap();
        assert!(words.contains("\"claim\""), "{words}");
        assert_eq!(Paused::from(Pause::default()).words(), None);
    }
}
