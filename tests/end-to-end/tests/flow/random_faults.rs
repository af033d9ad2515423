//! Several things go wrong at once: random pairs of the crash matrix, and all kinds at set
//! rates. Seeds are printed; `FAULT_SEED=17` plays one seed alone, `FAULT_SEEDS=200` plays so many.

use end_to_end::crash::{self, Case, Finding, Scenario, Way};
use end_to_end::{Soak, Troubles};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write;
use std::ops::Range;
use std::time::Duration;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The seeds to play: `FAULT_SEED` alone, or the first `FAULT_SEEDS`.
fn seeds(usual: u64) -> Range<u64> {
    match number("FAULT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FAULT_SEEDS").unwrap_or(usual),
    }
}

/// What two faults may cost a claim: it may end otherwise than the scenario says, but it ends.
fn is_serious(finding: &Finding) -> bool {
    !matches!(finding, Finding::WrongOutcome { .. })
}

#[tokio::test(start_paused = true)]
async fn pairs() {
    let mut references = BTreeMap::new();
    let mut failures = String::new();
    for seed in seeds(80) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let scenarios = [
            Scenario::Normal,
            Scenario::Batch,
            Scenario::FailingScript,
            Scenario::AnotherInstance,
            Scenario::TargetRefused,
            Scenario::LookAgain,
            Scenario::SentTwice,
        ];
        let scenario = scenarios[rng.usize(0..scenarios.len())];
        let sites = match references.entry(scenario) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let reference = crash::reference(scenario).await;
                new.insert(crash::sites_of(&reference.journal, 3))
            }
        };
        let mut draw = || loop {
            let site = sites[rng.usize(0..sites.len())].clone();
            if site.is_by("replenish-pool") && rng.bool() {
                continue;
            }
            let ways = Way::at(&site);
            let way = ways[rng.usize(0..ways.len())];
            return Case {
                scenario,
                site,
                way,
            };
        };
        let pair = [draw(), draw()];
        let report = crash::run_all(scenario, &pair).await;
        let serious: Vec<&Finding> = report.findings.iter().filter(|it| is_serious(it)).collect();
        if !serious.is_empty() {
            let [one, other] = &pair;
            let _ = writeln!(failures, "seed {seed}: {one} and {other}: {serious:?}");
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[tokio::test(start_paused = true)]
async fn random_faults_at_set_rates() {
    let mut failures = String::new();
    for seed in seeds(6) {
        let soak = Soak {
            pool_size: 4,
            pace: Duration::from_secs(12),
            deadline: Duration::from_mins(15),
            troubles: Troubles {
                crash: 0.1,
                duplicate: 0.1,
                throttle: 0.1,
                lost_answer: 0.03,
                lost_event: 0.2,
                agent_dead: 0.05,
                instance_dead: 0.05,
                untagged: 0.05,
                agent_restarts: 0.05,
                reboots: 0.05,
                tags_wiped: 0.0,
                stale: 0.2,
                outages: false,
            },
            ..Soak::new(seed, 20, 3)
        };
        let tally = soak.run().await;
        if !tally.is_good() {
            let _ = writeln!(failures, "seed {seed}:\n{tally}");
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[tokio::test(start_paused = true)]
async fn a_small_soak() {
    let tally = Soak::new(7, 100, 8).run().await;
    println!("{tally}");
    assert!(tally.is_good(), "\n{tally}");
}
