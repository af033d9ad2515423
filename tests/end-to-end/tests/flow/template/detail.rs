//! A small pool, watched in the least detail: what goes, and what stays.

use super::{TEMPLATE, alarms, deployed};
use end_to_end::{Harness, Target, claim};
use std::collections::BTreeSet;
use std::time::Duration;

const LEAST: [(&str, &str); 1] = [("Detail", "least")];

#[test]
fn in_the_least_detail_the_dashboard_goes_and_the_alarms_whose_metrics_do() {
    let (full, least) = (deployed(TEMPLATE, &[]), deployed(TEMPLATE, &LEAST));
    let names = |stack: &region::template::Stack| -> BTreeSet<String> {
        stack.resources.keys().cloned().collect()
    };
    let (all, fewer) = (names(&full), names(&least));
    let gone: Vec<&String> = all.difference(&fewer).collect();
    assert_eq!(
        gone,
        [
            "Dashboard",
            "HeldBackMembersAlarm",
            "LaunchesFailingAlarm",
            "MissingPartsAlarm",
        ]
    );
    assert!(full.outputs.contains_key("DashboardUrl"));
    assert!(!least.outputs.contains_key("DashboardUrl"));
    // Each of these troubles is an error line, too, and these are heard.
    assert_eq!(
        alarms::problems(&least),
        ["FailingLaunches", "HeldBackMembers", "MissingParts"]
            .map(|metric| format!("no alarm on {metric} of ready-pool-pool"))
    );
    assert_eq!(alarms::alarms(&full).len(), 17);
    assert_eq!(alarms::alarms(&least).len(), 14);
}

/// What `docs/operations.md` counts for a small pool's bill.
#[tokio::test(start_paused = true)]
async fn in_the_least_detail_few_metrics_are_made_and_all_figures_are_written() {
    let harness = Harness::builder()
        .pool_size(1)
        .parameter("Detail", "least")
        .start();
    harness.pool_is_ready(1).await;
    harness.create(Target::named("asg-1")).await;
    harness.send(&claim("served", "asg-1")).await;
    harness.send(&claim("lost", "asg-404")).await;
    harness.outcomes_of(2).await;
    harness.pass(Duration::from_mins(2)).await;
    let pool = || vec!["Pool".to_owned()];
    let by_outcome = || vec!["Pool".to_owned(), "Outcome".to_owned()];
    let made: Vec<(String, Vec<String>)> = harness.figures.metrics().into_iter().collect();
    assert_eq!(
        made,
        [
            ("Backlog".to_owned(), pool()),
            ("Hits".to_owned(), pool()),
            ("Outcomes".to_owned(), pool()),
            ("Outcomes".to_owned(), by_outcome()),
            ("Ready".to_owned(), pool()),
        ]
    );
    for figure in ["AwsCalls", "TimeToReady", "FailingLaunches", "MissingParts"] {
        assert!(!harness.figures.timeline(figure).is_empty(), "{figure}");
    }
    harness.end().await;
}
