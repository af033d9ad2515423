//! Worlds of two claims.

use super::{POISON, TWO};
use crate::configuration::{Configuration, Fault};

pub(super) fn all() -> Vec<Configuration> {
    vec![
        Configuration {
            states: Some(75_442),
            ..TWO
        },
        Configuration {
            name: "two claims, three instances",
            instances: 3,
            ready: 3,
            faults: 1,
            kinds: &[Fault::Crash],
            states: Some(1_313_126),
            ..TWO
        },
        Configuration {
            name: "two claims, one target",
            shared_target: true,
            faults: 1,
            kinds: &[Fault::LostAnswer],
            states: Some(749_076),
            ..TWO
        },
        Configuration {
            name: "two claims, one instance",
            instances: 2,
            ready: 1,
            faults: 1,
            kinds: &[Fault::Duplicate, Fault::StaleRead],
            states: Some(1_383_038),
            ..TWO
        },
        Configuration {
            name: "two claims, stale places",
            instances: 2,
            ready: 1,
            faults: 1,
            kinds: &[Fault::StalePlace],
            states: Some(367_138),
            ..TWO
        },
        Configuration {
            name: "two claims, stepping aside",
            steps_aside: true,
            ready: 1,
            states: Some(235_089),
            ..TWO
        },
        Configuration {
            name: "two claims, stepping aside, one is poison",
            steps_aside: true,
            ready: 0,
            states: Some(23_189),
            ..POISON
        },
        Configuration {
            states: Some(278),
            ..POISON
        },
    ]
}
