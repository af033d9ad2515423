//! A plan by what AWS remembers of the live group, by a file, and of a family.

use crate::family;
use crate::operator::{harness, run, run_as};
use end_to_end::{Harness, claim};
use ready_pool_operator::Exit;
use region::autoscaling::{Activity, Status};
use serde_json::json;
use std::time::Duration;

/// Nine days in which a claim came every so many minutes by day, and its launch: as if they had been.
fn remember(harness: &Harness, pool: &str, every: u64) {
    harness.region.with(|world| {
        let now = world.now;
        let group = world.autoscaling.groups.get_mut(pool).expect("the pool");
        let mut past = Vec::new();
        for minute in (0..9 * 24 * 60)
            .rev()
            .step_by(usize::try_from(every).unwrap())
        {
            let at = now - Duration::from_mins(minute + 30);
            if !(8..18).contains(&at.hour()) {
                continue;
            }
            for (what, after, took) in [
                ("Detaching EC2 instance", 0, 3),
                ("Launching a new EC2 instance", 25, 120),
            ] {
                let instance = format!("i-{minute:017x}");
                let started_at = at + Duration::from_secs(after);
                past.push(Activity {
                    id: format!("{what} {minute}"),
                    description: format!("{what}: {instance}"),
                    instance: Some(instance),
                    cause: "long ago".to_owned(),
                    started_at,
                    ended_at: Some(started_at + Duration::from_secs(took)),
                    status: Status::Successful,
                    status_message: String::new(),
                    details: json!({}),
                });
            }
        }
        past.append(&mut group.activities);
        group.activities = past;
    });
}

#[tokio::test(start_paused = true)]
async fn the_live_pool_s_past_is_planned_by_without_a_file() {
    let harness = harness(Harness::builder()).await;
    remember(&harness, "ready-pool-pool", 3);
    let shown = run(&harness, &["plan", "--lead-time", "145s"]).await;
    shown.is(
        Exit::Done,
        &[
            "1800 claims (2",
            "Lead time: 2 min 25 s.",
            "policy",
            "none",
            // The group's own size.
            "fixed size 2 ",
            "hit rate 99 % ",
            "rate known ",
            "Verdict: a pool is worth it, but sizing by hit rate is not. At 99 %",
            // A claim every three minutes, and a launch of less.
            "a fixed PoolSize of 1 costs $",
            "Parameters: HitRate=0 LeastReady=1 PoolSize=1",
        ],
    );
    // 36 pages, four at once and then four a second; who waits is not left alone.
    assert_eq!(
        harness.calls_of("operator", "DescribeScalingActivities"),
        37
    );
    let json = run(&harness, &["plan", "--json", "--hit-rate", "95"])
        .await
        .json();
    assert_eq!(json[0]["name"], "ready-pool-pool", "{json:?}");
    assert_eq!(json[0]["present_size"], 2, "{json:?}");
    assert_eq!(json[0]["verdict"]["code"], "worth_it", "{json:?}");
    assert_eq!(json[0]["rows"][0]["policy"], "none", "{json:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_young_pool_says_so_and_an_unused_one_what_to_do() {
    let harness = harness(Harness::builder()).await;
    run(&harness, &["plan"]).await.is(
        Exit::NotDone,
        &[
            "nothing to plan by: AWS remembers six weeks of ready-pool-pool",
            "--claims TIMES.CSV",
        ],
    );
    harness.send(&claim("c-1", "tenant")).await;
    harness.outcome("c-1").await;
    harness.pass(Duration::from_mins(5)).await;
    run(&harness, &["plan"])
        .await
        .is(Exit::Done, &["1 claim;", "too little history"]);
    run(&harness, &["plan", "--learn", "30d"])
        .await
        .is(Exit::Wrong, &["all of the history is used for learning"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_s_times_are_planned_by_and_a_picture_is_drawn() {
    let harness = harness(Harness::builder()).await;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (times, page) = (file("times.csv"), file("plan.html"));
    let lines = (0..14 * 48).map(|half| (1_795_392_000 + half * 1_800).to_string());
    std::fs::write(&times, lines.collect::<Vec<_>>().join("\n")).unwrap();
    // Nobody who may do anything is needed.
    let line = [
        "plan",
        "--claims",
        &times,
        "--lead-time",
        "150s",
        "--html",
        &page,
    ];
    run_as(&harness, "nobody", &line)
        .await
        .is(Exit::Done, &["672 claims", "Verdict: "]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Plan of times.csv") && page.contains("<svg"));
    run(&harness, &["plan", "--claims", &times])
        .await
        .is(Exit::Wrong, &["say how long one takes, with --lead-time"]);
    run(&harness, &["plan", "nosuch.json"])
        .await
        .is(Exit::Wrong, &["nosuch.json cannot be read: No such file"]);
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_family_has_a_line_for_each_pool_the_sum_and_what_one_pool_would_cost() {
    let harness = family::harness().await;
    let line = ["plan", "--family", "ready-pool", "--lead-time", "145s"];
    let shown = run(&harness, &line).await;
    assert_eq!(shown.exit, Exit::NotDone, "{shown:?}");
    for pool in ["large", "small"] {
        let problem = format!("{pool}: no plan: AWS remembers");
        assert!(shown.out.contains(&problem), "{shown:?}");
    }
    assert!(!shown.out.contains("sum"), "{}", shown.out);
    remember(&harness, "ready-pool-small-pool", 5);
    let shown = run(&harness, &line).await;
    shown.is(
        Exit::Done,
        &["pool ", "small", "sum", "large: no plan: AWS remembers"],
    );
    assert!(!shown.out.contains("As one pool"), "{}", shown.out);
    remember(&harness, "ready-pool-large-pool", 15);
    let priced = [&line[..], &["--instance-hour-of", "large=0.0816"]].concat();
    let shown = run(&harness, &priced).await;
    shown.is(
        Exit::Done,
        &[
            "pool ",
            "large",
            "small",
            "sum ",
            "large: a pool is worth it",
            "small: a pool is worth it",
            "As one pool, if the dearest instances served everybody: $",
        ],
    );
    let json = run(&harness, &[&line[..], &["--json"]].concat())
        .await
        .json();
    assert_eq!(json[0]["pools"][0]["name"], "large", "{json:?}");
    assert_eq!(json[0]["pools"][1]["present_size"], 2, "{json:?}");
    // Of the same price one pool is cheaper than two.
    let dollars = |name: &str| json[0]["as_one"][name].as_f64().unwrap();
    assert!(dollars("idle_dollars_a_month") < dollars("apart_dollars_a_month"));
    let one = [&line[..], &["--pool", "small"]].concat();
    run(&harness, &one)
        .await
        .is(Exit::Done, &["policy", "Verdict: a pool is worth it"]);
    run(&harness, &[&line[..], &["--svg", "plan.svg"]].concat())
        .await
        .is(Exit::Wrong, &["name it with --pool"]);
    harness.end().await;
}
