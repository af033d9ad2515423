//! Follows claims to their ends.

use super::check::targets;
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
use ready_pool_core::call_error::Effect;
use ready_pool_core::claim::Claim;
use ready_pool_core::command;
use ready_pool_core::ids::InstanceId;
use ready_pool_core::reason::Reason;
use serde::Serialize;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    before: Before,
}

/// What the rejected queue held before the claims were sent.
pub(super) struct Before {
    /// Ids and times of what was rejected.
    known: Vec<Rejected>,
    /// Whether the queue can be read. Whoever may not goes on without.
    reads_rejected: bool,
}

impl Before {
    /// Reads it, whoever else reads it now.
    pub(super) async fn read(
        session: &Session,
        stack: &Stack,
        claims: &[Claim],
        screen: &mut Screen<'_>,
    ) -> Result<Self, Failure> {
        let ids = claims.iter().map(|claim| claim.claim_id.to_string());
        match rejected::find(session, stack, &ids.collect(), screen).await {
            Ok(found) => Ok(Self {
                known: found.claims,
                reads_rejected: true,
            }),
            Err(error) if error.says_denied() => Ok(Self {
                known: Vec::new(),
                reads_rejected: false,
            }),
            Err(error) => Err(session.failed(error)),
        }
    }
}

/// A claim that is followed.
struct Followed<'a> {
    claim: &'a Claim,
    standing: Standing,
    had_entry: bool,
}

/// Ctrl-C, which ends the program no more from here on: what was sent goes on, and that is to be said.
pub(super) struct CtrlC(Option<Signal>);

impl CtrlC {
    /// Listens for it. Where that cannot be, it ends the program by itself.
    pub(super) fn listen() -> Self {
        Self(signal(SignalKind::interrupt()).ok())
    }

    async fn came(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    message: String,
    #[serde(with = "time::serde::rfc3339")]
    at: Timestamp,
}

impl<'a> Watch<'a> {
    /// What is followed: claims that were sent after `before` was read.
    pub(super) fn new(
        session: &'a Session,
        stack: &'a Stack,
        claims: &'a [Claim],
        before: Before,
    ) -> Self {
        let in_line = |claim| Followed {
            claim,
            standing: Standing::InLine,
            had_entry: false,
        };
        Self {
            session,
            stack,
            claims: claims.iter().map(in_line).collect(),
            before,
        }
    }

    /// Follows the claims until each has ended, or Ctrl-C.
    pub(super) async fn follow(
        mut self,
        mut ctrl_c: CtrlC,
        options: &Options,
        screen: &mut Screen<'_>,
    ) -> Result<Exit, Failure> {
        tokio::select! {
            exit = self.until_ended(options, screen) => return exit,
            () = ctrl_c.came() => {}
        }
        for followed in &self.claims {
            if followed.standing.exit().is_none() {
                let id = &followed.claim.claim_id;
                screen.note(&format!("{id} goes on: `ready-pool claim {id}`"));
            }
        }
        Ok(Exit::Interrupted)
    }

    async fn until_ended(
        &mut self,
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
        let claims = self.claims.iter().map(|followed| followed.claim);
        let targets = targets(self.session, claims).await?;
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
        let session = self.session;
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
                    && !self.before.known.contains(rejected)
            });
            followed.had_entry |=
                target.is_some_and(|target| target.entry(&claim.claim_id).is_some());
            let mut standing = Standing::of(claim, target, rejected, followed.had_entry, now);
            if let Standing::Failed {
                reason: Reason::ScriptFailed,
                instance: Some(instance),
                exit_code,
            } = &mut standing
            {
                *exit_code = exit_code_of(session, claim, instance).await;
            }
            if standing != followed.standing || number == 0 {
                followed.standing = standing;
                changed.push(index);
            }
        }
        Ok(changed)
    }

    /// What can be seen of these claims on the rejected queue now.
    async fn rejected(&mut self) -> Result<Vec<Rejected>, Failure> {
        if !self.before.reads_rejected {
            return Ok(Vec::new());
        }
        let ids = self.claims.iter();
        let ids = ids.map(|followed| followed.claim.claim_id.to_string());
        match rejected::glance(self.session, self.stack, &ids.collect()).await {
            Err(error) if error.says_denied() => {
                self.before.reads_rejected = false;
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
                exit_code: standing.exit_code(),
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

/// How the claim's script ended on the instance. Whoever may not read the history goes without.
async fn exit_code_of(session: &Session, claim: &Claim, instance: &InstanceId) -> Option<i32> {
    let history = session.systems_manager.history(instance).await.ok()?;
    let comment = command::comment(&claim.key());
    let its = history.iter().find(|command| command.comment == comment)?;
    let run = session.systems_manager.run(&its.id, instance).await.ok()?;
    run.exit_code
}
