//! The reference implementation's answers: sizes and prices exactly, three runs minute for minute.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use ready_pool_sizing::{
    Bounds, HitRate, Learner, Minute, Record, Situation, Target, hit_rate, ln_price, size_at, tags,
};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

fn vectors<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let text = fs::read_to_string(path.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[derive(Deserialize)]
struct Keeping {
    mean: f64,
    spread: f64,
    price: f64,
    most: u32,
    size: u32,
    hit_rate: f64,
}

#[test]
fn sizes_and_their_hit_rates_are_the_references() {
    let sizes: Vec<Keeping> = vectors("sizes.json");
    assert!(sizes.len() > 100);
    for vector in sizes {
        let Keeping { mean, spread, .. } = vector;
        let size = size_at(mean, spread, vector.price, vector.most);
        assert_eq!(size, vector.size, "mean {mean}, spread {spread}");
        let hits = hit_rate(size, mean, spread);
        let error = (hits - vector.hit_rate).abs();
        assert!(error <= 1e-9, "{hits} for {}", vector.hit_rate);
    }
}

#[derive(Deserialize)]
struct Week {
    means: Vec<f64>,
    spread: f64,
    target: f64,
    least: u32,
    log_price: f64,
}

#[test]
fn prices_are_the_references() {
    let prices: Vec<Week> = vectors("prices.json");
    assert!(prices.len() > 50);
    for vector in prices {
        let target = Target {
            hit_rate: HitRate::of_percent(vector.target * 100.0).unwrap(),
            least_ready: vector.least,
        };
        let price = ln_price(&vector.means, vector.spread, target);
        // Prices are 8e-7 apart. (`serde_json` reads a figure's last bit not always right.)
        let error = (price - vector.log_price).abs();
        assert!(error < 1e-14, "{price} for {}", vector.log_price);
    }
}

#[derive(Deserialize)]
struct Run {
    start_minute_of_week: i64,
    minutes_in_all: i64,
    waits_known_from: i64,
    settings: Settings,
    minimum: Vec<(i64, u32)>,
    /// Start, claims detached, of them waited, launches that ended well, seconds of each, failing, held.
    minutes: Vec<(i64, u32, u32, usize, f64, u8, u8)>,
    waiting: Vec<(i64, u32)>,
    sizes: Vec<(i64, u32)>,
    tags: BTreeMap<String, HashMap<String, String>>,
}

#[derive(Deserialize)]
struct Settings {
    target: f64,
    least: u32,
    most: u32,
    initial: u32,
}

impl Run {
    fn target(&self) -> Target {
        Target {
            hit_rate: HitRate::of_percent(self.settings.target * 100.0).unwrap(),
            least_ready: self.settings.least,
        }
    }

    fn at(&self, minute: i64) -> Minute {
        Minute::new(self.start_minute_of_week + minute)
    }

    fn bounds(&self, minute: i64) -> Bounds {
        Bounds {
            pool_size: self.settings.initial,
            pool_max_size: self.settings.most,
            group_min: last(&self.minimum, minute),
            group_max: u32::MAX,
        }
    }

    /// Goes on from here at this minute; what it gives is asked of `check` at each minute's start.
    fn go_on(
        &self,
        mut learner: Learner,
        from: i64,
        mut size: u32,
        mut check: impl FnMut(i64, &mut Learner, u32),
    ) {
        let records: HashMap<i64, _> = self.minutes.iter().map(|row| (row.0, row)).collect();
        let waits: HashMap<i64, u32> = self.waiting.iter().copied().collect();
        let waiting = |minute| waits.get(&minute).copied().unwrap_or(0);
        for minute in from..self.minutes_in_all {
            if minute > from {
                let ended = minute - 1;
                let &&(_, detached, waited, launches, seconds, failing, held) =
                    records.get(&ended).unwrap_or(&&(0, 0, 0, 0, 0.0, 0, 0));
                let is_known = ended >= self.waits_known_from;
                let record = Record {
                    detached,
                    waited: is_known.then_some(waited),
                    waiting: is_known.then(|| waiting(minute)),
                    lead_seconds: &vec![seconds; launches],
                    failing: failing != 0,
                    held: held != 0,
                    capped: size == self.bounds(ended).most(),
                };
                learner.learn(&record, self.target());
            }
            let situation = Situation {
                waiting: waiting(minute),
                size,
                bounds: self.bounds(minute),
            };
            size = learner.decide(situation, self.target()).size;
            check(minute, &mut learner, size);
        }
    }
}

/// Of values that hold from a minute on: the one at this minute.
fn last(values: &[(i64, u32)], minute: i64) -> u32 {
    let after = values.partition_point(|(from, _)| *from <= minute);
    values[after - 1].1
}

fn checkpoint(learner: &Learner) -> tags::Checkpoint {
    tags::Checkpoint {
        state: learner.state().clone(),
        held: tags::Span::NONE,
        capped: tags::Span::NONE,
        waited: Some(0),
    }
}

fn read(texts: &HashMap<String, String>, now: Minute) -> tags::Checkpoint {
    tags::read(|key| texts.get(key).map(String::as_str), now).unwrap()
}

/// Every size, and every tag's text.
fn is_reproduced(name: &str) {
    let run: Run = vectors(name);
    let (mut sizes, mut written) = (0, 0);
    let first = run.bounds(0).first_size(run.target());
    run.go_on(
        Learner::new(run.at(0)),
        0,
        first,
        |minute, learner, size| {
            assert_eq!(size, last(&run.sizes, minute), "{name}, minute {minute}");
            sizes += 1;
            if let Some(texts) = run.tags.get(&minute.to_string()) {
                let tags: HashMap<String, String> = tags::write(&checkpoint(learner))
                    .into_iter()
                    .map(|(key, text)| (key.to_owned(), text))
                    .collect();
                assert_eq!(&tags, texts, "{name}, minute {minute}");
                written += 1;
            }
        },
    );
    assert_eq!(sizes, run.minutes_in_all);
    assert_eq!(written, run.tags.len());
}

/// From each of its tags on, the sizes are the same.
fn goes_on_from_its_tags(name: &str) {
    let run: Run = vectors(name);
    // From a few, spread over the run: each goes on for days.
    for (from, texts) in run.tags.iter().step_by(run.tags.len() / 5) {
        let from: i64 = from.parse().unwrap();
        let state = read(texts, run.at(from)).state;
        let size = last(&run.sizes, from - 1);
        let mut asked = 0;
        run.go_on(Learner::resume(state), from, size, |minute, _, size| {
            assert_eq!(
                size,
                last(&run.sizes, minute),
                "{name} from {from}: {minute}"
            );
            asked += 1;
        });
        assert!(asked > 0);
    }
}

/// What was written and read at each quarter-hour's end decides as what never was.
fn survives_a_checkpoint_each_quarter_hour(name: &str) {
    let run: Run = vectors(name);
    let first = run.bounds(0).first_size(run.target());
    let mut checkpoints = 0;
    run.go_on(
        Learner::new(run.at(0)),
        0,
        first,
        |minute, learner, size| {
            assert_eq!(size, last(&run.sizes, minute), "{name}, minute {minute}");
            let now = run.at(minute);
            if minute > 0 && now.plus(-1).ends_a_quarter_hour() {
                let before = checkpoint(learner);
                let tags = tags::write(&before);
                assert!(tags.iter().all(|(_, text)| text.len() <= 256));
                let value = |key: &str| Some(tags.iter().find(|tag| tag.0 == key)?.1.as_str());
                let after = tags::read(value, now).unwrap();
                assert_eq!(after, before, "{name}, minute {minute}");
                *learner = Learner::resume(after.state);
                checkpoints += 1;
            }
        },
    );
    assert!(checkpoints >= run.minutes_in_all / 15 - 1);
}

macro_rules! runs {
    ($($module:ident: $file:literal),+) => {$(
        mod $module {
            #[test]
            fn every_size_and_tag_is_the_references() {
                super::is_reproduced($file);
            }

            #[test]
            fn the_sizes_after_any_of_its_tags_are_the_same() {
                super::goes_on_from_its_tags($file);
            }

            #[test]
            fn reading_what_was_written_changes_nothing() {
                super::survives_a_checkpoint_each_quarter_hour($file);
            }
        }
    )+};
}

runs!(weekly: "run-weekly.json", rough: "run-rough.json", long: "run-long.json");
