//! The table of docs/performance.md.

use super::{Floor, Measured, Step};
use std::fmt;
use std::time::Duration;

/// A step's floor.
type At = fn(&Floor) -> Duration;

/// What [`super::Bench`] measured.
#[derive(Clone, Debug)]
pub struct Report {
    /// What nothing of ours can shorten.
    pub floor: Floor,
    /// Claims that are alone.
    pub single: Measured,
    /// Claims that are alone, their instances attached after their init.
    pub late: Measured,
    /// What nothing of ours can shorten there.
    pub late_floor: Floor,
    /// The same with scripts of a second.
    pub short: Measured,
    /// What nothing of ours can shorten there.
    pub short_floor: Floor,
    /// Ten at one instant.
    pub ten: Measured,
    /// A hundred at one instant.
    pub burst: Measured,
    /// One claim a minute.
    pub each_minute: Measured,
    /// One claim in ten seconds.
    pub each_ten_seconds: Measured,
    /// Calls of all functions while nobody asks for anything.
    pub idle_calls_a_minute: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let floor = self.floor;
        writeln!(
            f,
            "| from a claim's message to | floor | single p50 | p99 | ten at once p50 | p99 | burst p50 | p99 |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
        for (name, step, floor) in [
            ("command sent", Step::CommandSent, floor.command_sent),
            ("attached", Step::Attached, floor.attached),
            ("ready", Step::Ready, floor.ready),
        ] {
            write!(f, "| {name} | {}", seconds(floor))?;
            for measured in [&self.single, &self.ten, &self.burst] {
                let quantile = |share| seconds(measured.quantile(step, share));
                write!(f, " | {} | {}", quantile(0.5), quantile(0.99))?;
            }
            writeln!(f, " |")?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "| after_init, single: from a claim's message to | floor | p50 | p99 | a script of 1 s: floor | p50 | p99 |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- |")?;
        let steps: [(&str, Step, At); 3] = [
            ("command sent", Step::CommandSent, |floor| {
                floor.command_sent
            }),
            ("attached", Step::Attached, |floor| floor.attached),
            ("ready", Step::Ready, |floor| floor.ready),
        ];
        for (name, step, at) in steps {
            write!(f, "| {name}")?;
            for (measured, floor) in [
                (&self.late, &self.late_floor),
                (&self.short, &self.short_floor),
            ] {
                let quantile = |share| seconds(measured.quantile(step, share));
                let floor = seconds(at(floor));
                write!(f, " | {floor} | {} | {}", quantile(0.5), quantile(0.99))?;
            }
            writeln!(f, " |")?;
        }
        writeln!(
            f,
            "\n{} claims at one instant: {:.1} claims a second\n",
            self.burst.claims,
            self.burst.a_second()
        )?;
        writeln!(
            f,
            "| calls a claim | single | ten at once | burst | one a minute | one in ten seconds | after_init | after_init, 1 s |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
        let columns = [
            &self.single,
            &self.ten,
            &self.burst,
            &self.each_minute,
            &self.each_ten_seconds,
            &self.late,
            &self.short,
        ];
        for function in ["claim-instance", "init-instance", "replenish-pool"] {
            write!(f, "| **{function}**")?;
            for measured in columns {
                write!(f, " | **{:.1}**", measured.calls_but_leases_of(function))?;
            }
            writeln!(f, " |")?;
            for operation in operations(&columns, function) {
                write!(f, "| {operation}")?;
                for measured in columns {
                    write!(
                        f,
                        " | {:.1}",
                        measured.calls_of(&format!("{function} {operation}"))
                    )?;
                }
                writeln!(f, " |")?;
            }
        }
        writeln!(f, "\nidle: {:.1} calls a minute", self.idle_calls_a_minute)
    }
}

/// What a function called in any of the measurements.
fn operations(columns: &[&Measured], function: &str) -> Vec<String> {
    let prefix = format!("{function} ");
    let mut operations: Vec<String> = columns
        .iter()
        .flat_map(|measured| measured.calls.keys())
        .filter_map(|call| call.strip_prefix(&prefix).map(ToOwned::to_owned))
        .collect();
    operations.sort_unstable();
    operations.dedup();
    operations
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
