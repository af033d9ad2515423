//! Run Command against the world, without a runtime.

use crate::api::{Answer, Call, CallError, Service};
use crate::commands::{CommandRun, ScriptEnd};
use crate::compute::{self, Launch};
use crate::journal::Happening;
use crate::settings::Settings;
use crate::ssm;
use crate::world::{Effect, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use time::macros::datetime;

fn world() -> World {
    World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC))
}

fn call(world: &mut World, operation: &str, input: Value) -> Answer {
    world.answer(&Call {
        service: Service::Ssm,
        operation: operation.to_owned(),
        input,
        caller: "test".to_owned(),
    })
}

fn wait(world: &mut World, seconds: u64) {
    world.advance_to(world.now + Duration::from_secs(seconds));
}

fn launch(world: &mut World) -> String {
    compute::launch(
        world,
        Launch {
            zone: "eu-west-1a".to_owned(),
            subnet: None,
            instance_type: "t3.micro".to_owned(),
            tags: BTreeMap::from([("team".to_owned(), "x".to_owned())]),
            role: None,
        },
    )
}

fn launch_online(world: &mut World) -> String {
    let id = launch(world);
    wait(world, 250);
    id
}

fn try_send(world: &mut World, input: Value) -> Result<String, CallError> {
    let answer = call(world, "SendCommand", input)?;
    Ok(answer["Command"]["CommandId"].as_str().unwrap().to_owned())
}

fn command_for(id: &str) -> Value {
    json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": [id], "Comment": "mine",
        "TimeoutSeconds": 60,
        "Parameters": {"commands": ["echo a", "echo b"], "executionTimeout": ["600"]}})
}

fn send(world: &mut World, id: &str) -> String {
    try_send(world, command_for(id)).unwrap()
}

/// The scripts that were started since the last look.
fn started(world: &mut World) -> Vec<CommandRun> {
    world
        .take_effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::RunCommand(run) => Some(run),
            _ => None,
        })
        .collect()
}

fn exited(exit_code: i32, stdout: &str) -> ScriptEnd {
    ScriptEnd::Exited {
        exit_code,
        stdout: stdout.to_owned(),
        stderr: String::new(),
    }
}

fn invocation(world: &mut World, command: &str, id: &str) -> Answer {
    let input = json!({"CommandId": command, "InstanceId": id});
    call(world, "GetCommandInvocation", input)
}

fn status(world: &mut World, command: &str, id: &str) -> (String, String) {
    let answer = invocation(world, command, id).unwrap();
    let text = |key: &str| answer[key].as_str().unwrap().to_owned();
    (text("Status"), text("StatusDetails"))
}

fn events(world: &World) -> Vec<(String, Value)> {
    world
        .journal
        .entries()
        .filter_map(|entry| match &entry.what {
            Happening::Event {
                detail_type,
                detail,
                ..
            } => Some((detail_type.clone(), detail["status"].clone())),
            _ => None,
        })
        .collect()
}

#[test]
fn a_command_runs_and_tells() {
    let mut world = world();
    let id = launch_online(&mut world);
    let command = send(&mut world, &id);
    // Not to be read at once.
    assert_eq!(
        invocation(&mut world, &command, &id).unwrap_err().code,
        "InvocationDoesNotExist"
    );
    let list = json!({"InstanceId": id});
    let commands = call(&mut world, "ListCommands", list.clone()).unwrap();
    assert_eq!(commands["Commands"], json!([]));

    wait(&mut world, 2);
    let runs = started(&mut world);
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].script, "echo a\necho b");
    assert_eq!(runs[0].execution_timeout, Duration::from_mins(10));
    assert_eq!(status(&mut world, &command, &id).0, "InProgress");

    ssm::finished(&mut world, &command, &id, exited(0, "a\nb\n"));
    let answer = invocation(&mut world, &command, &id).unwrap();
    assert_eq!(answer["StandardOutputContent"], json!("a\nb\n"));
    assert_eq!(answer["ResponseCode"], json!(0));
    let commands = call(&mut world, "ListCommands", list).unwrap();
    let listed = &commands["Commands"][0];
    assert_eq!(
        (&listed["Comment"], &listed["Status"]),
        (&json!("mine"), &json!("Success"))
    );
    assert_eq!(
        listed["Parameters"]["commands"],
        json!(["echo a", "echo b"])
    );
    let detailed = json!({"CommandId": command, "Details": true});
    let invocations = call(&mut world, "ListCommandInvocations", detailed).unwrap();
    assert_eq!(
        invocations["CommandInvocations"][0]["CommandPlugins"][0]["Output"],
        json!("a\nb\n")
    );

    let command_event = "EC2 Command Status-change Notification".to_owned();
    let invocation_event = "EC2 Command Invocation Status-change Notification".to_owned();
    assert_eq!(
        events(&world),
        [
            (command_event.clone(), json!("InProgress")),
            (invocation_event.clone(), json!("InProgress")),
            (command_event, json!("Success")),
            (invocation_event, json!("Success")),
        ]
    );
}

#[test]
fn a_script_that_fails_or_takes_too_long_says_so() {
    let mut world = world();
    let id = launch_online(&mut world);
    let (failing, slow) = (send(&mut world, &id), send(&mut world, &id));
    wait(&mut world, 2);
    ssm::finished(&mut world, &failing, &id, exited(7, ""));
    let timed_out = ScriptEnd::TimedOut {
        stdout: "so far".to_owned(),
        stderr: String::new(),
    };
    ssm::finished(&mut world, &slow, &id, timed_out);
    assert_eq!(
        status(&mut world, &failing, &id),
        ("Failed".to_owned(), "Failed".to_owned())
    );
    assert_eq!(
        invocation(&mut world, &failing, &id).unwrap()["ResponseCode"],
        json!(7)
    );
    assert_eq!(
        status(&mut world, &slow, &id),
        ("TimedOut".to_owned(), "ExecutionTimedOut".to_owned())
    );
    // A final status never changes.
    ssm::finished(&mut world, &slow, &id, exited(0, ""));
    assert_eq!(status(&mut world, &slow, &id).0, "TimedOut");
}

#[test]
fn long_output_is_cut_off() {
    let mut world = world();
    let id = launch_online(&mut world);
    let command = send(&mut world, &id);
    wait(&mut world, 2);
    let end = ScriptEnd::Exited {
        exit_code: 0,
        stdout: "ü".repeat(30_000),
        stderr: "x".repeat(30_000),
    };
    ssm::finished(&mut world, &command, &id, end);
    let answer = invocation(&mut world, &command, &id).unwrap();
    let length = |key: &str| answer[key].as_str().unwrap().chars().count();
    assert_eq!(length("StandardOutputContent"), 24_000);
    assert_eq!(length("StandardErrorContent"), 8_000);
}

#[test]
fn the_agent_takes_two_exit_codes_for_something_else() {
    for (exit_code, expected) in [(137, "TimedOut"), (168, "Success"), (1, "Failed")] {
        let mut world = world();
        let id = launch_online(&mut world);
        let command = send(&mut world, &id);
        wait(&mut world, 2);
        ssm::finished(&mut world, &command, &id, exited(exit_code, ""));
        assert_eq!(status(&mut world, &command, &id).0, expected);
    }
}

#[test]
fn the_list_of_invocations_has_the_beginning_of_both_outputs() {
    const ERRORS: &str = "\n----------ERROR-------\n";
    for (stdout, stderr, expected) in [
        (10, 0, "o".repeat(10)),
        (10, 10, "o".repeat(10) + ERRORS + &"e".repeat(10)),
        (3_000, 0, "o".repeat(2_477) + "\n---Output truncated---"),
        (
            3_000,
            3_000,
            "o".repeat(1_215)
                + "\n---Output truncated---"
                + ERRORS
                + &"e".repeat(1_215)
                + "\n---Error truncated----",
        ),
    ] {
        let mut world = world();
        let id = launch_online(&mut world);
        let command = send(&mut world, &id);
        wait(&mut world, 2);
        let end = ScriptEnd::Exited {
            exit_code: 0,
            stdout: "o".repeat(stdout),
            stderr: "e".repeat(stderr),
        };
        ssm::finished(&mut world, &command, &id, end);
        let list = json!({ "CommandId": command, "Details": true });
        let answer = call(&mut world, "ListCommandInvocations", list).unwrap();
        assert_eq!(
            answer["CommandInvocations"][0]["CommandPlugins"][0]["Output"],
            expected
        );
    }
}

#[test]
fn a_dead_agent_still_counts_as_online_for_minutes_and_its_commands_hang() {
    let mut world = world();
    let id = launch_online(&mut world);
    compute::kill_agent(&mut world, &id);
    let command = send(&mut world, &id);
    wait(&mut world, 59);
    assert!(started(&mut world).is_empty());
    assert_eq!(status(&mut world, &command, &id).0, "Pending");
    wait(&mut world, 2);
    assert_eq!(
        status(&mut world, &command, &id),
        ("TimedOut".to_owned(), "DeliveryTimedOut".to_owned())
    );
    wait(&mut world, 360);
    assert_eq!(
        try_send(&mut world, command_for(&id)).unwrap_err().message,
        format!("Instances [[{id}]] not in a valid state for account 123456789012")
    );
}

#[test]
fn an_agent_that_dies_in_a_script_never_reports() {
    let mut world = world();
    let id = launch_online(&mut world);
    let command = send(&mut world, &id);
    wait(&mut world, 2);
    compute::kill_agent(&mut world, &id);
    ssm::finished(&mut world, &command, &id, exited(0, ""));
    assert_eq!(status(&mut world, &command, &id).0, "InProgress");
    wait(&mut world, 660);
    assert_eq!(status(&mut world, &command, &id).1, "ExecutionTimedOut");
}

#[test]
fn commands_go_down_with_their_instance() {
    let mut world = world();
    let id = launch_online(&mut world);
    let running = send(&mut world, &id);
    wait(&mut world, 2);
    let pending = send(&mut world, &id);
    compute::kill_instance(&mut world, &id);
    wait(&mut world, 1);
    assert_eq!(
        status(&mut world, &running, &id),
        ("Failed".to_owned(), "Terminated".to_owned())
    );
    assert_eq!(
        status(&mut world, &pending, &id),
        ("Failed".to_owned(), "Undeliverable".to_owned())
    );
}

fn inventory(world: &mut World, filters: &Value) -> Vec<(String, String)> {
    let answer = call(
        world,
        "DescribeInstanceInformation",
        json!({ "Filters": filters }),
    )
    .unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    answer["InstanceInformationList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (text(entry, "InstanceId"), text(entry, "PingStatus")))
        .collect()
}

#[test]
fn the_inventory_knows_registered_agents_only() {
    let mut world = world();
    let id = launch(&mut world);
    let by_id = json!([{"Key": "InstanceIds", "Values": [id, "i-0"]}]);
    assert_eq!(inventory(&mut world, &by_id), []);
    wait(&mut world, 250);
    let online = vec![(id.clone(), "Online".to_owned())];
    assert_eq!(inventory(&mut world, &by_id), online);
    let by_tag = json!([{"Key": "tag:team", "Values": ["x"]}]);
    assert_eq!(inventory(&mut world, &by_tag), online);
    let by_ping = json!([{"Key": "PingStatus", "Values": ["ConnectionLost"]}]);
    assert_eq!(inventory(&mut world, &by_ping), []);
    compute::kill_agent(&mut world, &id);
    wait(&mut world, 59);
    assert_eq!(inventory(&mut world, &by_id), online);
    wait(&mut world, 361);
    let lost = vec![(id.clone(), "ConnectionLost".to_owned())];
    assert_eq!(inventory(&mut world, &by_ping), lost);
    compute::kill_instance(&mut world, &id);
    assert_eq!(inventory(&mut world, &by_id), []);
    for filters in [
        json!([{"Key": "Colour", "Values": ["red"]}]),
        json!([{"Key": "tag:a", "Values": ["b"]}, {"Key": "PingStatus", "Values": ["Online"]}]),
        json!([{"Key": "InstanceIds", "Values": []}]),
    ] {
        let input = json!({ "Filters": filters });
        call(&mut world, "DescribeInstanceInformation", input).unwrap_err();
    }
}

#[test]
fn the_inventory_comes_in_pages() {
    let mut world = world();
    for _ in 0..7 {
        launch(&mut world);
    }
    wait(&mut world, 250);
    let mut seen = 0;
    let mut input = json!({"MaxResults": 5});
    loop {
        let page = call(&mut world, "DescribeInstanceInformation", input.clone()).unwrap();
        seen += page["InstanceInformationList"].as_array().unwrap().len();
        match &page["NextToken"] {
            Value::Null => break,
            token => input["NextToken"] = token.clone(),
        }
    }
    assert_eq!(seen, 7);
    let input = json!({"MaxResults": 4});
    call(&mut world, "DescribeInstanceInformation", input).unwrap_err();
}

#[test]
fn bad_commands_are_refused() {
    let mut world = world();
    let id = launch_online(&mut world);
    for (key, value, code) in [
        (
            "DocumentName",
            json!("AWS-RunPowerShellScript"),
            "InvalidDocument",
        ),
        ("Comment", json!("c".repeat(101)), "ValidationException"),
        ("TimeoutSeconds", json!(29), "ValidationException"),
        ("InstanceIds", json!([]), "ValidationException"),
        ("InstanceIds", json!([id, id]), "DuplicateInstanceId"),
        ("InstanceIds", json!([id, "i-0"]), "InvalidInstanceId"),
        ("Parameters", json!({}), "InvalidParameters"),
        (
            "Parameters",
            json!({"commands": ["x"], "other": ["y"]}),
            "InvalidParameters",
        ),
        (
            "Parameters",
            json!({"commands": ["x"], "executionTimeout": ["0"]}),
            "InvalidParameters",
        ),
        ("Targets", json!([]), "ValidationException"),
    ] {
        let mut input = command_for(&id);
        input[key] = value;
        assert_eq!(try_send(&mut world, input).unwrap_err().code, code, "{key}");
    }
    assert!(world.ssm.commands.is_empty());
}

/// How the command stands, and what its machine's associations are.
fn standing(world: &mut World, command: &str, id: &str) -> (String, Value) {
    let input = json!({"CommandId": command, "InstanceId": id});
    let invocation = call(world, "GetCommandInvocation", input).unwrap();
    let filters = json!({"Filters": [{"Key": "InstanceIds", "Values": [id]}]});
    let listed = call(world, "DescribeInstanceInformation", filters).unwrap();
    let status = invocation["StatusDetails"].as_str().unwrap().to_owned();
    (
        status,
        listed["InstanceInformationList"][0]["AssociationStatus"].clone(),
    )
}

#[test]
fn an_agent_that_restarts_takes_and_reports_late_and_loses_nothing() {
    let mut world = world();
    let id = launch_online(&mut world);
    let command = try_send(&mut world, command_for(&id)).unwrap();
    compute::restart_agent(&mut world, &id);
    wait(&mut world, 3);
    assert_eq!(
        standing(&mut world, &command, &id),
        ("Pending".to_owned(), Value::Null)
    );
    wait(&mut world, 12);
    assert_eq!(standing(&mut world, &command, &id).0, "InProgress");
    compute::restart_agent(&mut world, &id);
    let ended = ScriptEnd::Exited {
        exit_code: 0,
        stdout: String::new(),
        stderr: String::new(),
    };
    ssm::finished(&mut world, &command, &id, ended);
    assert_eq!(standing(&mut world, &command, &id).0, "InProgress");
    wait(&mut world, 12);
    assert_eq!(standing(&mut world, &command, &id).0, "Success");
}

#[test]
fn a_reboot_takes_what_runs_along_and_looks_online_all_the_time() {
    let mut world = world();
    let id = launch_online(&mut world);
    let command = try_send(&mut world, command_for(&id)).unwrap();
    wait(&mut world, 5);
    compute::reboot(&mut world, &id);
    let machine = world.compute.instances[&id].clone();
    assert_eq!(ssm::ping_status(&world, &machine), "Online");
    wait(&mut world, 60);
    let ended = ScriptEnd::Exited {
        exit_code: 0,
        stdout: String::new(),
        stderr: String::new(),
    };
    ssm::finished(&mut world, &command, &id, ended);
    assert_eq!(standing(&mut world, &command, &id).0, "InProgress");
    wait(&mut world, 660);
    assert_eq!(standing(&mut world, &command, &id).0, "ExecutionTimedOut");
}

#[test]
fn associations_run_when_the_agent_is_online_for_the_first_time() {
    let mut world = world();
    world.settings.first_online = crate::settings::FirstOnline::Reboots;
    let id = launch(&mut world);
    while !world.compute.instances[&id].agent.works() {
        wait(&mut world, 1);
    }
    let command = try_send(&mut world, command_for(&id)).unwrap();
    // A command is listed a little later than it is sent.
    wait(&mut world, 3);
    assert_eq!(standing(&mut world, &command, &id).1, "Pending");
    wait(&mut world, 90);
    assert_eq!(standing(&mut world, &command, &id).1, "Success");
    assert!(world.compute.instances[&id].agent.works());
}
