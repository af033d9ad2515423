//! init-instance's decisions.

use super::{
    Wish, entry, error, group, history_of, history_that_says, kept, line, placement, refusal,
};
use crate::aws::AttachAnswer;
use crate::names::{EARLIER, names, time};
use crate::progress::{Doing, Ending, InitCommand, Look, Rest, Steps};
use crate::state::{Clock, Command, Line, Place};
use init_instance::decide as initialising;
use init_instance::decide::{Conclusion, Finding, KnownAttach, Step};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::claim::Claim;
use ready_pool_core::command::{self, CommandStatus};
use ready_pool_core::group::{Lifecycle, OPT_IN_TAG};
use ready_pool_core::ids::GroupName;
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::message::{HandOver, LookAgain, VERSION};
use ready_pool_core::times::Times;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use time::Duration;

/// A conclusion as the function decided it, in the model's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Concluded {
    pub(crate) finding: Finding,
    pub(crate) rest: Rest,
}

fn concluded(conclusion: &Conclusion) -> Concluded {
    let steps: Vec<Doing> = conclusion.steps.iter().filter_map(doing).collect();
    Concluded {
        finding: conclusion.finding,
        rest: Rest {
            entry: conclusion.entry.as_ref().map(line),
            steps: Steps::new(&steps),
        },
    }
}

/// A protection from scale-in changes nothing that the model knows, and nothing waits for it.
fn doing(step: &Step) -> Option<Doing> {
    match step {
        Step::Protect => None,
        Step::PublishReady => Some(Doing::Publish(Ending::Ready)),
        Step::PublishFailed(reason) => Some(Doing::Publish(Ending::Failed(*reason))),
        Step::Retry(retry) => Some(Doing::Retry(retry.attempt)),
        Step::Retire => Some(Doing::Retire),
        Step::TakeOut => Some(Doing::TakeOut),
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
    /// What a hand-over calls for; `None`: attach.
    begin(
        message: (u8, u8, u8),
        command: InitCommand,
        entered: Option<Line>,
        clock: Clock,
        shared_target: bool,
        wish: Wish
    ) -> Option<Concluded> {
        let beginning = initialising::begin(
            &hand_over(message, shared_target, wish.0),
            &history_that_says(command, message.0, shared_target, wish),
            entered.map(entry).as_ref(),
            time(clock),
        );
        match beginning {
            initialising::Beginning::Attach => None,
            initialising::Beginning::Conclude(conclusion) => Some(concluded(&conclusion)),
        }
    }
}

/// A moment after what a message is about.
const SOON: Timestamp = EARLIER.saturating_add(Duration::SECOND);

fn delivery(first: bool) -> initialising::Delivery {
    if first {
        initialising::Delivery::First
    } else {
        initialising::Delivery::Repeated
    }
}

question! {
    /// Whether a hand-over needs no look at what was done before.
    is_fresh(fresh: bool) -> bool {
        let mut hand_over = hand_over((0, 1, 0), false, OnInitFailure::default());
        hand_over.times.detached = Some(EARLIER);
        initialising::is_fresh(&hand_over, delivery(fresh), SOON)
    }
}

question! {
    /// As what an event of a command's end counts.
    occasion_of_event(fresh: bool) -> initialising::Occasion {
        initialising::occasion_of_event(delivery(fresh), Some(EARLIER), SOON)
    }
}

question! {
    /// Whether it is too late for a hand-over to attach or to send.
    too_late(message: (u8, u8, u8), clock: Clock) -> Option<Concluded> {
        let hand_over = hand_over(message, false, OnInitFailure::default());
        initialising::too_late(&hand_over, time(clock)).as_ref().map(concluded)
    }
}

fn attach_result(answer: AttachAnswer) -> Result<(), CallError> {
    let names = names();
    let part_of = |group: &GroupName| {
        refusal(&format!(
            "The Instance: i-1 is already part of AutoScalingGroup:{group}"
        ))
    };
    match answer {
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
        AttachAnswer::NoSuchGroup => Err(refusal("AutoScalingGroup name not found")),
        AttachAnswer::Denied => Err(error("AccessDenied", "", Effect::Refused)),
        AttachAnswer::Unknown => Err(error("TimedOut", "", Effect::Unknown)),
    }
}

/// What an answer to `AttachInstances` calls for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AfterAttach {
    Send,
    TryAgain,
    Conclude(Concluded),
}

question! {
    /// What an answer to `AttachInstances` calls for.
    after_attach(
        answer: AttachAnswer,
        message: (u8, u8, u8),
        clock: Clock,
        shared_target: bool
    ) -> AfterAttach {
        let names = names();
        let result = attach_result(answer);
        let hand_over = hand_over(message, shared_target, OnInitFailure::default());
        match initialising::after_attach(&result, &hand_over, &names.pool, time(clock)) {
            initialising::Attached::Send => AfterAttach::Send,
            initialising::Attached::TryAgain => AfterAttach::TryAgain,
            initialising::Attached::Conclude(conclusion) => {
                AfterAttach::Conclude(concluded(&conclusion))
            }
        }
    }
}

/// Whether a command may be sent to an instance that is not in its target.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BeforeSend {
    Send,
    Wait,
    Conclude(Concluded),
}

question! {
    /// Whether a command may be sent to an instance that is not in its target.
    before_send(
        message: (u8, u8, u8),
        proven: bool,
        place: Place,
        clock: Clock,
        shared_target: bool
    ) -> BeforeSend {
        let names = names();
        let mut hand_over = hand_over(message, shared_target, OnInitFailure::default());
        hand_over.times.detached = proven.then_some(EARLIER);
        let opt_in = BTreeMap::from([(OPT_IN_TAG.to_owned(), names.pool.to_string())]);
        let target = group(&hand_over.claim.target_group, Vec::new(), opt_in);
        let place = placement(place);
        let (place, target) = (place.as_ref(), Some(&target));
        match initialising::before_send(&hand_over, place, target, &names.pool, time(clock)) {
            initialising::BeforeSend::Send => BeforeSend::Send,
            initialising::BeforeSend::Wait => BeforeSend::Wait,
            initialising::BeforeSend::Conclude(conclusion) => {
                BeforeSend::Conclude(concluded(&conclusion))
            }
        }
    }
}

/// What `SendCommand` answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SendAnswer {
    Done,
    Unknown,
    InvalidInstance,
    /// Denied on this instance, which has lost its tag.
    DeniedOnInstance,
    /// The claim's command is not taken, for any instance.
    CommandRefused,
}

/// What an answer to `SendCommand` calls for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AfterSend {
    Sent,
    TryAgain,
    LookFirst,
    Conclude(Concluded),
}

question! {
    /// What an answer to `SendCommand` calls for.
    after_send(answer: SendAnswer, message: (u8, u8, u8), clock: Clock) -> AfterSend {
        let result = match answer {
            SendAnswer::Done => Ok("command".into()),
            SendAnswer::Unknown => Err(error("TimedOut", "", Effect::Unknown)),
            SendAnswer::InvalidInstance => Err(error("InvalidInstanceId", "", Effect::Refused)),
            SendAnswer::DeniedOnInstance => {
                let (_, _, instance) = message;
                let named = names().instance(instance).as_str();
                Err(error("AccessDeniedException", named, Effect::Refused))
            }
            SendAnswer::CommandRefused => Err(error("InvalidParameters", "", Effect::Refused)),
        };
        let hand_over = hand_over(message, false, OnInitFailure::default());
        let next = match initialising::after_send(&result, &hand_over, time(clock)) {
            initialising::AfterSend::AskWhy => {
                initialising::after_denial(false, &hand_over, time(clock))
            }
            next => next,
        };
        match next {
            initialising::AfterSend::Sent => AfterSend::Sent,
            initialising::AfterSend::TryAgain
            | initialising::AfterSend::TryAgainLater
            | initialising::AfterSend::AskWhy => AfterSend::TryAgain,
            initialising::AfterSend::LookFirst => AfterSend::LookFirst,
            initialising::AfterSend::Conclude(conclusion) => {
                AfterSend::Conclude(concluded(&conclusion))
            }
        }
    }
}

/// What the status of a claim's command calls for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reported {
    NotYet,
    StillRunning,
    AskActivities,
    Attach,
    Conclude(Concluded),
}

question! {
    /// What the status of a claim's command calls for, and whether its end proves that nothing ran. The
    /// target is `None` when it is not found.
    report(
        ended: (CommandStatus, bool),
        entered: Option<Line>,
        found: bool,
        instance: u8,
        seen: (Place, u8),
        look: (initialising::Occasion, Look, KnownAttach),
        now: (Clock, Wish)
    ) -> Reported {
        let ((place, target), (clock, wish), (occasion, look, attach)) = (seen, now, look);
        let (status, nothing_ran) = ended;
        let member = match place {
            Place::Target(group) if group == target => Some(Lifecycle::InService),
            Place::Parked(group) if group == target => Some(Lifecycle::Standby),
            Place::LeavingTarget(group) if group == target => Some(Lifecycle::Detaching),
            _ => None,
        };
        let members = member.map(|lifecycle| (instance, lifecycle)).into_iter().collect();
        let group = group(&names().targets[usize::from(target)], members, BTreeMap::new());
        // Which claim it is does not matter: only that it is known.
        let command = Command { claim: 0, status };
        let command = history_of(&[command], false, wish).remove(0);
        let report = initialising::report(initialising::CommandEnd {
            occasion,
            command: &command,
            nothing_ran,
            instance: names().instance(instance),
            target: found.then_some(&group),
            entry: entered.map(entry).as_ref(),
            look: match look {
                Look::First => 1,
                Look::Last => initialising::LOOKS_BEFORE_LOST,
            },
            attach,
            now: time(clock),
        });
        match report {
            initialising::Report::NotYet => Reported::NotYet,
            initialising::Report::StillRunning => Reported::StillRunning,
            initialising::Report::AskActivities => Reported::AskActivities,
            initialising::Report::Attach => Reported::Attach,
            initialising::Report::Conclude(conclusion) => {
                Reported::Conclude(concluded(&conclusion))
            }
        }
    }
}

/// What an answer to the attach of an instance calls for whose init has succeeded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LateAttached {
    Look,
    InPool,
    ComesAgain,
    Conclude(Concluded),
}

question! {
    /// What an answer to the attach of an instance calls for whose init has succeeded.
    after_late_attach(
        answer: AttachAnswer,
        entered: Line,
        instance: u8,
        target: u8,
        now: (Clock, Wish)
    ) -> LateAttached {
        let names = names();
        let target = &names.targets[usize::from(target)];
        let group = group(target, Vec::new(), BTreeMap::new());
        let command = Command { claim: 0, status: CommandStatus::Succeeded };
        let command = history_of(&[command], false, now.1).remove(0);
        let seen = initialising::CommandEnd {
            occasion: initialising::Occasion::Event,
            command: &command,
            nothing_ran: false,
            instance: names.instance(instance),
            target: Some(&group),
            entry: Some(&entry(entered)),
            look: 1,
            attach: KnownAttach::Never,
            now: time(now.0),
        };
        let result = attach_result(answer);
        match initialising::after_late_attach(&result, &seen, target, &names.pool) {
            initialising::LateAttached::Look => LateAttached::Look,
            initialising::LateAttached::InPool => LateAttached::InPool,
            initialising::LateAttached::TryAgain | initialising::LateAttached::AskLater => {
                LateAttached::ComesAgain
            }
            initialising::LateAttached::Conclude(conclusion) => {
                LateAttached::Conclude(concluded(&conclusion))
            }
        }
    }
}

/// What a check of a claim finds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Checked {
    CommandEnded(CommandStatus),
    Missing(CommandStatus),
    /// How it ends, unless another instance serves it; and what is left to do then.
    NeverSent(Concluded, Concluded),
    Conclude(Concluded),
}

question! {
    /// Whether a command of this status on another instance serves a claim that was sent again.
    serves(status: CommandStatus) -> bool {
        let command = Command { claim: 0, status };
        initialising::serves(&history_of(&[command], false, Wish::default())[0])
    }
}

question! {
    /// What a check of an open claim finds.
    check(
        message: (u8, u8, Option<u8>),
        command: InitCommand,
        entered: Option<Line>,
        clock: Clock,
        delivered: (bool, bool),
        wish: Wish
    ) -> Checked {
        let (repeated, has_instance) = delivered;
        let (claim, attempt, instance) = message;
        let history = history_that_says(command, claim, false, wish);
        let claim = names().claim(claim, false);
        let message = LookAgain {
            version: VERSION,
            claim_id: claim.claim_id.clone(),
            target_group: claim.target_group.clone(),
            instance_id: instance.map(|instance| names().instance(instance).clone()),
            attempt,
            expires_at: claim.expires_at,
        };
        let checked = initialising::check(initialising::Check {
            message: &message,
            delivery: delivery(!repeated),
            entry: entered.map(entry).as_ref(),
            command: command::init_command(&history, &claim.key()),
            has_instance,
            now: time(clock),
        });
        match checked {
            initialising::Checked::CommandEnded(command) => Checked::CommandEnded(command.status),
            initialising::Checked::Missing(command) => Checked::Missing(command.status),
            initialising::Checked::NeverSent(end) => {
                Checked::NeverSent(concluded(&end), concluded(&end.without_the_claim()))
            }
            initialising::Checked::Conclude(conclusion) => Checked::Conclude(concluded(&conclusion)),
        }
    }
}
