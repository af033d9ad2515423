//! The marker on the machine: of any number of starts at once, one runs.

use crate::machine::{Ended, Machine, SHELLS, claim, end};
use ready_pool_core::script::EXIT_OTHER_CLAIM;
use std::collections::BTreeMap;

const STARTS: usize = 20;

/// Starts a script for each name at once, in all shells by turns.
fn start_all(machine: &Machine, claim_ids: &[String], exit: i32) -> Vec<Ended> {
    let run = format!("echo \"$0\" >> ran; sleep 0.2; exit {exit}");
    let claims: Vec<_> = claim_ids
        .iter()
        .map(|claim_id| claim(claim_id, &[&run], BTreeMap::new()))
        .collect();
    let children: Vec<_> = claims
        .iter()
        .zip(SHELLS.iter().cycle())
        .map(|(claim, shell)| machine.start(*shell, claim))
        .collect();
    children.into_iter().map(end).collect()
}

#[test]
fn twenty_starts_of_one_claim_run_it_once_and_all_hear_its_status() {
    let machine = Machine::new();
    let ended = start_all(&machine, &vec!["same".to_owned(); STARTS], 7);
    assert_eq!(machine.read("ran").lines().count(), 1);
    assert!(ended.iter().all(|ended| ended.status == 7), "{ended:?}");
    assert_eq!(machine.recorded_status(), Some(7));
}

#[test]
fn of_twenty_claims_at_once_one_runs_and_the_others_are_refused() {
    for _ in 0..5 {
        let machine = Machine::new();
        let claims: Vec<String> = (0..STARTS)
            .map(|number| format!("claim-{number}"))
            .collect();
        let ended = start_all(&machine, &claims, 0);
        assert_eq!(machine.read("ran").lines().count(), 1);
        let winner = ended.iter().position(|ended| ended.status == 0).unwrap();
        for (number, ended) in ended
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != winner)
        {
            assert_eq!(ended.status, i32::from(EXIT_OTHER_CLAIM), "claim-{number}");
            let belongs = format!("belongs to claim claim-{winner}@");
            assert!(ended.stderr.contains(&belongs), "{}", ended.stderr);
        }
    }
}

#[test]
fn two_claims_ten_starts_each_run_one_of_them_once() {
    let machine = Machine::new();
    let claims: Vec<String> = (0..STARTS)
        .map(|number| format!("claim-{}", number % 2))
        .collect();
    let ended = start_all(&machine, &claims, 3);
    assert_eq!(machine.read("ran").lines().count(), 1);
    let count = |status| ended.iter().filter(|ended| ended.status == status).count();
    assert_eq!(
        (count(3), count(i32::from(EXIT_OTHER_CLAIM))),
        (STARTS / 2, STARTS / 2)
    );
}
