//! Figures for CloudWatch, written as log lines in its embedded metric format: no call, no
//! permission and no crate of their own. (`metrique` has the format too, and a hundred crates.)
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

mod calls;
mod detail;

pub(crate) use calls::CallCounter;
pub use detail::Detail;

use calls::Calls;
use ready_pool_core::Timestamp;
use ready_pool_core::ids::GroupName;
use serde_json::{Map, Value, json};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "ready-pool";
/// The dimension that every metric has: the pool's group name.
pub const POOL: &str = "Pool";

/// Where the lines go.
pub trait Sink: Debug + Send + Sync {
    /// Takes one line, without its end.
    fn write(&self, line: String);
}

/// Standard output, from where Lambda takes the lines to CloudWatch Logs.
#[derive(Clone, Copy, Debug)]
pub struct StandardOutput;

impl Sink for StandardOutput {
    #[allow(clippy::print_stdout, reason = "this is where metrics go")]
    fn write(&self, line: String) {
        println!("{line}");
    }
}

/// Writes figures. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    sink: Arc<dyn Sink>,
    calls: Arc<Calls>,
    detail: Detail,
}

/// What a figure counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Count,
    Milliseconds,
    None,
}

/// What happened at one moment, in figures. Becomes one line.
#[derive(Clone, Debug)]
pub struct Record {
    dimensions: Vec<(&'static str, String)>,
    figures: Vec<(&'static str, Unit, f64)>,
    properties: Vec<(&'static str, String)>,
}

impl Record {
    /// Of this pool.
    pub fn of(pool: &GroupName) -> Self {
        Self {
            dimensions: vec![(POOL, pool.to_string())],
            figures: Vec::new(),
            properties: Vec::new(),
        }
    }

    /// Tells the figures apart by one thing more. They are added up without it, too: each
    /// dimension refines those before it.
    #[must_use]
    pub fn by(mut self, dimension: &'static str, value: &str) -> Self {
        self.dimensions.push((dimension, value.to_string()));
        self
    }

    /// A number of things.
    #[must_use]
    pub fn count(mut self, name: &'static str, count: usize) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "counts here are small")]
        self.figures.push((name, Unit::Count, count as f64));
        self
    }

    /// A number of things, where it is known.
    #[must_use]
    pub fn count_if_known(self, name: &'static str, count: Option<usize>) -> Self {
        match count {
            Some(count) => self.count(name, count),
            None => self,
        }
    }

    /// How long something took.
    #[must_use]
    pub fn time(mut self, name: &'static str, took: Duration) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "exact for 285 years")]
        let milliseconds = took.as_micros() as f64 / 1_000.0;
        self.figures.push((name, Unit::Milliseconds, milliseconds));
        self
    }

    /// How long something took, where that is known.
    #[must_use]
    pub fn time_if_known(self, name: &'static str, took: Option<Duration>) -> Self {
        match took {
            Some(took) => self.time(name, took),
            None => self,
        }
    }

    /// A share, a ratio or anything else without a unit of `CloudWatch`'s, where it is known.
    #[must_use]
    pub fn figure_if_known(mut self, name: &'static str, figure: Option<f64>) -> Self {
        // JSON has no other numbers.
        if let Some(figure) = figure.filter(|figure| figure.is_finite()) {
            self.figures.push((name, Unit::None, figure));
        }
        self
    }

    /// Something to search the lines by. No metric is made of it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.properties.push((name, value.to_string()));
        self
    }

    /// The line. It has all figures, whatever the detail: that decides on metrics alone.
    fn line(&self, detail: Detail, now: Timestamp) -> String {
        let names: Vec<&str> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let sets: Vec<&[&str]> = (1..=detail.dimensions(names.len()))
            .filter_map(|length| names.get(..length))
            .collect();
        let metrics: Vec<Value> = self
            .figures
            .iter()
            .filter(|(name, ..)| detail.keeps(name))
            .map(|(name, unit, _)| json!({"Name": name, "Unit": format!("{unit:?}")}))
            .collect();
        let directives = if metrics.is_empty() {
            json!([])
        } else {
            json!([{"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": metrics}])
        };
        let milliseconds = now.unix_timestamp_nanos() / 1_000_000;
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": i64::try_from(milliseconds).unwrap_or_default(),
                "CloudWatchMetrics": directives,
            }),
        );
        for (name, value) in self.dimensions.iter().chain(&self.properties) {
            line.insert((*name).to_owned(), Value::String(value.clone()));
        }
        for (name, _, figure) in &self.figures {
            line.insert((*name).to_owned(), json!(figure));
        }
        Value::Object(line).to_string()
    }
}

impl Metrics {
    /// Metrics that go to this place, in full.
    pub fn to(sink: Arc<dyn Sink>) -> Self {
        Self {
            sink,
            calls: Arc::default(),
            detail: Detail::Full,
        }
    }

    /// The same, in this detail.
    #[must_use]
    pub fn in_detail(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// Writes a record, unless it has no figures.
    pub fn write(&self, record: &Record, now: Timestamp) {
        if !record.figures.is_empty() {
            self.sink.write(record.line(self.detail, now));
        }
    }

    /// Writes how many calls the function made since the last time, and how many of them were
    /// throttled: at the end of each invocation.
    pub fn write_calls(&self, pool: &GroupName, function: &'static str, now: Timestamp) {
        let (calls, throttled) = self.calls.take();
        let record = Record::of(pool)
            .by("Function", function)
            .count("AwsCalls", calls)
            .count("ThrottledCalls", throttled);
        self.write(&record, now);
    }

    /// Counts the calls of an SDK client.
    pub(crate) fn call_counter(&self) -> CallCounter {
        CallCounter::new(self.calls.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use time::macros::datetime;

    #[derive(Debug, Default)]
    struct Lines(Mutex<Vec<String>>);

    impl Sink for Lines {
        fn write(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }
    }

    fn pool() -> GroupName {
        GroupName::try_from("pool").unwrap()
    }

    fn written(record: &Record) -> Vec<Value> {
        written_in(Detail::Full, record)
    }

    fn written_in(detail: Detail, record: &Record) -> Vec<Value> {
        let lines = Arc::new(Lines::default());
        let metrics = Metrics::to(lines.clone()).in_detail(detail);
        metrics.write(record, datetime!(2026-11-23 02:00:00.25 UTC));
        let lines = lines.0.lock().unwrap();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_record_is_one_line_in_the_embedded_metric_format() {
        let record = Record::of(&pool())
            .by("Outcome", "ready")
            .count("Outcomes", 1)
            .time("TimeToReady", Duration::from_micros(7_250_500))
            .time_if_known("Waited", None)
            .figure_if_known("Spread", Some(1.25))
            .figure_if_known("WaitPrice", Some(f64::NAN))
            .with("claim_id", "signup-1");
        assert_eq!(
            written(&record),
            [json!({
                "_aws": {
                    "Timestamp": 1_795_399_200_250_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "ready-pool",
                        "Dimensions": [["Pool"], ["Pool", "Outcome"]],
                        "Metrics": [
                            {"Name": "Outcomes", "Unit": "Count"},
                            {"Name": "TimeToReady", "Unit": "Milliseconds"},
                            {"Name": "Spread", "Unit": "None"},
                        ],
                    }],
                },
                "Pool": "pool",
                "Outcome": "ready",
                "claim_id": "signup-1",
                "Outcomes": 1.0,
                "TimeToReady": 7250.5,
                "Spread": 1.25,
            })]
        );
    }

    #[test]
    fn in_the_least_detail_few_figures_become_metrics_and_all_are_written() {
        let ends = Record::of(&pool())
            .by("Outcome", "failed")
            .by("Reason", "expired")
            .count("Outcomes", 1)
            .count("Attempts", 2);
        let [line] = &written_in(Detail::Least, &ends)[..] else {
            panic!("one line");
        };
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"],
            json!([{
                "Namespace": "ready-pool",
                "Dimensions": [["Pool"], ["Pool", "Outcome"]],
                "Metrics": [{"Name": "Outcomes", "Unit": "Count"}],
            }])
        );
        assert_eq!(
            (&line["Reason"], &line["Attempts"]),
            (&json!("expired"), &json!(2.0))
        );
        let calls = Record::of(&pool()).count("AwsCalls", 3);
        let [line] = &written_in(Detail::Least, &calls)[..] else {
            panic!("one line");
        };
        assert_eq!(line["_aws"]["CloudWatchMetrics"], json!([]));
        assert_eq!(line["AwsCalls"], 3.0);
    }

    #[test]
    fn without_figures_nothing_is_written() {
        assert!(written(&Record::of(&pool()).with("claim_id", "a")).is_empty());
    }
}
