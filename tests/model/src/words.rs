//! A trace in words: what happens, and what each step changes.

mod facts;
mod handlers;

use crate::protocol::Protocol;
use crate::state::State;
use crate::step::{Action, Actor, Answer};
use facts::facts;
use handlers::{chore, group};
use stateright::Model;
use std::fmt;

/// A trace in words: each action with what it changes, and how things stand at its end.
pub fn trace(model: &Protocol, trace: &[Action]) -> String {
    let mut state = model.beginning();
    let mut lines = Vec::new();
    for (number, action) in (1..).zip(trace) {
        lines.push(format!("{number:4}. {action}"));
        let Some(next) = model.next_state(&state, *action) else {
            break;
        };
        let before = facts(&state);
        let changed = facts(&next).into_iter();
        let changed = changed.filter(|fact| !before.contains(fact));
        lines.extend(changed.map(|(what, value)| format!("          {what}: {value}")));
        state = next;
    }
    lines.push("   At the end (what is empty, idle or not there is left out):".to_owned());
    lines.push(state.to_string());
    lines.join("\n")
}

impl fmt::Display for State {
    /// What is worth knowing, one line each.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = ["none", "empty", "idle"];
        let facts = facts(self).into_iter();
        let lines: Vec<String> = facts
            .filter(|(_, value)| !usual.contains(&value.as_str()))
            .map(|(what, value)| format!("          {what}: {value}"))
            .collect();
        formatter.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writer(0) => formatter.write_str("claim-instance"),
            Self::Writer(_) => formatter.write_str("claim-instance, in a delivery without a lease"),
            Self::Worker(number) => write!(formatter, "init-instance, {}", group(*number)),
            Self::Replenisher => formatter.write_str("replenish-pool"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ok => "takes its next step",
            Self::Stale => "takes its next step, and reads what was one write ago",
            Self::StalePlace => {
                "takes its next step, and reads instances where they were one move ago"
            }
            Self::Busy => "is throttled",
            Self::LostDone => "gets no answer; the call took effect",
            Self::LostNever => "gets no answer; the call took no effect",
            Self::LostLate => "gets no answer; the call takes effect later",
            Self::Partly => "is refused one detach; the others take effect",
            Self::TargetRefuses => "attaches, and the target refuses the instance",
            Self::AgentKnownDead => {
                "sends the command, and Systems Manager knows that the agent is dead"
            }
            Self::MachineRefused => "sends the command, and it is denied on this instance",
            Self::CommandRefused => "sends the command, and it is denied on any instance",
            Self::Repeats => "handles its message, which is delivered again",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Step(actor, answer) => write!(f, "{actor}: {answer}"),
            Self::OneByOne(receives) => write!(
                f,
                "claim-instance: begins its batch one by one, as in delivery {receives}"
            ),
            Self::LookAgain(slot) => {
                write!(
                    f,
                    "{}: looks again in the same delivery",
                    Actor::Writer(slot)
                )
            }
            Self::StepAside(positions) => {
                write!(f, "claim-instance: lets {} step aside", of_bits(positions))
            }
            Self::Crash(actor) => write!(f, "{actor}: dies"),
            Self::Decide(wanted) => write!(f, "replenish-pool: decides to {}", chore(wanted)),
            Self::DecideOnStale(wanted) => write!(
                f,
                "replenish-pool: sees instances where they were one move ago, and decides to {}",
                chore(wanted)
            ),
            Self::LeaseEnds => {
                f.write_str("the batch is visible again while its delivery continues")
            }
            Self::BatchIsLate => f.write_str("the batch is received while Lambda is throttled"),
            Self::DetachEnds(number) => write!(f, "the detach of instance {number} ends"),
            Self::CommandEnds(number, command, succeeded, event) => write!(
                f,
                "command {command} on instance {number} {}{}",
                if succeeded { "succeeds" } else { "fails" },
                lost_unless(event)
            ),
            Self::CommandStopped(number, command, event) => write!(
                f,
                "command {command} on instance {number} ends, and nothing of it ran{}",
                lost_unless(event)
            ),
            Self::LateCommand(number) => {
                write!(f, "the late SendCommand takes effect on instance {number}")
            }
            Self::Launch(number) => write!(f, "instance {number} is launched into the pool"),
            Self::AgentDies(number) => write!(f, "the agent of instance {number} dies"),
            Self::AgentAway(number) => write!(f, "the agent of instance {number} is away"),
            Self::AgentBack(number) => write!(f, "the agent of instance {number} is back"),
            Self::PingAges(number) => write!(
                f,
                "Systems Manager sees that the agent of instance {number} is dead"
            ),
            Self::InstanceDies(number) => write!(f, "instance {number} dies"),
            Self::TenantDetaches(number) => write!(f, "the tenant detaches instance {number}"),
            Self::TenantParks(number) => {
                write!(f, "the tenant puts instance {number} into standby")
            }
            Self::TenantTakesBack(number) => {
                write!(f, "the tenant takes instance {number} back into service")
            }
            Self::TargetMade(claim) => write!(f, "somebody creates the target of claim {claim}"),
            Self::TakenBack(number) => write!(f, "the detach of instance {number} is taken back"),
            Self::AttachDenied => f.write_str("attaches to targets are denied from now on"),
            Self::RetirementDeleted => f.write_str("somebody deletes the retirement group"),
            Self::RetirementMade => f.write_str("somebody creates the retirement group again"),
            Self::Wipe(target) => write!(f, "the tenant wipes the tags of target {target}"),
            Self::Resend(claim) => write!(f, "the sender sends claim {claim} again"),
            Self::ClaimDies => {
                f.write_str("the first message of ProvisionQueue becomes a dead letter")
            }
            Self::InitDies(number) => write!(
                f,
                "the first message of InitQueue, {}, becomes a dead letter",
                group(number)
            ),
            Self::RedriveClaims => {
                f.write_str("an operator redrives ProvisionQueue's dead letters")
            }
            Self::RedriveInit => f.write_str("an operator redrives InitQueue's dead letters"),
            Self::FiveMinutes => f.write_str("five minutes pass"),
            Self::Time => f.write_str("time passes"),
        }
    }
}

fn lost_unless(event: bool) -> &'static str {
    if event { "" } else { "; its event is lost" }
}

/// Positions in a batch, as bits.
fn of_bits(positions: u8) -> String {
    let set = (0..u8::BITS).filter(|position| positions & (1 << position) != 0);
    let set: Vec<String> = set.map(|position| format!("message {position}")).collect();
    set.join(" and ")
}
