//! `plan`: how large the pool must be, at what hit rate, and whether it pays off, by its own past or by times
//! in a file.

use crate::cli::{Options, PlanOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::family::Family;
use crate::screen::Screen;
use crate::session::{OrFailure, Session};
use crate::stack::Stack;
use ready_pool_aws::auto_scaling::LoggedActivity;
use ready_pool_aws::clock::sleep;
use ready_pool_core::Timestamp;
use ready_pool_core::group::Group;
use ready_pool_core::ids::GroupName;
use ready_pool_planner::family::{self, Pool, family};
use ready_pool_planner::history::{Activity, History, Setting, of_activities};
use ready_pool_planner::plan::Plan;
use ready_pool_planner::words;
use serde::Serialize;
use std::time::Duration;

/// Pages of activities that are read without a pause: two hundred claims and their launches.
const AT_ONCE: usize = 4;
/// The pause before each further page: all of an account share one unpublished limit of Auto Scaling's calls, and the
/// functions live from it.
const BETWEEN_PAGES: Duration = Duration::from_millis(250);
/// Who waits hears how far it is, each so many pages.
const PROGRESS: usize = 40;

/// What is printed as JSON of one pool.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    #[serde(flatten)]
    plan: &'a Plan,
}

/// What is printed as JSON of a family.
#[derive(Serialize)]
struct NamedFamily<'a> {
    family: &'a str,
    #[serde(flatten)]
    plan: &'a family::FamilyPlan,
}

/// Plans by a file; none where no file is named, and the live group is asked.
pub(crate) fn by_file(
    asked: &PlanOptions,
    options: &Options,
    screen: &mut Screen<'_>,
) -> Option<Result<Exit, Failure>> {
    if !asked.arguments.names_a_file() {
        return None;
    }
    if options.family.is_some() {
        let problem = "a file is the past of one pool: leave --family out, or the file";
        return Some(Err(Failure::Usage(problem.to_owned())));
    }
    match asked.arguments.history() {
        Ok(None) => None,
        Ok(Some((name, history))) => Some(one(asked, options, &name, &history, screen)),
        Err(error) => Some(Err(error.into())),
    }
}

/// Plans by the file that is named, or by what AWS remembers of the pool.
pub(crate) async fn run(
    asked: &PlanOptions,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    if let Some(result) = by_file(asked, options, screen) {
        return result;
    }
    if let (Some(name), None) = (&options.family, &options.pool) {
        return whole_family(asked, options, name, session, screen).await;
    }
    let stack = Stack::asked_for(session, options).await?;
    let history = past(session, &stack, screen).await?;
    let history = history.map_err(Failure::NoHistory)?;
    one(asked, options, stack.pool.as_str(), &history, screen)
}

/// Plans for one history of this name.
fn one(
    asked: &PlanOptions,
    options: &Options,
    name: &str,
    history: &History,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    let pool = options.pool.as_deref().unwrap_or_default();
    let arguments = asked.arguments.priced(asked.price_of(pool));
    let plan = arguments.plan(history)?;
    arguments.draw(&plan, name)?;
    if options.json {
        screen.json(&Named { name, plan: &plan })?;
    } else {
        screen.bytes(words::text(&plan, screen.width()).as_bytes())?;
    }
    Ok(Exit::Done)
}

/// Plans for each pool of a family, and for all as one.
async fn whole_family(
    asked: &PlanOptions,
    options: &Options,
    name: &str,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Result<Exit, Failure> {
    if asked.arguments.draws() {
        let problem = "a picture shows one pool: name it with --pool";
        return Err(Failure::Usage(problem.to_owned()));
    }
    let mut pools = Vec::new();
    for pool in Family::find(session, name).await?.pools {
        let history = match past(session, &pool.stack, screen).await {
            // A stack that is broken hides no other.
            Err(Failure::NoPart(problem)) => Err(problem),
            history => history?,
        };
        pools.push(Pool {
            history,
            instance_hour: asked.price_of(&pool.name),
            name: pool.name,
        });
    }
    let plan = family(&asked.arguments, &pools);
    if options.json {
        screen.json(&NamedFamily {
            family: name,
            plan: &plan,
        })?;
    } else {
        screen.bytes(plan.text(screen.width()).as_bytes())?;
    }
    Ok(if plan.has_plan() {
        Exit::Done
    } else {
        Exit::NotDone
    })
}

/// The past of a stack's pool as AWS remembers it, or in words that there is none to plan by.
async fn past(
    session: &Session,
    stack: &Stack,
    screen: &mut Screen<'_>,
) -> Result<Result<History, String>, Failure> {
    let (pool, _) = stack.groups(session).await?;
    let log = read_log(session, &stack.pool, screen).await?;
    let now = milliseconds(session.now());
    let history = of_activities(log.into_iter().map(activity), Some(now));
    Ok(history
        .map(|history| History {
            group: Some(setting(&pool)),
            ..history
        })
        .map_err(|_| {
            format!(
                "AWS remembers six weeks of {}, and no instance was handed out in them",
                pool.name
            )
        }))
}

/// All activities that AWS remembers of the group.
async fn read_log(
    session: &Session,
    group: &GroupName,
    screen: &mut Screen<'_>,
) -> Result<Vec<LoggedActivity>, Failure> {
    let mut log = Vec::new();
    let mut page = None;
    for read in 1.. {
        let answer = session.auto_scaling.log_page(group, page).await;
        let (lines, next) = answer.or_failure(session)?;
        log.extend(lines);
        page = next;
        if page.is_none() {
            break;
        }
        if read % PROGRESS == 0
            && let Some(last) = log.last()
        {
            let back = crate::words::moment(last.started_at);
            screen.note(&format!(
                "{} activities of {group}, back to {back}",
                log.len()
            ));
        }
        if read >= AT_ONCE {
            sleep(BETWEEN_PAGES).await;
        }
    }
    Ok(log)
}

fn activity(line: LoggedActivity) -> Activity {
    Activity {
        description: line.description,
        status: line.status,
        started: milliseconds(line.started_at),
        ended: line.ended_at.map(milliseconds),
    }
}

fn milliseconds(time: Timestamp) -> i64 {
    time.unix_timestamp() * 1_000
}

/// How the pool's group is set. Its desired capacity is its size, and for a moment what waiting claims need on top.
fn setting(pool: &Group) -> Setting {
    let count = |number: i32| u32::try_from(number).unwrap_or_default();
    Setting {
        size: count(pool.desired_capacity),
        most: count(pool.max_size),
    }
}
