//! claim-instance, call by call: mirrors `functions/claim-instance/src/{batch,observe}.rs` and `act`.
//!
//! What it decides comes from `claim_instance::decide::decide`, in which order it processes a batch
//! from `claim_instance::intake::isolation::isolate`; what is restated here is the order of
//! calls, and what each answer means (`act`), because those are what crashes and lost answers cut.

mod aside;
mod assigning;
mod suspects;

pub(crate) use aside::{may_step_aside, step_aside};
pub(crate) use suspects::{begin, beginnings, dies, nobody_knows, received};

use crate::ask::{self, Begun};
use crate::aws::World;
use crate::configuration::{Configuration, Rule};
use crate::progress::{
    Answering, Assignment, Ending, Groups, Sending, Verdict, Writer, WriterStage,
};
use crate::state::{CLAIMS, InitMessage, Line, Place, Request, State};
use crate::step::Answer;
use claim_instance::decide::Isolation;
use ready_pool_core::ledger::Standing;
use ready_pool_core::reason::Reason;
use suspects::{is_suspected, isolation, takes_up};

/// Who wrote an entry, for [`crate::state::Slot::by`].
pub(crate) const BY: u8 = 100;

/// Whether this delivery can take a step.
pub(crate) fn can_step(state: &State, config: &Configuration, slot: usize) -> bool {
    let begins = slot == 0 && !state.provision.is_empty();
    is_busy(&state.writers[slot]) || (begins && !is_suspected(state, config))
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
        WriterStage::Copy if writer.aside.count_ones() > 1 => vec![
            Answer::Ok,
            Answer::LostDone,
            Answer::LostNever,
            Answer::Partly,
        ],
        WriterStage::Answer
        | WriterStage::Send
        | WriterStage::Delete
        | WriterStage::Copy
        | WriterStage::DeleteCopied => {
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
        WriterStage::Enter | WriterStage::Make | WriterStage::DetachAlone => {
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
        writer.batch = received(&world.state.provision);
        writer.open = suspects::by_first_send(&writer.batch);
        takes_up(world.state);
    }
    if is_fatal(world, &writer) {
        world.state.writers[slot] = writer;
        dies(world, slot);
        return;
    }
    let mut act = Act { world, writer };
    act.step(slot, answer);
    let writer = act.writer;
    world.state.writers[slot] = writer;
}

/// Whether the next call is the one that a poisonous claim ends the invocation at.
fn is_fatal(world: &World<'_>, writer: &Writer) -> bool {
    let mut enters = writer.assignments.iter().filter(|item| !item.entered);
    writer.stage == WriterStage::Enter
        && enters.any(|assignment| Some(assignment.claim) == world.config.poison)
}

/// `batch.rs`, `look_until_settled`: whether this delivery may take another look.
pub(crate) fn may_look_again(writer: &Writer) -> bool {
    writer.stage == WriterStage::Return
        && !writer.open.is_empty()
        && !writer.uncertain
        && writer.aside == 0
        && writer.memory != crate::progress::Memory::default()
        && (writer.open.iter()).any(|position| isolation(writer, *position) != Isolation::Deferred)
}

/// Takes another look within the delivery.
pub(crate) fn look_again(world: &mut World<'_>, slot: usize) {
    world.state.writers[slot].stage = WriterStage::Look;
    step(world, slot, Answer::Ok);
}

/// The instances of open claims that were begun before: their places are read next.
pub(crate) fn begun(writer: &Writer, groups: Groups, shared_target: bool) -> Vec<u8> {
    let open = writer.open.iter().filter_map(|position| {
        let claim = writer.batch[usize::from(*position)].claim;
        let line = ask::entry_of(
            claim,
            writer.memory,
            groups.ledger,
            groups.there,
            shared_target,
        )?;
        (!ask::is_settled(line)).then_some(line.instance)?
    });
    let mut instances: Vec<u8> = open.collect();
    instances.sort_unstable();
    instances.dedup();
    instances
}

struct Act<'a, 'b> {
    world: &'a mut World<'b>,
    writer: Writer,
}

impl Act<'_, '_> {
    fn step(&mut self, slot: usize, answer: Answer) {
        match self.writer.stage {
            // `handler.rs`, `lease`: the receipts no longer work.
            WriterStage::Throttled if self.world.config.lacks(Rule::Lease) => {
                self.writer.stage = WriterStage::Look;
            }
            WriterStage::Throttled => self.writer = Writer::default(),
            WriterStage::Look => self.look(answer),
            WriterStage::Places(groups) => self.places(groups, answer),
            WriterStage::Answer => self.answer(answer),
            WriterStage::Enter => self.enter(answer),
            WriterStage::Make => self.make(answer),
            WriterStage::Detach => self.detach(answer),
            WriterStage::DetachAlone => self.detach_alone(answer),
            WriterStage::Send => self.send(answer),
            WriterStage::Delete => self.delete(answer),
            WriterStage::Copy => self.copy(answer),
            WriterStage::DeleteCopied => self.delete_copied(answer),
            WriterStage::Return => return self.release(slot, answer),
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
                WriterStage::Enter => {
                    let mut items = writer.assignments.iter();
                    items.all(|item| item.entered || item.makes)
                }
                WriterStage::Make => writer.assignments.iter().all(|item| item.entered),
                WriterStage::Detach => writer.assignments.is_empty(),
                WriterStage::DetachAlone => writer.one_by_one.is_empty(),
                WriterStage::Send => writer.sends.is_empty(),
                WriterStage::Throttled
                | WriterStage::Look
                | WriterStage::Places(_)
                | WriterStage::Delete
                | WriterStage::Copy
                | WriterStage::DeleteCopied
                | WriterStage::Return => false,
            };
            if !over {
                break;
            }
            self.writer.stage = match writer.stage {
                WriterStage::Answer if detach_first => WriterStage::Detach,
                WriterStage::Answer => WriterStage::Enter,
                WriterStage::Enter => WriterStage::Make,
                WriterStage::Make if detach_first => self.begin_sending(),
                WriterStage::Make => WriterStage::Detach,
                WriterStage::DetachAlone if detach_first => WriterStage::Enter,
                WriterStage::Detach | WriterStage::DetachAlone => self.begin_sending(),
                _ if !writer.isolated.is_empty() && self.settled() != 0 => WriterStage::Delete,
                _ if !writer.isolated.is_empty() => self.next_isolated(),
                _ => {
                    let mut open = std::mem::take(&mut self.writer.pending);
                    open.sort_by_key(|position| self.place(*position));
                    self.writer.open = open;
                    WriterStage::Return
                }
            };
        }
        // A look that found nothing to do leaves no trace.
        let writer = &self.writer;
        let idle = writer.stage == WriterStage::Return
            && writer.open.len() == writer.batch.len()
            && writer.memory == crate::progress::Memory::default()
            && aside::eligible(writer, self.world.config) == 0
            && !writer.uncertain;
        if idle {
            self.release(slot, Answer::Ok);
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
            there: self.there(answer),
        };
        if self.world.config.split_look {
            self.writer.stage = WriterStage::Places(groups);
        } else {
            self.places(groups, answer);
        }
    }

    fn there(&self, answer: Answer) -> u8 {
        let state = &self.world.state;
        match answer {
            Answer::Stale => state.there & !state.unseen,
            _ => state.there,
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
        let requests: Vec<(Request, Isolation)> = self
            .writer
            .open
            .iter()
            .map(|position| {
                let request = Request {
                    // No decision hangs on it.
                    lap: 0,
                    ..self.writer.batch[usize::from(*position)]
                };
                (request, isolation(&self.writer, *position))
            })
            .collect();
        let memory = self.writer.memory;
        let instances = begun(&self.writer, groups, self.world.config.shared_target);
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
        // The targets are read with them.
        let there = if instances.is_empty() {
            groups.there
        } else {
            self.there(answer)
        };
        let groups = Groups {
            ledger,
            there,
            ..groups
        };
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
        self.writer.waits = 0;
        self.writer.stage = WriterStage::Answer;
        for (position, verdict) in self.writer.open.clone().into_iter().zip(verdicts) {
            let makes_calls = !matches!(verdict, Verdict::Wait | Verdict::LeaveToInit);
            match isolation(&self.writer, position) {
                Isolation::Isolated if makes_calls => {
                    self.writer.isolated.push((position, verdict));
                }
                _ => self.take_up(position, verdict),
            }
        }
    }

    /// `act/mod.rs`, `carry_out`.
    fn take_up(&mut self, position: u8, verdict: Verdict) {
        let claim = self.writer.batch[usize::from(position)].claim;
        let writer = &mut self.writer;
        match verdict {
            Verdict::Wait => {
                writer.pending.push(position);
                writer.waits |= u8::from(self.world.config.steps_aside) << position;
            }
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
                    Place::Target(_) | Place::Parked(_)
                );
                if in_target && self.world.config.lacks(Rule::FulfilledIsSent) {
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
                    message: InitMessage::HandOver {
                        claim,
                        attempt,
                        proven: false,
                        fresh: false,
                    },
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
                makes,
            } => writer.assignments.push(Assignment {
                position,
                claim,
                instance,
                attempt,
                entered,
                makes,
                proven: false,
            }),
        }
    }

    /// `act/respond.rs`: the entry first, then the outcome.
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
            // `act/hand_over.rs`, `look_again`: the message is kept until the claim is settled.
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

    fn begin_sending(&mut self) -> WriterStage {
        let late = self.world.config.attaches_late();
        for assignment in std::mem::take(&mut self.writer.assignments) {
            self.writer.sends.push(Sending {
                position: assignment.position,
                instance: assignment.instance,
                message: InitMessage::HandOver {
                    claim: assignment.claim,
                    attempt: assignment.attempt,
                    proven: assignment.proven && late,
                    fresh: assignment.proven
                        && (!late || self.world.config.lacks(Rule::FreshHistory)),
                },
            });
        }
        WriterStage::Send
    }

    /// `act/hand_over.rs`, `hand_over`.
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
}
