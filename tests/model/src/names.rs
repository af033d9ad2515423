//! The functions' own words for the model's indices.

use crate::state::{CLAIMS, INSTANCES};
use ready_pool_core::Timestamp;
use ready_pool_core::claim::{Claim, Init};
use ready_pool_core::command::comment;
use ready_pool_core::ids::{ClaimId, GroupName, InstanceId};
use time::Duration;
use time::macros::datetime;

use crate::state::Clock;

/// The deadline of every claim.
pub(crate) const DEADLINE: Timestamp = datetime!(2026-11-22 20:15 UTC);
/// When instances were detached, launched: before everything.
pub(crate) const EARLIER: Timestamp = datetime!(2026-11-22 20:00 UTC);

/// What the clock shows.
pub(crate) fn time(clock: Clock) -> Timestamp {
    match clock {
        Clock::Open => DEADLINE - Duration::minutes(10),
        Clock::Expired => DEADLINE + Duration::minutes(1),
        Clock::HoursAfter => DEADLINE + Duration::hours(5),
        Clock::LongAfter => DEADLINE + Duration::hours(12),
        Clock::Ancient => DEADLINE + Duration::days(31),
    }
}

/// All names.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) pool: GroupName,
    pub(crate) retirement: GroupName,
    pub(crate) targets: [GroupName; CLAIMS],
    /// By claim, in a world where each claim has its own target (0) or all share one (1).
    claims: [[Claim; CLAIMS]; 2],
    comments: [[String; CLAIMS]; 2],
    pub(crate) instances: [InstanceId; INSTANCES],
}

impl Names {
    pub(crate) fn claim(&self, claim: u8, shared_target: bool) -> &Claim {
        &self.claims[usize::from(shared_target)][usize::from(claim)]
    }

    pub(crate) fn comment(&self, claim: u8, shared_target: bool) -> &str {
        &self.comments[usize::from(shared_target)][usize::from(claim)]
    }

    pub(crate) fn instance(&self, instance: u8) -> &InstanceId {
        &self.instances[usize::from(instance)]
    }

    /// The index of an instance.
    pub(crate) fn index(&self, instance: &InstanceId) -> u8 {
        let position = self.instances.iter().position(|known| known == instance);
        u8::try_from(position.unwrap()).unwrap()
    }
}

/// The names, made once.
pub(crate) fn names() -> &'static Names {
    static NAMES: std::sync::LazyLock<Names> = std::sync::LazyLock::new(make);
    &NAMES
}

fn make() -> Names {
    let group = |name: String| GroupName::try_from(name).unwrap();
    let targets = std::array::from_fn(|number| group(format!("tenant-{number}")));
    let claims = [false, true].map(|shared| {
        std::array::from_fn(|number| claim(number, &targets[if shared { 0 } else { number }]))
    });
    Names {
        pool: group("pool".to_owned()),
        retirement: group("retirement".to_owned()),
        comments: claims
            .each_ref()
            .map(|claims| claims.each_ref().map(|claim| comment(&claim.key()))),
        claims,
        targets,
        instances: std::array::from_fn(|number| {
            InstanceId::try_from(format!("i-{number:08x}")).unwrap()
        }),
    }
}

fn claim(number: usize, target: &GroupName) -> Claim {
    let claim_id = ClaimId::try_from(format!("claim-{number}")).unwrap();
    Claim::new(claim_id, target.clone(), Init::new(["true"]), DEADLINE)
}
