//! `aws autoscaling describe-scaling-activities --auto-scaling-group-name POOL --output json`

use super::{History, ReadError, read_time};
use crate::demand::{Demand, Leads};
use crate::pool::NOTICE;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    activities: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(default)]
    description: String,
    #[serde(default)]
    status_code: String,
    start_time: Value,
    #[serde(default)]
    end_time: Value,
}

/// A time as the CLI prints it: ISO 8601, or a number where it is set to.
fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => read_time(text),
        Value::Number(seconds) => read_time(&seconds.to_string()),
        _ => None,
    }
}

/// A line of a pool's activity history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What it did, in AWS's words.
    pub description: String,
    /// `Successful`, `Failed`, `InProgress`, ….
    pub status: String,
    /// When it started, in Unix milliseconds.
    pub started: i64,
    /// When it ended, likewise; none while it is under way.
    pub ended: Option<i64>,
}

/// An instance that became ready, or is not any more.
struct Change {
    at: i64,
    by: i32,
}

/// Reads a pool's activities as the AWS CLI prints them.
pub fn read_activities(json: &str) -> Result<History, ReadError> {
    let answer: Answer = serde_json::from_str(json).map_err(ReadError::NotActivities)?;
    let lines = answer.activities.into_iter().filter_map(|line| {
        Some(Activity {
            started: moment(&line.start_time)?,
            ended: moment(&line.end_time),
            description: line.description,
            status: line.status_code,
        })
    });
    of_activities(lines, None)
}

/// The history in a pool's activities, in whatever order: to their last, or to a later time (Unix milliseconds) until
/// which nothing else happened. Each detach that did not fail was a claim.
///
/// That takes instances for claims that replenish-pool itself took out (too old, sick, of an old
/// launch template): the history does not tell them apart.
pub fn of_activities(
    activities: impl IntoIterator<Item = Activity>,
    until: Option<i64>,
) -> Result<History, ReadError> {
    let mut claims = Vec::new();
    let mut launches = Vec::new();
    let mut failed_launches = 0;
    let mut changes = Vec::new();
    let (mut first, mut last) = (None::<i64>, until);
    for activity in activities {
        let (start, end) = (activity.started, activity.ended);
        first = Some(first.map_or(start, |first| first.min(start)));
        last = Some(
            last.map_or(start, |last| last.max(start))
                .max(end.unwrap_or(start)),
        );
        let is_good = activity.status == "Successful";
        let failed = matches!(activity.status.as_str(), "Failed" | "Cancelled");
        let description = activity.description.as_str();
        if description.starts_with("Launching a new EC2 instance")
            && !description.contains("into warm pool")
        {
            if let (true, Some(end)) = (is_good, end) {
                launches.push((end, end - start));
                changes.push(Change { at: end, by: 1 });
            }
            failed_launches += u32::from(activity.status == "Failed");
        } else if description.starts_with("Detaching EC2 instance") && !failed {
            claims.push(start);
            changes.push(Change { at: start, by: -1 });
        } else if description.starts_with("Attaching an existing EC2 instance") && is_good {
            let at = end.unwrap_or(start);
            changes.push(Change { at, by: 1 });
        } else if description.starts_with("Terminating EC2 instance") && !failed {
            changes.push(Change { at: start, by: -1 });
        }
    }
    if claims.is_empty() {
        return Err(ReadError::Empty);
    }
    launches.sort_unstable();
    let seconds = launches.iter().filter_map(|(_, took)| {
        let took = u64::try_from(*took).ok().filter(|took| *took > 0)?;
        Some(std::time::Duration::from_millis(took + NOTICE).as_secs_f64())
    });
    let leads = Leads::of_seconds(seconds);
    Ok(History {
        empty: leads.as_ref().and_then(|_| empty(changes, last?)),
        demand: Demand::of_unix_milliseconds(claims, first, last).ok_or(ReadError::Empty)?,
        leads,
        failed_launches,
        group: None,
    })
}

/// The share of time with the fewest instances: how many there were at the start is not known, so the
/// fewest are taken for none.
fn empty(mut changes: Vec<Change>, end: i64) -> Option<f64> {
    changes.sort_unstable_by_key(|change| (change.at, change.by));
    let first = changes.first()?.at;
    let mut spans = Vec::new();
    let mut machines = 0;
    let ends = changes.iter().skip(1).map(|change| change.at).chain([end]);
    for (change, next) in changes.iter().zip(ends) {
        machines += change.by;
        spans.push((machines, (next - change.at).max(0)));
    }
    let fewest = spans.iter().map(|(machines, _)| *machines).min()?;
    let at_fewest = spans.iter().filter(|(machines, _)| *machines == fewest);
    let milliseconds: i64 = at_fewest.map(|(_, span)| span).sum();
    let part = u64::try_from(milliseconds).ok()?;
    let whole = u64::try_from(end - first).ok().filter(|whole| *whole > 0)?;
    let seconds = |of| std::time::Duration::from_millis(of).as_secs_f64();
    Some(seconds(part) / seconds(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn activity(description: &str, status: &str, start: &str, end: Option<&str>) -> Value {
        let mut activity = json!({
            "ActivityId": "7d7d", "AutoScalingGroupName": "pool", "Description": description,
            "Cause": "At … an instance was taken out", "StartTime": start, "StatusCode": status,
            "Progress": 100, "Details": "{}",
        });
        if let Some(end) = end {
            activity["EndTime"] = end.into();
        }
        activity
    }

    fn read(activities: &[Value]) -> Result<History, ReadError> {
        read_activities(&json!({ "Activities": activities }).to_string())
    }

    #[test]
    fn detaches_are_claims_and_launches_have_lead_times() {
        let history = read(&[
            activity(
                "Detaching EC2 instance: i-2",
                "InProgress",
                "2026-11-23T10:00:00.500000+00:00",
                None,
            ),
            activity(
                "Launching a new EC2 instance: i-9",
                "Failed",
                "2026-11-23T09:01:00+00:00",
                Some("2026-11-23T09:02:00+00:00"),
            ),
            activity(
                "Launching a new EC2 instance: i-2",
                "Successful",
                "2026-11-23T09:00:30+00:00",
                Some("2026-11-23T09:02:30+00:00"),
            ),
            activity(
                "Detaching EC2 instance: i-1",
                "Successful",
                "2026-11-23T09:00:10+00:00",
                Some("2026-11-23T09:00:14+00:00"),
            ),
            activity(
                "Detaching EC2 instance: i-3",
                "Failed",
                "2026-11-23T09:30:00Z",
                None,
            ),
        ])
        .unwrap();
        assert_eq!(history.demand.claims, [10_000, 3_600_500]);
        assert_eq!(history.demand.minutes, 61);
        assert_eq!(history.failed_launches, 1);
        assert_eq!(history.leads.unwrap().mean(), Duration::from_secs(145));
        // From the first detach to the launch's end: 140 s of 3,590.5; and no time after the last.
        let empty = history.empty.unwrap();
        assert!((empty - 140.0 / 3_590.5).abs() < 1e-9, "{empty}");
    }

    #[test]
    fn times_may_be_numbers() {
        let mut detach = activity("Detaching EC2 instance: i-1", "Successful", "", None);
        detach["StartTime"] = json!(1_795_392_000.25);
        let history = read(&[detach]).unwrap();
        assert_eq!(history.demand.claims, [250]);
        assert_eq!(history.leads, None);
        assert_eq!(history.empty, None);
    }

    #[test]
    fn machines_launched_into_a_warm_pool_are_not_ready() {
        let history = read(&[
            activity(
                "Detaching EC2 instance: i-1",
                "Successful",
                "2026-11-23T09:00:10Z",
                None,
            ),
            activity(
                "Launching a new EC2 instance into warm pool: i-2",
                "Successful",
                "2026-11-23T09:00:30Z",
                Some("2026-11-23T09:04:00Z"),
            ),
        ])
        .unwrap();
        assert_eq!(history.leads, None);
    }

    #[test]
    fn a_quiet_end_belongs_to_the_history() {
        let detach = Activity {
            description: "Detaching EC2 instance: i-1".to_owned(),
            status: "Successful".to_owned(),
            started: 1_795_392_000_000,
            ended: None,
        };
        let until = detach.started + 3_600_000;
        let history = of_activities([detach], Some(until)).unwrap();
        assert_eq!(history.demand.minutes, 61);
    }

    #[test]
    fn what_is_no_history_says_why() {
        let error = read_activities("{}").unwrap_err();
        assert!(matches!(error, ReadError::NotActivities(_)));
        assert!(matches!(read(&[]).unwrap_err(), ReadError::Empty));
    }
}
