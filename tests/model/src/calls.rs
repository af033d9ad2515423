//! In which order the handlers make their calls, as data that is read off the explored protocol: each
//! step of a program counter as the AWS call that it stands for. `tests/end-to-end` holds the recorded
//! calls of the real handlers against it, so that neither side's order changes alone.

use crate::configuration::{Configuration, Fault};
use crate::configurations::{ONE, POISON, TWO};
use crate::hashing::{Fixed, fingerprint};
use crate::progress::{Answering, Chore, WriterStage};
use crate::protocol::Protocol;
use crate::state::{Clock, State};
use crate::step::{Action, Actor};
use crate::{replenisher, writer};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::Standing;
use stateright::Model;
use std::collections::{BTreeSet, HashSet, VecDeque};

/// A call of claim-instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Making the batch this delivery's alone.
    Lease,
    /// [`WriterStage::Look`]: the pool and the targets.
    Groups,
    /// [`WriterStage::Look`]: the agents of what could be handed out.
    Agents,
    /// [`WriterStage::Places`]: where the instances of begun claims are.
    Places,
    /// [`WriterStage::Places`]: their command histories.
    Histories,
    /// [`WriterStage::Places`]: the entries once more.
    Entries,
    /// [`WriterStage::Answer`]: the entry of a claim that ends here.
    Close,
    /// [`WriterStage::Answer`]: an outcome.
    Publish,
    /// [`WriterStage::Answer`]: asking init-instance to settle the claim.
    LookAgain,
    /// [`WriterStage::Enter`].
    Enter,
    /// [`WriterStage::Detach`] and [`WriterStage::DetachAlone`].
    Detach,
    /// [`WriterStage::Send`].
    HandOver,
    /// [`WriterStage::Copy`].
    StepAside,
    /// [`WriterStage::Delete`] and [`WriterStage::DeleteCopied`].
    Delete,
    /// [`WriterStage::Return`], where something must come again.
    Release,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Lease,
        Self::Groups,
        Self::Agents,
        Self::Places,
        Self::Histories,
        Self::Entries,
        Self::Close,
        Self::Publish,
        Self::LookAgain,
        Self::Enter,
        Self::Detach,
        Self::HandOver,
        Self::StepAside,
        Self::Delete,
        Self::Release,
    ];

    fn reads(self) -> bool {
        matches!(self, Self::Groups | Self::Agents | Self::Entries)
    }

    /// The AWS operation.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Lease | Self::Release => "ChangeMessageVisibilityBatch",
            Self::Groups | Self::Entries => "DescribeAutoScalingGroups",
            Self::Agents => "DescribeInstanceInformation",
            Self::Places => "DescribeAutoScalingInstances",
            Self::Histories => "ListCommands",
            Self::Close | Self::Enter => "CreateOrUpdateTags",
            Self::Publish | Self::LookAgain | Self::HandOver | Self::StepAside => {
                "SendMessageBatch"
            }
            Self::Detach => "DetachInstances",
            Self::Delete => "DeleteMessageBatch",
        }
    }
}

/// Which call follows which in a delivery, as one claim of its batch sees it: calls for other claims
/// are left out. `None` is the beginning and the end of the delivery.
pub type Successors = BTreeSet<(Option<Call>, Option<Call>)>;

/// What goes wrong in the worlds that are explored for this: whatever sends a delivery another way.
const FAULTS: &[Fault] = &[
    Fault::Crash,
    Fault::LostAnswer,
    Fault::Busy,
    Fault::Duplicate,
    Fault::Resend,
    Fault::InstanceDies,
    Fault::ScriptFails,
    Fault::TargetRefuses,
];

/// The worlds. Looks are split: their halves are calls of their own. The second claim of two waits for
/// the next instance.
fn worlds() -> [Configuration; 6] {
    let two = |config: Configuration| Configuration {
        split_look: true,
        ready: 1,
        ..config
    };
    [
        Configuration {
            faults: 1,
            kinds: FAULTS,
            ..ONE
        },
        // Another instance is wanted, and the pool may be empty.
        Configuration {
            faults: 1,
            kinds: &[Fault::ScriptFails],
            ready: 1,
            on_init_failure: OnInitFailure::Replace,
            ..ONE
        },
        // The claim waits, though the pool may have members, and steps aside.
        Configuration {
            faults: 1,
            kinds: &[Fault::AgentAway, Fault::Crash, Fault::LostAnswer],
            ready: 0,
            steps_aside: true,
            ..ONE
        },
        two(Configuration {
            steps_aside: true,
            ..TWO
        }),
        two(TWO),
        two(POISON),
    ]
}

/// The order of claim-instance's calls.
pub fn successors() -> Successors {
    let mut found = Successors::new();
    for config in worlds() {
        let protocol = Protocol::new(config.clone());
        let fresh = protocol.init_states().remove(0);
        // Nobody knows how the last delivery ended.
        let mut suspect = fresh.clone();
        writer::nobody_knows(&mut suspect);
        let beginnings = [fresh, suspect];
        // What the deadline changes, one claim shows; what comes later, claim-instance does not see.
        let last_time = if config.claims > 1 {
            Clock::Open
        } else {
            Clock::Expired
        };
        for (claim, beginning) in (0..config.claims)
            .flat_map(|claim| beginnings.iter().cloned().map(move |state| (claim, state)))
        {
            // With each state, the call that the claim saw last in the delivery under way.
            walk(
                &protocol,
                (beginning, None),
                last_time,
                |(state, last), action, next| {
                    let mut last: Option<Call> = *last;
                    for call in calls(&config, claim, state, action, next) {
                        found.insert((last, call));
                        last = call;
                    }
                    let under_way = !next.writers[0].batch.is_empty();
                    last.filter(|_| under_way)
                },
            );
        }
    }
    // A look without effect: the model ends its delivery at once, the handler may look again.
    let idle: Vec<Option<Call>> = found
        .iter()
        .filter(|(last, next)| last.is_some_and(Call::reads) && *next == Some(Call::Release))
        .map(|(last, _)| *last)
        .collect();
    found.extend(idle.into_iter().map(|last| (last, Some(Call::Groups))));
    found
}

/// Goes everywhere until this time is over, with a memory of how it came there.
fn walk<M: Copy + std::hash::Hash>(
    protocol: &Protocol,
    beginning: (State, M),
    last_time: Clock,
    mut step: impl FnMut(&(State, M), Action, &State) -> M,
) {
    let mut known = HashSet::<u64, Fixed>::from_iter([fingerprint(&beginning)]);
    let mut open = VecDeque::from([beginning]);
    let mut actions = Vec::new();
    while let Some(from) = open.pop_front() {
        protocol.actions(&from.0, &mut actions);
        for action in actions.drain(..) {
            let Some(next) = protocol.next_state(&from.0, action) else {
                continue;
            };
            if next.clock > last_time {
                continue;
            }
            let memory = step(&from, action, &next);
            let next = (next, memory);
            if known.insert(fingerprint(&next)) {
                open.push_back(next);
            }
        }
    }
}

/// The calls of an action as the claim sees them; `None` after the last one of a delivery.
fn calls(
    config: &Configuration,
    claim: u8,
    state: &State,
    action: Action,
    next: &State,
) -> Vec<Option<Call>> {
    let writer = &state.writers[0];
    let at = match action {
        Action::OneByOne(_) => return vec![Some(Call::Lease)],
        Action::LookAgain(0) => WriterStage::Look,
        Action::Step(Actor::Writer(0), _) => writer.stage,
        _ => return Vec::new(),
    };
    let is_over = next.writers[0].batch.is_empty();
    let begins = !writer::is_busy(writer);
    let mut calls = Vec::new();
    calls.extend(begins.then_some(Some(Call::Lease)));
    let mut makes = |call: Call, does: bool| calls.extend(does.then_some(Some(call)));
    match at {
        // Its receipts no longer work.
        WriterStage::Throttled => makes(Call::Lease, true),
        WriterStage::Look => {
            let candidates = |groups: &[Option<bool>]| groups.contains(&Some(true));
            makes(Call::Groups, true);
            let read = match next.writers[0].stage {
                WriterStage::Places(groups) => candidates(&groups.pool),
                _ => false,
            };
            makes(Call::Agents, read);
        }
        WriterStage::Places(groups) => {
            let begun = !writer::begun(writer, groups, config.shared_target).is_empty();
            makes(Call::Places, begun);
            makes(Call::Histories, begun);
            makes(Call::Entries, begun);
            makes(Call::Release, is_over);
        }
        WriterStage::Answer => {
            let (position, answering) = writer.answers[0];
            let call = match answering {
                Answering::Publish(_) | Answering::TooLate => Call::Publish,
                Answering::Close(..) => Call::Close,
                Answering::LookAgain(..) => Call::LookAgain,
            };
            makes(call, writer.batch[usize::from(position)].claim == claim);
        }
        // Where it is over, the invocation died before the call.
        WriterStage::Enter | WriterStage::Make => {
            let mut items = writer.assignments.iter();
            let enters = items.any(|item| item.claim == claim && !item.entered);
            makes(Call::Enter, enters && !is_over);
        }
        WriterStage::Detach => {
            let mut items = writer.assignments.iter();
            makes(Call::Detach, items.any(|item| item.claim == claim));
        }
        WriterStage::DetachAlone => makes(Call::Detach, writer.one_by_one[0].claim == claim),
        WriterStage::Send => {
            let mut sends = writer.sends.iter();
            let sends = sends.any(|sending| sending.message.claim() == claim);
            makes(Call::HandOver, sends);
        }
        WriterStage::Copy => {
            let going = (0_u8..).zip(&writer.batch);
            let mut going = going.filter(|(position, _)| writer.aside & (1 << position) != 0);
            makes(
                Call::StepAside,
                going.any(|(_, request)| request.claim == claim),
            );
        }
        WriterStage::Delete | WriterStage::DeleteCopied => makes(Call::Delete, true),
        WriterStage::Return => makes(Call::Release, !writer.open.is_empty()),
    }
    if is_over && ends_in_order(at) {
        calls.push(None);
    }
    calls
}

fn ends_in_order(stage: WriterStage) -> bool {
    matches!(
        stage,
        WriterStage::Throttled | WriterStage::Places(_) | WriterStage::Return
    )
}

/// A call of replenish-pool that is for one instance or claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// Asking init-instance to look at a claim.
    LookAgain,
    /// Removing a claim's entry.
    RemoveEntry,
    /// Noting an instance as suspect.
    Suspect,
    /// Noting it as retiring.
    Retire,
    /// Removing the note.
    Forget,
    /// Detaching it from the pool.
    Detach,
    /// Attaching it to the retirement group.
    Attach,
    /// Terminating it there.
    Terminate,
}

/// What the tags say of an instance or a claim when replenish-pool does something about it: that is
/// all that it remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tagged {
    /// Nothing.
    Not,
    /// The instance is a suspect.
    Suspect,
    /// The instance is on its way out.
    Retiring,
    /// The claim is open.
    Open,
    /// The claim is settled.
    Settled,
}

/// What replenish-pool does, with what the tags say at that moment.
pub fn tasks() -> BTreeSet<(Task, Tagged)> {
    let mut found = BTreeSet::new();
    let config = Configuration {
        faults: 1,
        kinds: &[Fault::AgentDies, Fault::Crash, Fault::LostAnswer],
        ..ONE
    };
    let protocol = Protocol::new(config.clone());
    let beginning = protocol.init_states().remove(0);
    walk(
        &protocol,
        (beginning, ()),
        Clock::Ancient,
        |(state, ()), _, _| {
            found.extend(state.chore.map(|chore| tagged(state, chore)));
            let wanted = replenisher::wanted(state, &config, false);
            let at_once = wanted
                .into_iter()
                .filter(|chore| !replenisher::waits(*chore));
            found.extend(at_once.map(|chore| tagged(state, chore)));
        },
    );
    found
}

fn tagged(state: &State, chore: Chore) -> (Task, Tagged) {
    let note = |instance: u8| match state.notes[usize::from(instance)] {
        None => Tagged::Not,
        Some(false) => Tagged::Suspect,
        Some(true) => Tagged::Retiring,
    };
    let entry = |claim: u8| match state.ledger[usize::from(claim)].now {
        None => Tagged::Not,
        Some(line) if line.standing == Standing::Assigned => Tagged::Open,
        Some(_) => Tagged::Settled,
    };
    match chore {
        Chore::LookAgain { claim, .. } => (Task::LookAgain, entry(claim)),
        Chore::RemoveEntry(claim) => (Task::RemoveEntry, entry(claim)),
        Chore::Note(instance, false) => (Task::Suspect, note(instance)),
        Chore::Note(instance, true) => (Task::Retire, note(instance)),
        Chore::Forget(instance) => (Task::Forget, note(instance)),
        Chore::Detach(instance) => (Task::Detach, note(instance)),
        Chore::AttachToRetirement(instance) => (Task::Attach, note(instance)),
        Chore::Terminate(instance) => (Task::Terminate, note(instance)),
    }
}
