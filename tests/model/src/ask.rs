//! Asks the functions' own pure decisions, in their own types. Nothing is decided here.
//!
//! A decision is a function of its arguments, so each question is put once and its answer kept:
//! an exploration asks the same few thousand questions millions of times.

use crate::aws::AttachAnswer;
use crate::names::{EARLIER, names, time};
use crate::progress::{Chore, Groups, Look, Memory, Told, Verdict, Way};
use crate::state::{CLAIMS, Clock, Command, INSTANCES, Line, Place, Request};
use claim_instance::decide as claiming;
use claim_instance::lineup::{self, Delivered, Manner};
use init_instance::decide as initialising;
use ready_pool_aws::auto_scaling::{Activity, ActivityKind};
use ready_pool_aws::error::{AwsError, Effect};
use ready_pool_aws::systems_manager::Agent;
use ready_pool_core::claim::Claim;
use ready_pool_core::command::{self, CommandStatus, Histories};
use ready_pool_core::group::{Group, Lifecycle, Member, OPT_IN_TAG, Whereabouts};
use ready_pool_core::ids::{GroupName, InstanceId};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::{Entry, Standing, tag_key};
use ready_pool_core::message::{HandOver, LookAgain, VERSION};
use ready_pool_core::retirement::{Step, next_step};
use ready_pool_core::script::Header;
use ready_pool_core::times::Times;
use replenish_pool::decide as replenishing;
use replenish_pool::notes::{self, Note, Stage};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// Declares a question: its arguments are the key under which its answer is kept.
macro_rules! question {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $kind),*) -> $answer {
            thread_local! {
                static KNOWN: RefCell<HashMap<($($kind,)*), $answer>> = RefCell::default();
            }
            fn ask($($argument: $kind),*) -> $answer $body
            KNOWN.with(|known| kept(known, ($($argument,)*), |($($argument,)*)| ask($($argument),*)))
        }
    };
}

fn kept<Q: Hash + Eq + Clone, A: Clone>(
    known: &RefCell<HashMap<Q, A>>,
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
    history_of(commands, shared_target, OnInitFailure::default())
}

fn history_of(
    commands: &[Command],
    shared_target: bool,
    on_init_failure: OnInitFailure,
) -> Vec<command::Command> {
    commands
        .iter()
        .rev()
        .map(|command| command::Command {
            id: "command".to_owned(),
            comment: names().comment(command.claim, shared_target).to_owned(),
            status: command.status,
            record: command::Record {
                header: Box::new(Header {
                    on_init_failure,
                    ..Header::default()
                }),
                claim: (on_init_failure == OnInitFailure::Replace)
                    .then(|| Box::new(names().claim(command.claim, shared_target).clone())),
                ..command::Record::default()
            },
        })
        .collect()
}

/// A history that says just this to the claim.
fn history_that_says(
    told: Told,
    claim: u8,
    shared_target: bool,
    on_init_failure: OnInitFailure,
) -> Vec<command::Command> {
    let command = match told {
        Told::Nothing => return Vec::new(),
        Told::This(status) => Command { claim, status },
        Told::Other => Command {
            claim: 1 - claim,
            status: CommandStatus::Running,
        },
    };
    history_of(&[command], shared_target, on_init_failure)
}

question! {
    /// What a history says to a claim.
    told(commands: Vec<Command>, claim: u8, shared_target: bool) -> Told {
        let key = names().claim(claim, shared_target).key();
        match command::told(&history(&commands, shared_target), &key) {
            command::Told::Nothing => Told::Nothing,
            command::Told::ThisClaim(command) => Told::This(command.status),
            command::Told::AnotherClaim => Told::Other,
        }
    }
}

fn hand_over(message: (u8, u8, u8), shared_target: bool, policy: OnInitFailure) -> HandOver {
    let (claim, attempt, instance) = message;
    HandOver {
        version: VERSION,
        claim: Claim {
            on_init_failure: policy,
            ..names().claim(claim, shared_target).clone()
        },
        attempt,
        instance_id: names().instance(instance).clone(),
        times: Times::default(),
    }
}

question! {
    /// What a hand-over calls for.
    begin(
        message: (u8, u8, u8),
        told: Told,
        entered: Option<Line>,
        clock: Clock,
        shared_target: bool,
        policy: OnInitFailure
    ) -> initialising::Beginning {
        initialising::begin(
            &hand_over(message, shared_target, policy),
            &history_that_says(told, message.0, shared_target, policy),
            entered.map(entry).as_ref(),
            time(clock),
        )
    }
}

question! {
    /// What an answer to `AttachInstances` calls for.
    after_attach(answer: AttachAnswer, target: u8) -> initialising::Attached {
        let names = names();
        let part_of = |group: &GroupName| {
            refusal(&format!("The Instance: i-1 is already part of AutoScalingGroup:{group}"))
        };
        let result = match answer {
            AttachAnswer::Done => Ok(()),
            AttachAnswer::AlreadyInPool => Err(part_of(&names.pool)),
            AttachAnswer::AlreadyInTarget(other) => Err(part_of(&names.targets[usize::from(other)])),
            AttachAnswer::AlreadyInRetirement => Err(part_of(&names.retirement)),
            AttachAnswer::Gone => Err(refusal(
                "Instance i-1 [terminated] is not in correct state. Instance(s) must be in 'running' state.",
            )),
            AttachAnswer::TargetRefused => Err(refusal(
                "AutoScalingGroup tenant has min-size=0, max-size=1, and desired-size=1. To attach 1 instance, please update the AutoScalingGroup sizes appropriately.",
            )),
            AttachAnswer::Unknown => Err(error("TimedOut", "", Effect::Unknown)),
        };
        initialising::after_attach(&result, &names.targets[usize::from(target)], &names.pool)
    }
}

/// What `SendCommand` answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TellAnswer {
    Done,
    Unknown,
    InvalidInstance,
}

question! {
    /// What an answer to `SendCommand` calls for.
    after_telling(answer: TellAnswer) -> initialising::AfterTelling {
        initialising::after_telling(&match answer {
            TellAnswer::Done => Ok("command".to_owned()),
            TellAnswer::Unknown => Err(error("TimedOut", "", Effect::Unknown)),
            TellAnswer::InvalidInstance => Err(error("InvalidInstanceId", "", Effect::Refused)),
        })
    }
}

/// The model's word for how a claim goes on.
pub(crate) fn way(goes_on: initialising::GoesOn) -> Way {
    match goes_on {
        initialising::GoesOn::Another(attempt) => Way::Another(attempt),
        initialising::GoesOn::Closed(reason) => Way::Closed(reason),
    }
}

question! {
    /// What the status of a claim's command calls for. The target is `None` when it is not found.
    report(
        status: CommandStatus,
        entered: Option<Line>,
        found: bool,
        instance: u8,
        seen: (Place, u8),
        look: Look,
        now: (Clock, OnInitFailure)
    ) -> initialising::Report {
        let ((place, target), (clock, policy)) = (seen, now);
        let member = match place {
            Place::Target(group) if group == target => Some(Lifecycle::InService),
            Place::LeavingTarget(group) if group == target => Some(Lifecycle::Detaching),
            _ => None,
        };
        let members = member.map(|lifecycle| (instance, lifecycle)).into_iter().collect();
        let group = group(&names().targets[usize::from(target)], members, BTreeMap::new());
        // Which claim it is does not matter: only that it is known.
        let command = Command { claim: 0, status };
        let command = history_of(&[command], false, policy).remove(0);
        initialising::report(
            &command,
            entered.map(entry).as_ref(),
            found.then_some(&group),
            names().instance(instance),
            match look {
                Look::First => 1,
                Look::Last => initialising::LOOKS_BEFORE_LOST,
            },
            time(clock),
        )
    }
}

question! {
    /// What a look at an open claim finds.
    look(
        message: (u8, u8, Option<u8>),
        told: Told,
        entered: Option<Line>,
        expired: bool,
        first: bool,
        policy: OnInitFailure
    ) -> initialising::Look {
        let (claim, attempt, instance) = message;
        let history = history_that_says(told, claim, false, policy);
        initialising::look(
            entered.map(entry).as_ref(),
            attempt,
            instance.map(|instance| names().instance(instance)),
            command::told(&history, &names().claim(claim, false).key()),
            expired,
            first,
        )
    }
}

question! {
    /// The next step of a retirement.
    step(place: Place, believed_in: Option<u8>) -> Step {
        let names = names();
        let believed_in = believed_in.map(|target| &names.targets[usize::from(target)]);
        next_step(whereabouts(place).as_ref(), believed_in, &names.pool, &names.retirement)
    }
}

question! {
    /// A claim's entry as a delivery of claim-instance takes it.
    entry_of(claim: u8, memory: Memory, ledger: [Option<Line>; CLAIMS], shared_target: bool) -> Option<Line> {
        let claim = names().claim(claim, shared_target);
        let targets = targets(ledger, shared_target);
        let memory = remembered(&memory, shared_target);
        memory.entry_of(claim, targets.get(&claim.target_group)).as_ref().map(line)
    }
}

question! {
    /// In which order claim-instance deals with a batch, and how, the suspects being delivered for
    /// the so-manieth time.
    line_up(suspects: Vec<bool>, receives: u8) -> Vec<(u8, Manner)> {
        let delivered = |suspect: bool| Delivered {
            receives: if suspect { receives.into() } else { 1 },
            given_back: false,
        };
        let batch: Vec<Delivered> = suspects.into_iter().map(delivered).collect();
        lineup::line_up(&batch)
            .into_iter()
            .map(|(position, manner)| (u8::try_from(position).unwrap(), manner))
            .collect()
    }
}

/// The second half of claim-instance's look: where the instances of begun claims are, and their
/// histories.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Begun {
    pub(crate) instance: u8,
    pub(crate) place: Place,
    pub(crate) commands: Vec<Command>,
}

question! {
    /// What becomes of the requests.
    decide(
        clock: Clock,
        groups: Groups,
        begun: Vec<Begun>,
        memory: Memory,
        requests: Vec<Request>,
        shared_target: bool
    ) -> Vec<Verdict> {
        let names = names();
        let members = (0_u8..).zip(groups.pool).filter_map(|(instance, seen)| {
            let lifecycle = if seen? { Lifecycle::InService } else { Lifecycle::Detaching };
            Some((instance, lifecycle))
        });
        let pool = group(&names.pool, members.collect(), BTreeMap::new());
        let targets = targets(groups.ledger, shared_target);
        let online = (0_u8..)
            .zip(groups.online)
            .filter(|(_, online)| *online)
            .map(|(instance, _)| (names.instance(instance).clone(), EARLIER))
            .collect();
        let places = begun
            .iter()
            .filter_map(|seen| {
                Some((names.instance(seen.instance).clone(), whereabouts(seen.place)?))
            })
            .collect();
        let histories = begun
            .iter()
            .map(|seen| {
                let id = names.instance(seen.instance).clone();
                (id, history(&seen.commands, shared_target))
            })
            .collect();
        let memory = remembered(&memory, shared_target);
        let view = claiming::View {
            now: time(clock),
            pool: &pool,
            size: pool.desired_capacity,
            retirement: &names.retirement,
            targets: &targets,
            online: &online,
            places: &places,
            histories: &histories,
            line: 0,
            memory: &memory,
        };
        let requests: Vec<claiming::Request> = requests
            .iter()
            .map(|request| claiming::Request {
                claim: names.claim(request.claim, shared_target).clone(),
                asked: request.asked,
                beside_the_line: false,
            })
            .collect();
        claiming::decide(&view, &requests).iter().map(verdict).collect()
    }
}

fn remembered(memory: &Memory, shared_target: bool) -> claiming::Memory {
    let identity = |claim: u8| claiming::identity(names().claim(claim, shared_target));
    let claims = || 0..u8::try_from(CLAIMS).unwrap();
    claiming::Memory {
        entries: claims()
            .filter_map(|claim| {
                let line = memory.lines[usize::from(claim)]?;
                Some((identity(claim), entry(line)))
            })
            .collect(),
        untouched: claims()
            .filter(|claim| memory.untouched & (1 << claim) != 0)
            .map(identity)
            .collect(),
        spent: (0..u8::try_from(INSTANCES).unwrap())
            .filter(|instance| memory.spent & (1 << instance) != 0)
            .map(|instance| names().instance(instance).clone())
            .collect(),
    }
}

fn verdict(decision: &claiming::Decision) -> Verdict {
    let index = |instance: &InstanceId| names().index(instance);
    match decision {
        claiming::Decision::Reject { .. } => Verdict::Reject,
        claiming::Decision::Repeat(entry) => Verdict::Repeat(line(entry)),
        claiming::Decision::Close { reason, entry, .. } => {
            Verdict::Close(entry.as_ref().map(line), *reason)
        }
        claiming::Decision::LeaveToInit(_) => Verdict::LeaveToInit,
        claiming::Decision::HandOver { instance, attempt } => {
            Verdict::HandOver(index(instance), *attempt)
        }
        claiming::Decision::LookAgain { instance, attempt } => {
            Verdict::LookAgain(index(instance), *attempt)
        }
        claiming::Decision::Assign {
            instance,
            attempt,
            entered,
            ..
        } => Verdict::Assign {
            instance: index(instance),
            attempt: *attempt,
            entered: *entered,
        },
        claiming::Decision::Wait(_) => Verdict::Wait,
        claiming::Decision::Foretell { .. } => unreachable!("the model sends no dry runs"),
    }
}

/// What replenish-pool's full pass sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sight {
    pub(crate) clock: Clock,
    pub(crate) ledger: [Option<Line>; CLAIMS],
    pub(crate) notes: [Option<bool>; INSTANCES],
    pub(crate) places: [Place; INSTANCES],
    pub(crate) online: [bool; INSTANCES],
    pub(crate) detached: [bool; INSTANCES],
    pub(crate) histories: [Vec<Command>; INSTANCES],
    pub(crate) shared_target: bool,
    /// Every detach counts as long ago: the variant without deadlines.
    pub(crate) all_long_ago: bool,
}

question! {
    /// What replenish-pool wants done.
    chores(sight: Sight) -> Vec<Chore> {
        let names = names();
        let now = time(sight.clock);
        let instances = || 0..u8::try_from(INSTANCES).unwrap();
        let members = |wanted: fn(Place) -> Option<Lifecycle>| {
            instances()
                .filter_map(|instance| Some((instance, wanted(sight.places[usize::from(instance)])?)))
                .collect::<Vec<_>>()
        };
        let pool_members = members(|place| match place {
            Place::Pool => Some(Lifecycle::InService),
            Place::LeavingPool => Some(Lifecycle::Detaching),
            _ => None,
        });
        let retired = members(|place| (place == Place::Retirement).then_some(Lifecycle::InService));
        // Whatever was noted was noted long enough ago: that is for the environment to choose.
        let since = now - Duration::from_hours(1);
        let noted = instances().filter_map(|instance| {
            let stage = if sight.notes[usize::from(instance)]? { Stage::Retiring } else { Stage::Suspect };
            let note = Note { stage, since };
            Some((notes::tag_key(names.instance(instance)), note.to_string()))
        });
        let retirement = group(&names.retirement, retired, noted.collect());
        let started_at = if sight.all_long_ago {
            now - replenishing::LEAK_CHECKED_FROM - Duration::from_hours(1)
        } else {
            EARLIER
        };
        let activities: Vec<Activity> = instances()
            .filter(|instance| sight.detached[usize::from(*instance)])
            .map(|instance| Activity {
                kind: ActivityKind::Detach,
                instance: Some(names.instance(instance).clone()),
                started_at,
                ended_at: Some(started_at),
                failed: false,
            })
            .collect();
        // A look is about a slice of the window; which one is chosen by the clock.
        let candidates = replenishing::leak_candidates(&activities, &replenishing::leak_window(now));
        let looked_at: BTreeSet<InstanceId> = notes::of(&retirement)
            .into_keys()
            .chain(candidates.into_iter().filter(|instance| {
                let place = sight.places[usize::from(names.index(instance))];
                whereabouts(place).is_none()
            }))
            .collect();
        let index = |instance: &InstanceId| usize::from(names.index(instance));
        let places = looked_at
            .iter()
            .filter_map(|instance| {
                Some((instance.clone(), whereabouts(sight.places[index(instance)])?))
            })
            .collect();
        let listed = looked_at
            .iter()
            .filter(|instance| sight.places[index(instance)] != Place::Gone)
            .cloned()
            .collect();
        let histories: Histories = looked_at
            .iter()
            .map(|instance| {
                let commands = &sight.histories[index(instance)];
                (instance.clone(), history(commands, sight.shared_target))
            })
            .collect();
        let agents = pool_members
            .iter()
            .map(|(instance, _)| {
                let online = sight.online[usize::from(*instance)];
                let agent = Agent { online, registered_at: EARLIER };
                (names.instance(*instance).clone(), agent)
            })
            .collect();
        let pool = group(&names.pool, pool_members, BTreeMap::new());
        let view = replenishing::View {
            now,
            size: pool.desired_capacity,
            pool,
            agents,
            activities,
            backlog: 0,
            boot_limit: Duration::from_mins(10),
            max_age: Duration::ZERO,
            round: Some(replenishing::Round {
                targets: targets(sight.ledger, sight.shared_target).into_values().collect(),
                retirement,
                looked_at,
                places,
                listed,
                histories,
            }),
        };
        chores_of(&replenishing::decide(&view), sight.shared_target)
    }
}

fn chores_of(plan: &replenishing::Plan, shared_target: bool) -> Vec<Chore> {
    let names = names();
    let index = |instance: &InstanceId| names.index(instance);
    let claims = || 0..u8::try_from(CLAIMS).unwrap();
    let mut chores = Vec::new();
    for look in &plan.look_again {
        let claim = claims().find(|claim| names.claim(*claim, shared_target).key() == look.key());
        chores.push(Chore::LookAgain {
            claim: claim.unwrap(),
            instance: LookAgain::clone(look).instance_id.as_ref().map(index),
            attempt: look.attempt,
        });
    }
    chores.extend(
        plan.note
            .iter()
            .map(|(instance, note)| Chore::Note(index(instance), note.stage == Stage::Retiring)),
    );
    chores.extend(plan.detach.iter().map(|id| Chore::Detach(index(id))));
    chores.extend(plan.take_in.iter().map(|id| Chore::TakeIn(index(id))));
    chores.extend(plan.terminate.iter().map(|id| Chore::Terminate(index(id))));
    for (group, key) in &plan.remove_tags {
        let entry = claims().find(|claim| {
            let claim = names.claim(*claim, shared_target);
            claim.target_group == *group && tag_key(&claim.claim_id) == *key
        });
        let note = (0..u8::try_from(INSTANCES).unwrap())
            .find(|instance| notes::tag_key(names.instance(*instance)) == *key);
        chores.push(match (entry, note) {
            (Some(claim), _) => Chore::RemoveEntry(claim),
            (None, Some(instance)) => Chore::Forget(instance),
            (None, None) => panic!("a tag of nobody: {key}"),
        });
    }
    chores
}

fn targets(ledger: [Option<Line>; CLAIMS], shared_target: bool) -> BTreeMap<GroupName, Group> {
    let names = names();
    let mut targets: BTreeMap<GroupName, Group> = BTreeMap::new();
    for (claim, line) in (0_u8..).zip(ledger) {
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
        suspended: BTreeSet::new(),
        tags,
        launch_template: None,
        members: members
            .into_iter()
            .map(|(instance, lifecycle)| Member {
                instance: names().instance(instance).clone(),
                zone: "eu-central-1a".to_owned(),
                lifecycle,
                healthy: true,
                instance_type: None,
                launch_template: None,
            })
            .collect(),
    }
}

/// What `DescribeAutoScalingInstances` says.
fn whereabouts(place: Place) -> Option<Whereabouts> {
    let names = names();
    let (group, lifecycle) = match place {
        Place::Unborn | Place::Free | Place::Gone => return None,
        Place::Pool => (&names.pool, Lifecycle::InService),
        Place::LeavingPool => (&names.pool, Lifecycle::Detaching),
        Place::Target(target) => (&names.targets[usize::from(target)], Lifecycle::InService),
        Place::LeavingTarget(target) => (&names.targets[usize::from(target)], Lifecycle::Detaching),
        Place::Retirement => (&names.retirement, Lifecycle::InService),
    };
    Some(Whereabouts {
        group: group.clone(),
        lifecycle,
    })
}

fn refusal(message: &str) -> AwsError {
    error("ValidationError", message, Effect::Refused)
}

fn error(code: &str, message: &str, effect: Effect) -> AwsError {
    AwsError {
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
