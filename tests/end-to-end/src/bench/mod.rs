//! What claims cost, in time and in calls, at the latencies observed on AWS: virtual seconds and counts, so every run of
//! the same code has the same figures.

mod floor;
mod measured;
mod report;

pub use floor::Floor;
pub use measured::{Measured, Step};
pub use report::Report;

use crate::harness::{Harness, Target, claim};
use ready_pool_core::attach_when::AttachWhen;
use region::settings::{Settings, Spread};
use std::time::Duration;

/// After this a claim's last call was made.
const APART: Duration = Duration::from_secs(90);
/// After this nothing of the pool's first fill is left to do.
const SETTLED: Duration = Duration::from_mins(15);
/// How many instances are ready beyond those that are asked for.
const SPARE: usize = 2;

/// How often a single claim is sent for each round of ten at once.
const SINGLES: usize = 5;

/// From the beginning of the script to its end, where that is as short as a script can well be.
const SHORT_SCRIPT: Duration = Duration::from_secs(1);

/// From one claim to the next where one a minute comes. A second more, because in step with replenish-pool's timer one
/// phase of its minute would be measured only.
pub const A_MINUTE: Duration = Duration::from_secs(61);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Bench {
    /// The source of chance.
    pub seed: u64,
    /// How often a single claim is sent, and ten at once.
    pub rounds: usize,
    /// How many claims are sent at one instant, to a pool with a fifth more.
    pub burst: usize,
    /// How long claims at a steady pace, and none at all, are watched.
    pub watched: Duration,
}

impl Bench {
    /// All of it. A single claim is sent more often: the median of twenty scripts of 1.5 to 4 s is a quarter of a second
    /// one way or the other.
    pub async fn run(self) -> Report {
        let singly = Self {
            rounds: self.rounds * SINGLES,
            ..self
        };
        Report {
            floor: Floor::of(&settings(self.seed, false)),
            late: singly.after_init(false).await,
            late_floor: Floor::after_init(&settings(self.seed, false)),
            short: singly.after_init(true).await,
            short_floor: Floor::after_init(&settings(self.seed, true)),
            single: self.at_once(1, singly.rounds).await,
            ten: self.at_once(10, self.rounds).await,
            burst: self.at_once(self.burst, 1).await,
            each_minute: self.steady(A_MINUTE, 10).await,
            each_ten_seconds: self.steady(Duration::from_secs(10), 30).await,
            idle_calls_a_minute: self.idle().await,
        }
    }

    /// A claim whose instance is attached after its init, so many times; with a script of a second, if wanted.
    pub async fn after_init(self, short: bool) -> Measured {
        let order = AttachWhen::AfterInit;
        self.claims_at_once(1, self.rounds, short, order).await
    }

    /// So many claims at one instant, so many times.
    pub async fn at_once(self, claims: usize, rounds: usize) -> Measured {
        let order = AttachWhen::BeforeInit;
        self.claims_at_once(claims, rounds, false, order).await
    }

    async fn claims_at_once(
        self,
        claims: usize,
        rounds: usize,
        short: bool,
        attach_when: AttachWhen,
    ) -> Measured {
        let pool = (claims + SPARE).max(claims * 6 / 5);
        let harness = self.harness(pool, short).await;
        let mut measured = Measured::default();
        for round in 0..rounds {
            harness.pool_is_ready(pool).await;
            harness.pass(APART).await;
            harness.idle().await;
            let ids = ids(&format!("round-{round}"), claims);
            for id in &ids {
                harness.create(Target::named(&target_of(id))).await;
            }
            let since = measured::Since::now(&harness);
            harness.send_together(ids.iter().map(|id| {
                let mut claim = claim_for(&harness, id);
                if attach_when == AttachWhen::AfterInit {
                    claim["attach_when"] = attach_when.code().into();
                }
                claim
            }));
            harness.outcomes_of((round + 1) * claims).await;
            harness.idle().await;
            since.measure(&harness, &ids, &mut measured);
        }
        harness.stop().await;
        measured
    }

    /// One claim after the other.
    pub async fn steady(self, pace: Duration, pool: usize) -> Measured {
        let harness = self.harness(pool, false).await;
        harness.pass(SETTLED).await;
        let mut ids = Vec::new();
        let since = measured::Since::now(&harness);
        let end = harness.now() + self.watched;
        while harness.now() < end {
            let id = format!("claim-{}", ids.len());
            harness.create(Target::named(&target_of(&id))).await;
            harness.send(&claim_for(&harness, &id)).await;
            ids.push(id);
            harness.pass(pace).await;
        }
        harness.outcomes_of(ids.len()).await;
        let mut measured = Measured::default();
        since.measure(&harness, &ids, &mut measured);
        harness.stop().await;
        measured
    }

    /// Calls a minute while nobody asks for anything.
    pub async fn idle(self) -> f64 {
        let harness = self.harness(10, false).await;
        harness.pass(SETTLED).await;
        let since = measured::Since::now(&harness);
        harness.pass(self.watched).await;
        let calls = since.calls(&harness).values().sum();
        harness.stop().await;
        measured::ratio(calls, self.watched.as_secs_f64() / 60.0)
    }

    async fn harness(self, pool: usize, short: bool) -> Harness {
        let harness = Harness::builder()
            .pool_size(pool)
            .parameter("PoolMaxSize", "500")
            .settings(|those| *those = settings(self.seed, short))
            .start();
        harness.pool_is_ready(pool).await;
        harness
    }
}

/// Without the long tails: they are AWS's luck, and would be the p99 whatever we do.
fn settings(seed: u64, short: bool) -> Settings {
    let mut settings = Settings {
        seed,
        ..Settings::default()
    };
    settings.timings.detach.tail_chance = 0.0;
    settings.timings.agent_registration.tail_chance = 0.0;
    if short {
        settings.timings.command_run = Spread::exactly(SHORT_SCRIPT);
    }
    settings
}

fn ids(round: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{round}-{n}")).collect()
}

/// Each claim has a target of its own, as at a signup: no read serves two of them by luck.
fn target_of(id: &str) -> String {
    format!("target-{id}")
}

fn claim_for(harness: &Harness, id: &str) -> serde_json::Value {
    let mut claim = claim(id, &target_of(id));
    claim["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
    claim
}
