//! Worlds in which no target exists at first.

use super::kinds::BIRTHS;
use super::{ONE, TWO};
use crate::configuration::{Configuration, Fault};

pub(super) fn all() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "one claim, its target is made",
            makes_targets: true,
            faults: 2,
            kinds: BIRTHS,
            states: Some(43_919),
            ..ONE
        },
        Configuration {
            name: "two claims, their target is made",
            makes_targets: true,
            shared_target: true,
            faults: 1,
            kinds: &[Fault::TargetMade],
            states: Some(137_965),
            ..TWO
        },
    ]
}
