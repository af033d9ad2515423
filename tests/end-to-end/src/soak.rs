//! Many claims on many targets while everything goes wrong at set rates: the tests' random faults,
//! and the soak.

mod slow;
mod tally;
mod tenants;
mod troubles;

pub use tally::{Figure, Tally};
pub use troubles::Troubles;

use crate::harness::{Harness, Target};
use crate::quiet::Quiet;
use region::settings::Spread;
use std::time::Duration;
use tenants::Tenants;

/// One run.
#[derive(Clone, Debug)]
pub struct Soak {
    /// The only source of chance.
    pub seed: u64,
    /// How many claims are sent.
    pub claims: usize,
    /// For how many targets.
    pub targets: usize,
    /// Ready instances that the pool keeps.
    pub pool_size: usize,
    /// Mean time between two claims.
    pub pace: Duration,
    /// How long a claim may wait.
    pub deadline: Duration,
    /// So many of the slowest claims are named with what they waited for, however short that was.
    pub slowest: usize,
    /// What goes wrong, while claims are sent and for five minutes more.
    pub troubles: Troubles,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct SoFar {
    /// Claims that were sent.
    pub sent: usize,
    /// Of these, claims with an outcome.
    pub answered: usize,
    /// Of the virtual time.
    pub passed: Duration,
}

/// How long after the last claim everything may take to come to rest, the leak sweep included.
const REST: Duration = Duration::from_hours(12);
/// Longest a machine that was claimed is used.
const MOST_TARGET_SIZE: u32 = 100;

/// One target in three is in one zone only.
fn in_its_zones(number: usize, target: Target) -> Target {
    const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];
    if number % 3 == 1 {
        target.zones(&ZONES[number / 3 % 3..][..1])
    } else {
        target
    }
}

/// Whether no group of this number exists at first: claims for it have it made.
fn is_made_on_demand(target: usize) -> bool {
    target % 3 == 2
}

impl Soak {
    /// A run of `claims` claims on `targets` targets, with a pool that can keep up with them.
    pub fn new(seed: u64, claims: usize, targets: usize) -> Self {
        Self {
            seed,
            claims,
            targets,
            pool_size: 30,
            pace: Duration::from_secs(8),
            deadline: Duration::from_mins(30),
            slowest: 0,
            troubles: Troubles::of_the_soak(),
        }
    }

    /// Plays it to the end and counts.
    ///
    /// # Panics
    /// Must be called on tokio's paused clock.
    pub async fn run(&self) -> Tally {
        self.run_watched(|_| ()).await
    }

    /// The same, and says now and then how far it is.
    ///
    /// # Panics
    /// Must be called on tokio's paused clock.
    pub async fn run_watched(&self, mut watch: impl FnMut(SoFar)) -> Tally {
        let began = tokio::time::Instant::now();
        let mut so_far = |tenants: &Tenants| {
            watch(SoFar {
                sent: tenants.sent.len(),
                answered: tenants.answered.len(),
                passed: began.elapsed(),
            });
        };
        let harness = Harness::builder()
            .pool_size(self.pool_size)
            .makes_targets("asg-")
            .parameter("PoolMaxSize", &(2 * self.pool_size).to_string())
            .settings(|settings| {
                settings.seed = self.seed;
                settings.timings.agent_registration =
                    Spread::between(Duration::from_secs(10), Duration::from_secs(30));
            })
            .start();
        harness.pool_is_ready(self.pool_size).await;
        for n in (0..self.targets).filter(|n| !is_made_on_demand(*n)) {
            let target = Target::named(&format!("asg-{n}")).max_size(MOST_TARGET_SIZE);
            harness.create(in_its_zones(n, target)).await;
        }
        let mut tenants = Tenants::new(self);
        self.troubles.begin(&harness);
        while tenants.still_sending() {
            tenants.live_on(&harness).await;
            so_far(&tenants);
        }
        for _ in 0..300 {
            tenants.live_on(&harness).await;
            so_far(&tenants);
        }
        tenants.end_troubles(&harness);
        harness.region.with(Troubles::end);
        self.rest(&harness, &mut tenants).await;
        // A function writes how many calls it made when it ends, those of a killed one before
        // included: one undisturbed pass more, and no line is missing.
        harness.pass(Duration::from_secs(70)).await;
        // In that pass a member whose agent had died may have begun its way out of the pool.
        let unrest = self.rest(&harness, &mut tenants).await;
        harness.idle().await;
        let tally = Tally::count(&harness, &tenants, unrest);
        harness.stop().await;
        tally
    }

    /// Waits until nothing is under way any more; what still is when patience ends.
    async fn rest(&self, harness: &Harness, tenants: &mut Tenants) -> Option<String> {
        let quiet = Quiet {
            pool: harness.pool.clone(),
            pool_size: self.pool_size,
            retirement: harness.retirement.clone(),
        };
        let deadline = tokio::time::Instant::now() + REST;
        loop {
            tenants.listen(harness);
            let unrest = harness
                .region
                .with(|world| quiet.unrest(world))
                .or_else(|| tenants.unanswered(harness))
                .or_else(|| {
                    let mut leaks = harness.leaks();
                    leaks.retain(|it| !tenants.wiped_before_its_attach(harness, it));
                    (!leaks.is_empty()).then(|| format!("leaked: {leaks:?}"))
                });
            if unrest.is_none() || tokio::time::Instant::now() > deadline {
                return unrest;
            }
            harness.pass(Duration::from_secs(13)).await;
        }
    }
}
