//! The tiny AWS: what each call does to the state. It knows groups, tags, queues and commands,
//! and watches the rules that only the moment of a call can show.

use crate::configuration::{Configuration, Fault, Rule};
use crate::progress::Ending;
use crate::state::{
    Clock, Command, INSTANCES, InitMessage, Line, Machine, Place, Request, Slot, State,
};
use ready_pool_core::command::CommandStatus;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::Standing;
use ready_pool_core::reason::Reason;

/// The state while an action changes it.
pub(crate) struct World<'a> {
    pub(crate) config: &'a Configuration,
    pub(crate) state: &'a mut State,
    /// Who acts, as in [`crate::state::Slot::by`].
    pub(crate) by: u8,
}

/// [`World::by`] for everybody who never comes again: AWS, tenants, replenish-pool.
pub(crate) const OTHERS: u8 = u8::MAX;

/// What `AttachInstances` answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AttachAnswer {
    Done,
    AlreadyInPool,
    AlreadyInTarget(u8),
    AlreadyInRetirement,
    Gone,
    TargetRefused,
    Denied,
    NoSuchGroup,
    Unknown,
}

/// Into which group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Into {
    Target(u8),
    Retirement,
}

impl World<'_> {
    pub(crate) fn target_of(&self, claim: u8) -> u8 {
        if self.config.shared_target { 0 } else { claim }
    }

    pub(crate) fn machine(&mut self, instance: u8) -> &mut Machine {
        &mut self.state.machines[usize::from(instance)]
    }

    pub(crate) fn expired(&self) -> bool {
        self.state.clock > Clock::Open
    }

    fn stale_reads(&self) -> bool {
        self.config.allows(Fault::StaleRead) && self.state.faults > 0
    }

    fn stale_places(&self) -> bool {
        self.config.allows(Fault::StalePlace) && self.state.faults > 0
    }

    // Auto Scaling: groups.

    /// Moves an instance; for a while reads may show it where it was.
    pub(crate) fn moves(&mut self, instance: u8, to: Place) {
        let shown = self.stale_places();
        let by = self.by;
        let machine = self.machine(instance);
        machine.was = shown.then_some((machine.place, by));
        machine.place = to;
    }

    pub(crate) fn attach(&mut self, into: Into, instance: u8) -> AttachAnswer {
        if self.state.denied && matches!(into, Into::Target(_)) {
            return AttachAnswer::Denied;
        }
        if self.state.retirement_gone && into == Into::Retirement {
            return AttachAnswer::NoSuchGroup;
        }
        let late = self.config.attaches_late();
        let machine = self.machine(instance);
        match machine.place {
            Place::Pool | Place::LeavingPool => AttachAnswer::AlreadyInPool,
            Place::Target(target) | Place::Parked(target) | Place::LeavingTarget(target) => {
                AttachAnswer::AlreadyInTarget(target)
            }
            Place::Retirement => AttachAnswer::AlreadyInRetirement,
            Place::Gone | Place::Unborn => AttachAnswer::Gone,
            Place::Free => {
                let tenants = std::mem::take(&mut machine.tenants);
                match into {
                    Into::Target(target) => {
                        let sent = machine.commands.len() > usize::from(machine.hidden);
                        let again = if late { tenants } else { sent };
                        machine.logged = late;
                        let unsent = machine.commands.is_empty() || !late;
                        let expired = self.expired();
                        self.state.broken.reattached_sent |= again;
                        self.state.broken.too_late |= expired && unsent;
                        self.machine(instance).log_hidden = late && self.stale_reads();
                        self.moves(instance, Place::Target(target));
                    }
                    Into::Retirement => {
                        self.removes(instance);
                        self.moves(instance, Place::Retirement);
                    }
                }
                AttachAnswer::Done
            }
        }
    }

    /// Detaches from the pool; answers whether AWS did.
    pub(crate) fn detach_from_pool(&mut self, instance: u8) -> bool {
        let ours = self.config.attaches_late() && self.by != OTHERS;
        let machine = self.machine(instance);
        let there = machine.place == Place::Pool;
        if there {
            machine.detached = true;
            machine.ours = ours;
            self.moves(instance, Place::LeavingPool);
        }
        there
    }

    /// Detaches from a target, for good.
    pub(crate) fn detach_from_target(&mut self, target: u8, instance: u8) {
        if self.machine(instance).place.target() == Some(target) {
            self.removes(instance);
            self.moves(instance, Place::LeavingTarget(target));
        }
    }

    /// `TerminateInstanceInAutoScalingGroup` names no group: it kills wherever the instance is.
    pub(crate) fn terminate(&mut self, instance: u8) {
        let place = self.machine(instance).place;
        if !matches!(place, Place::Gone | Place::Free) {
            // In the retirement group it was judged when it came there: its claim's entry may be gone since.
            if place != Place::Retirement {
                self.removes(instance);
            }
            self.moves(instance, Place::Gone);
        }
    }

    /// Something of ours takes an instance out of the world.
    fn removes(&mut self, instance: u8) {
        let machine = self.machine(instance).clone();
        // A command that can never run shows nobody anything.
        let runs = machine.agent.is_alive();
        let sent = machine
            .commands
            .iter()
            .filter(|command| command.status != CommandStatus::NotDelivered)
            .filter(|command| runs || command.status != CommandStatus::Running)
            .map(|command| command.claim);
        let ran = (0_u8..)
            .zip(machine.runs)
            .filter(|(_, runs)| *runs > 0)
            .map(|(claim, _)| claim);
        let wrong = sent.chain(ran).any(|claim| {
            let over = self.has_failed(claim)
                || self.is_replaced(instance, claim)
                || self.failed_before_wipe(instance, claim);
            !over || self.is_kept(instance, claim)
        });
        self.state.broken.removed_sent |= wrong;
    }

    fn has_failed(&self, claim: u8) -> bool {
        let entered = self.state.ledger[self.slot(claim)].now;
        let failed = entered.is_some_and(|line| matches!(line.standing, Standing::Failed(_)));
        let heard = self.state.heard[usize::from(claim)];
        failed || heard.failed || heard.too_late
    }

    /// Whether the claim's init failed here, and its entry, which said so, was wiped before its sender heard: whoever
    /// wrote it publishes it yet.
    fn failed_before_wipe(&self, instance: u8, claim: u8) -> bool {
        let wiped = self.state.wiped & (1 << self.target_of(claim)) != 0;
        let failed = self.state.machines[usize::from(instance)].has_failed(claim);
        self.config.attaches_late() && wiped && failed
    }

    /// Whether the claim has failed by the end of its command on this instance, and keeps it.
    fn is_kept(&self, instance: u8, claim: u8) -> bool {
        let entered = self.state.ledger[self.slot(claim)].now;
        let without_a_command = |reason| {
            matches!(
                reason,
                Reason::Expired
                    | Reason::TargetRefused
                    | Reason::CommandRefused
                    | Reason::AttemptsExhausted
            )
        };
        let closed = entered.is_some_and(|line| match line.standing {
            Standing::Failed(reason) => {
                line.instance == Some(instance) && !without_a_command(reason)
            }
            Standing::Ready | Standing::Assigned => false,
        });
        closed && self.config.on_init_failure == OnInitFailure::Keep
    }

    /// Whether the claim's command has failed on this instance, and the claim goes on without it.
    fn is_replaced(&self, instance: u8, claim: u8) -> bool {
        let entered = self.state.ledger[self.slot(claim)].now;
        let moved_on = entered.is_none_or(|line| line.instance != Some(instance));
        let machine = &self.state.machines[usize::from(instance)];
        let wanted = self.config.on_init_failure == OnInitFailure::Replace
            || machine.runs[usize::from(claim)] == 0;
        moved_on && machine.has_failed(claim) && wanted
    }

    // Auto Scaling: tags.

    fn slot(&self, claim: u8) -> usize {
        let per_target = self.config.lacks(Rule::EntryPerClaim);
        usize::from(if per_target {
            self.target_of(claim)
        } else {
            claim
        })
    }

    pub(crate) fn read_line(&self, claim: u8, stale: bool) -> Option<Line> {
        let slot = &self.state.ledger[self.slot(claim)];
        match slot.before {
            Some(before) if stale => before,
            _ => slot.now,
        }
    }

    /// Whether the claim's entry was written so shortly before that reads may not show it.
    pub(crate) fn is_young(&self, claim: u8) -> bool {
        self.state.ledger[self.slot(claim)].before.is_some()
    }

    pub(crate) fn write_line(&mut self, claim: u8, line: Option<Line>, by: u8) {
        let stale_reads = self.stale_reads();
        let clears = self.config.lacks(Rule::KeepEntries);
        let index = self.slot(claim);
        let slot = &mut self.state.ledger[index];
        let settled = line.is_some_and(|line| line.standing != Standing::Assigned);
        let line = if clears && settled { None } else { line };
        if slot.now != line {
            *slot = Slot {
                before: stale_reads.then_some(slot.now),
                by: if stale_reads { by } else { 0 },
                now: line,
            };
        }
    }

    /// Makes the claim's target, by whoever; answers whether AWS did. One that is there is not made again.
    pub(crate) fn make_target(&mut self, claim: u8) -> bool {
        let target = 1 << self.target_of(claim);
        let is_there = self.state.there & target != 0;
        if !is_there {
            self.state.there |= target;
            if self.stale_reads() {
                self.state.unseen |= target;
            }
        }
        !is_there
    }

    /// Enough time has passed for everybody to see what this handler wrote.
    pub(crate) fn settles(&mut self, by: u8) {
        if by == crate::writer::BY {
            self.state.unseen = 0;
        }
        for slot in &mut self.state.ledger {
            if slot.by == by {
                slot.before = None;
                slot.by = 0;
            }
        }
        for machine in &mut self.state.machines {
            machine.was = machine.was.filter(|(_, mover)| *mover != by);
        }
    }

    // Systems Manager.

    /// `SendCommand` takes effect.
    pub(crate) fn send_command(&mut self, instance: u8, claim: u8) {
        let hidden = self.stale_reads();
        let machine = self.machine(instance);
        machine.commands.push(Command {
            claim,
            status: CommandStatus::Running,
        });
        machine.hidden = hidden;
    }

    /// A command ends: on the box the marker decides.
    pub(crate) fn command_ends(&mut self, instance: u8, position: usize, ok: bool, event: bool) {
        let without_marker = self.config.lacks(Rule::Marker);
        let machine = self.machine(instance);
        let claim = machine.commands[position].claim;
        let alive =
            machine.agent.is_alive() && !matches!(machine.place, Place::Gone | Place::Unborn);
        let status_of = |ok: bool| {
            if ok {
                CommandStatus::Succeeded
            } else {
                CommandStatus::Failed
            }
        };
        machine.commands[position].status = match machine.marker {
            _ if !alive => CommandStatus::NotDelivered,
            Some((owner, _)) if owner != claim && !without_marker => CommandStatus::Failed,
            Some((_, recorded)) if !without_marker => status_of(recorded),
            _ => {
                machine.marker = Some((claim, ok));
                machine.runs[usize::from(claim)] += 1;
                status_of(ok)
            }
        };
        if event {
            self.put_init(
                usize::from(instance),
                InitMessage::Finished { claim, fresh: true },
            );
        }
    }

    /// A command ends before its script began.
    pub(crate) fn command_stops(&mut self, instance: u8, position: usize, event: bool) {
        let machine = self.machine(instance);
        let alive = machine.agent.is_alive() && machine.place != Place::Gone;
        let command = &mut machine.commands[position];
        command.status = if alive {
            CommandStatus::Failed
        } else {
            CommandStatus::NotDelivered
        };
        let claim = command.claim;
        if event {
            self.put_init(
                usize::from(instance),
                InitMessage::Finished { claim, fresh: true },
            );
        }
    }

    // SQS.

    /// Sends to InitQueue, which swallows a repeated hand-over for five minutes.
    pub(crate) fn send_init(&mut self, group: usize, message: InitMessage) {
        if let InitMessage::HandOver { claim, attempt, .. } = message {
            let names_instance = self.config.lacks(Rule::OneInstancePerAttempt);
            let index = if names_instance { group } else { 0 };
            let bit = 1_u8 << (claim * 4 + attempt);
            let sent = &mut self.state.swallowed.hand_overs[index];
            if *sent & bit != 0 {
                return;
            }
            *sent |= bit;
        }
        self.put_init(group, message);
    }

    /// Sends a look to InitQueue, which swallows a second one within a minute.
    pub(crate) fn send_look(&mut self, group: usize, message: InitMessage) {
        if !self.state.init[group].contains(&message) {
            self.put_init(group, message);
        }
    }

    fn put_init(&mut self, group: usize, message: InitMessage) {
        // Two equal messages one behind the other are as good as one that is delivered twice.
        let queue = &mut self.state.init[group];
        if queue.last() != Some(&message) || queue.len() == 1 {
            queue.push(message);
        }
        assert!(queue.len() <= 8, "InitQueue grows without bound");
    }

    /// The first message of a group comes again, should it not be over.
    pub(crate) fn is_delivered(&mut self, group: usize) {
        self.state.repeated |= 1 << group;
        let Some(message) = self.state.init[group].first_mut() else {
            return;
        };
        let forgets = match message {
            InitMessage::HandOver { .. } => Rule::FirstDelivery,
            InitMessage::Finished { .. } | InitMessage::LookAgain { .. } => Rule::EventAgain,
        };
        if !self.config.lacks(forgets) {
            message.is_no_more_fresh();
        }
    }

    /// The first message of a group is over, or dead.
    pub(crate) fn leaves_init(&mut self, group: usize) -> InitMessage {
        self.state.repeated &= !(1 << group);
        self.state.init[group].remove(0)
    }

    /// A message was left on a dead-letter queue until its claim's entry was gone, and nothing says
    /// any more how the claim ended: documented as a limit, where nobody heard before, or where a
    /// handler died while it removed the failed claim's instance.
    pub(crate) fn left_unread(&mut self, claim: u8) {
        let left_free = self.state.machines.iter().any(|machine| {
            machine.place == Place::Free && !machine.tenants && machine.was_sent(claim)
        });
        if left_free || !self.state.heard[usize::from(claim)].anything() {
            self.state.unread |= 1 << claim;
        }
    }

    pub(crate) fn send_retry(&mut self, claim: u8, attempt: u8) {
        let bit = 1_u8 << (claim * 4 + attempt);
        if self.state.swallowed.retries & bit == 0 {
            self.state.swallowed.retries |= bit;
            self.state.provision.push(Request {
                asked: Some(attempt),
                ..Request::of(claim)
            });
        }
    }

    /// A claim goes to the end of the line, in a copy of its message.
    pub(crate) fn send_copy(&mut self, request: Request) {
        let by_claim = self.config.lacks(Rule::CopyOfMessage);
        let lap = if by_claim { 0 } else { request.lap };
        let bit = 1_u8 << (request.claim * 4 + lap);
        if self.state.swallowed.copies & bit == 0 {
            self.state.swallowed.copies |= bit;
            self.state.provision.push(Request {
                lap: request.lap + 1,
                suspect: false,
                ..request
            });
        }
    }

    /// claim-instance answers that it is too late for a claim that it finds no entry of. For a
    /// claim that was served that is no end: "later repeats get the known outcome, or `expired`".
    pub(crate) fn answer_too_late(&mut self, claim: u8) {
        let sent = self
            .state
            .machines
            .iter()
            .any(|machine| machine.was_sent(claim));
        if sent {
            self.state.heard[usize::from(claim)].too_late = true;
        } else {
            self.publish(claim, Ending::Failed(Reason::Expired));
        }
    }

    /// Publishes an outcome.
    pub(crate) fn publish(&mut self, claim: u8, ending: Ending) {
        let heard = &mut self.state.heard[usize::from(claim)];
        let two = match ending {
            Ending::Ready => heard.failed,
            Ending::Failed(_) => heard.ready,
            Ending::Rejected => heard.ready || heard.failed,
        };
        match ending {
            Ending::Ready => heard.ready = true,
            Ending::Failed(_) => heard.failed = true,
            Ending::Rejected => heard.rejected = true,
        }
        self.state.broken.two_endings |= two;
    }

    /// Forgets what cannot matter any more, so that equal worlds are equal states.
    pub(crate) fn normalise(&mut self) {
        if let [alone] = &mut self.state.provision[..] {
            // Nobody is in line with it.
            alone.suspect = false;
        }
        if self.expired() {
            // Then nobody leaves a settled claim to whoever settled it.
            let queued = self.state.init.iter_mut().flatten();
            for message in queued.filter(|message| matches!(message, InitMessage::Finished { .. }))
            {
                message.is_no_more_fresh();
            }
        }
        for (group, queue) in self.state.init.iter().enumerate() {
            // Only looks ask whether they were delivered before; in other messages it stands.
            if !matches!(queue.first(), Some(InitMessage::LookAgain { .. })) {
                self.state.repeated &= !(1 << group);
            }
        }
        if !self.stale_places() {
            for machine in &mut self.state.machines {
                machine.was = None;
            }
        }
        if !self.stale_reads() {
            self.state.unseen = 0;
            for slot in &mut self.state.ledger {
                slot.before = None;
                slot.by = 0;
            }
            for instance in 0..INSTANCES {
                self.state.machines[instance].log_hidden = false;
                self.state.machines[instance].hidden = false;
            }
        }
    }
}
