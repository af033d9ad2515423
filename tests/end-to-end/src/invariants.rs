//! What must hold at the end of every scenario, read from the region's own state: not from what
//! the functions say.

use crate::history::{History, key};
use ready_pool_core::ids::ClaimKey;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::outcome::Ending;
use ready_pool_core::script::{Header, proves_that_nothing_ran};
use region::autoscaling::Lifecycle;
use region::ssm::{Invocation, Status};
use region::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Invariant 1: an instance was sent commands of several claims, or twice.
    SentMoreThanOnce {
        /// The instance.
        instance: String,
        /// The comments of its commands.
        comments: Vec<String>,
    },
    /// Invariant 2: a claim that ended ready owns no instance, or several.
    NotOneInstance {
        /// The claim.
        claim: String,
        /// The instances that were initialised for it.
        instances: Vec<String>,
    },
    /// Invariant 2: when a claim was first called ready, its instance was not in its target.
    ReadyElsewhere {
        /// The claim.
        claim: String,
        /// The instance that its outcome names.
        instance: String,
        /// Where that was in service.
        group: Option<String>,
        /// What the journal says of the instance and the claim.
        story: Vec<String>,
    },
    /// Invariant 5: a function of ours removed a machine that was sent a command, and its claim did not fail.
    SentAndRemoved {
        /// The machine.
        instance: String,
        /// What it was sent.
        comment: String,
        /// Who removed it.
        function: String,
    },
    /// An instance whose init failed, for a claim that wants another one then, is still in a target.
    LeftOver {
        /// The instance.
        instance: String,
        /// What it was sent.
        comment: String,
    },
    /// Invariant 3: an instance runs in no group.
    Leaked {
        /// The instance.
        instance: String,
    },
    /// Invariant 4: a claim heard different outcomes.
    Contradiction {
        /// The claim.
        claim: String,
        /// The endings it heard.
        endings: Vec<Ending>,
    },
    /// An entry is left open although nothing is under way any more.
    OpenEntry {
        /// The target.
        target: String,
        /// Its tag.
        entry: String,
    },
}

const COMMENT: &str = "ready-pool ";

/// Checks all invariants. Call it when nothing is under way any more.
pub(crate) fn check(
    world: &World,
    history: &History,
    pool: &str,
    retirement: &str,
) -> Vec<Violation> {
    let mut violations = sent_once(world);
    violations.extend(one_instance_each(world, history));
    let replaced = replaced(world);
    violations.extend(history.violations().into_iter().filter(|violation| {
        // Its claim goes on without it, and perhaps to a good end.
        !matches!(violation, Violation::SentAndRemoved { instance, comment, .. }
            if replaced.iter().any(|it| it.instance == instance && it.comment == comment))
    }));
    violations.extend(nothing_left_over(world, &replaced, retirement));
    violations.extend(no_leaks(world));
    violations.extend(one_ending_each(history));
    violations.extend(no_open_entries(world, pool, retirement));
    violations
}

fn sent(world: &World) -> impl Iterator<Item = (&str, &str, Status)> {
    world.ssm.commands.values().flat_map(|command| {
        command
            .invocations
            .iter()
            .filter(|_| command.comment.starts_with(COMMENT))
            .map(|(instance, invocation)| {
                (
                    instance.as_str(),
                    command.comment.as_str(),
                    invocation.status,
                )
            })
    })
}

/// The id of the claim whose command this instance was sent before it was to be in its target.
pub(crate) fn sent_late_for(world: &World, instance: &str) -> Option<String> {
    let mut commands = world.ssm.commands.values();
    let command = commands.find(|command| {
        let scripts = command.parameters.get("commands");
        let header = scripts.and_then(|scripts| scripts.first()?.lines().next());
        command.invocations.contains_key(instance)
            && header.is_some_and(|line| line.contains(", attach_when after_init"))
    })?;
    let (claim_id, _) = command.comment.strip_prefix(COMMENT)?.split_once('@')?;
    Some(claim_id.to_owned())
}

/// The keys of the claims whose script succeeded.
pub(crate) fn succeeded(world: &World) -> BTreeSet<String> {
    sent(world)
        .filter(|(.., status)| *status == Status::Success)
        .filter_map(|(_, comment, _)| Some(comment.strip_prefix(COMMENT)?.to_owned()))
        .collect()
}

fn sent_once(world: &World) -> Vec<Violation> {
    let mut comments: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (instance, comment, _) in sent(world) {
        comments
            .entry(instance)
            .or_default()
            .push(comment.to_owned());
    }
    comments
        .into_iter()
        .filter(|(_, comments)| comments.len() > 1)
        .map(|(instance, comments)| Violation::SentMoreThanOnce {
            instance: instance.to_owned(),
            comments,
        })
        .collect()
}

fn one_instance_each(world: &World, history: &History) -> Vec<Violation> {
    let ready: BTreeSet<ClaimKey> = history
        .outcomes
        .iter()
        .filter(|outcome| outcome.outcome == Ending::Ready)
        .filter_map(key)
        .collect();
    ready
        .into_iter()
        .filter_map(|claim| {
            let comment = format!("{COMMENT}{claim}");
            let instances: Vec<String> = sent(world)
                .filter(|(_, sent, status)| *sent == comment && *status == Status::Success)
                .map(|(instance, ..)| instance.to_owned())
                .collect();
            (instances.len() != 1).then(|| Violation::NotOneInstance {
                claim: claim.to_string(),
                instances,
            })
        })
        .collect()
}

/// An instance whose init failed for a claim that wants another one then, or on which nothing of a claim ran.
struct Replaced<'a> {
    instance: &'a str,
    /// What it was sent.
    comment: &'a str,
    /// Whether the claim keeps it, should it end with it.
    keeps: bool,
}

fn replaced(world: &World) -> Vec<Replaced<'_>> {
    let commands = world.ssm.commands.values();
    let ours = commands.filter(|command| command.comment.starts_with(COMMENT));
    ours.flat_map(|command| {
        let scripts = command.parameters.get("commands");
        let script = scripts.and_then(|scripts| scripts.first());
        let policy = script.map_or_else(OnInitFailure::default, |script| {
            Header::read(script).on_init_failure
        });
        let invocations = command.invocations.iter();
        invocations
            .filter(move |(_, invocation)| {
                let wanted = policy == OnInitFailure::Replace && has_failed(invocation.status);
                wanted || nothing_ran(invocation)
            })
            .map(move |(instance, _)| Replaced {
                instance,
                comment: &command.comment,
                keeps: policy == OnInitFailure::Keep,
            })
    })
    .collect()
}

fn has_failed(status: Status) -> bool {
    matches!(
        status,
        Status::Failed
            | Status::ExecutionTimedOut
            | Status::DeliveryTimedOut
            | Status::Undeliverable
            | Status::Terminated
    )
}

fn nothing_ran(invocation: &Invocation) -> bool {
    match invocation.status {
        Status::DeliveryTimedOut | Status::Undeliverable => true,
        Status::Failed => proves_that_nothing_ran(invocation.exit_code, &invocation.stderr),
        _ => false,
    }
}

fn nothing_left_over(world: &World, replaced: &[Replaced], retirement: &str) -> Vec<Violation> {
    let left_over = |instance: &str| {
        let group = world.autoscaling.group_of(instance);
        group.is_some_and(|group| group.name != retirement)
    };
    replaced
        .iter()
        .filter(|it| !it.keeps && left_over(it.instance))
        .map(|it| Violation::LeftOver {
            instance: it.instance.to_owned(),
            comment: it.comment.to_owned(),
        })
        .collect()
}

fn no_leaks(world: &World) -> Vec<Violation> {
    let leaks = leaks(world).into_iter();
    leaks
        .map(|instance| Violation::Leaked { instance })
        .collect()
}

/// Instances that run in no group.
pub(crate) fn leaks(world: &World) -> Vec<String> {
    let members: BTreeSet<&String> = world
        .autoscaling
        .groups
        .values()
        .flat_map(|group| &group.members)
        .filter(|(_, member)| member.lifecycle != Lifecycle::Detaching)
        .map(|(instance, _)| instance)
        .collect();
    world
        .compute
        .instances
        .keys()
        .filter(|instance| world.compute.is_running(instance) && !members.contains(instance))
        .cloned()
        .collect()
}

fn one_ending_each(history: &History) -> Vec<Violation> {
    let mut endings: BTreeMap<ClaimKey, Vec<Ending>> = BTreeMap::new();
    for outcome in &history.outcomes {
        // A rejected claim has no entry: corrected, it may be sent again. A dry run is no end.
        let is_final = matches!(outcome.outcome, Ending::Ready | Ending::Failed);
        if let Some(claim) = key(outcome).filter(|_| is_final) {
            let heard = endings.entry(claim).or_default();
            if !heard.contains(&outcome.outcome) {
                heard.push(outcome.outcome);
            }
        }
    }
    endings
        .into_iter()
        .filter(|(_, endings)| endings.len() > 1)
        .map(|(claim, endings)| Violation::Contradiction {
            claim: claim.to_string(),
            endings,
        })
        .collect()
}

fn no_open_entries(world: &World, pool: &str, retirement: &str) -> Vec<Violation> {
    world
        .autoscaling
        .groups
        .values()
        .filter(|group| group.name != pool && group.name != retirement)
        .flat_map(|group| {
            group.tags.iter().filter_map(|(key, tag)| {
                let open = key.starts_with("ready-pool:claim/") && tag.value.contains(" assigned ");
                open.then(|| Violation::OpenEntry {
                    target: group.name.clone(),
                    entry: format!("{key} = {}", tag.value),
                })
            })
        })
        .collect()
}
