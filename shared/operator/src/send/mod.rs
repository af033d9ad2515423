//! `send`: a claim that was checked, and what becomes of it.

mod check;
mod compose;
mod standing;
mod wait;

use crate::cli::{Options, SendOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::family;
use crate::screen::{Screen, Tone};
use crate::session::{OrFailure, Place, Session};
use crate::stack::{QueueKind, Stack};
use compose::Files;
use ready_pool_aws::queue::{Outgoing, Queue};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::{Claim, DRY_RUN_GROUP};
use serde::Serialize;
use std::io::Read;
use std::path::Path;
use wait::{Before, CtrlC, Watch};

/// A claim that was sent, for programs.
#[derive(Serialize)]
struct Sent<'a> {
    claim_id: &'a str,
    target_group: &'a str,
    outcome: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: Timestamp,
}

/// Sends what was asked for.
pub(crate) async fn run(
    asked: &SendOptions,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let text_of = |option: &str, path: Option<&Path>| {
        let text = path.map(|path| read_file(option, path));
        text.transpose()
    };
    let claim = text_of("--file", asked.file.as_deref())?;
    let script = text_of("--script", asked.script.as_deref())?;
    let files = Files {
        claim: claim.as_deref(),
        script: script.as_deref(),
    };
    let mut composed = compose::claims(asked, files, session.now())?;
    if asked.print {
        for claim in &composed.claims {
            screen.json(claim)?;
        }
        return Ok(Exit::Done);
    }
    if asked.wait && composed.claims.iter().any(|claim| claim.dry_run) {
        return Err(Failure::Usage(
            "nothing was sent: a dry run has no entry to wait for; its answer goes to the outcome queue".to_owned(),
        ));
    }
    let stack = stack(&composed.claims, options, session).await?;
    check::check(session, &stack, &composed.claims, asked.again).await?;
    if !asked.wait {
        composed.sent_at(session.now())?;
        let claims = &composed.claims;
        send(session, &stack, claims).await?;
        say_sent(claims, &stack, &session.place, options, screen)?;
        if !options.json {
            say_pause(session, &stack, screen).await?;
        }
        return Ok(Exit::Done);
    }
    let before = Before::read(session, &stack, &composed.claims, screen).await?;
    composed.sent_at(session.now())?;
    let claims = &composed.claims;
    let ctrl_c = CtrlC::listen();
    send(session, &stack, claims).await?;
    if !options.json {
        screen.heading(&format!("Sent to pool {}", stack.pool))?;
        say_pause(session, &stack, screen).await?;
    }
    let watch = Watch::new(session, &stack, claims, before);
    watch.follow(ctrl_c, options, screen).await
}

/// The stack that the claims go to. All of them have one target.
async fn stack(claims: &[Claim], options: &Options, session: &Session) -> Result<Stack, Failure> {
    match (&options.family, claims.first()) {
        (Some(family), Some(claim)) => {
            let pool = options.pool.as_deref();
            let may_be_made = claim.create_target.is_some();
            family::of_target(session, family, pool, &claim.target_group, may_be_made).await
        }
        _ => Stack::asked_for(session, options).await,
    }
}

fn read_file(option: &str, path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| {
        Failure::Usage(format!(
            "nothing was sent: cannot read {option} {}: {error}",
            path.display()
        ))
    })
}

async fn send(session: &Session, stack: &Stack, claims: &[Claim]) -> Result<(), Failure> {
    let queue = Queue::new(&session.clients, stack.provision.clone());
    // To the nanosecond: no other message has its id.
    let now = session.clock.now();
    let messages: Result<Vec<Outgoing>, CallError> = claims
        .iter()
        .map(|claim| {
            let group = if claim.dry_run {
                DRY_RUN_GROUP
            } else {
                stack.pool.as_str()
            };
            let message = Outgoing::json(claim)?;
            Ok(message.ordered(group, deduplication_id(claim, now)))
        })
        .collect();
    let messages = messages.map_err(|error| session.failed(error))?;
    let results = queue.send(&messages).await;
    let sent = results.iter().filter(|result| result.is_ok()).count();
    let mut errors = results.into_iter().filter_map(Result::err);
    match errors.next() {
        None => Ok(()),
        Some(error) if sent == 0 => Err(session.failed(error)),
        Some(error) => Err(Failure::PartlySent {
            sent,
            all: claims.len(),
            error,
        }),
    }
}

/// Fresh: SQS drops a message whose id it has seen within five minutes, and says nothing.
fn deduplication_id(claim: &Claim, now: Timestamp) -> String {
    format!("{}-{}", claim.claim_id, now.unix_timestamp_nanos())
}

fn say_sent(
    claims: &[Claim],
    stack: &Stack,
    place: &Place,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    if options.json {
        for claim in claims {
            screen.json(&Sent {
                claim_id: claim.claim_id.as_str(),
                target_group: claim.target_group.as_str(),
                outcome: if claim.dry_run { "dry_run" } else { "open" },
                expires_at: claim.expires_at,
            })?;
        }
        return Ok(());
    }
    screen.heading(&format!("Sent to pool {}", stack.pool))?;
    for claim in claims {
        let text = format!(
            "{} for {}, until {}",
            claim.claim_id,
            claim.target_group,
            crate::words::moment(claim.expires_at)
        );
        screen.field("claim", &text, Tone::Plain)?;
    }
    let next = match claims {
        [claim, ..] if claim.dry_run => {
            let line = format!(
                "sqs receive-message --queue-url {} --wait-time-seconds 20",
                stack.url(QueueKind::Outcome)
            );
            format!(
                "the answer goes to the outcome queue, {}; nothing is changed. To read it, unless your service is faster: {}",
                stack.queue_name(QueueKind::Outcome),
                place.aws(&line)
            )
        }
        [claim, ..] => format!(
            "`ready-pool claim {}` shows how it stands; its outcome goes to the outcome queue",
            claim.claim_id
        ),
        [] => return Ok(()),
    };
    screen.field("next", &next, Tone::Plain)
}

/// Nobody waits for an instance in vain without a word.
async fn say_pause(
    session: &Session,
    stack: &Stack,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let pool = session.auto_scaling.group(&stack.pool).await;
    let pool = pool.or_failure(session)?;
    if pool.is_some_and(|pool| pool.pause().claims) {
        let text = "claims are paused: nobody gets an instance until `ready-pool resume`";
        screen.field("paused", text, Tone::Bad)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ready_pool_core::claim::Init;
    use ready_pool_core::ids::{ClaimId, GroupName};
    use time::macros::datetime;

    #[test]
    fn a_claim_that_is_sent_again_has_another_deduplication_id_of_at_most_128_characters() {
        let claim = Claim::new(
            ClaimId::try_from("x".repeat(64)).unwrap(),
            GroupName::try_from("tenant").unwrap(),
            Init::new(["true"]),
            datetime!(2026-11-29 13:15 UTC),
        );
        let one = deduplication_id(&claim, datetime!(2026-11-29 13:00 UTC));
        let other = deduplication_id(&claim, datetime!(2026-11-29 13:00:00.001 UTC));
        assert_ne!(one, other);
        assert!(one.len() <= 128, "{one}");
    }
}
