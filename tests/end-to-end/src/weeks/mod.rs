//! Days and weeks of a pool that is sized by its hit rate: a day with a night, and what may happen to it. What must hold
//! each minute is held to each minute.

mod another;
mod lived;
mod trouble;
mod watch;

pub use lived::Lived;
pub use trouble::Trouble;

use crate::harness::{Harness, Target, claim};
use region::api::Service;
use serde_json::json;
use std::time::Duration;
use watch::Watch;

/// Minutes of a day.
const DAY: u64 = 1_440;
/// Claims may wait so long.
const PATIENCE: Duration = Duration::from_hours(1);
/// After so many minutes without a new claim all have ended.
const LAST_MINUTES: u64 = 65;
/// So often tenants give back the machines that they have had that long.
const USED_FOR: u64 = 240;
const TARGET: &str = "asg-1";

/// One run.
#[derive(Clone, Debug)]
pub struct Weeks {
    /// The only source of chance.
    pub seed: u64,
    /// How many minutes it lasts.
    pub minutes: u64,
    /// Claims a day.
    pub claims: f64,
    /// What happens, by minutes since the start.
    pub troubles: Vec<(u64, Trouble)>,
}

/// The pool's parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) pool_size: u32,
    pub(crate) pool_max_size: u32,
    pub(crate) hit_rate: f64,
}

const PARAMETERS: Parameters = Parameters {
    pool_size: 3,
    pool_max_size: 5,
    hit_rate: 99.0,
};

impl Weeks {
    /// So many days: an outage every other day, and each other trouble once, one after the other. In less than three
    /// weeks all come on the first day.
    pub fn of_days(days: u64, seed: u64) -> Self {
        let hour = 60;
        let mut troubles = Vec::new();
        let at = |day: u64, hours: u64| day * DAY + hours * hour;
        // The region's clock starts at 20:00.
        if days < 21 {
            for (hours, trouble) in [
                (12, Trouble::Kill),
                (14, Trouble::Burst),
                (16, Trouble::Outage),
                (17, Trouble::Minimum(4)),
                (18, Trouble::Minimum(0)),
                (19, Trouble::Pause),
                (20, Trouble::Resume),
                (22, Trouble::Wipe),
            ] {
                troubles.push((hours * hour, trouble));
            }
        } else {
            troubles.extend(
                (0..days)
                    .step_by(2)
                    .map(|day| (at(day, 16), Trouble::Outage)),
            );
            for (day, hours, trouble) in [
                (4, 12, Trouble::Kill),
                (7, 14, Trouble::Burst),
                (10, 16, Trouble::Wipe),
                (13, 13, Trouble::Minimum(4)),
                (13, 16, Trouble::Minimum(0)),
                (17, 4, Trouble::Pause),
                (18, 4, Trouble::Resume),
            ] {
                troubles.push((at(day, hours), trouble));
            }
        }
        Self {
            seed,
            minutes: days * DAY,
            claims: 60.0,
            troubles,
        }
    }

    /// Lives it to the end.
    ///
    /// # Panics
    /// Must be called on tokio's paused clock.
    pub async fn run(&self) -> Lived {
        let harness = Harness::builder()
            .pool_size(usize::try_from(PARAMETERS.pool_size).expect("few"))
            .parameter("PoolMaxSize", &PARAMETERS.pool_max_size.to_string())
            .parameter("HitRate", &PARAMETERS.hit_rate.to_string())
            .settings(|settings| settings.seed = self.seed)
            .start();
        harness.pool_is_ready(3).await;
        harness.create(Target::named(TARGET).max_size(1_000)).await;
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut watch = Watch::of(&harness, PARAMETERS);
        for minute in 0..self.minutes {
            let now = self.troubles.iter().filter(|(at, _)| *at == minute);
            for (_, trouble) in now {
                trouble.happen(&harness).await;
            }
            self.minute(&harness, minute, &mut random).await;
            watch.look(&harness);
            if minute % USED_FOR == 0 {
                watch.let_go(give_back(&harness).await);
            }
        }
        for _ in 0..LAST_MINUTES {
            harness.pass(Duration::from_mins(1)).await;
            watch.look(&harness);
        }
        let violations = harness.violations();
        harness.stop().await;
        watch.end(&violations)
    }

    async fn minute(&self, harness: &Harness, minute: u64, random: &mut fastrand::Rng) {
        let chance = self.claims / 1_440.0 * share_of(harness.now().hour());
        harness.pass(Duration::from_secs(20)).await;
        let mut claims = 0;
        while random.f64() < chance {
            send(harness, &format!("claim-{minute}-{claims}"));
            claims += 1;
        }
        harness.pass(Duration::from_secs(40)).await;
    }
}

/// How an hour compares with the mean one: the night is a tenth of the noon.
fn share_of(hour: u8) -> f64 {
    let phase = (f64::from(hour) + 0.5 - 13.0) / 24.0 * std::f64::consts::TAU;
    let day = 0.5 + 0.5 * phase.cos();
    (0.1 + 0.9 * day) / 0.55
}

fn send(harness: &Harness, claim_id: &str) {
    let mut message = claim(claim_id, TARGET);
    message["expires_at"] = harness.in_future(PATIENCE).into();
    harness.send_together([message]);
}

/// Tenants let go of the machines that they had at the last time.
async fn give_back(harness: &Harness) -> Vec<String> {
    let old = harness.now() - Duration::from_mins(USED_FOR / 2);
    let machines = harness.in_service(TARGET);
    let machines = harness.region.read(|world| {
        let is_old = |id: &String| world.compute.instances[id].launched_at < old;
        machines.into_iter().filter(is_old).collect::<Vec<_>>()
    });
    for machine in &machines {
        let input = json!({ "InstanceId": machine, "ShouldDecrementDesiredCapacity": true });
        let operation = "TerminateInstanceInAutoScalingGroup";
        let gone = harness.call(Service::AutoScaling, operation, input).await;
        gone.expect("a machine can be given back");
    }
    machines
}
