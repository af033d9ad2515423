//! Worlds of one claim.

use super::ONE;
use super::kinds::{
    ANY, ANY_TWO, ASIDE, HANDLERS, KNOWN, MACHINES, NO_RETIREMENT, OURS, PLACES, STANDBY, THEIRS,
    WIPED_AND_RESENT, WIPES,
};
use crate::configuration::{Configuration, Fault};

pub(super) fn all() -> Vec<Configuration> {
    let mut all = of_one_claim();
    all.push(without_retirement());
    all.extend(of_one_claim_without_an_instance());
    all.extend(of_one_claim_at_length());
    all
}

fn of_one_claim() -> Vec<Configuration> {
    vec![
        Configuration {
            states: Some(401),
            ..ONE
        },
        Configuration {
            name: "one claim, any fault",
            faults: 1,
            kinds: ANY,
            unseen: &['8'],
            states: Some(27_541),
            ..ONE
        },
        Configuration {
            name: "one claim, two faults of ours",
            faults: 2,
            kinds: OURS,
            unseen: &['8', '9'],
            states: Some(23_550),
            ..ONE
        },
        Configuration {
            name: "one claim, two faults, the ledger knows",
            faults: 2,
            kinds: KNOWN,
            ledger_knows: true,
            states: Some(13_290),
            ..ONE
        },
        Configuration {
            name: "one claim, two faults of theirs",
            faults: 2,
            kinds: THEIRS,
            unseen: &['8'],
            states: Some(65_715),
            ..ONE
        },
        Configuration {
            name: "one claim, tags wiped",
            faults: 2,
            kinds: WIPES,
            unseen: &['8'],
            states: Some(50_159),
            ..ONE
        },
        Configuration {
            name: "one claim, wiped and sent again",
            faults: 3,
            kinds: WIPED_AND_RESENT,
            unseen: &['6', '8', '9'],
            states: Some(412_272),
            ..ONE
        },
        Configuration {
            name: "one claim, redriven",
            faults: 2,
            kinds: &[Fault::DeadLetter, Fault::Resend],
            states: Some(24_091),
            ..ONE
        },
        Configuration {
            name: "one claim, instances die",
            faults: 2,
            kinds: MACHINES,
            split_look: false,
            unseen: &['6', '8'],
            states: Some(299_454),
            ..ONE
        },
        Configuration {
            name: "one claim, instances die, their commands stay",
            faults: 2,
            kinds: MACHINES,
            split_look: false,
            dead_commands_stay: true,
            unseen: &['6', '8'],
            states: Some(296_982),
            ..ONE
        },
        Configuration {
            name: "one claim, in standby",
            faults: 3,
            kinds: STANDBY,
            unseen: &['8'],
            states: Some(45_879),
            ..ONE
        },
        Configuration {
            name: "one claim, an agent dies",
            faults: 1,
            kinds: &[Fault::AgentDies, Fault::AgentAway],
            split_look: false,
            unseen: &['9'],
            states: Some(561_895),
            ..ONE
        },
    ]
}

fn without_retirement() -> Configuration {
    Configuration {
        name: "one claim, its retirement group is deleted",
        faults: 2,
        kinds: NO_RETIREMENT,
        unseen: &['8'],
        states: Some(19_324),
        ..ONE
    }
}

fn of_one_claim_without_an_instance() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "one claim, refused commands",
            faults: 2,
            kinds: &[Fault::SendRefused],
            states: Some(68_987),
            ..ONE
        },
        Configuration {
            name: "one claim, an empty pool",
            faults: 2,
            ready: 0,
            kinds: HANDLERS,
            states: Some(42_536),
            ..ONE
        },
        Configuration {
            name: "one claim, stepping aside",
            steps_aside: true,
            faults: 1,
            ready: 0,
            kinds: ASIDE,
            split_look: false,
            states: Some(225_224),
            ..ONE
        },
        Configuration {
            name: "one claim, stepping aside, two answers lost",
            steps_aside: true,
            faults: 2,
            ready: 0,
            kinds: &[Fault::LostAnswer],
            split_look: false,
            states: Some(896_794),
            ..ONE
        },
    ]
}

fn of_one_claim_at_length() -> Vec<Configuration> {
    vec![
        Configuration {
            name: "one claim, stale places",
            faults: 2,
            kinds: PLACES,
            unseen: &['8'],
            states: Some(67_375),
            ..ONE
        },
        Configuration {
            name: "one claim, three faults of ours",
            faults: 3,
            kinds: OURS,
            unseen: &['8', '9'],
            states: Some(63_865),
            ..ONE
        },
        Configuration {
            name: "one claim, three faults of theirs",
            faults: 3,
            kinds: THEIRS,
            unseen: &['8'],
            states: Some(376_420),
            ..ONE
        },
        Configuration {
            name: "one claim, any two faults",
            faults: 2,
            kinds: ANY_TWO,
            unseen: &[],
            states: Some(890_618),
            ..ONE
        },
    ]
}
