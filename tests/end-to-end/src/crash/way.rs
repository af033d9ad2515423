//! The ways in which a call goes wrong.

use super::site::{Operation, Site};
use region::events::Mishap;
use region::faults::{Calls, Failure, Fault, Moment};
use region::world::World;
use std::collections::VecDeque;
use std::iter;
use std::time::Duration;

/// How something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The function is killed before the call takes effect.
    KilledBefore,
    /// The function is killed after the effect.
    KilledAfter,
    /// The function hangs after the effect, until its time-out ends it.
    FrozenAfter,
    /// Throttled, as often as the SDK tries.
    Throttled,
    /// The effect happens once more than anybody knows: one answer is lost, the SDK tries again.
    SilentOnce,
    /// Every answer that the SDK waits for is lost, after the effect.
    SilentAlways,
    /// Internal errors without effect, as often as the SDK tries.
    InternalBefore,
    /// One internal error with the effect; the SDK tries again.
    InternalAfterOnce,
    /// Internal errors, each with the effect, as often as the SDK tries.
    InternalAfterAlways,
    /// A read that does not show the newest change yet.
    Stale,
    /// Lambda's delete is lost: the message is delivered again.
    LostDelete,
    /// An event gets lost on its way to one target.
    EventLost,
    /// An event arrives twice.
    EventTwice,
    /// An event arrives three minutes late.
    EventLate,
}

/// How often the SDK tries (`shared/aws/src/clients.rs`).
const ATTEMPTS: u32 = 3;

impl Way {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::KilledBefore,
        Self::KilledAfter,
        Self::FrozenAfter,
        Self::Throttled,
        Self::SilentOnce,
        Self::SilentAlways,
        Self::InternalBefore,
        Self::InternalAfterOnce,
        Self::InternalAfterAlways,
        Self::Stale,
        Self::LostDelete,
        Self::EventLost,
        Self::EventTwice,
        Self::EventLate,
    ];

    /// The ways that make a difference at this site.
    pub fn at(site: &Site) -> Vec<Self> {
        match site {
            Site::Delete { .. } => vec![Self::LostDelete],
            Site::Event { .. } => vec![Self::EventLost, Self::EventTwice, Self::EventLate],
            // A read has no effect, so nothing happens after it. What SQS shows is never stale.
            Site::Call { operation, .. } if operation.is_read() => vec![
                Self::KilledBefore,
                Self::FrozenAfter,
                Self::Throttled,
                Self::SilentOnce,
                Self::SilentAlways,
                Self::InternalBefore,
                Self::Stale,
            ],
            // These the SDK does not repeat: always is once.
            Site::Call { operation, .. } if operation.is_never_repeated() => vec![
                Self::KilledBefore,
                Self::KilledAfter,
                Self::FrozenAfter,
                Self::Throttled,
                Self::SilentOnce,
                Self::InternalBefore,
                Self::InternalAfterOnce,
            ],
            Site::Call { .. } => vec![
                Self::KilledBefore,
                Self::KilledAfter,
                Self::FrozenAfter,
                Self::Throttled,
                Self::SilentOnce,
                Self::SilentAlways,
                Self::InternalBefore,
                Self::InternalAfterOnce,
                Self::InternalAfterAlways,
            ],
        }
    }

    /// Arms it.
    pub fn arm(self, world: &mut World, site: &Site) {
        match site {
            Site::Call { operation, nth } => {
                let fault = self.fault(operation, *nth);
                world.faults.add(fault);
            }
            Site::Delete { queue, nth } => world.faults.deliveries.lose_nth_delete(queue, *nth),
            Site::Event { nth } => {
                let mishap = match self {
                    Self::EventLost => Mishap::Drop,
                    Self::EventTwice => Mishap::Duplicate,
                    _ => Mishap::Delay(Duration::from_mins(3)),
                };
                let others = iter::repeat_n(Mishap::None, *nth as usize - 1);
                let mut next: VecDeque<Mishap> = others.chain([mishap]).collect();
                // What another case of the same run wants stays.
                for (position, before) in world.events.unreliability.next.iter().enumerate() {
                    match next.get_mut(position) {
                        Some(Mishap::None) => next[position] = *before,
                        Some(_) => {}
                        None => next.push_back(*before),
                    }
                }
                world.events.unreliability.next = next;
            }
        }
    }

    fn fault(self, operation: &Operation, nth: u32) -> Fault {
        let (moment, failure, always) = match self {
            Self::KilledBefore => (Moment::BeforeTheEffect, Failure::Kill, false),
            Self::KilledAfter => (Moment::AfterTheEffect, Failure::Kill, false),
            Self::FrozenAfter => (Moment::AfterTheEffect, Failure::Freeze, false),
            Self::Throttled => (Moment::BeforeTheEffect, Failure::Throttled, true),
            Self::SilentOnce => (Moment::AfterTheEffect, Failure::Silence, false),
            Self::SilentAlways => (Moment::AfterTheEffect, Failure::Silence, true),
            Self::InternalBefore => (Moment::BeforeTheEffect, Failure::Internal, true),
            Self::InternalAfterOnce => (Moment::AfterTheEffect, Failure::Internal, false),
            Self::InternalAfterAlways => (Moment::AfterTheEffect, Failure::Internal, true),
            Self::Stale => (Moment::BeforeTheEffect, Failure::Stale, false),
            Self::LostDelete | Self::EventLost | Self::EventTwice | Self::EventLate => {
                panic!("{self:?} is no way for a call to go wrong")
            }
        };
        let calls = Calls::of(operation.service, &operation.name).by(&operation.function_name());
        let times = if always && !operation.is_never_repeated() {
            ATTEMPTS
        } else {
            1
        };
        Fault {
            times,
            ..Fault::nth(calls, nth, moment, failure)
        }
    }
}
