//! The words for each stage, on plain data.

mod asking;

use super::facts::*;
use super::stage::{Stage, stage};
use super::*;
use crate::messages::claim_key;
use crate::progress::Taken;
use crate::testing::ZERO;
use ready_pool_core::ledger;
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;

const DEADLINE: &str = "2026-11-22T21:00:00Z";

fn at(seconds: u64) -> OffsetDateTime {
    ZERO + Duration::from_secs(seconds)
}

fn pool() -> Pool {
    Pool {
        group: "s-pool".to_owned(),
        retirement: "s-retirement".to_owned(),
        desired: 3,
        ready: 0,
        booting: 2,
        pause: None,
    }
}

/// A claim that was sent at zero and took these steps.
fn claim(steps: &[(Taken, u64)]) -> Facts {
    let steps = [(Taken::Message, 0)].iter().chain(steps);
    Facts {
        target: Some("t".to_owned()),
        target_exists: true,
        key: claim_key("c-1", "t").map(|key| key.to_string()),
        expires_at: Some(DEADLINE.to_owned()),
        steps: steps
            .map(|(what, seconds)| Step {
                what: *what,
                at: at(*seconds),
            })
            .collect(),
        ..Facts::default()
    }
}

fn entered(value: &str) -> Facts {
    Facts {
        entry: Some(Tag {
            key: "ready-pool:claim/c-1".to_owned(),
            value: format!("v1 {value}"),
        }),
        ..claim(&[(Taken::Entered, 2)])
    }
}

fn assigned() -> Facts {
    entered(&format!("i-00000001 1 assigned {DEADLINE}"))
}

/// Assigned to an instance that is there.
fn placed(group: Option<&str>, lifecycle: &str) -> Facts {
    Facts {
        instances: vec![Instance {
            id: "i-00000001".to_owned(),
            group: group.map(str::to_owned),
            lifecycle: group.map(|_| lifecycle.to_owned()),
            state: Some("running".to_owned()),
            agent: Some("Online".to_owned()),
            unnoticed: false,
        }],
        ..assigned()
    }
}

/// In its target, with a command.
fn sent(status: &str, is_final: bool, started: bool) -> Facts {
    Facts {
        commands: vec![Command {
            id: "command-1".to_owned(),
            instance: "i-00000001".to_owned(),
            status: status.to_owned(),
            is_final,
            exit_code: is_final.then_some(3),
            sent_at: at(5),
            started_at: started.then(|| at(6)),
            ended_at: is_final.then(|| at(9)),
            output: vec!["hello".to_owned()],
        }],
        ..placed(Some("t"), "InService")
    }
}

fn outcome(ending: Ending, reason: Reason, seconds: u64) -> Outcome {
    Outcome {
        at: at(seconds),
        last_at: at(seconds),
        published: 1,
        ending,
        reason,
        message: "because".to_owned(),
        instance: None,
    }
}

fn ended(ending: Ending, reason: Reason) -> Facts {
    Facts {
        outcomes: vec![outcome(ending, reason, 10)],
        ..claim(&[])
    }
}

fn message(queue: &str, what: Kind) -> Message {
    Message {
        queue: queue.to_owned(),
        is_dead_letter: queue.ends_with("dead-letter"),
        what,
        about: "the claim".to_owned(),
        standing: Standing::Visible,
        until: None,
        sent_at: ZERO,
        receives: 0,
        before: 2,
    }
}

fn answer_of(claims: Vec<Facts>) -> Answer {
    Answer {
        claim_id: "c-1".to_owned(),
        now: at(20),
        pool: pool(),
        looked_at: vec!["the ledger".to_owned(), "the queues".to_owned()],
        claims,
    }
}

/// Its story as text, a line each: title, then `label: text`.
fn text_of(answer: &Answer) -> String {
    let mut lines = Vec::new();
    for facts in &answer.claims {
        let story = words::story(answer, facts);
        lines.push(story.title);
        lines.extend(
            story
                .rows
                .into_iter()
                .map(|row| format!("{}: {}", row.label, row.text)),
        );
    }
    lines.join("\n")
}

fn tale(facts: Facts) -> String {
    text_of(&answer_of(vec![facts]))
}

/// Checks the stage, and that each of the texts is there.
fn assert_stands(facts: Facts, expected: Stage<'_>, texts: &[&str]) {
    assert_eq!(stage(&facts, &pool()), expected);
    let tale = tale(facts);
    for text in texts {
        assert!(tale.contains(text), "no {text:?} in:\n{tale}");
    }
}

#[test]
fn a_claim_that_waits_hears_of_the_pool_and_of_the_line() {
    let facts = Facts {
        messages: vec![message("provision", Kind::Claim)],
        ..claim(&[])
    };
    assert_stands(
        facts,
        Stage::Waiting,
        &[
            "c-1 for t (c-1@",
            "waits for an instance, sent 20.00 s ago",
            "ledger: no entry: no instance was assigned",
            "message: on provision: the claim; visible, never received",
            "s-pool has 0 ready and 2 booting of 3 desired",
            "2 messages are before it in line",
            "without an instance by 2026-11-22T21:00:00Z it ends as failed (expired)",
        ],
    );
}

#[test]
fn a_paused_pool_is_shown_to_those_who_wait_only() {
    let paused = |facts| {
        let mut answer = answer_of(vec![facts]);
        answer.pool.pause = Some("claims".to_owned());
        text_of(&answer)
    };
    let mind = "mind: an operator has paused the pool: ready-pool:pause = claims on s-pool";
    assert!(paused(claim(&[])).contains(mind));
    assert!(!paused(ended(Ending::Ready, Reason::Initialised)).contains(mind));
    assert!(!tale(claim(&[])).contains("mind:"));
}

#[test]
fn an_assigned_claim_is_where_its_instance_is() {
    let pool = Some("s-pool");
    let target = Some("t");
    let gone = Facts {
        instances: vec![Instance {
            id: "i-00000001".to_owned(),
            ..Instance::default()
        }],
        ..assigned()
    };
    let places = [
        (
            placed(pool, "InService"),
            Stage::Entered,
            "instance: i-00000001 in s-pool, the pool: InService, running, agent Online",
        ),
        (
            placed(pool, "Detaching"),
            Stage::Detaching,
            "its instance leaves the pool",
        ),
        (
            placed(None, ""),
            Stage::Free,
            "instance: i-00000001 in no group: running, agent Online",
        ),
        (
            placed(target, "Pending"),
            Stage::Attaching,
            "init-instance sends the init command",
        ),
        (
            placed(target, "InService"),
            Stage::Attached,
            "instance: i-00000001 in t, the target: InService, running",
        ),
        (
            placed(target, "Terminating"),
            Stage::Lost,
            "its instance was lost",
        ),
        (
            placed(Some("s-retirement"), "InService"),
            Stage::Lost,
            "in s-retirement, to be terminated: InService",
        ),
        (
            placed(Some("another"), "InService"),
            Stage::Lost,
            "in another, which is not its target: InService",
        ),
        (gone, Stage::Lost, "instance: i-00000001 is gone"),
    ];
    for (facts, expected, text) in places {
        let open = "open: i-00000001 is assigned to it (attempt 1); nothing new is begun after";
        assert_stands(facts, expected, &[text, open]);
    }
}

#[test]
fn a_claim_whose_instance_was_given_up_waits_for_another() {
    let facts = Facts {
        commands: sent("DeliveryTimedOut", true, false).commands,
        ..entered(&format!("- 2 assigned {DEADLINE}"))
    };
    assert_stands(
        facts,
        Stage::GivenUp,
        &[
            "waits for another instance",
            "an instance was given up, and attempt 2 has none yet",
            "three at most",
        ],
    );
}

#[test]
fn a_claim_whose_command_was_sent_is_where_its_command_is() {
    assert_stands(
        sent("Pending", false, false),
        Stage::Delivering,
        &[
            "command: command-1 on i-00000001: Pending; sent 20:00:05.00",
            "not_delivered",
        ],
    );
    assert_stands(
        sent("InProgress", false, true),
        Stage::Running,
        &[
            "InProgress; sent 20:00:05.00, started 20:00:06.00",
            "its script runs",
        ],
    );
    assert_stands(
        sent("Failed", true, true),
        Stage::Reporting,
        &["Failed, exit code 3;", "If the event was lost"],
    );
}

#[test]
fn an_agent_that_died_is_minded_while_the_claim_is_open() {
    let mut facts = sent("Pending", false, false);
    facts.instances[0].unnoticed = true;
    let tale_of = tale(facts.clone());
    assert!(tale_of.contains("agent Online as AWS believes, but dead"));
    assert!(tale_of.contains("mind: its instance's agent does not answer"));
    facts.outcomes = vec![outcome(Ending::Failed, Reason::NotDelivered, 15)];
    assert!(!tale(facts).contains("mind:"));
}

#[test]
fn a_claim_whose_entry_was_wiped_is_known_by_its_command() {
    let facts = Facts {
        entry: None,
        ..sent("InProgress", false, true)
    };
    assert_stands(facts, Stage::Running, &["ledger: no entry any more"]);
    let lost = Facts {
        entry: None,
        ..assigned()
    };
    assert_stands(lost, Stage::Unclear, &["Send the claim again"]);
}

#[test]
fn a_ready_claim_says_how_long_each_part_took() {
    let steps = [
        (Taken::Entered, 1),
        (Taken::Detached, 3),
        (Taken::CommandSent, 5),
        (Taken::Attached, 6),
        (Taken::Ended, 9),
    ];
    let facts = Facts {
        outcomes: vec![outcome(Ending::Ready, Reason::Initialised, 10)],
        steps: claim(&steps).steps,
        ..entered(&format!("i-00000001 1 ready {DEADLINE}"))
    };
    let end = facts.outcomes[0].clone();
    assert_stands(
        facts,
        Stage::Ended(&end),
        &[
            "c-1 for t (c-1@",
            "): ready, 10.00 s after it was sent",
            "settled: i-00000001 is initialised (attempt 1)",
            "outcome: ready (initialised): because; at 20:00:10.00",
            "from 2026-11-22 20:00:00.00 UTC: sent 0.00 s, entered 1.00 s, detached 3.00 s, \
             command sent 5.00 s, attached 6.00 s, ended 9.00 s, outcome 10.00 s",
            "waited for an instance 1.00 s, pool to target 5.00 s, script, its way included 4.00 s",
            "next: the init script succeeded",
        ],
    );
}

#[test]
fn a_claim_that_failed_or_was_rejected_hears_what_the_docs_advise() {
    for (ending, reason, advice, again) in [
        (
            Ending::Failed,
            Reason::TargetRefused,
            "check its maximum size, zones and load balancers",
            "send a new claim_id",
        ),
        (
            Ending::Rejected,
            Reason::UnknownTarget,
            "create it first, or correct the name",
            "under its id",
        ),
        (
            Ending::Failed,
            Reason::Other,
            "a newer version of ready-pool wrote a reason",
            "send a new claim_id",
        ),
    ] {
        let facts = ended(ending, reason);
        let end = facts.outcomes[0].clone();
        assert_stands(
            facts,
            Stage::Ended(&end),
            &[advice, again, "see docs/outcomes.md"],
        );
    }
}

#[test]
fn a_rejected_claim_that_was_sent_anew_is_open() {
    let mut facts = ended(Ending::Rejected, Reason::TargetFull);
    facts.steps[0].at = at(12);
    assert_eq!(stage(&facts, &pool()), Stage::Waiting);
    facts.outcomes[0].last_at = at(13);
    assert!(matches!(stage(&facts, &pool()), Stage::Ended(_)));
}

#[test]
fn a_dead_letter_is_stuck_unless_its_claim_has_ended() {
    let stuck = Facts {
        messages: vec![message("init-dead-letter", Kind::Internal)],
        ..assigned()
    };
    assert_stands(
        stuck.clone(),
        Stage::DeadLetter("init-dead-letter"),
        &["stuck on init-dead-letter", "redrive", "docs/failures.md"],
    );
    let over = Facts {
        outcomes: vec![outcome(Ending::Failed, Reason::Expired, 15)],
        ..stuck
    };
    assert!(tale(over).contains("mind: a message of it still lies on init-dead-letter"));
}

#[test]
fn a_settled_claim_without_an_outcome_says_how_to_hear_it() {
    let ready = entered(&format!("i-00000001 1 ready {DEADLINE}"));
    assert_stands(
        ready,
        Stage::Settled(ledger::Standing::Ready),
        &["ready, as the ledger says", "hears its outcome again"],
    );
    let failed = entered(&format!("- 3 failed {DEADLINE} attempts_exhausted"));
    assert_stands(
        failed,
        Stage::Settled(ledger::Standing::Failed(Reason::AttemptsExhausted)),
        &[
            "failed, as the ledger says",
            "settled: failed at attempt 3: attempts_exhausted",
        ],
    );
}

#[test]
fn a_dry_run_is_no_claim() {
    let facts = Facts {
        outcomes: vec![outcome(Ending::DryRun, Reason::WouldBeServed, 1)],
        steps: Vec::new(),
        ..claim(&[])
    };
    assert_stands(
        facts,
        Stage::Asked,
        &[
            "only a dry run",
            "without dry_run",
            "dry_run (would_be_served)",
        ],
    );
}

#[test]
fn two_initialised_instances_are_minded() {
    let mut facts = sent("Success", true, true);
    let mut second = facts.commands[0].clone();
    second.instance = "i-00000002".to_owned();
    facts.commands.push(second);
    assert!(tale(facts).contains("mind: i-00000001 and i-00000002 were initialised for it"));
}

#[test]
fn each_target_has_a_story_of_its_own() {
    let other = Facts {
        target: Some("u".to_owned()),
        target_exists: false,
        ..claim(&[])
    };
    let tale = text_of(&answer_of(vec![
        ended(Ending::Ready, Reason::Initialised),
        other,
    ]));
    assert!(tale.contains("c-1 for t ("), "{tale}");
    assert!(tale.contains("c-1 for u, which is no group"), "{tale}");
}

#[test]
fn what_strangers_wrote_is_shown_without_control_characters() {
    let nasty = "\u{1b}[31mred\u{7}\n";
    let mut facts = ended(Ending::Failed, Reason::Expired);
    facts.target = Some(nasty.to_owned());
    facts.expires_at = Some(nasty.to_owned());
    facts.outcomes[0].message = nasty.to_owned();
    facts.messages = vec![Message {
        about: nasty.to_owned(),
        ..message("provision", Kind::Claim)
    }];
    facts.entry = Some(Tag {
        key: nasty.to_owned(),
        value: nasty.to_owned(),
    });
    let is_clean = |tale: &str| !tale.contains(['\u{1b}', '\u{7}']);
    let tale_of = tale(facts.clone());
    assert!(is_clean(&tale_of), "{tale_of:?}");
    assert!(tale_of.contains("this is no entry: somebody else wrote it"));
    facts.outcomes.clear();
    let tale_of = tale(facts);
    assert!(is_clean(&tale_of), "{tale_of:?}");
}

#[test]
fn spans_are_said_as_people_say_them() {
    let said = |seconds| words::span(Duration::from_secs(seconds));
    assert_eq!(said(119), "119.00 s");
    assert_eq!(said(120), "2 min");
    assert_eq!(said(7_199), "119 min");
    assert_eq!(said(7_200), "2 h");
}

#[test]
fn an_answer_is_the_same_after_its_way() {
    let answer = answer_of(vec![
        sent("Failed", true, true),
        Facts {
            messages: vec![message("provision", Kind::DryRun)],
            outcomes: vec![outcome(Ending::DryRun, Reason::WouldWait, 1)],
            ..Facts::default()
        },
    ]);
    let json = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
}

#[test]
fn nobody_knows_and_says_where_it_was_looked() {
    let text = unknown(&answer_of(Vec::new()));
    assert!(text.starts_with("no trace of claim c-1. Looked at:\n  the ledger\n  the queues\n"));
}
