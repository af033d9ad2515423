use super::*;
use crate::testing::{self, ZERO, claim, message, names};
use ready_pool_core::reason::Reason;
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
        input: json!({ "AutoScalingGroupName": "t", "InstanceIds": ["i-00000001"] }),
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
        after(5, call("s-init-instance", Some("Throttling"))),
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
    assert_eq!(line("AttachInstances"), "AttachInstances 3 3 1.5");
    assert_eq!(line("all"), "all 3 3 1.5");
    assert_eq!(line("script - "), "script - - -");
}

#[test]
fn an_attach_that_asks_whether_the_detach_is_over_is_no_refusal() {
    let lines = Summary::of(&story(), &names()).lines();
    let said = |text: &str| lines.iter().any(|line| line == text);
    assert!(
        said("AttachInstances: 1 call only to ask whether a detach was over, which it was not."),
        "{lines:#?}"
    );
    assert!(said("AttachInstances: 1 call refused: Throttling."));
}

/// So many claims, each ready a second after the one before; the instances of those from `from` on booted
/// after the claims were sent.
fn crowd(count: u64, from: u64) -> Summary {
    let mut entries: Vec<Entry> = (1..=count)
        .map(|number| after(0, claim(&format!("c-{number}"))))
        .collect();
    for number in 1..=count {
        let instance = format!("i-{number:08}");
        let pool = || ("s-pool".to_owned(), instance.clone());
        if number >= from {
            let (group, instance) = pool();
            entries.push(after(number, Happening::InService { group, instance }));
        }
        let (group, instance) = pool();
        entries.push(after(number, Happening::Detaching { group, instance }));
        let (_, instance) = pool();
        entries.push(after(number + 1, ready(&format!("c-{number}"), &instance)));
    }
    Summary::of(&entries, &names())
}

#[test]
fn it_is_said_how_many_claims_waited_for_a_boot() {
    let summary = crowd(4, 2);
    let text = "The pool had an instance ready for 1 of 4 claims; 3 waited until one had booted, so the \
                p50 is that of a claim that waited.";
    assert_eq!(summary.explanation().as_deref(), Some(text));
    let times = |wanted: &str| {
        let step = summary.steps.iter().find(|(name, _)| *name == wanted);
        let (_, times) = step.unwrap();
        times.iter().map(Duration::as_secs).collect::<Vec<_>>()
    };
    assert_eq!(times(FROM_THE_POOL), [2]);
    assert_eq!(times(AFTER_A_BOOT), [3, 4, 5]);
    let few = crowd(4, 4).explanation().unwrap();
    assert!(
        few.ends_with("and the p50 is that of a claim that did not wait."),
        "{few}"
    );
    assert_eq!(crowd(4, 9).explanation(), None);
}

#[test]
fn the_tables_fit_a_narrow_terminal() {
    let mut entries = story();
    for function in ["s-claim-instance", "s-replenish-pool"] {
        let mut called = call(function, None);
        if let Happening::Called { operation, .. } = &mut called {
            "ChangeMessageVisibilityBatch".clone_into(operation);
        }
        entries.push(after(40, called));
    }
    let lines = Summary::of(&entries, &names()).lines();
    let table = lines.iter().skip_while(|line| !line.ends_with("per"));
    let table: Vec<&String> = table.take(5).collect();
    assert_eq!(table.len(), 5, "{lines:#?}");
    for line in table {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
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
