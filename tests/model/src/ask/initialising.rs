//! init-instance's decisions.

use super::{entry, error, group, history_of, history_that_says, kept, refusal};
use crate::aws::AttachAnswer;
use crate::names::{names, time};
use crate::progress::{Look, Told, Way};
use crate::state::{Clock, Command, Line, Place};
use init_instance::decide as initialising;
use ready_pool_core::call_error::Effect;
use ready_pool_core::claim::Claim;
use ready_pool_core::command::{self, CommandStatus};
use ready_pool_core::group::Lifecycle;
use ready_pool_core::ids::GroupName;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::message::{HandOver, VERSION};
use ready_pool_core::times::Times;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

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
