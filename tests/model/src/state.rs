//! The model's state: a tiny AWS, and how far each handler is.
//!
//! Everything is a small number: claims and instances are indices, AWS's words are enums. The
//! conversion into the functions' own types is in [`crate::ask`].

use crate::configuration::Configuration;
use crate::progress::{Chore, Worker, Writer};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::ledger::Standing;

/// Most instances in a configuration.
pub const INSTANCES: usize = 3;
/// Most claims in a configuration.
pub const CLAIMS: usize = 2;
/// How often a claim steps aside at most: on the second lap it meets what the first left behind.
pub const LAPS: u8 = 2;
/// Message groups of InitQueue: one per instance, then one per claim (for looks at a claim that
/// has no instance).
pub const GROUPS: usize = INSTANCES + CLAIMS;

/// The coarse clock. All claims share one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// Before the deadline.
    Open,
    /// After it.
    Expired,
    /// Hours after it: scripts that were begun before it may still run.
    HoursAfter,
    /// So long after it that no script runs any more and detached instances are checked.
    LongAfter,
    /// So long after that that messages and command histories are gone.
    Ancient,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The time.
    pub clock: Clock,
    /// The instances.
    pub machines: [Machine; INSTANCES],
    /// The ledger: one slot per claim.
    pub ledger: [Slot; CLAIMS],
    /// Notes of replenish-pool on the retirement group, by instance: `Some(true)` is retiring.
    pub notes: [Option<bool>; INSTANCES],
    /// ProvisionQueue: one message group, in order.
    pub provision: Vec<Request>,
    /// Its dead letters.
    pub provision_dead: Vec<Request>,
    /// InitQueue, by message group, in order.
    pub init: [Vec<InitMessage>; GROUPS],
    /// Its dead letters.
    pub init_dead: Vec<(u8, InitMessage)>,
    /// Groups of InitQueue whose first message, a look, was delivered before, as bits.
    pub repeated: u8,
    /// Deduplication ids that SQS still swallows.
    pub swallowed: Swallowed,
    /// claim-instance: the delivery that holds the batch, and one whose lease has run out.
    pub writers: [Writer; 2],
    /// init-instance: one worker per message group.
    pub workers: [Worker; GROUPS],
    /// replenish-pool: an instance that it has decided to move.
    pub chore: Option<Chore>,
    /// What senders heard.
    pub heard: [Heard; CLAIMS],
    /// Targets that are there, as bits.
    pub there: u8,
    /// Of those, the ones that were made a moment ago, and that reads may not show yet, as bits.
    pub unseen: u8,
    /// Targets whose tags were wiped, as bits.
    pub wiped: u8,
    /// Claims of which a dead letter expired unread (an alarm rang for days), or was redriven when
    /// nothing published their end any more, as bits.
    pub unread: u8,
    /// Whether attaches to targets are denied.
    pub denied: bool,
    /// Whether somebody has deleted the retirement group.
    pub retirement_gone: bool,
    /// How many more faults may happen.
    pub faults: u8,
    /// Which rules were broken on the way here.
    pub broken: Broken,
}

impl State {
    /// Whether a machine that was sent an open claim's command is not in its target, and was.
    pub fn misses_a_machine(&self, config: &Configuration) -> bool {
        let lines = self.ledger.iter().filter_map(|slot| slot.now);
        lines
            .filter(|line| line.standing == Standing::Assigned)
            .filter_map(|line| self.machines.get(usize::from(line.instance?)))
            .any(|machine| {
                let was_there = machine.logged || !config.attaches_late();
                was_there && !machine.commands.is_empty() && machine.place.target().is_none()
            })
    }
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Machine {
    /// Where it is.
    pub place: Place,
    /// Where a stale read shows it, and who moved it from there: when that handler comes again,
    /// reads have long caught up.
    pub was: Option<(Place, u8)>,
    /// Whether its agent lives.
    pub agent: Agent,
    /// Its command history, oldest first.
    pub commands: Vec<Command>,
    /// Whether reads may not show the last command yet.
    pub hidden: bool,
    /// A `SendCommand` that timed out and takes effect later.
    pub late: Option<u8>,
    /// The marker on the box: the claim that owns it, and its recorded status.
    pub marker: Option<(u8, bool)>,
    /// How often each claim's script ran here.
    pub runs: [u8; CLAIMS],
    /// Whether the pool's activity history has its detach.
    pub detached: bool,
    /// Whether the tenant took it out of the target: then it is the tenant's.
    pub tenants: bool,
    /// Whether it left the pool by claim-instance's hand. Only of interest where it is attached late.
    pub ours: bool,
    /// Whether its target's activities have an attach of it since its command was sent; likewise.
    pub logged: bool,
    /// Whether reads may not show that yet.
    pub log_hidden: bool,
    /// Whether it died, or the pool scaled in: nobody of ours removed it.
    pub died: bool,
}

impl Machine {
    /// Whether it was sent this claim's init command, or may still get it.
    pub fn was_sent(&self, claim: u8) -> bool {
        let sent = self.commands.iter().any(|command| command.claim == claim);
        sent || self.late == Some(claim) || self.runs[usize::from(claim)] > 0
    }

    /// Whether it was sent any claim's command, as far as is remembered.
    pub fn is_sent(&self) -> bool {
        !self.commands.is_empty() || self.runs.iter().any(|runs| *runs > 0)
    }

    /// Whether the claim's init was tried here, and failed.
    pub fn has_failed(&self, claim: u8) -> bool {
        let began_nothing = |command: &Command| {
            let ended = [CommandStatus::NotDelivered, CommandStatus::Failed];
            command.claim != claim || ended.contains(&command.status)
        };
        let ran = self.runs[usize::from(claim)] > 0;
        self.marker == Some((claim, false))
            || (!ran
                && self.commands.iter().any(|command| command.claim == claim)
                && self.commands.iter().all(began_nothing))
    }

    /// Whether a command runs that will end.
    pub fn is_busy(&self, config: &Configuration) -> bool {
        let stays = config.dead_commands_stay && self.place == Place::Gone;
        let mut commands = self.commands.iter();
        !stays && commands.any(|command| command.status == CommandStatus::Running)
    }

    /// Where a read shows it.
    pub fn seen(&self, stale: bool) -> Place {
        match self.was {
            Some((was, _)) if stale => was,
            _ => self.place,
        }
    }

    /// Its command history as a read shows it.
    pub fn visible(&self, stale: bool) -> Vec<Command> {
        let mut commands = self.commands.clone();
        if stale && self.hidden {
            commands.pop();
        }
        commands
    }
}

/// Where an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Not launched yet.
    Unborn,
    /// `InService` in the pool.
    Pool,
    /// `Detaching` from the pool.
    LeavingPool,
    /// In no group.
    Free,
    /// `InService` in a target.
    Target(u8),
    /// `Standby` in a target.
    Parked(u8),
    /// `Detaching` from a target.
    LeavingTarget(u8),
    /// `InService` in the retirement group.
    Retirement,
    /// Terminated.
    Gone,
}

impl Place {
    /// The target that has the instance, in service or in standby.
    pub fn target(self) -> Option<u8> {
        match self {
            Self::Target(target) | Self::Parked(target) => Some(target),
            _ => None,
        }
    }
}

/// How an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Agent {
    /// Online.
    Online,
    /// Alive, and not listed as online for a while.
    Away,
    /// Dead, and still listed as online: its last ping is young.
    DeadListedOnline,
    /// Dead, and known to be.
    Dead,
}

impl Agent {
    /// Whether Systems Manager lists it as online.
    pub fn is_listed(self) -> bool {
        matches!(self, Self::Online | Self::DeadListedOnline)
    }

    /// Whether commands run.
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Online | Self::Away)
    }
}

/// A line of a command history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// Whose init command it is.
    pub claim: u8,
    /// How it stands.
    pub status: CommandStatus,
}

/// A claim's tag, with the value it had one write ago while reads may still show that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The tag.
    pub now: Option<Line>,
    /// What a stale read shows.
    pub before: Option<Option<Line>>,
    /// Who wrote it last, while that matters: when that handler dies and comes again, reads have
    /// long caught up.
    pub by: u8,
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// The claim's instance.
    pub instance: Option<u8>,
    /// Which attempt.
    pub attempt: u8,
    /// How it stands.
    pub standing: Standing,
    /// Whose place the next instance takes.
    pub instead_of: Option<u8>,
}

/// A message on ProvisionQueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The claim.
    pub claim: u8,
    /// The attempt that a retry asks for; `None` from the sender.
    pub asked: Option<u8>,
    /// How often it stepped aside.
    pub lap: u8,
    /// Whether nobody knows how its last delivery ended. Only where it lies on the queue.
    pub suspect: bool,
}

impl Request {
    /// A claim as its sender sends it.
    pub fn of(claim: u8) -> Self {
        Self {
            claim,
            asked: None,
            lap: 0,
            suspect: false,
        }
    }
}

/// A message on InitQueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InitMessage {
    /// Attach and send the command.
    HandOver {
        /// For this claim.
        claim: u8,
        /// Under this attempt.
        attempt: u8,
        /// Whether it proves that the detach was ours. Only of interest where instances are attached late.
        proven: bool,
        /// Whether it proves that, was sent a moment ago, and was never delivered. Only of interest where they are attached
        /// first.
        fresh: bool,
    },
    /// See how the claim stands.
    LookAgain {
        /// The claim.
        claim: u8,
        /// Its attempt when the look was asked for.
        attempt: u8,
    },
    /// EventBridge: the claim's command ended.
    Finished {
        /// The claim.
        claim: u8,
        /// Whether it came a moment ago, and was never delivered.
        fresh: bool,
    },
}

impl InitMessage {
    /// It was delivered, or is old.
    pub(crate) fn is_no_more_fresh(&mut self) {
        if let Self::HandOver { fresh, .. } | Self::Finished { fresh, .. } = self {
            *fresh = false;
        }
    }

    /// Which claim it is about.
    pub fn claim(self) -> u8 {
        match self {
            Self::HandOver { claim, .. }
            | Self::LookAgain { claim, .. }
            | Self::Finished { claim, .. } => claim,
        }
    }
}

/// Deduplication ids within their five minutes, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Swallowed {
    /// Hand-overs: bit `claim * 4 + attempt` (in the variant that names the instance too, one
    /// such byte per instance).
    pub hand_overs: [u8; INSTANCES],
    /// Retries, likewise.
    pub retries: u8,
    /// Copies of claims that stepped aside: bit `claim * 4 + lap` of what they replace.
    pub copies: u8,
}

impl Swallowed {
    /// The same without what is known of a claim.
    #[must_use]
    pub fn without(self, claim: usize) -> Self {
        let kept = !(0b1111 << (claim * 4));
        Self {
            hand_overs: self.hand_overs.map(|sent| sent & kept),
            retries: self.retries & kept,
            copies: self.copies & kept,
        }
    }
}

/// What the sender of a claim heard so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "independent messages")]
pub struct Heard {
    /// `ready`.
    pub ready: bool,
    /// `failed`.
    pub failed: bool,
    /// `rejected`.
    pub rejected: bool,
    /// `failed: expired`, long after the claim's command was sent and its entry was gone.
    pub too_late: bool,
}

impl Heard {
    /// Whether anything.
    pub fn anything(self) -> bool {
        self.ready || self.failed || self.rejected || self.too_late
    }
}

/// Rules that were broken: each is an invariant that a single state cannot show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "independent findings")]
pub struct Broken {
    /// A claim was called ready while its instance was not in its target.
    pub ready_elsewhere: bool,
    /// A claim ended in two ways.
    pub two_endings: bool,
    /// Something of ours removed a machine that was sent a command of a claim that has not failed.
    pub removed_sent: bool,
    /// Something was attached or sent a command after the deadline.
    pub too_late: bool,
    /// Something of ours attached a machine that had been sent a command before and was not in a
    /// group.
    pub reattached_sent: bool,
    /// A claim was called `instance_lost` while its instance was its target's.
    pub not_lost: bool,
    /// A command was sent to an instance of the pool's: in service there, or in another's detach.
    pub sent_in_pool: bool,
}
