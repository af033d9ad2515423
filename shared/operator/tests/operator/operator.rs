//! Somebody at a terminal, on the region's clock.

use clap::Parser;
use end_to_end::{Harness, HarnessBuilder, Target};
use ready_pool_operator::{Cli, Exit, Place, Screen, Session};
use region::api::Service;
use serde_json::{Value, json};
use std::time::Duration;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Printed {
    /// It ended so, with each of these in its output, in this order.
    #[track_caller]
    pub(crate) fn is(&self, exit: Exit, parts: &[&str]) {
        assert_eq!(self.exit, exit, "{self:?}");
        let mut rest = match exit {
            Exit::NotDone | Exit::Wrong => self.errors.as_str(),
            _ => self.out.as_str(),
        };
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else {
                panic!(
                    "no {part:?} in its place in:\n{}\n{}",
                    self.out, self.errors
                );
            };
            rest = after;
        }
    }

    /// Its lines as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect()
    }
}

/// Runs `ready-pool` with these words, as this caller.
pub(crate) async fn run_as(harness: &Harness, caller: &str, words: &[&str]) -> Printed {
    run_for(harness, caller, words, None).await
}

/// The words of a command line, none of which has a space in it.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// The same, until it is interrupted after so long.
pub(crate) async fn run_for(
    harness: &Harness,
    caller: &str,
    words: &[&str],
    time: Option<Duration>,
) -> Printed {
    let line = std::iter::once(&"ready-pool").chain(words);
    let cli = Cli::try_parse_from(line).expect("the command line is one");
    let (clients, clock) = harness.clients(caller);
    let place = Place {
        region: "eu-west-1".to_owned(),
        endpoint: None,
    };
    let session = Session::new(clients, clock, place);
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let mut screen = Screen::plain(&mut out, &mut errors);
    let running = ready_pool_operator::operate(&cli.command, &cli.options, &session, &mut screen);
    let exit = match time {
        Some(time) => tokio::time::timeout(time, running).await.ok(),
        None => Some(running.await),
    };
    Printed {
        // Whoever interrupts it has seen enough.
        exit: exit.unwrap_or(Exit::Done),
        out: String::from_utf8(out).expect("text"),
        errors: String::from_utf8(errors).expect("text"),
    }
}

/// Runs `ready-pool` with these words, as somebody who may do everything.
pub(crate) async fn run(harness: &Harness, words: &[&str]) -> Printed {
    run_as(harness, "operator", words).await
}

/// A pool of two that is ready, and a target as the docs want it.
pub(crate) async fn harness(builder: HarnessBuilder) -> Harness {
    let harness = builder.start();
    harness.pool_is_ready(2).await;
    harness.create(Target::named("tenant")).await;
    let input = json!({
        "AutoScalingGroupName": "tenant", "ScalingProcesses": ["AZRebalance"],
    });
    harness
        .call(Service::AutoScaling, "SuspendProcesses", input)
        .await
        .expect("the process can be suspended");
    harness
}
