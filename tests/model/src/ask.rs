//! Asks the functions' own pure decisions, in their own types. Nothing is decided here.
//!
//! A decision is a function of its arguments, so each question is put once and its answer kept:
//! an exploration asks the same few thousand questions millions of times.

use crate::hashing::Fixed;
use crate::names::names;
use crate::progress::InitCommand;
use crate::state::{CLAIMS, Command, Line, Place};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::command::{self, CommandStatus};
use ready_pool_core::group::{Group, Lifecycle, Member, OPT_IN_TAG, Placement};
use ready_pool_core::ids::GroupName;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::{Entry, Standing, tag_key};
use ready_pool_core::retirement::{Route, Step};
use ready_pool_core::script::Header;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

/// Declares a question: its arguments are the key under which its answer is kept.
macro_rules! question {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $kind),*) -> $answer {
            thread_local! {
                static KNOWN: RefCell<HashMap<($($kind,)*), $answer, $crate::hashing::Fixed>> =
                    RefCell::default();
            }
            fn ask($($argument: $kind),*) -> $answer $body
            KNOWN.with(|known| kept(known, ($($argument,)*), |($($argument,)*)| ask($($argument),*)))
        }
    };
}

mod claiming;
mod initialising;
mod replenishing;

pub(crate) use claiming::{Begun, decide, entry_of, isolate};
pub(crate) use initialising::{
    AfterAttach, AfterSend, BeforeSend, Checked, Concluded, LateAttached, Reported, SendAnswer,
    after_attach, after_late_attach, after_send, before_send, begin, check, is_fresh,
    occasion_of_event, report, serves, too_late,
};
pub(crate) use replenishing::{Sight, chores};

fn kept<Q: Hash + Eq + Clone, A: Clone>(
    known: &RefCell<HashMap<Q, A, Fixed>>,
    question: Q,
    ask: impl FnOnce(Q) -> A,
) -> A {
    if let Some(answer) = known.borrow().get(&question) {
        return answer.clone();
    }
    let answer = ask(question.clone());
    known.borrow_mut().insert(question, answer.clone());
    answer
}

fn entry(line: Line) -> Entry {
    Entry {
        instance: line
            .instance
            .map(|instance| names().instance(instance).clone()),
        attempt: line.attempt,
        standing: line.standing,
        expires_at: crate::names::DEADLINE,
        instead_of: line
            .instead_of
            .map(|instance| names().instance(instance).clone()),
    }
}

fn line(entry: &Entry) -> Line {
    Line {
        instance: entry.instance.as_ref().map(|id| names().index(id)),
        attempt: entry.attempt,
        standing: entry.standing,
        instead_of: entry.instead_of.as_ref().map(|id| names().index(id)),
    }
}

/// Newest first, as Systems Manager lists them.
fn history(commands: &[Command], shared_target: bool) -> Vec<command::Command> {
    history_of(commands, shared_target, Wish::default())
}

/// What claims want: when their init fails, and when their instance is attached.
pub(crate) type Wish = (OnInitFailure, AttachWhen);

fn history_of(
    commands: &[Command],
    shared_target: bool,
    (on_init_failure, attach_when): Wish,
) -> Vec<command::Command> {
    commands
        .iter()
        .rev()
        .map(|command| command::Command {
            id: "command".into(),
            comment: names().comment(command.claim, shared_target).to_owned(),
            status: command.status,
            record: command::Record {
                header: Box::new(Header {
                    attempt: Some(1),
                    on_init_failure,
                    attach_when,
                    ..Header::default()
                }),
                claim: Some(Box::new(
                    names().claim(command.claim, shared_target).clone(),
                )),
                ..command::Record::default()
            },
        })
        .collect()
}

/// A history that says just this to the claim.
fn history_that_says(
    command: InitCommand,
    claim: u8,
    shared_target: bool,
    wish: Wish,
) -> Vec<command::Command> {
    let command = match command {
        InitCommand::NotSent => return Vec::new(),
        InitCommand::Sent(status) => Command { claim, status },
        InitCommand::SentForAnother => Command {
            claim: 1 - claim,
            status: CommandStatus::Running,
        },
    };
    history_of(&[command], shared_target, wish)
}

question! {
    /// What a history says to a claim.
    init_command(commands: Vec<Command>, claim: u8, shared_target: bool) -> InitCommand {
        let key = names().claim(claim, shared_target).key();
        match command::init_command(&history(&commands, shared_target), &key) {
            command::InitCommand::NotSent => InitCommand::NotSent,
            command::InitCommand::Sent(command) => InitCommand::Sent(command.status),
            command::InitCommand::SentForAnother => InitCommand::SentForAnother,
        }
    }
}

question! {
    /// The next step of a retirement.
    step(place: Place, from: u8, from_pool: bool) -> Step {
        let names = names();
        let route = Route {
            from: &names.targets[usize::from(from)],
            pool: &names.pool,
            from_pool,
            retirement: &names.retirement,
        };
        route.next_step(placement(place).as_ref())
    }
}

fn targets(
    ledger: [Option<Line>; CLAIMS],
    there: u8,
    shared_target: bool,
) -> BTreeMap<GroupName, Group> {
    let names = names();
    let mut targets: BTreeMap<GroupName, Group> = BTreeMap::new();
    for (claim, line) in (0_u8..).zip(ledger) {
        let number = if shared_target { 0 } else { claim };
        if there & (1 << number) == 0 {
            continue;
        }
        let claim = names.claim(claim, shared_target);
        let target = targets
            .entry(claim.target_group.clone())
            .or_insert_with(|| group(&claim.target_group, Vec::new(), BTreeMap::new()));
        let opt_in = (OPT_IN_TAG.to_owned(), names.pool.to_string());
        let entered = line.map(|line| (tag_key(&claim.claim_id), entry(line).to_string()));
        target.tags.extend(entered.into_iter().chain([opt_in]));
    }
    targets
}

fn group(name: &GroupName, members: Vec<(u8, Lifecycle)>, tags: BTreeMap<String, String>) -> Group {
    Group {
        name: name.clone(),
        min_size: 0,
        max_size: 50,
        desired_capacity: i32::try_from(members.len()).unwrap(),
        zones: BTreeSet::from(["eu-central-1a".to_owned()]),
        subnets: BTreeSet::new(),
        suspended: BTreeMap::new(),
        deleting: false,
        has_warm_pool: false,
        tags,
        launch_template: None,
        members: members
            .into_iter()
            .map(|(instance, lifecycle)| Member {
                instance: names().instance(instance).clone(),
                zone: "eu-central-1a".to_owned(),
                lifecycle,
                healthy: true,
                protected: false,
                instance_type: None,
                launch_template: None,
            })
            .collect(),
    }
}

/// What `DescribeAutoScalingInstances` says.
fn placement(place: Place) -> Option<Placement> {
    let names = names();
    let (group, lifecycle) = match place {
        Place::Unborn | Place::Free | Place::Gone => return None,
        Place::Pool => (&names.pool, Lifecycle::InService),
        Place::LeavingPool => (&names.pool, Lifecycle::Detaching),
        Place::Target(target) => (&names.targets[usize::from(target)], Lifecycle::InService),
        Place::Parked(target) => (&names.targets[usize::from(target)], Lifecycle::Standby),
        Place::LeavingTarget(target) => (&names.targets[usize::from(target)], Lifecycle::Detaching),
        Place::Retirement => (&names.retirement, Lifecycle::InService),
    };
    Some(Placement {
        group: group.clone(),
        lifecycle,
    })
}

fn refusal(message: &str) -> CallError {
    error("ValidationError", message, Effect::Refused)
}

fn error(code: &str, message: &str, effect: Effect) -> CallError {
    CallError {
        operation: "a call",
        code: code.to_owned(),
        message: message.to_owned(),
        effect,
    }
}

/// Whether an entry is settled.
pub(crate) fn is_settled(line: Line) -> bool {
    line.standing != Standing::Assigned
}
