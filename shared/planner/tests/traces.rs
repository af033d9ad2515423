//! Real demand through the planner: the table of docs/sizing.md.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use clap::Parser;
use ready_pool_planner::plan::Plan;
use ready_pool_planner::row::{Kind, Row};
use ready_pool_planner::verdict::Verdict;
use ready_pool_planner::{Arguments, history, html, picture, words};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/demand")
        .join(name)
}

fn command(name: &str, options: &[&str]) -> Arguments {
    let (claims, leads) = (data(name), data("lead-times.csv"));
    let given = ["plan", "--claims", claims.to_str().unwrap()];
    let leads = ["--lead-times", leads.to_str().unwrap()];
    Command::parse_from(given.iter().chain(&leads).chain(options)).arguments
}

fn plan(name: &str, options: &[&str]) -> Plan {
    let text = fs::read_to_string(data(name)).unwrap();
    let history = history::read_claims(&text, 1).unwrap();
    command(name, options).plan(&history).unwrap()
}

fn row(plan: &Plan, is: impl Fn(&Kind) -> bool) -> &Row {
    plan.rows.iter().find(|row| is(&row.kind)).unwrap()
}

/// Hit rate at 99 %, idle hours against the best fixed size, and against who knew the rate.
fn figures(plan: &Plan) -> (f64, f64, f64) {
    let auto = row(plan, |kind| matches!(kind, Kind::Auto { .. }));
    let size = plan.best_static.unwrap();
    let fixed = row(plan, |kind| *kind == Kind::Static { size });
    let known = row(plan, |kind| *kind == Kind::RateKnown);
    assert!(fixed.hit_percent >= 99.0 && known.hit_percent >= 99.0);
    let against = |other: &Row| auto.idle_hours_a_month / other.idle_hours_a_month;
    (auto.hit_percent, against(fixed), against(known))
}

/// `expected`: hit rate, idle hours against the best fixed size and against who knew the rate, as
/// docs/sizing.md has them; `tolerance` in percent of hits around 99, `most` of the best fixed size.
fn is_reached(name: &str, learn: &str, tolerance: f64, most: f64, expected: (f64, f64, f64)) {
    let plan = plan(name, &["--hit-rate", "99", "--learn", learn]);
    let (hits, fixed, known) = figures(&plan);
    println!("{name}: {hits:.2} %, {fixed:.3} of fixed, {known:.3} of known");
    assert!((hits - 99.0).abs() <= tolerance, "{hits} % hits");
    assert!(fixed <= most, "{fixed} of the best fixed size");
    // What the page says: the same up to the last digit of another machine's logarithm.
    assert!((hits - expected.0).abs() < 0.05, "{hits} % hits");
    assert!((fixed - expected.1).abs() < 0.02, "{fixed} of fixed");
    assert!((known - expected.2).abs() < 0.04, "{known} of known");
}

#[test]
fn departures_of_airports_reach_99_percent() {
    is_reached("flights.csv", "35d", 0.3, 0.70, (99.01, 0.597, 1.0));
}

#[test]
fn tweets_reach_99_percent_as_bursts_do() {
    is_reached("tweets-amzn.csv", "21d", 0.6, 0.75, (98.67, 0.689, 1.14));
}

#[test]
fn requests_of_a_load_balancer_reach_99_percent_as_bursts_do() {
    is_reached("elb-requests.csv", "4d", 0.6, 1.0, (98.65, 0.869, 1.23));
}

#[test]
fn builds_of_a_project_reach_99_percent() {
    is_reached("ci-commits.csv", "35d", 0.3, 1.0, (98.95, 0.652, 1.54));
}

#[test]
fn large_machines_for_few_claims_are_not_worth_it() {
    // An m5.4xlarge, 28 claims a day: 59 cents a minute, and it is worth 50.
    let options = ["--learn", "35d", "--instance-hour", "0.768"];
    let plan = plan("ci-commits.csv", &options);
    let Verdict::NotWorthIt {
        asked_dollars_per_avoided_minute,
        worth_it_at_percent,
        wait_seconds,
        ..
    } = plan.verdict
    else {
        panic!("{:?}", plan.verdict);
    };
    let dollars = asked_dollars_per_avoided_minute.unwrap();
    assert!((0.55..0.65).contains(&dollars), "{dollars}");
    assert!(worth_it_at_percent.unwrap() < 99.0);
    assert!((wait_seconds - 144.0).abs() < 1.0);
    let text = words::text(&plan, None);
    for part in [
        "Verdict: not worth it. At 99 %",
        "90 % would be: $0.3",
        "Without a pool each claim waits 2 min 24 s",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(words::headline(&plan).starts_with("Not worth it"));
    assert_eq!(
        serde_json::to_value(&plan).unwrap()["verdict"]["code"],
        "not_worth_it"
    );
    // What is pasted is the rate that is.
    assert_eq!(plan.parameters.map(|set| set.hit_rate), worth_it_at_percent);
}

#[test]
fn no_setting_is_worth_it_where_a_minute_is_worth_little() {
    let options = [
        "--learn",
        "35d",
        "--instance-hour",
        "0.768",
        "--minute-is-worth",
        "0.2",
    ];
    let plan = plan("ci-commits.csv", &options);
    let Verdict::NotWorthIt {
        worth_it_at_percent: None,
        ..
    } = plan.verdict
    else {
        panic!("{:?}", plan.verdict);
    };
    let text = words::text(&plan, None);
    assert!(text.contains(". Even with \""), "{text}");
    assert!(!text.contains("Parameters"), "{text}");
}

#[test]
fn a_fast_launch_leaves_nothing_to_gain() {
    let text = fs::read_to_string(data("ci-commits.csv")).unwrap();
    let history = history::read_claims(&text, 1).unwrap();
    let claims = data("ci-commits.csv");
    let given = [
        "plan",
        "--claims",
        claims.to_str().unwrap(),
        "--lead-time",
        "12s",
    ];
    let plan = Command::parse_from(given).arguments.plan(&history).unwrap();
    assert!(
        matches!(plan.verdict, Verdict::NothingToGain { .. }),
        "{:?}",
        plan.verdict
    );
}

#[test]
fn few_claims_are_said_to_be_few() {
    let history = history::read_claims("2026-11-23T00:00:00Z\n2026-11-25T12:00:00Z\n", 1).unwrap();
    let plan = command("ci-commits.csv", &[]).plan(&history).unwrap();
    assert!(matches!(
        plan.verdict,
        Verdict::TooLittleHistory { claims: 2, .. }
    ));
    assert!(plan.input.is_guess);
    assert_eq!(plan.parameters, None);
    picture::svg(&plan).unwrap();
}

#[test]
fn a_plan_is_the_same_each_time_and_comes_as_json_picture_and_page() {
    let options = [
        "--learn",
        "4d",
        "--disk-month",
        "0.64",
        "--instance-hour",
        "0.0168",
    ];
    let plan = plan("elb-requests.csv", &options);
    assert_eq!(plan, self::plan("elb-requests.csv", &options));

    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["verdict"]["code"], "worth_it");
    assert_eq!(json["input"]["claims"], 25_150);
    assert_eq!(json["rows"][0]["policy"], "none");
    let auto = |row: &&serde_json::Value| row["policy"] == "auto";
    assert_eq!(
        json["rows"].as_array().unwrap().iter().filter(auto).count(),
        3
    );
    assert!(json["stopped"]["saved_percent"].as_f64().unwrap() >= 0.0);

    let svg = picture::svg(&plan).unwrap();
    for text in [
        "<svg",
        "What fewer waits cost",
        "The busiest week",
        "logarithmic",
        "hit rate: served at once",
        "rate known",
        "smallest fixed size that reaches 99 %: 19",
        "claims per launch time (144 s)",
        "99.9 %",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    let page = html::html(&plan, "<pool>", &svg);
    assert!(page.contains("Plan of &lt;pool&gt;") && page.contains("HitRate=99"));
    let text = words::text(&plan, None);
    assert!(text.contains("A stopped tier"), "{text}");
}

#[test]
fn activities_are_read_and_pictures_are_written() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plan");
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    // A claim every hour for twelve days; each launch takes 120 s, and 25 until it starts.
    let activities: Vec<serde_json::Value> = (0..12 * 24)
        .flat_map(|hour: u32| {
            let activity = |what: &str, from: u32, to: u32| {
                let at =
                    |second| format!("2026-11-{:02}T{:02}:0{second}Z", 1 + hour / 24, hour % 24);
                serde_json::json!({
                    "Description": format!("{what}: i-{hour}"), "StatusCode": "Successful",
                    "StartTime": at(format!("{}:{:02}", from / 60, from % 60)),
                    "EndTime": at(format!("{}:{:02}", to / 60, to % 60)),
                })
            };
            [
                activity("Launching a new EC2 instance", 25, 145),
                activity("Detaching EC2 instance", 0, 3),
            ]
        })
        .collect();
    let json = serde_json::json!({ "Activities": activities }).to_string();
    fs::write(file("activities.json"), json).unwrap();
    let outputs = [file("plan.svg"), file("plan.html")];
    let given = ["plan", &file("activities.json"), "--hit-rate", "90"].map(str::to_owned);
    let options = ["--svg", "--html"].map(str::to_owned);
    let options = options
        .iter()
        .zip(&outputs)
        .flat_map(|(option, file)| [option, file]);
    let arguments = Command::parse_from(given.iter().chain(options)).arguments;
    let (name, history) = arguments.history().unwrap().unwrap();
    let plan = arguments.plan(&history).unwrap();
    arguments.draw(&plan, &name).unwrap();
    let text = words::text(&plan, None);
    assert!(text.contains("288 lead times: mean 2 min 25 s"), "{text}");
    assert!(text.contains("288 claims (24"), "{text}");
    assert!(!text.contains("failed"), "{text}");
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max();
    assert!(
        widest(&text) > Some(80) && text.contains("unused"),
        "{text}"
    );
    let text = words::text(&plan, Some(80));
    assert!(
        widest(&text) <= Some(80) && text.contains("$ per minute"),
        "{text}"
    );

    let [svg, html] = outputs.map(|file| fs::read_to_string(file).unwrap());
    assert!(html.contains(svg.trim()));
    assert!(html.contains("Plan of activities.json"));
}
