//! The protocol without one of its rules: each must be caught, or the rule proves nothing.

use crate::configuration::{Configuration, Fault, Rule};
use crate::configurations::{ONE, POISON, TWO};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::init_failure::OnInitFailure;

/// A weakened protocol, and the invariant that it breaks.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The rule that is left out.
    pub rule: Rule,
    /// Where that shows.
    pub config: Configuration,
    /// What breaks, among others: the beginning of the property's name, or [`END`].
    pub breaks: &'static str,
}

/// What breaks where no good end can be reached any more.
pub const END: &str = "end";

/// One for each rule.
pub fn all() -> Vec<Variant> {
    Rule::ALL.iter().map(|rule| variant(*rule)).collect()
}

fn variant(rule: Rule) -> Variant {
    let one = |kinds| Configuration {
        faults: 1,
        kinds,
        ..ONE
    };
    let two = |kinds| Configuration {
        faults: 2,
        ..one(kinds)
    };
    let replaced = |config| Configuration {
        on_init_failure: OnInitFailure::Replace,
        ..config
    };
    let (config, breaks) = match rule {
        Rule::KeepEntries => (one(&[Fault::Resend]), "2"),
        Rule::EntryPerClaim => (
            Configuration {
                shared_target: true,
                ..TWO
            },
            "4",
        ),
        Rule::FulfilledIsSent => (one(&[Fault::Duplicate]), "2"),
        Rule::OneInstancePerAttempt => (two(&[Fault::Duplicate, Fault::Wipe]), "2"),
        Rule::RetireByGroup => (one(&[Fault::AgentAway]), "5"),
        Rule::SweepAfterDeadlines => (one(&[Fault::Tenant]), "5"),
        Rule::NoRetryOnDetach => (knowing(&[Fault::LostAnswer]), "3"),
        Rule::HistoryFirst => (two(&[Fault::Duplicate, Fault::Tenant]), "6"),
        Rule::DeadlineFirst => (ONE, "7"),
        Rule::EntryFirst => (knowing(&[Fault::Crash]), "3"),
        Rule::Lease => (one(&[Fault::LateBatch]), "4"),
        Rule::Marker => (one(&[Fault::LateEffect]), "1 "),
        Rule::MoveOnFirst => (one(&[Fault::InstanceDies, Fault::Crash]), "4"),
        Rule::EntriesLast => (two(&[Fault::Duplicate, Fault::TargetRefuses]), "4"),
        Rule::LedgerOverMemory => (two(&[Fault::Resend, Fault::TargetRefuses]), "4"),
        Rule::KeepMessage => (two(&[Fault::Busy, Fault::Wipe]), END),
        Rule::PublishAgain => (two(&[Fault::EventLost, Fault::Crash]), END),
        Rule::CloseAgain => (
            Configuration {
                faults: 3,
                ..one(&[Fault::LateEffect, Fault::Crash, Fault::EventLost])
            },
            END,
        ),
        Rule::ReplaceAgain | Rule::LookAtReplaced => {
            (replaced(two(&[Fault::EventLost, Fault::Crash])), END)
        }
        Rule::KeepAgain => (
            Configuration {
                on_init_failure: OnInitFailure::Keep,
                faults: 3,
                ..one(&[Fault::ScriptFails, Fault::EventLost, Fault::Crash])
            },
            "5",
        ),
        Rule::OneByOne => (POISON, END),
        Rule::StandbyIsMember => (one(&[Fault::Standby]), "9"),
        Rule::ExistingIsRead => (
            Configuration {
                makes_targets: true,
                ..two(&[Fault::TargetMade, Fault::Resend])
            },
            "2",
        ),
        Rule::FreshHistory
        | Rule::FirstDelivery
        | Rule::EventAgain
        | Rule::FreshForMinutes
        | Rule::FreshEventForMinutes => of_fresh_messages(rule),
        Rule::WhereBeforeSend => (late(one(&[Fault::TakenBack])), "A"),
        Rule::OwnDetach => (late(alone(two(&[Fault::AgentAway, Fault::Crash]))), "A"),
        Rule::AskActivities => (late(two(&[Fault::Tenant, Fault::Crash])), "6"),
        Rule::RetireFailed => (late(one(&[Fault::Tenant])), "5"),
        Rule::AttachEnds => (late(one(&[Fault::AttachDenied])), END),
        Rule::DetachAgain => (late(one(&[Fault::TakenBack])), END),
        Rule::MembershipOverStatus => (
            Configuration {
                dead_commands_stay: true,
                ..one(&[Fault::InstanceDies])
            },
            END,
        ),
        Rule::CopyFirst => (waiting(1, &[Fault::Crash]), END),
        Rule::CopyConfirmed => (waiting(1, &[Fault::LostAnswer]), END),
        Rule::CopyOfMessage => (waiting(0, &[]), END),
        Rule::OnlyWhereNothingRan => (one(&[Fault::ScriptFails]), "10"),
        Rule::AskElsewhere => (two(&[Fault::Wipe, Fault::Resend]), "4"),
        Rule::ClaimsWithoutRetirement => (two(&[Fault::RetirementDeleted, Fault::EventLost]), END),
    };
    Variant {
        rule,
        config: config.weakened(rule),
        breaks,
    }
}

/// The protocol without a rule about what a first delivery proves.
fn of_fresh_messages(rule: Rule) -> (Configuration, &'static str) {
    let of = |faults, kinds| Configuration {
        faults,
        kinds,
        ..ONE
    };
    match rule {
        Rule::FreshHistory => (
            late(alone(Configuration {
                faults: 1,
                kinds: &[Fault::TakenBack],
                ..TWO
            })),
            "5",
        ),
        Rule::FirstDelivery => (of(2, &[Fault::TargetRefuses, Fault::Crash]), "4"),
        Rule::EventAgain => (of(1, &[Fault::Crash]), END),
        Rule::FreshEventForMinutes => (
            late(of(3, &[Fault::Tenant, Fault::Crash, Fault::DeadLetter])),
            "6",
        ),
        _ => (
            of(3, &[Fault::TargetRefuses, Fault::Crash, Fault::DeadLetter]),
            "4",
        ),
    }
}

/// A configuration in which the ledger must know of every instance.
fn knowing(kinds: &'static [Fault]) -> Configuration {
    Configuration {
        faults: 1,
        kinds,
        ledger_knows: true,
        ..ONE
    }
}

/// A configuration in which a claim finds nothing ready, and may step aside.
fn waiting(faults: u8, kinds: &'static [Fault]) -> Configuration {
    Configuration {
        ready: 0,
        steps_aside: true,
        split_look: false,
        faults,
        kinds,
        ..ONE
    }
}

/// A configuration with one instance only.
#[expect(clippy::needless_pass_by_value, reason = "most of it is taken over")]
fn alone(config: Configuration) -> Configuration {
    Configuration {
        instances: 1,
        ready: 1,
        ..config
    }
}

/// A configuration whose claims attach their instances after the init.
#[expect(clippy::needless_pass_by_value, reason = "most of it is taken over")]
fn late(config: Configuration) -> Configuration {
    Configuration {
        attach_when: AttachWhen::AfterInit,
        ..config
    }
}
