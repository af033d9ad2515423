//! claim-instance's decisions.

use super::{entry, group, history, kept, line, placement, targets};
use crate::names::{names, time};
use crate::progress::{Groups, Memory, Verdict};
use crate::state::{CLAIMS, Clock, Command, INSTANCES, Line, Place, Request};
use claim_instance::decide as claiming;
use claim_instance::decide::Isolation;
use claim_instance::intake::isolation::{self, Delivery};
use ready_pool_core::claim::Claim;
use ready_pool_core::create_target::CreateTarget;
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::InstanceId;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

question! {
    /// A claim's entry as a delivery of claim-instance takes it.
    entry_of(claim: u8, memory: Memory, ledger: [Option<Line>; CLAIMS], there: u8, shared_target: bool) -> Option<Line> {
        let claim = names().claim(claim, shared_target);
        let targets = targets(ledger, there, shared_target);
        let memory = remembered(&memory, Clock::Open, shared_target);
        memory.entry_of(claim, targets.get(&claim.target_group)).as_ref().map(line)
    }
}

question! {
    /// In which order claim-instance processes a batch, and how, the suspects being delivered for
    /// the so-manieth time.
    isolate(suspects: Vec<bool>, receives: u8) -> Vec<(u8, Isolation)> {
        let delivered = |suspect: bool| Delivery {
            receives: if suspect { receives.into() } else { 1 },
            released: false,
        };
        let batch: Vec<Delivery> = suspects.into_iter().map(delivered).collect();
        isolation::isolate(&batch)
            .into_iter()
            .map(|(position, isolation)| (u8::try_from(position).unwrap(), isolation))
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
        requests: Vec<(Request, Isolation)>,
        shared_target: bool
    ) -> Vec<Verdict> {
        let names = names();
        let members = (0_u8..).zip(groups.pool).filter_map(|(instance, seen)| {
            let lifecycle = if seen? { Lifecycle::InService } else { Lifecycle::Detaching };
            Some((instance, lifecycle))
        });
        let pool = group(&names.pool, members.collect(), BTreeMap::new());
        let targets = targets(groups.ledger, groups.there, shared_target);
        let online = (0_u8..)
            .zip(groups.online)
            .filter(|(_, online)| *online)
            .map(|(instance, _)| names.instance(instance).clone())
            .collect();
        let places = begun
            .iter()
            .filter_map(|seen| {
                Some((names.instance(seen.instance).clone(), placement(seen.place)?))
            })
            .collect();
        let histories = begun
            .iter()
            .map(|seen| {
                let id = names.instance(seen.instance).clone();
                (id, history(&seen.commands, shared_target))
            })
            .collect();
        let memory = remembered(&memory, clock, shared_target);
        let view = claiming::View {
            now: time(clock),
            pool: &pool,
            size: pool.desired_capacity,
            retirement: &names.retirement,
            targets: &targets,
            creation: Some(claiming::Creation {
                name_prefix: "",
                subnets: &pool.subnets,
            }),
            online: &online,
            places: &places,
            histories: &histories,
            queued: 0,
            memory: &memory,
        };
        let requests: Vec<claiming::Request> = requests
            .iter()
            .map(|(request, isolation)| {
                let claim = names.claim(request.claim, shared_target).clone();
                // What a retry carries says nothing of a target to be made.
                let create_target = request.asked.is_none().then(new_target);
                claiming::Request {
                    asked: request.asked,
                    isolation: *isolation,
                    ..claiming::Request::of(Claim {
                        create_target,
                        ..claim
                    })
                }
            })
            .collect();
        claiming::decide(&view, &requests).iter().map(verdict).collect()
    }
}

fn new_target() -> CreateTarget {
    CreateTarget {
        max_size: 50,
        tags: BTreeMap::new(),
    }
}

fn remembered(memory: &Memory, clock: Clock, shared_target: bool) -> claiming::Memory {
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
        tried: claims()
            .map(|claim| (claim, &names().claim(claim, shared_target).target_group))
            .filter(|(claim, _)| {
                let target = if shared_target { 0 } else { *claim };
                memory.tried & (1 << target) != 0
            })
            .map(|(_, target)| (target.clone(), tried(clock)))
            .collect(),
    }
}

/// Within a delivery no ten seconds pass.
fn tried(clock: Clock) -> claiming::Tried {
    claiming::Tried {
        at: time(clock),
        quota: false,
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
            makes,
            ..
        } => Verdict::Assign {
            instance: index(instance),
            attempt: *attempt,
            entered: *entered,
            makes: makes.is_some(),
        },
        claiming::Decision::Wait(_) => Verdict::Wait,
        claiming::Decision::Preview { .. } => unreachable!("the model sends no dry runs"),
    }
}
