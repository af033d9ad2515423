//! What a hand-over calls for.

use super::conclusion::{Cause, Conclusion, Finding, Step, give_up, too_late};
use ready_pool_core::Timestamp;
use ready_pool_core::command::{Command, InitCommand, init_command};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::HandOver;

/// What a hand-over calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Attach the instance, then send it the init command.
    Attach,
    /// It ends here.
    Conclude(Conclusion),
}

/// Decides what a hand-over calls for. An instance that was sent an init command is never attached
/// again or sent another, and a claim that has moved on is not brought back.
pub fn begin(
    hand_over: &HandOver,
    history: &[Command],
    entry: Option<&Entry>,
    now: Timestamp,
) -> Beginning {
    let ours_alone = match init_command(history, &hand_over.claim.key()) {
        InitCommand::Sent(_) => return Beginning::Conclude(sent_before(hand_over, entry)),
        InitCommand::SentForAnother => false,
        InitCommand::NotSent => true,
    };
    let conclusion = entry
        .and_then(|entry| moved_on(hand_over, entry, ours_alone))
        .or_else(|| (!ours_alone).then(|| give_up(hand_over, Cause::SentForAnother, now)))
        .or_else(|| too_late(hand_over, now));
    conclusion.map_or(Beginning::Attach, Beginning::Conclude)
}

/// This very claim's command was sent: its end decides, unless the claim was closed first. A
/// `SendCommand` that timed out may take effect after the look that follows it; if the deadline
/// passed in between, the claim was closed with this instance, and perhaps nobody heard of it.
fn sent_before(hand_over: &HandOver, entry: Option<&Entry>) -> Conclusion {
    match entry.map(|entry| (entry.standing, entry.instance.as_ref())) {
        Some((Standing::Failed(reason), Some(instance))) if *instance == hand_over.instance_id => {
            let retire = !hand_over.claim.on_init_failure.leaves(reason);
            given_up_before(Step::PublishFailed(reason), retire)
        }
        _ => Conclusion::nothing(Finding::SentBefore),
    }
}

/// Goes on as the ledger says already, in the order of [`give_up`].
fn given_up_before(way_on: Step, retire: bool) -> Conclusion {
    let steps = [Some(way_on), Step::retire_if(retire)];
    Conclusion::of(Finding::GivenUpBefore, steps.into_iter().flatten())
}

/// What is left to do where the claim has moved on past this hand-over. An older or missing entry
/// does not say so: that is a stale read, or a wiped tag. Neither does the same attempt with another
/// instance: InitQueue let this one through, so this one it is.
fn moved_on(hand_over: &HandOver, entry: &Entry, ours_alone: bool) -> Option<Conclusion> {
    let this_instance = entry.instance.as_ref() == Some(&hand_over.instance_id);
    match entry.standing {
        Standing::Assigned if entry.attempt <= hand_over.attempt => None,
        Standing::Assigned if entry.instance.is_none() => {
            let retry = Step::retry(hand_over, entry.attempt);
            Some(given_up_before(retry, ours_alone))
        }
        // Its command was sent, then; the history only lags.
        Standing::Ready if this_instance => Some(Conclusion::nothing(Finding::SentBefore)),
        Standing::Failed(reason) if this_instance => {
            let retire = ours_alone && !hand_over.claim.on_init_failure.leaves(reason);
            Some(given_up_before(Step::PublishFailed(reason), retire))
        }
        // It was assigned again: the newer hand-over sees to it.
        Standing::Assigned if this_instance => Some(Conclusion::nothing(Finding::MovedOn)),
        Standing::Assigned | Standing::Ready | Standing::Failed(_) => Some(Conclusion::of(
            Finding::MovedOn,
            Step::retire_if(ours_alone),
        )),
    }
}
