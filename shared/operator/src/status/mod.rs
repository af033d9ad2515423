//! `status`: the pool, the queues and the open claims at one moment, or again and again.

mod family;
mod text;
mod view;

pub(crate) use view::Counts;

use crate::cli::{Options, StatusOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::family::Family;
use crate::pool::Agents;
use crate::screen::Screen;
use crate::session::{OrFailure, Session};
use crate::stack::{QueueKind, Stack};
use family::{FamilyStatus, Line};
use ready_pool_aws::clock::sleep;
use ready_pool_core::call_error::Effect;
use ready_pool_core::group::Group;
use ready_pool_core::ids::InstanceId;
use std::collections::BTreeMap;
use std::time::Duration;
use view::{Seen, Status};

/// What was asked about.
enum Asked {
    /// One pool.
    Stack(Stack),
    /// All pools of a family.
    Family(Family),
}

/// How that stands.
enum Answer {
    Stack(Box<Status>),
    Family(FamilyStatus),
}

/// Shows how everything stands.
pub(crate) async fn run(
    asked: &StatusOptions,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let about = match (&options.family, &options.pool) {
        (Some(family), None) => Asked::Family(Family::find(session, family).await?),
        _ => Asked::Stack(Stack::asked_for(session, options).await?),
    };
    let mut is_first = true;
    loop {
        match about.answer(session).await {
            Ok(answer) => {
                if asked.watch && !options.json {
                    screen.again(is_first)?;
                }
                answer.print(options, screen)?;
            }
            // One look of many may fail: AWS is busy, the network is away for a moment.
            Err(Failure::Call { error, place })
                if asked.watch && !is_first && error.effect != Effect::Refused =>
            {
                screen.problem(&crate::failure::advice(&error, &place));
            }
            Err(failure) => return Err(failure),
        }
        if !asked.watch {
            return Ok(Exit::Done);
        }
        is_first = false;
        sleep(Duration::from_secs(asked.every)).await;
    }
}

impl Asked {
    async fn answer(&self, session: &Session) -> Result<Answer, Failure> {
        let family = match self {
            Self::Stack(stack) => {
                let seen = look(session, stack).await?;
                return Ok(Answer::Stack(Box::new(Status::of(&seen))));
            }
            Self::Family(family) => family,
        };
        let mut lines = Vec::new();
        for pool in &family.pools {
            let (status, problem) = match look(session, &pool.stack).await {
                Ok(seen) => (Some(Status::of(&seen)), None),
                // A stack that is broken hides no other.
                Err(Failure::NoPart(problem)) => (None, Some(problem)),
                Err(failure) => return Err(failure),
            };
            lines.push(Line {
                name: pool.name.clone(),
                status,
                problem,
            });
        }
        let (region, now) = (&session.place.region, session.now());
        Ok(Answer::Family(FamilyStatus::of(
            &family.name,
            region,
            now,
            lines,
        )))
    }
}

impl Answer {
    fn print(&self, options: &Options, screen: &mut Screen<'_>) -> Result<(), Failure> {
        match (self, options.json) {
            (Self::Stack(status), true) => screen.json(status),
            (Self::Stack(status), false) => text::print(status, screen),
            (Self::Family(family), true) => screen.json(family),
            (Self::Family(family), false) => family.print(screen),
        }
    }
}

/// One look at everything.
async fn look(session: &Session, stack: &Stack) -> Result<Seen, Failure> {
    let (pool, retirement) = stack.groups(session).await?;
    let agents = agents(session, &pool).await?;
    let targets = session.auto_scaling.targets_of(&stack.pool).await;
    let targets = targets.or_failure(session)?;
    let mut queues = BTreeMap::new();
    for queue in QueueKind::ALL {
        if let Some(attributes) = attributes(session, stack, queue).await? {
            queues.insert(queue, Counts::of(&attributes));
        }
    }
    Ok(Seen {
        now: session.now(),
        stack: stack.clone(),
        region: session.place.region.clone(),
        pool,
        agents,
        retirement,
        targets,
        queues,
    })
}

/// The agents of a group's members.
pub(crate) async fn agents(session: &Session, group: &Group) -> Result<Agents, Failure> {
    let members: Vec<InstanceId> = group
        .members
        .iter()
        .map(|member| member.instance.clone())
        .collect();
    let agents = session.systems_manager.agents(&members).await;
    agents.or_failure(session)
}

/// What a queue is set to and how many messages it holds; `None` where it is not there.
pub(crate) async fn attributes(
    session: &Session,
    stack: &Stack,
    queue: QueueKind,
) -> Result<Option<BTreeMap<String, String>>, Failure> {
    let attributes = session.queues.attributes(&stack.url(queue)).await;
    attributes.or_failure(session)
}
