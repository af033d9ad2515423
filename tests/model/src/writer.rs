//! claim-instance, call by call: mirrors `functions/claim-instance/src/{delivery,observe,act}.rs`.
//!
//! What it decides comes from `claim_instance::decide::decide`; what is restated here is the order of
//! calls, and what each answer means (`act.rs`), because those are what crashes and lost answers cut.

use crate::ask::{self, Begun};
use crate::aws::World;
use crate::configuration::Rule;
use crate::progress::{
    Answering, Assignment, Ending, Groups, Sending, Verdict, Writer, WriterStage,
};
use crate::state::{CLAIMS, InitMessage, Line, Place, Request, State};
use crate::step::Answer;
use ready_pool_core::ledger::Standing;
use ready_pool_core::outcome::Reason;

/// Who wrote an entry, for [`crate::state::Slot::by`].
pub(crate) const BY: u8 = 100;

/// Whether this delivery can take a step.
pub(crate) fn can_step(state: &State, slot: usize) -> bool {
    is_busy(&state.writers[slot]) || (slot == 0 && !state.provision.is_empty())
}

pub(crate) fn is_busy(writer: &Writer) -> bool {
    !writer.batch.is_empty()
}

/// How the next call of this delivery can be answered.
pub(crate) fn answers(state: &State, slot: usize) -> Vec<Answer> {
    let writer = &state.writers[slot];
    match writer.stage {
        WriterStage::Look | WriterStage::Places(_) => {
            vec![Answer::Ok, Answer::Stale, Answer::StalePlace]
        }
        WriterStage::Answer | WriterStage::Send => {
            vec![Answer::Ok, Answer::LostDone, Answer::LostNever]
        }
        WriterStage::Detach => {
            let mut answers = vec![
                Answer::Ok,
                Answer::Busy,
                Answer::LostDone,
                Answer::LostNever,
            ];
            if writer.assignments.len() > 1 {
                answers.push(Answer::Partly);
            }
            answers
        }
        WriterStage::Enter | WriterStage::DetachAlone => {
            vec![
                Answer::Ok,
                Answer::Busy,
                Answer::LostDone,
                Answer::LostNever,
            ]
        }
        WriterStage::Return if slot == 0 => {
            vec![Answer::Ok, Answer::Repeats]
        }
        WriterStage::Throttled | WriterStage::Return => vec![Answer::Ok],
    }
}

/// One call.
pub(crate) fn step(world: &mut World<'_>, slot: usize, answer: Answer) {
    let mut writer = std::mem::take(&mut world.state.writers[slot]);
    if writer.batch.is_empty() {
        writer.batch.clone_from(&world.state.provision);
        writer.open = (0_u8..).take(writer.batch.len()).collect();
    }
    let mut act = Act { world, writer };
    act.step(slot, answer);
    let writer = act.writer;
    world.state.writers[slot] = writer;
}

/// `delivery.rs`, `look_until_settled`: whether this delivery may take another look.
pub(crate) fn may_look_again(writer: &Writer) -> bool {
    writer.stage == WriterStage::Return
        && !writer.open.is_empty()
        && !writer.uncertain
        && writer.memory != crate::progress::Memory::default()
}

/// Takes another look within the delivery.
pub(crate) fn look_again(world: &mut World<'_>, slot: usize) {
    world.state.writers[slot].stage = WriterStage::Look;
    step(world, slot, Answer::Ok);
}

struct Act<'a, 'b> {
    world: &'a mut World<'b>,
    writer: Writer,
}

impl Act<'_, '_> {
    fn step(&mut self, slot: usize, answer: Answer) {
        match self.writer.stage {
            // `delivery.rs`, `lease`: the receipts no longer work.
            WriterStage::Throttled if self.world.config.lacks(Rule::Lease) => {
                self.writer.stage = WriterStage::Look;
            }
            WriterStage::Throttled => self.writer = Writer::default(),
            WriterStage::Look => self.look(answer),
            WriterStage::Places(groups) => self.places(groups, answer),
            WriterStage::Answer => self.answer(answer),
            WriterStage::Enter => self.enter(answer),
            WriterStage::Detach => self.detach(answer),
            WriterStage::DetachAlone => self.detach_alone(answer),
            WriterStage::Send => self.send(answer),
            WriterStage::Return => return self.give_back(slot, answer),
        }
        self.go_on(slot);
    }

    /// Goes past everything that makes no call.
    fn go_on(&mut self, slot: usize) {
        let detach_first = self.world.config.lacks(Rule::EntryFirst);
        loop {
            let writer = &self.writer;
            let over = match writer.stage {
                WriterStage::Answer => writer.answers.is_empty(),
                WriterStage::Enter => writer.assignments.iter().all(|item| item.entered),
                WriterStage::Detach => writer.assignments.is_empty(),
                WriterStage::DetachAlone => writer.alone.is_empty(),
                WriterStage::Send => writer.sends.is_empty(),
                WriterStage::Throttled
                | WriterStage::Look
                | WriterStage::Places(_)
                | WriterStage::Return => false,
            };
            if !over {
                break;
            }
            self.writer.stage = match writer.stage {
                WriterStage::Answer if detach_first => WriterStage::Detach,
                WriterStage::Answer => WriterStage::Enter,
                WriterStage::Enter if detach_first => self.begin_sending(),
                WriterStage::Enter => WriterStage::Detach,
                WriterStage::DetachAlone if detach_first => WriterStage::Enter,
                WriterStage::Detach | WriterStage::DetachAlone => self.begin_sending(),
                _ => {
                    self.writer.pending.sort_unstable();
                    self.writer.open = std::mem::take(&mut self.writer.pending);
                    WriterStage::Return
                }
            };
        }
        // A look that found nothing to do leaves no trace.
        let writer = &self.writer;
        let idle = writer.stage == WriterStage::Return
            && writer.open.len() == writer.batch.len()
            && writer.memory == crate::progress::Memory::default()
            && !writer.uncertain;
        if idle {
            self.give_back(slot, Answer::Ok);
        }
    }

    /// `observe.rs`: the groups in one call (and the agents of the candidates).
    fn look(&mut self, answer: Answer) {
        let state = &self.world.state;
        let seen = state
            .machines
            .each_ref()
            .map(|machine| machine.seen(answer == Answer::StalePlace));
        let groups = Groups {
            pool: seen.map(|place| match place {
                Place::Pool => Some(true),
                Place::LeavingPool => Some(false),
                _ => None,
            }),
            online: std::array::from_fn(|instance| {
                seen[instance] == Place::Pool && state.machines[instance].agent.is_listed()
            }),
            ledger: self.ledger(answer),
        };
        if self.world.config.split_look {
            self.writer.stage = WriterStage::Places(groups);
        } else {
            self.places(groups, answer);
        }
    }

    fn ledger(&self, answer: Answer) -> [Option<Line>; CLAIMS] {
        std::array::from_fn(|claim| {
            let claim = u8::try_from(claim).unwrap();
            self.world.read_line(claim, answer == Answer::Stale)
        })
    }

    /// `observe.rs`: places and histories of begun claims' instances; then decide.
    fn places(&mut self, groups: Groups, answer: Answer) {
        let requests: Vec<Request> = self
            .writer
            .open
            .iter()
            .map(|position| self.writer.batch[usize::from(*position)])
            .collect();
        let memory = self.writer.memory;
        let mut instances: Vec<u8> = requests
            .iter()
            .filter_map(|request| {
                let shared = self.world.config.shared_target;
                let line = ask::entry_of(request.claim, memory, groups.ledger, shared)?;
                if ask::is_settled(line) {
                    None
                } else {
                    line.instance
                }
            })
            .collect();
        instances.sort_unstable();
        instances.dedup();
        // Places were read: now the entries again, for they are written before anything moves.
        let ledger = if instances.is_empty() || self.world.config.lacks(Rule::EntriesLast) {
            groups.ledger
        } else {
            self.ledger(answer)
        };
        let ledger = if self.world.config.lacks(Rule::LedgerOverMemory) {
            std::array::from_fn(|claim| memory.lines[claim].or(ledger[claim]))
        } else {
            ledger
        };
        let groups = Groups { ledger, ..groups };
        let begun = instances
            .into_iter()
            .map(|instance| {
                let machine = &self.world.state.machines[usize::from(instance)];
                Begun {
                    instance,
                    place: machine.seen(answer == Answer::StalePlace),
                    commands: machine.visible(answer == Answer::Stale),
                }
            })
            .collect();
        let verdicts = ask::decide(
            self.world.state.clock,
            groups,
            begun,
            memory,
            requests,
            self.world.config.shared_target,
        );
        self.writer.uncertain = false;
        self.writer.stage = WriterStage::Answer;
        for (position, verdict) in self.writer.open.clone().into_iter().zip(verdicts) {
            self.take_up(position, verdict);
        }
    }

    /// `act.rs`, `carry_out`.
    fn take_up(&mut self, position: u8, verdict: Verdict) {
        let claim = self.writer.batch[usize::from(position)].claim;
        let writer = &mut self.writer;
        match verdict {
            Verdict::Wait => writer.pending.push(position),
            Verdict::LeaveToInit => {}
            Verdict::Reject => {
                writer
                    .answers
                    .push((position, Answering::Publish(Ending::Rejected)));
            }
            Verdict::Repeat(line) => {
                let ending = match line.standing {
                    Standing::Failed(reason) => Ending::Failed(reason),
                    Standing::Ready | Standing::Assigned => Ending::Ready,
                };
                writer.answers.push((position, Answering::Publish(ending)));
            }
            Verdict::Close(Some(line), reason) => {
                writer
                    .answers
                    .push((position, Answering::Close(line, reason)));
            }
            Verdict::Close(None, Reason::Expired) => {
                writer.answers.push((position, Answering::TooLate));
            }
            Verdict::Close(None, reason) => {
                let ending = Ending::Failed(reason);
                writer.answers.push((position, Answering::Publish(ending)));
            }
            Verdict::HandOver(instance, attempt) => {
                let in_target = matches!(
                    self.world.state.machines[usize::from(instance)].place,
                    Place::Target(_)
                );
                if in_target && self.world.config.lacks(Rule::FulfilledIsTold) {
                    let machine = &self.world.state.machines[usize::from(instance)];
                    let initialised = machine.runs[usize::from(claim)] > 0;
                    self.world.state.broken.ready_elsewhere |= !initialised;
                    let answer = Answering::Publish(Ending::Ready);
                    writer.answers.push((position, answer));
                    return;
                }
                writer.sends.push(Sending {
                    position,
                    instance,
                    message: InitMessage::HandOver { claim, attempt },
                });
            }
            Verdict::LookAgain(instance, attempt) => {
                let ask = Answering::LookAgain(instance, attempt);
                writer.answers.push((position, ask));
            }
            Verdict::Assign {
                instance,
                attempt,
                entered,
            } => writer.assignments.push(Assignment {
                position,
                claim,
                instance,
                attempt,
                entered,
            }),
        }
    }

    /// `act.rs`, `reject`, `repeat`, `close`: the entry first, then the outcome.
    fn answer(&mut self, answer: Answer) {
        let (position, answering) = self.writer.answers.remove(0);
        let claim = self.writer.batch[usize::from(position)].claim;
        match answering {
            Answering::Close(line, reason) => {
                if answer != Answer::LostNever {
                    self.world.write_line(claim, Some(line), BY);
                }
                if answer == Answer::Ok {
                    self.writer.memory.lines[usize::from(claim)] = Some(line);
                    let publish = Answering::Publish(Ending::Failed(reason));
                    self.writer.answers.insert(0, (position, publish));
                } else {
                    self.writer.pending.push(position);
                }
            }
            // `act.rs`, `look_again`: the message is kept until the claim is settled.
            Answering::LookAgain(instance, attempt) => {
                if answer != Answer::LostNever {
                    let message = InitMessage::LookAgain { claim, attempt };
                    self.world.send_look(usize::from(instance), message);
                }
                if answer != Answer::Ok || !self.world.config.lacks(Rule::KeepMessage) {
                    self.writer.uncertain = true;
                    self.writer.pending.push(position);
                }
            }
            Answering::TooLate => {
                if answer != Answer::LostNever {
                    self.world.answer_too_late(claim);
                }
                if answer != Answer::Ok {
                    self.writer.pending.push(position);
                }
            }
            Answering::Publish(ending) => {
                if answer != Answer::LostNever {
                    self.world.publish(claim, ending);
                }
                if answer != Answer::Ok {
                    self.writer.pending.push(position);
                }
            }
        }
    }

    /// `act.rs`, `enter`: one call for all. A group that refuses is asked alone, so a fault hits
    /// one assignment (the first) and not the others.
    fn enter(&mut self, answer: Answer) {
        let assignments = std::mem::take(&mut self.writer.assignments);
        let mut unlucky = answer != Answer::Ok;
        for mut assignment in assignments {
            if assignment.entered {
                self.writer.assignments.push(assignment);
                continue;
            }
            let failed = std::mem::take(&mut unlucky);
            if !failed || answer == Answer::LostDone {
                let line = assigned(assignment, Some(assignment.instance));
                self.world.write_line(assignment.claim, Some(line), BY);
            }
            if failed {
                self.writer.uncertain |= answer != Answer::Busy;
                self.writer.pending.push(assignment.position);
                continue;
            }
            self.remember(assignment, Some(assignment.instance));
            self.writer.memory.untouched |= 1 << assignment.claim;
            assignment.entered = true;
            self.writer.assignments.push(assignment);
        }
    }

    fn remember(&mut self, assignment: Assignment, instance: Option<u8>) {
        let memory = &mut self.writer.memory;
        memory.spent |= 1 << assignment.instance;
        memory.lines[usize::from(assignment.claim)] = Some(assigned(assignment, instance));
    }

    /// `act.rs`, `detach`: all in one call.
    fn detach(&mut self, answer: Answer) {
        let assignments = std::mem::take(&mut self.writer.assignments);
        let machines = &self.world.state.machines;
        let bad = assignments
            .iter()
            .find(|item| machines[usize::from(item.instance)].place != Place::Pool)
            .map(|item| item.instance);
        let repeated = self.repeated(answer).then(|| assignments[0].instance);
        let acts = match answer {
            Answer::Ok | Answer::LostDone => bad.is_none(),
            Answer::Partly => true,
            _ => false,
        };
        if acts {
            for assignment in &assignments {
                self.world.detach_from_pool(assignment.instance);
            }
        }
        match (answer, bad.or(repeated)) {
            (Answer::Ok, None) => {
                for assignment in assignments {
                    self.writer.memory.untouched &= !(1 << assignment.claim);
                    self.writer.assignments.push(assignment);
                }
                let detach_first = self.world.config.lacks(Rule::EntryFirst);
                self.writer.stage = if detach_first {
                    WriterStage::Enter
                } else {
                    self.begin_sending()
                };
            }
            (Answer::Ok | Answer::Partly | Answer::LostDone, Some(named))
                if answer != Answer::LostDone || repeated.is_some() =>
            {
                self.detach_one_by_one(assignments, named);
            }
            _ => {
                for assignment in assignments {
                    self.detach_failed(assignment, answer != Answer::Busy);
                }
            }
        }
    }

    /// The variant in which the SDK repeats a detach whose answer was lost: the second call is
    /// refused, because the first took effect.
    fn repeated(&self, answer: Answer) -> bool {
        answer == Answer::LostDone && self.world.config.lacks(Rule::NoRetryOnDetach)
    }

    /// `act.rs`, `detach_one_by_one`: only the one that AWS names is certainly where it was.
    fn detach_one_by_one(&mut self, assignments: Vec<Assignment>, named: u8) {
        let alone = assignments.len() == 1;
        self.writer.stage = WriterStage::DetachAlone;
        for assignment in assignments {
            if alone || assignment.instance == named {
                self.not_detachable(assignment);
            } else {
                self.writer.memory.untouched &= !(1 << assignment.claim);
                self.writer.alone.push(assignment);
            }
        }
    }

    /// `act.rs`, `detach_alone`.
    fn detach_alone(&mut self, answer: Answer) {
        let assignment = self.writer.alone.remove(0);
        let there =
            self.world.state.machines[usize::from(assignment.instance)].place == Place::Pool;
        if matches!(answer, Answer::Ok | Answer::LostDone) && there {
            self.world.detach_from_pool(assignment.instance);
        }
        match answer {
            Answer::Ok if there => {
                self.writer.memory.untouched &= !(1 << assignment.claim);
                self.writer.assignments.push(assignment);
            }
            Answer::Ok => self.not_detachable(assignment),
            Answer::LostDone if self.repeated(answer) => self.not_detachable(assignment),
            _ => self.detach_failed(assignment, answer != Answer::Busy),
        }
    }

    /// `act.rs`, `not_detachable`.
    fn not_detachable(&mut self, assignment: Assignment) {
        let untouched = 1 << assignment.claim;
        if self.writer.memory.untouched & untouched == 0 {
            self.writer.assignments.push(assignment);
            return;
        }
        self.writer.memory.untouched &= !untouched;
        self.remember(assignment, None);
        self.writer.pending.push(assignment.position);
    }

    /// `act.rs`, `detach_failed`.
    fn detach_failed(&mut self, assignment: Assignment, unknown: bool) {
        if unknown {
            self.writer.memory.untouched &= !(1 << assignment.claim);
            self.writer.uncertain = true;
        }
        self.writer.pending.push(assignment.position);
    }

    fn begin_sending(&mut self) -> WriterStage {
        for assignment in std::mem::take(&mut self.writer.assignments) {
            self.writer.sends.push(Sending {
                position: assignment.position,
                instance: assignment.instance,
                message: InitMessage::HandOver {
                    claim: assignment.claim,
                    attempt: assignment.attempt,
                },
            });
        }
        WriterStage::Send
    }

    /// `act.rs`, `send`.
    fn send(&mut self, answer: Answer) {
        for sending in std::mem::take(&mut self.writer.sends) {
            if answer != Answer::LostNever {
                self.world
                    .send_init(usize::from(sending.instance), sending.message);
            }
            if answer != Answer::Ok {
                self.writer.uncertain = true;
                self.writer.pending.push(sending.position);
            }
        }
    }

    /// `delivery.rs`, `give_back`, and SQS, which deletes what is not named as failed.
    fn give_back(&mut self, slot: usize, answer: Answer) {
        let writer = std::mem::take(&mut self.writer);
        // Only the receipts of the latest delivery work.
        if slot == 0 && answer == Answer::Ok {
            let batch = writer.batch.len();
            let mut position = 0;
            self.world.state.provision.retain(|_| {
                let keep =
                    position >= batch || writer.open.contains(&u8::try_from(position).unwrap());
                position += 1;
                keep
            });
        }
        self.world.settles(BY);
    }
}

fn assigned(assignment: Assignment, instance: Option<u8>) -> Line {
    Line {
        instance,
        attempt: assignment.attempt,
        standing: Standing::Assigned,
        instead_of: None,
    }
}
