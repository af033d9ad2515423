//! `pause` and `resume`: the tag on the pool that both functions heed.

use crate::cli::{Options, Pausing};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{Screen, Tone};
use crate::session::{OrFailure, Session};
use crate::stack::Stack;
use ready_pool_aws::auto_scaling::GroupTag;
use ready_pool_core::group::Group;
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

/// What a pause or its end has come to, for programs.
#[derive(Serialize)]
struct Report<'a> {
    stack: &'a str,
    pool: &'a str,
    #[serde(flatten)]
    paused: &'a Paused,
}

/// Pauses, beside what is paused already.
pub(crate) async fn pause(
    what: Pausing,
    session: &Session,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let (stack, pool) = pool(session, options).await?;
    let (what, already) = added(pool.pause(), what);
    let tag = GroupTag {
        group: pool.name.clone(),
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
    if options.json {
        return report(&stack, &pool, &paused, screen);
    }
    screen.heading(pool.name.as_str())?;
    let words = paused.words().unwrap_or_default();
    screen.field("paused", &words, Tone::Doubtful)?;
    if let Some(already) = already {
        screen.field("", &already, Tone::Plain)?;
    }
    let next = "what was begun goes on to its end; `ready-pool resume` ends the pause";
    screen.field("next", next, Tone::Plain)?;
    Ok(Exit::Done)
}

/// Ends a pause.
pub(crate) async fn resume(
    session: &Session,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let (stack, pool) = pool(session, options).await?;
    let was = Paused::from(pool.pause()).words();
    if was.is_some() {
        let tag = (pool.name.clone(), PAUSE_TAG.to_owned());
        let removed = session.auto_scaling.remove_tags(&[tag]).await;
        removed.or_failure(session)?;
    }
    if options.json {
        return report(&stack, &pool, &Paused::from(Pause::default()), screen);
    }
    screen.heading(pool.name.as_str())?;
    match was {
        Some(was) => {
            screen.field("resumed", "the pool works", Tone::Good)?;
            screen.field("ended", &was, Tone::Plain)?;
        }
        None => screen.field("paused", "not paused: nothing was changed", Tone::Good)?,
    }
    Ok(Exit::Done)
}

/// What is paused once this is, too, and what is to be said of what was paused already. A pause ends no other.
fn added(standing: Pause<'_>, what: Pausing) -> (Pausing, Option<String>) {
    if let Some(value) = standing.misspelt {
        let rest = match what {
            Pausing::Claims => "; replenishing goes on again",
            Pausing::Replenishing => "; claims go on again",
            Pausing::All => "",
        };
        return (
            what,
            Some(format!(
                "instead of {value:?}, which is no value of {PAUSE_TAG} and paused both{rest}"
            )),
        );
    }
    let claims = standing.claims || what != Pausing::Replenishing;
    let replenishing = standing.replenishing || what != Pausing::Claims;
    let sum = match (claims, replenishing) {
        (true, true) => Pausing::All,
        (true, false) => Pausing::Claims,
        (false, _) => Pausing::Replenishing,
    };
    let already = match (standing.claims, standing.replenishing) {
        (false, false) => None,
        (true, true) => Some("both were paused already".to_owned()),
        (true, false) => Some("claims were paused already".to_owned()),
        (false, true) => Some("replenishing was paused already".to_owned()),
    };
    (sum, already)
}

/// The pool, if it is there: a tag on a group that is not there is refused in words that help nobody.
async fn pool(session: &Session, options: &Options) -> Result<(Stack, Group), Failure> {
    let stack = Stack::asked_for(session, options).await?;
    let (pool, _) = stack.groups(session).await?;
    Ok((stack, pool))
}

fn report(
    stack: &Stack,
    pool: &Group,
    paused: &Paused,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    screen.json(&Report {
        stack: &stack.name,
        pool: pool.name.as_str(),
        paused,
    })?;
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

    #[test]
    fn a_pause_is_added_to_what_is_paused_already() {
        use Pausing::{All, Claims, Replenishing};
        let standing = |claims, replenishing| Pause {
            claims,
            replenishing,
            misspelt: None,
        };
        for (claims, replenishing, what, sum, already) in [
            (false, false, Claims, Claims, None),
            (false, false, Replenishing, Replenishing, None),
            (
                false,
                true,
                Claims,
                All,
                Some("replenishing was paused already"),
            ),
            (
                true,
                false,
                Replenishing,
                All,
                Some("claims were paused already"),
            ),
            (
                true,
                false,
                Claims,
                Claims,
                Some("claims were paused already"),
            ),
            (true, true, Claims, All, Some("both were paused already")),
            (false, false, All, All, None),
        ] {
            let (now, said) = added(standing(claims, replenishing), what);
            assert_eq!((now, said.as_deref()), (sum, already), "{what:?}");
        }
    }

    #[test]
    fn a_pause_corrects_a_misspelt_one_and_says_what_goes_on_again() {
        let misspelt = Pause {
            claims: true,
            replenishing: true,
            misspelt: Some("claim"),
        };
        let (now, said) = added(misspelt, Pausing::Claims);
        assert_eq!(now, Pausing::Claims);
        let said = said.unwrap();
        assert!(said.contains("\"claim\""), "{said}");
        assert!(said.ends_with("replenishing goes on again"), "{said}");
    }
}
