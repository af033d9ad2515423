//! The template: everything is wired, and nothing that is can be taken out unnoticed.

mod alarms;
mod bench;
mod dashboard;
mod detail;
mod surgery;
mod wiring;

use bench::Bench;
use dashboard::Drawn;
use end_to_end::{Harness, Target, claim};
use region::commands::{CommandRun, Pretence};
use region::settings::Settings;
use region::template::{Error, Stack};
use region::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use surgery::without;
use time::macros::datetime;

const TEMPLATE: &str = include_str!("../../../../../template.yaml");

#[tokio::test(start_paused = true)]
async fn everything_is_wired() {
    assert_eq!(wiring::problems(TEMPLATE).await, [""; 0]);
}

/// A part that can be taken out: where it is, and the name that the problem must have.
struct Part {
    path: Vec<String>,
    name: String,
}

/// Event rules, schedules, mappings, dead-letter queues and what leads to them, as the template
/// has them: a new one is covered without a word here.
fn parts(stack: &Stack) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut add = |path: &[&str], name: &str| {
        parts.push(Part {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            name: name.to_owned(),
        });
    };
    for (name, resource) in &stack.resources {
        let properties = &resource.properties;
        match resource.kind.as_str() {
            "AWS::Events::Rule" | "AWS::Scheduler::Schedule" => {
                add(&["Resources", name], name);
                add(&["Resources", name, "DeadLetterConfig"], name);
            }
            "AWS::SQS::Queue" => {
                add(&["Resources", name], name);
                if properties.get("RedrivePolicy").is_some() {
                    add(&["Resources", name, "RedrivePolicy"], name);
                }
            }
            "AWS::Serverless::Function" => {
                let events = properties["Events"].as_object().expect("events");
                for (event, declared) in events {
                    let part = format!("{name}.{event}");
                    add(&["Resources", name, "Events", event], &part);
                    if declared["Type"] != "SQS" {
                        let path = ["Resources", name, "Events", event, "DeadLetterConfig"];
                        add(&path, &part);
                    }
                }
            }
            _ => {}
        }
    }
    parts
}

#[tokio::test(start_paused = true)]
async fn no_rule_mapping_or_queue_can_be_taken_out_unnoticed() {
    let bench = Bench::start(TEMPLATE).unwrap();
    let parts = parts(bench.stack());
    bench.region.stop().await;
    assert!(parts.len() >= 23, "where are the others? {}", parts.len());
    for Part { path, name } in parts {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let problems = wiring::problems(&without(TEMPLATE, &keys)).await;
        let place = path.join(".");
        assert!(
            problems.iter().any(|problem| problem.contains(&name)),
            "without {place}, nothing that fails names {name}: {problems:#?}"
        );
        println!("without {place}: {}", problems.join("; "));
    }
}

/// The template as it is deployed with these parameters.
fn deployed(template: &str, parameters: &[(&str, &str)]) -> Stack {
    let mut world = World::new(Settings::default(), datetime!(2026-11-22 20:00 UTC));
    load(&mut world, template, parameters).unwrap()
}

fn load(world: &mut World, template: &str, parameters: &[(&str, &str)]) -> Result<Stack, Error> {
    let mut given = BTreeMap::from(
        [("Subnets", "subnet-1a"), ("SecurityGroups", "sg-1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    given.extend(
        parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    region::template::load(world, template, bench::STACK, &given)
}

#[test]
fn a_pool_without_subnets_or_security_groups_is_refused_before_anything_is_made() {
    for (parameter, why) in [
        ("Subnets", "Subnets needs at least one subnet."),
        (
            "SecurityGroups",
            "SecurityGroups needs at least one security group.",
        ),
    ] {
        let mut world = World::new(Settings::default(), datetime!(2026-11-22 20:00 UTC));
        let problem = load(&mut world, TEMPLATE, &[(parameter, "")]).unwrap_err();
        assert!(problem.to_string().contains(why), "{problem}");
        assert!(world.sqs.queues.is_empty() && world.autoscaling.groups.is_empty());
    }
}

#[test]
fn everything_that_must_not_go_unnoticed_has_its_alarm() {
    let stack = deployed(TEMPLATE, &[]);
    assert_eq!(alarms::problems(&stack), [""; 0]);
    // A pool that shall be empty may be.
    assert_eq!(
        alarms::problems(&deployed(TEMPLATE, &[("PoolSize", "0")])),
        ["no alarm on Ready of ready-pool-pool"]
    );
}

#[test]
fn no_alarm_can_be_taken_out_unnoticed() {
    let stack = deployed(TEMPLATE, &[]);
    let filters = ["ClaimInstance", "InitInstance", "ReplenishPool"]
        .map(|function| format!("{function}LoggedErrors"));
    let alarms = alarms::alarms(&stack);
    assert!(alarms.len() >= 16, "{}", alarms.len());
    for name in (alarms.iter().map(|(name, _)| *name)).chain(filters.iter().map(String::as_str)) {
        let less = deployed(&without(TEMPLATE, &["Resources", name]), &[]);
        let problems = alarms::problems(&less);
        assert!(!problems.is_empty(), "nobody misses {name}");
        println!("without {name}: {}", problems.join("; "));
    }
}

#[test]
fn alarms_go_to_a_topic_if_there_is_one() {
    let topic = "arn:aws:sns:eu-west-1:123456789012:pager";
    for (name, alarm) in alarms::alarms(&deployed(TEMPLATE, &[("AlarmTopic", topic)])) {
        assert_eq!(alarm["AlarmActions"][0], topic, "{name}");
        assert_eq!(alarm["OKActions"][0], topic, "{name}");
    }
    for (name, alarm) in alarms::alarms(&deployed(TEMPLATE, &[])) {
        assert!(alarm.get("AlarmActions").is_none(), "{name}");
    }
}

/// Alarms on metrics of our own look at figures that the functions really write.
#[tokio::test(start_paused = true)]
async fn what_alarms_look_at_is_written() {
    let harness = Harness::with_ready_pool(2).await;
    harness.pass(Duration::from_mins(2)).await;
    let stack = harness.region.stack();
    let own: Vec<&str> = alarms::alarms(stack)
        .into_iter()
        .filter(|(_, alarm)| alarm["Namespace"] == "ready-pool")
        .filter(|(_, alarm)| alarm["Dimensions"][0]["Name"] == "Pool")
        .filter_map(|(_, alarm)| alarm["MetricName"].as_str())
        .collect();
    assert!(own.contains(&"Ready"), "{own:?}");
    for metric in own {
        let written = harness.figures.values(metric, &[("Pool", &harness.pool)]);
        assert!(!written.is_empty(), "nobody writes {metric}");
    }
    harness.end().await;
}

/// Sends a batch that waits for the zone in which a pool of two has nothing, and a claim behind it. Answers how many
/// claims these are.
async fn those_who_step_aside(harness: &Harness) -> usize {
    let members = harness.in_service(&harness.pool);
    let taken: Vec<String> = members.iter().map(|id| harness.zone(id)).collect();
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];
    let lacking = zones
        .into_iter()
        .find(|zone| !taken.iter().any(|its| its == zone));
    let lacking = lacking.expect("two members are in two zones");
    harness
        .create(Target::named("asg-2").zones(&[lacking]))
        .await;
    let claims: Vec<Value> = (0..10)
        .map(|n| (format!("zone-{n}"), "asg-2"))
        .chain([("behind".to_owned(), "asg-1")])
        .map(|(id, target)| {
            let mut claim = claim(&id, target);
            claim["expires_at"] = harness.in_future(Duration::from_hours(1)).into();
            claim
        })
        .collect();
    let count = claims.len();
    harness.send_together(claims);
    count
}

/// The dashboard draws what the functions really write, under the dimensions that they give it.
#[tokio::test(start_paused = true)]
async fn what_the_dashboard_draws_is_written() {
    let harness = Harness::builder()
        .pool_size(2)
        .parameter("HitRate", "99")
        .scripts(|run: &CommandRun| Pretence {
            exit_code: i32::from(run.script.starts_with("# ready-pool: claim fails@")),
            ..Pretence::default()
        })
        .start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("asg-1")).await;
    let mut previewed = claim("dry", "asg-1");
    previewed["dry_run"] = true.into();
    let claims = [
        claim("good", "asg-1"),
        claim("fails", "asg-1"),
        claim("waits", "asg-1"),
        claim("lost", "asg-404"),
        previewed,
    ];
    let behind = those_who_step_aside(&harness).await;
    for claim in &claims {
        harness.send(claim).await;
    }
    harness.outcomes_of(behind + claims.len()).await;
    harness.pass(Duration::from_mins(5)).await;
    let own: Vec<Drawn> = dashboard::drawn(harness.region.stack())
        .into_iter()
        .filter(|metric| metric.namespace == "ready-pool" && !metric.dimensions.is_empty())
        .collect();
    assert!(own.len() > 10, "{own:?}");
    let is_drawn = |drawn: &[Drawn]| drawn.iter().any(|one| one.name == "PredictedHitRate");
    assert!(is_drawn(&own));
    let without = dashboard::drawn(&deployed(TEMPLATE, &[]));
    assert!(!is_drawn(&without), "of a fixed size nothing is predicted");
    for metric in own {
        let dimensions: Vec<(&str, &str)> = (metric.dimensions.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let written = harness.figures.values(&metric.name, &dimensions);
        assert!(!written.is_empty(), "nobody writes {metric:?}");
    }
    harness.end().await;
}

/// An operator reads names and descriptions, and nothing else, at three in the morning.
#[test]
fn every_alarm_is_in_the_runbook() {
    let runbook = include_str!("../../../../../docs/operations.md");
    for (name, alarm) in alarms::alarms(&deployed(TEMPLATE, &[])) {
        let given = alarm["AlarmName"].as_str().unwrap();
        let short = given.strip_prefix("ready-pool-").unwrap();
        assert!(runbook.contains(&format!("| `…-{short}` |")), "{name}");
        let description = alarm["AlarmDescription"].as_str().unwrap();
        assert!(description.len() > 20, "{name}: {description:?}");
    }
}

/// Every parameter is in a group, has a label, and says what it is.
#[test]
fn an_operator_can_read_what_a_parameter_is() {
    let section = |from: &str, to: &str| {
        let start = TEMPLATE.find(&format!("\n{from}:\n")).unwrap();
        let end = TEMPLATE.find(&format!("\n{to}:\n")).unwrap();
        &TEMPLATE[start..end]
    };
    let metadata = section("Metadata", "Parameters");
    let parameters = section("Parameters", "Rules");
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names: Vec<&str> = parameters
        .lines()
        .filter(is_name)
        .map(|line| line.trim().trim_end_matches(':'))
        .collect();
    assert!(names.len() >= 17, "{names:?}");
    for name in names {
        assert!(
            metadata.contains(&format!("      {name}: {{default:")),
            "no label: {name}"
        );
        let grouped = metadata
            .lines()
            .filter(|line| line.trim_start().starts_with("Parameters: ["))
            .any(|line| line.split(['[', ',', ']']).any(|word| word.trim() == name));
        assert!(grouped, "in no group: {name}");
        let rest = &parameters[parameters.find(&format!("\n  {name}:\n")).unwrap() + 1..];
        let own: String = rest
            .lines()
            .skip(1)
            .take_while(|line| !is_name(line))
            .collect();
        assert!(own.contains("Description: "), "no description: {name}");
    }
}
