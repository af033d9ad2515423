//! Somebody who holds the pool to what must hold, each minute.

use super::Parameters;
use super::another::{Books, minute};
use super::lived::Lived;
use crate::harness::Harness;
use crate::invariants::Violation;
use ready_pool_core::outcome::Ending;
use ready_pool_core::pool_size::{SIZE_TAG, WAITED_TAG};
use ready_pool_sizing::tags::{self, Checkpoint};
use ready_pool_sizing::{Bounds, HitRate, Minute, Situation, Target};
use region::journal::{Entry, Happening};
use region::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;

const REPLENISH: &str = "ready-pool-replenish-pool";
/// How a call is answered whose caller is killed after its effect.
const KILLED: &str = "CallerKilled";
/// A checkpoint that is older was written by a pass that caught up.
const LATEST: i64 = 45;
/// A look judges what happened since the last one by one checkpoint, one size and one pair of bounds: it must come
/// each minute, or a little later where a call comes between.
const LOOKS_EVERY: Duration = Duration::from_secs(90);
/// `serde_json` reads a figure's last bit not always right.
const LAST_BITS: f64 = 1e-12;

/// What is seen of the pool so far.
pub(super) struct Watch {
    parameters: Parameters,
    target: Target,
    looked_at: OffsetDateTime,
    cursor: usize,
    lines: usize,
    outcomes: usize,
    /// Messages that are not deleted yet, retries of ours included.
    waiting: BTreeSet<String>,
    /// The pool's tags of sizing, as written.
    tags: BTreeMap<String, String>,
    checkpoint: Option<Checkpoint>,
    own: BTreeSet<String>,
    let_go: BTreeSet<String>,
    lived: Lived,
}

impl Watch {
    pub(super) fn of(harness: &Harness, parameters: Parameters) -> Self {
        let hit_rate = HitRate::of_percent(parameters.hit_rate).expect("a rate");
        Self {
            parameters,
            target: Target {
                hit_rate,
                least_ready: 1,
            },
            looked_at: harness.now(),
            cursor: harness.region.read(|world| world.journal.end()),
            lines: 0,
            outcomes: 0,
            waiting: BTreeSet::new(),
            tags: harness.region.read(|world| tags_of(world, &harness.pool)),
            checkpoint: None,
            own: BTreeSet::new(),
            let_go: BTreeSet::new(),
            lived: Lived {
                sizes: (u32::MAX, 0),
                ..Lived::default()
            },
        }
    }

    /// These were terminated by who had them.
    pub(super) fn let_go(&mut self, machines: Vec<String>) {
        self.let_go.extend(machines);
    }

    /// Holds the pool to what must hold since the last time, a minute ago.
    pub(super) fn look(&mut self, harness: &Harness) {
        let since = harness.now() - std::mem::replace(&mut self.looked_at, harness.now());
        assert!(
            since <= LOOKS_EVERY,
            "a look after {since}, not each minute"
        );
        self.lived.minutes += 1;
        for outcome in harness.outcomes_since(&mut self.outcomes) {
            let ending = match outcome.outcome {
                Ending::Ready => "ready".to_owned(),
                _ => outcome.reason.code().to_owned(),
            };
            *self.lived.outcomes.entry(ending).or_default() += 1;
        }
        let (entries, end) = harness
            .region
            .read(|world| world.journal.since(self.cursor));
        self.cursor = end;
        let (before, size_before) = (self.checkpoint.clone(), self.size());
        let mut somebody_waits = !self.waiting.is_empty();
        for entry in entries {
            self.happened(harness, &entry);
            somebody_waits |= !self.waiting.is_empty();
        }
        let lines = harness.figures.since(&mut self.lines);
        let capped = lines.iter().filter(|line| line["SizeCapped"] == 1.0);
        self.lived.capped += u64::try_from(capped.count()).expect("few");
        let known = harness.region.read(|world| tags_of(world, &harness.pool));
        assert_eq!(self.tags, known, "all that writes tags is seen");
        if self.size().is_none() {
            return;
        }
        if let (Some(checkpoint), Some(size), false) = (before, size_before, somebody_waits) {
            self.decisions(harness, &checkpoint, size, &lines);
        }
    }

    pub(super) fn end(mut self, violations: &[Violation]) -> Lived {
        let violations = violations.iter().map(|violation| format!("{violation:?}"));
        self.lived.broken.extend(violations);
        self.lived.waited = counter(&self.tags);
        self.lived
    }

    fn size(&self) -> Option<u32> {
        self.tags.get(SIZE_TAG)?.strip_prefix("v1 ")?.parse().ok()
    }

    fn broken(&mut self, entry: &Entry, what: &str) {
        self.lived.broken.push(format!("{}: {what}", entry.at));
    }

    fn happened(&mut self, harness: &Harness, entry: &Entry) {
        match &entry.what {
            Happening::MessageSent {
                queue, message_id, ..
            } if queue.ends_with("-provision.fifo") => {
                self.waiting.insert(message_id.clone());
            }
            Happening::MessageDeleted { queue, message_id }
                if queue.ends_with("-provision.fifo") =>
            {
                self.waiting.remove(message_id);
            }
            Happening::Terminating { instance, cause } if !self.let_go.contains(instance) => {
                self.lived.terminated += 1;
                if !self.waiting.is_empty() {
                    self.broken(
                        entry,
                        &format!("{instance} is terminated while a claim waits: {cause}"),
                    );
                }
            }
            Happening::Called {
                caller,
                operation,
                input,
                error,
                ..
            } if error.as_ref().is_none_or(|error| error == KILLED) => {
                self.called(harness, entry, caller, operation, input);
            }
            _ => {}
        }
    }

    fn called(
        &mut self,
        harness: &Harness,
        entry: &Entry,
        caller: &str,
        operation: &str,
        input: &Value,
    ) {
        match operation {
            "CreateOrUpdateTags" | "DeleteTags" => {
                let before = self.size();
                let pool = harness.pool.as_str();
                let tags = input["Tags"].as_array().into_iter().flatten();
                for tag in tags.filter(|tag| tag["ResourceId"] == pool) {
                    let key = tag["Key"].as_str().expect("a key").to_owned();
                    match tag["Value"].as_str().filter(|_| operation != "DeleteTags") {
                        Some(value) => self.tags.insert(key, value.to_owned()),
                        None => self.tags.remove(&key),
                    };
                }
                self.checkpoint_is_learned(harness, entry);
                self.size_is_within_bounds(harness, entry, before);
            }
            "DetachInstances" if caller == REPLENISH => {
                let instances = input["InstanceIds"].as_array().into_iter().flatten();
                self.own
                    .extend(instances.filter_map(|id| id.as_str().map(str::to_owned)));
            }
            "SetDesiredCapacity" if caller == REPLENISH => {
                let capacity = &input["DesiredCapacity"];
                // In whichever way a client writes a number.
                let digits = capacity.to_string().replace('"', "");
                let capacity = digits.parse().unwrap_or(u64::MAX);
                if input["AutoScalingGroupName"] == harness.pool.as_str()
                    && capacity > u64::from(self.parameters.pool_max_size)
                {
                    self.broken(entry, &format!("a capacity of {capacity}"));
                }
            }
            _ => {}
        }
    }

    fn bounds(&self, harness: &Harness) -> Bounds {
        let group = |world: &World| {
            let pool = &world.autoscaling.groups[&harness.pool];
            (pool.min, pool.max)
        };
        let (group_min, group_max) = harness.region.read(group);
        Bounds {
            pool_size: self.parameters.pool_size,
            pool_max_size: self.parameters.pool_max_size,
            group_min,
            group_max,
        }
    }

    fn size_is_within_bounds(&mut self, harness: &Harness, entry: &Entry, before: Option<u32>) {
        let Some(size) = self.size().filter(|size| before != Some(*size)) else {
            return;
        };
        self.lived.changes += u64::from(before.is_some());
        let (least, most) = self.lived.sizes;
        self.lived.sizes = (least.min(size), most.max(size));
        let bounds = self.bounds(harness);
        let least = self.target.least_ready.max(bounds.group_min);
        if !(least..=bounds.most()).contains(&size) {
            self.broken(entry, &format!("a size of {size}"));
        }
    }

    /// A checkpoint is what the pure functions learn from the one before, where nobody waits.
    fn checkpoint_is_learned(&mut self, harness: &Harness, entry: &Entry) {
        let now = minute(entry.at);
        let read = tags::read(|key| self.tags.get(key).map(String::as_str), now);
        let before = std::mem::replace(&mut self.checkpoint, read);
        let (Some(before), Some(after)) = (before, &self.checkpoint) else {
            return;
        };
        let (Some(counted), Some(counts)) = (before.waited, after.waited) else {
            return;
        };
        let until = after.state.until();
        if until.since(before.state.until()) != 15 || !self.waiting.is_empty() {
            return;
        }
        let books = self.books(harness, before.state.until());
        let learner = books.learn(&before, until, counts - counted, self.target);
        let expected = Checkpoint {
            state: learner.state().clone(),
            ..after.clone()
        };
        let (expected, after) = (tags::write(&expected), tags::write(after));
        if expected == after {
            self.lived.checkpoints += 1;
        } else {
            self.broken(entry, &format!("a checkpoint {after:?} for {expected:?}"));
        }
    }

    /// Each pass decides as the pure functions do, where nobody waits.
    fn decisions(
        &mut self,
        harness: &Harness,
        checkpoint: &Checkpoint,
        mut size: u32,
        lines: &[Value],
    ) {
        let Some(counted) = checkpoint.waited else {
            return;
        };
        let until = checkpoint.state.until();
        let waited = counter(&self.tags).saturating_sub(counted);
        let (bounds, books) = (self.bounds(harness), self.books(harness, until));
        for line in lines {
            let (Some(at), Some(hit_rate)) = (
                line["_aws"]["Timestamp"].as_i64(),
                line["PredictedHitRate"].as_f64(),
            ) else {
                continue;
            };
            let now = Minute::of_unix_seconds(at / 1_000);
            if !(0..LATEST).contains(&now.since(until)) {
                continue;
            }
            let learner = books.learn(checkpoint, now, waited, self.target);
            let situation = Situation {
                waiting: 0,
                size: size.min(bounds.most()),
                bounds,
            };
            let expected = learner.decide(situation, self.target);
            if (expected.predicted_hit_rate - hit_rate).abs() < LAST_BITS {
                self.lived.decisions += 1;
            } else {
                let broken = format!(
                    "{at}: {hit_rate} is predicted for {}",
                    expected.predicted_hit_rate
                );
                self.lived.broken.push(broken);
            }
            size = expected.size;
        }
        if self.size() != Some(size) {
            let (at, is) = (self.looked_at, self.size());
            let ago = minute(at).since(until);
            let broken = format!("{at}: a size of {is:?} for {size}, learned {ago} minutes ago");
            self.lived.broken.push(broken);
        }
    }

    fn books(&self, harness: &Harness, from: Minute) -> Books {
        harness.region.read(|world| {
            let pool = &world.autoscaling.groups[&harness.pool];
            Books::read(&pool.activities, &self.own, from)
        })
    }
}

fn counter(tags: &BTreeMap<String, String>) -> u64 {
    let value = tags
        .get(WAITED_TAG)
        .and_then(|value| value.strip_prefix("v1 "));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn tags_of(world: &World, pool: &str) -> BTreeMap<String, String> {
    let tags = world.autoscaling.groups[pool].tags.iter();
    tags.map(|(key, tag)| (key.clone(), tag.value.clone()))
        .collect()
}
