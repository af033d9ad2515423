//! What the functions say of themselves in figures: the lines that CloudWatch would make metrics of.

use ready_pool_aws::metrics::Sink;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// The metric lines of all functions, in the order they were written.
#[derive(Clone, Debug, Default)]
pub struct Figures(Arc<Mutex<Vec<Value>>>);

impl Sink for Figures {
    fn write(&self, line: String) {
        let line = serde_json::from_str(&line).expect("a metric line is JSON");
        self.0.lock().expect("no test thread panicked").push(line);
    }
}

impl Figures {
    /// All values of a metric in lines with these dimensions or properties.
    ///
    /// # Panics
    /// When a line has the figure and does not declare it as a metric, or the other way round.
    pub fn values(&self, metric: &str, of: &[(&str, &str)]) -> Vec<f64> {
        let lines = self.0.lock().expect("no test thread panicked");
        lines
            .iter()
            .filter(|line| of.iter().all(|(name, value)| line[*name] == *value))
            .filter_map(|line| {
                let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
                    .as_array()
                    .is_some_and(|metrics| metrics.iter().any(|it| it["Name"] == metric));
                let value = line[metric].as_f64();
                assert_eq!(declared, value.is_some(), "{metric} in {line}");
                value
            })
            .collect()
    }

    /// The metrics that are made, each with its dimensions.
    pub fn metrics(&self) -> BTreeSet<(String, Vec<String>)> {
        let lines = self.0.lock().expect("no test thread panicked");
        let text = |value: &Value| value.as_str().expect("a name").to_owned();
        let mut made = BTreeSet::new();
        for directive in lines
            .iter()
            .flat_map(|line| list(&line["_aws"]["CloudWatchMetrics"]))
        {
            for dimensions in list(&directive["Dimensions"]) {
                let dimensions: Vec<String> = list(dimensions).iter().map(text).collect();
                let metrics = list(&directive["Metrics"]).iter();
                made.extend(metrics.map(|metric| (text(&metric["Name"]), dimensions.clone())));
            }
        }
        made
    }

    /// A metric's values, each with when it was, in Unix seconds.
    pub fn timeline(&self, metric: &str) -> Vec<(i64, f64)> {
        let lines = self.0.lock().expect("no test thread panicked");
        lines
            .iter()
            .filter_map(|line| {
                let milliseconds = line["_aws"]["Timestamp"].as_i64()?;
                Some((milliseconds / 1_000, line[metric].as_f64()?))
            })
            .collect()
    }

    /// The lines after the first `read` ones, which grows by them.
    pub(crate) fn since(&self, read: &mut usize) -> Vec<Value> {
        let lines = self.0.lock().expect("no test thread panicked");
        let new = lines[*read..].to_vec();
        *read += new.len();
        new
    }

    /// A metric, added up.
    pub fn sum(&self, metric: &str, of: &[(&str, &str)]) -> f64 {
        self.values(metric, of)
            .iter()
            .fold(0.0, |sum, value| sum + value)
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
