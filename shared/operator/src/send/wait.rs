//! Follows claims to their ends.

use super::standing::Standing;
use crate::cli::Options;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::rejected::{self, Rejected};
use crate::screen::{Screen, Tone};
use crate::session::{OrFailure, Session};
use crate::stack::{QueueKind, Stack};
use crate::words;
use ready_pool_aws::clock::sleep;
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::claim::Claim;
use ready_pool_core::group::Group;
use ready_pool_core::ids::GroupName;
use ready_pool_core::reason::Reason;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long between two looks at the targets.
const PACE: Duration = Duration::from_secs(2);
/// Most claims that are rejected are rejected at once: the look that reads the rejected queue first.
const FIRST_AT_REJECTED: usize = 1;
/// How many looks pass between two at the rejected queue.
const LOOKS_BETWEEN_REJECTED: usize = 5;
/// So many looks in a row may fail before it is given up: a minute.
const FAILED_LOOKS: usize = 30;

/// Claims that are followed.
pub(super) struct Watch<'a> {
    session: &'a Session,
    stack: &'a Stack,
    claims: Vec<Followed<'a>>,
    /// Ids and times of what was rejected before.
    known: Vec<Rejected>,
    /// Whether the rejected queue can be read.
    reads_rejected: bool,
}

/// A claim that is followed.
struct Followed<'a> {
    claim: &'a Claim,
    standing: Standing,
    had_entry: bool,
}

/// How a claim ended, for programs.
#[derive(Serialize)]
struct End<'a> {
    claim_id: &'a str,
    target_group: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<&'a str>,
    message: String,
    #[serde(with = "time::serde::rfc3339")]
    at: Timestamp,
}

impl<'a> Watch<'a> {
    /// Looks at the targets before anything is sent: a claim that cannot be followed is not sent.
    pub(super) async fn begin(
        session: &'a Session,
        stack: &'a Stack,
        claims: &'a [Claim],
        again: bool,
    ) -> Result<Self, Failure> {
        let mut watch = Self {
            session,
            stack,
            claims: claims
                .iter()
                .map(|claim| Followed {
                    claim,
                    standing: Standing::InLine,
                    had_entry: false,
                })
                .collect(),
            known: Vec::new(),
            reads_rejected: true,
        };
        let targets = watch.targets().await?;
        for claim in claims {
            check(claim, targets.get(&claim.target_group), stack, again)?;
        }
        watch.known = watch.rejected_before().await?;
        Ok(watch)
    }

    /// Follows the claims until each has ended.
    pub(super) async fn follow(
        mut self,
        options: &Options,
        screen: &mut Screen<'_>,
    ) -> Result<Exit, Failure> {
        let mut failed = 0;
        for look in 0_usize.. {
            match self.look(look).await {
                Ok(changed) => {
                    failed = 0;
                    for index in changed {
                        self.say(index, options, screen)?;
                    }
                }
                Err(Failure::Call { error, .. })
                    if error.effect != Effect::Refused && failed < FAILED_LOOKS =>
                {
                    failed += 1;
                }
                Err(failure) => return Err(failure),
            }
            let exits: Option<Vec<Exit>> = self
                .claims
                .iter()
                .map(|followed| followed.standing.exit())
                .collect();
            if let Some(exits) = exits {
                // What is worst for whoever asked: nobody knows, then a bad end, then a good one.
                return Ok(exits.into_iter().max().unwrap_or(Exit::Done));
            }
            sleep(PACE).await;
        }
        Ok(Exit::Unknown)
    }

    /// One look at all that have not ended; answers whose standing has changed.
    async fn look(&mut self, number: usize) -> Result<Vec<usize>, Failure> {
        let targets = self.targets().await?;
        let is_in_line = |followed: &Followed<'_>| {
            let target = targets.get(&followed.claim.target_group);
            followed.standing.exit().is_none()
                && target.is_none_or(|target| target.entry(&followed.claim.claim_id).is_none())
        };
        let looks_at_rejected = number % LOOKS_BETWEEN_REJECTED == FIRST_AT_REJECTED;
        let rejected = if looks_at_rejected && self.claims.iter().any(is_in_line) {
            self.rejected().await?
        } else {
            Vec::new()
        };
        let now = self.session.now();
        let mut changed = Vec::new();
        for (index, followed) in self.claims.iter_mut().enumerate() {
            if followed.standing.exit().is_some() {
                continue;
            }
            let claim = followed.claim;
            let target = targets.get(&claim.target_group);
            let rejected = rejected.iter().find(|rejected| {
                rejected.claim_id == claim.claim_id.as_str()
                    && rejected.target_group.as_deref() == Some(claim.target_group.as_str())
                    && !self.known.contains(rejected)
            });
            followed.had_entry |=
                target.is_some_and(|target| target.entry(&claim.claim_id).is_some());
            let standing = Standing::of(claim, target, rejected, followed.had_entry, now);
            if standing != followed.standing || number == 0 {
                followed.standing = standing;
                changed.push(index);
            }
        }
        Ok(changed)
    }

    async fn targets(&self) -> Result<BTreeMap<GroupName, Group>, Failure> {
        targets(self.session, self.claims.iter().map(|it| it.claim)).await
    }

    fn ids(&self) -> BTreeSet<String> {
        let ids = self.claims.iter();
        ids.map(|followed| followed.claim.claim_id.to_string())
            .collect()
    }

    /// What the rejected queue holds of these claims before they are sent, whoever else reads it now.
    async fn rejected_before(&mut self) -> Result<Vec<Rejected>, Failure> {
        let found = rejected::find(self.session, self.stack, &self.ids()).await;
        self.unless_denied(found.map(|found| found.claims))
    }

    /// What can be seen of these claims on the rejected queue now.
    async fn rejected(&mut self) -> Result<Vec<Rejected>, Failure> {
        if !self.reads_rejected {
            return Ok(Vec::new());
        }
        let found = rejected::glance(self.session, self.stack, &self.ids()).await;
        self.unless_denied(found)
    }

    /// Whoever may not read the rejected queue goes on without.
    fn unless_denied(
        &mut self,
        found: Result<Vec<Rejected>, CallError>,
    ) -> Result<Vec<Rejected>, Failure> {
        match found {
            Err(error) if error.says_denied() => {
                self.reads_rejected = false;
                Ok(Vec::new())
            }
            other => other.or_failure(self.session),
        }
    }

    fn say(&self, index: usize, options: &Options, screen: &mut Screen<'_>) -> Result<(), Failure> {
        let Some(followed) = self.claims.get(index) else {
            return Ok(());
        };
        let Followed {
            claim, standing, ..
        } = followed;
        let rejected_queue = self.stack.queue_name(QueueKind::Rejected);
        let words = standing.words(claim, &rejected_queue);
        let now = self.session.now();
        if options.json {
            // Programs hear ends only.
            if standing.exit().is_none() {
                return Ok(());
            }
            return screen.json(&End {
                claim_id: claim.claim_id.as_str(),
                target_group: claim.target_group.as_str(),
                outcome: standing.code(),
                reason: standing.reason(),
                instance_id: standing.instance().map(|instance| instance.as_str()),
                message: words,
                at: now,
            });
        }
        let tone = match standing.exit() {
            None => Tone::Plain,
            Some(Exit::Done) => Tone::Good,
            Some(_) => Tone::Bad,
        };
        let text = format!("{}: {words}", claim.claim_id);
        screen.field(&words::clock(now), &text, tone)
    }
}

/// The targets of these claims.
async fn targets<'a>(
    session: &Session,
    claims: impl Iterator<Item = &'a Claim>,
) -> Result<BTreeMap<GroupName, Group>, Failure> {
    let names: BTreeSet<GroupName> = claims.map(|claim| claim.target_group.clone()).collect();
    let groups = session.auto_scaling.groups(&names).await;
    groups.or_failure(session)
}

/// Refuses claims that the functions would reject for what their targets are.
pub(super) async fn check_targets<'a>(
    session: &Session,
    stack: &Stack,
    claims: impl Iterator<Item = &'a Claim> + Clone,
) -> Result<(), Failure> {
    let targets = targets(session, claims.clone()).await?;
    for claim in claims {
        check(claim, targets.get(&claim.target_group), stack, true)?;
    }
    Ok(())
}

/// Refuses what would be waited for in vain.
fn check(claim: &Claim, target: Option<&Group>, stack: &Stack, again: bool) -> Result<(), Failure> {
    let (id, name) = (&claim.claim_id, &claim.target_group);
    let entry = target.and_then(|target| target.entry(id));
    let refuse = |problem: String| Err(Failure::Usage(format!("nothing was sent: {problem}")));
    stack.check_may_be_target(name).or_else(refuse)?;
    let Some(target) = target else {
        if claim.create_target.is_some() {
            return match &stack.target_prefix {
                Some(prefix) if name.as_str().starts_with(prefix) => Ok(()),
                Some(prefix) => refuse(format!(
                    "{name} does not exist, and the stack makes only groups whose names begin with {prefix} (its \
                     parameter TargetNamePrefix)"
                )),
                None => refuse(format!(
                    "{name} does not exist, and the stack makes none: its parameters TargetLaunchTemplate, \
                     TargetLaunchTemplateVersion and TargetNamePrefix are not set"
                )),
            };
        }
        let why = Reason::UnknownTarget.sentence_with(Some(name.as_str()));
        return refuse(why);
    };
    if !target.is_opted_in_to(&stack.pool) {
        return refuse(match target.opted_in_to() {
            Some(other) => format!(
                "{name} has opted in to {other}, and not to {}; name that pool's stack with --stack, or the family of both \
                 with --family",
                stack.pool
            ),
            None => format!(
                "{name} has not opted in; `ready-pool opt-in {name}` gives it the tag ready-pool:pool = {}",
                stack.pool
            ),
        });
    }
    match entry {
        // The room of a claim with an entry is counted already.
        None if target.desired_capacity >= target.max_size => {
            let known = format!(
                "{name}: desired capacity {}, maximum size {}",
                target.desired_capacity, target.max_size
            );
            refuse(Reason::TargetFull.sentence_with(Some(&known)))
        }
        Some(entry) if !again => refuse(format!(
            "{name} has an entry of {id} already ({entry}), and the same id is the same claim: it gets no second \
             instance. Use another --id, or --again to follow this one"
        )),
        _ => Ok(()),
    }
}
