use super::*;
use crate::testing::{self, ZERO, claim, message, names};
use ready_pool_core::outcome::Reason;
use region::api::Service;
use serde_json::json;

fn after(seconds: u64, what: Happening) -> Entry {
    Entry {
        at: ZERO + Duration::from_secs(seconds),
        what,
    }
}

fn ready(id: &str, instance: &str) -> Happening {
    let mut body = testing::outcome(id, "t", Reason::Initialised);
    body["instance_id"] = json!(instance);
    message("s-outcome", &body)
}

fn call(caller: &str, error: Option<&str>) -> Happening {
    Happening::Called {
        caller: caller.to_owned(),
        service: Service::AutoScaling,
        operation: "AttachInstances".to_owned(),
        input: json!({}),
        error: error.map(str::to_owned),
    }
}

fn story() -> Vec<Entry> {
    let (group, instance, command_id) =
        ("s-pool".to_owned(), "i-00000001".to_owned(), "c".to_owned());
    vec![
        after(0, claim("a")),
        after(
            2,
            Happening::Detaching {
                group: group.clone(),
                instance: instance.clone(),
            },
        ),
        after(3, call("s-init-instance", Some("ValidationError"))),
        after(
            5,
            Happening::Detached {
                group,
                instance: instance.clone(),
            },
        ),
        after(5, call("s-init-instance", None)),
        after(5, call("you", None)),
        after(
            6,
            Happening::CommandSent {
                instance: instance.clone(),
                command_id: command_id.clone(),
                comment: String::new(),
            },
        ),
        after(
            9,
            Happening::Attached {
                group: "t".to_owned(),
                instance: instance.clone(),
            },
        ),
        after(
            10,
            Happening::CommandStarted {
                instance,
                command_id,
            },
        ),
        after(20, ready("a", "i-00000001")),
        after(30, ready("a", "i-00000001")),
        after(
            31,
            message("s-outcome", &testing::outcome("b", "t", Reason::Malformed)),
        ),
    ]
}

#[test]
fn steps_are_measured_from_entry_to_entry() {
    let summary = Summary::of(&story(), &names());
    let step = |wanted: &str| {
        let (_, times) = summary
            .steps
            .iter()
            .find(|(name, _)| *name == wanted)
            .unwrap();
        times.iter().map(Duration::as_secs).collect::<Vec<_>>()
    };
    assert_eq!(step("message to detaching"), [2]);
    assert_eq!(step("detach"), [3]);
    assert_eq!(step("detached to in service"), [4]);
    assert_eq!(step("command sent to script start"), [4]);
    assert_eq!(step("script"), [0_u64; 0]);
    assert_eq!(step(TOTAL), [20]);
    assert_eq!(summary.last_ready(), Some(Duration::from_secs(20)));
}

#[test]
fn an_outcome_counts_once_and_calls_only_from_functions() {
    let summary = Summary::of(&story(), &names());
    assert_eq!(summary.ready(), 1);
    let lines = summary.lines();
    let line = |start: &str| {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = lines
            .iter()
            .map(|line| words(line))
            .find(|line| line.starts_with(start));
        found.unwrap()
    };
    assert_eq!(line("1 ready"), "1 ready (initialised)");
    assert_eq!(line("1 rejected"), "1 rejected (malformed)");
    assert_eq!(line("AttachInstances"), "AttachInstances 2 2 1.0 1");
    assert_eq!(line("all"), "all 2 2 1.0 1");
    assert_eq!(line("script - "), "script - - -");
}

#[test]
fn percentiles_are_of_the_nearest_rank() {
    let times: Vec<Duration> = (1..=200).map(Duration::from_secs).collect();
    assert_eq!(percentile(&times, 50), Some(Duration::from_secs(100)));
    assert_eq!(percentile(&times, 99), Some(Duration::from_secs(198)));
    assert_eq!(percentile(&times, 100), Some(Duration::from_secs(200)));
    assert_eq!(percentile(&times[..1], 50), Some(Duration::from_secs(1)));
    assert_eq!(percentile(&[], 50), None);
}
