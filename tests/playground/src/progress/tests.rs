use super::*;
use crate::testing::{self, ZERO, claim, comment, message, names, retry};
use region::api::Service;
use serde_json::json;
use std::time::Duration;

const ENTRY: &str = "v1 i-00000001 1 assigned 2026-11-22T21:00:00Z";

/// Follows what happened after so many seconds each.
fn progress(happenings: Vec<(u64, Happening)>) -> Progress {
    let mut progress = Progress::new(names());
    for (seconds, what) in happenings {
        let at = ZERO + Duration::from_secs(seconds);
        progress.follow(&Entry { at, what });
    }
    progress
}

fn entry(id: &str, value: &str) -> Happening {
    Happening::Called {
        caller: "s-claim".to_owned(),
        service: Service::AutoScaling,
        operation: "CreateOrUpdateTags".to_owned(),
        input: json!({ "Tags": [
            { "ResourceId": "t", "Key": format!("ready-pool:claim/{id}"), "Value": value },
        ] }),
        error: None,
    }
}

fn detached(instance: &str) -> Happening {
    Happening::Detached {
        group: "s-pool".to_owned(),
        instance: instance.to_owned(),
    }
}

fn attaching(instance: &str) -> Happening {
    Happening::Attaching {
        group: "t".to_owned(),
        instance: instance.to_owned(),
    }
}

fn attached(instance: &str, group: &str) -> Happening {
    Happening::Attached {
        group: group.to_owned(),
        instance: instance.to_owned(),
    }
}

fn command_sent(instance: &str, comment: &str) -> Happening {
    Happening::CommandSent {
        instance: instance.to_owned(),
        command_id: "c".to_owned(),
        comment: comment.to_owned(),
    }
}

fn started() -> Happening {
    Happening::CommandStarted {
        instance: "i-00000001".to_owned(),
        command_id: "c".to_owned(),
    }
}

fn finished(exit_code: i32) -> Happening {
    Happening::CommandFinished {
        instance: "i-00000001".to_owned(),
        command_id: "c".to_owned(),
        status: "Success".to_owned(),
        exit_code,
        stdout: "hello\n".to_owned(),
        stderr: String::new(),
    }
}

fn outcome(id: &str, reason: Reason) -> Happening {
    message("s-outcome", &testing::outcome(id, "t", reason))
}

fn only(progress: &Progress) -> Claim {
    let mut claims = progress.claims();
    let claim = claims.next().unwrap().clone();
    assert_eq!(claims.next(), None);
    claim
}

#[test]
fn a_claim_is_followed_from_its_message_to_its_outcome() {
    let way = vec![
        (0, claim("c-1")),
        (1, entry("c-1", ENTRY)),
        (3, detached("i-00000001")),
        (5, attaching("i-00000001")),
        (6, command_sent("i-00000001", &comment("c-1", "t"))),
        (10, started()),
        (15, finished(0)),
        (21, attached("i-00000001", "t")),
        (28, outcome("c-1", Reason::Initialised)),
    ];
    let phases = [
        Phase::Waiting,
        Phase::Detaching,
        Phase::Attaching,
        Phase::Attaching,
        Phase::Sending,
        Phase::Running,
        Phase::Joining,
        Phase::Reporting,
    ];
    for (done, phase) in phases.into_iter().enumerate() {
        let open = only(&progress(way[..=done].to_vec()));
        assert_eq!(open.phase(), Some(phase), "after {} happenings", done + 1);
        assert_eq!(open.parts(), None);
    }
    let progress = progress(way);
    let claim = only(&progress);
    assert_eq!(claim.phase(), None);
    assert_eq!(
        (claim.instance.as_deref(), claim.attempts),
        (Some("i-00000001"), 1)
    );
    assert_eq!(
        claim.parts(),
        Some([1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000])
    );
    assert_eq!(claim.output, ["hello"]);
    let steps: Vec<Taken> = claim.steps.iter().map(|step| step.what).collect();
    let all = [
        Taken::Message,
        Taken::Entered,
        Taken::Detached,
        Taken::Attaching,
        Taken::CommandSent,
        Taken::Started,
        Taken::Ended,
        Taken::Attached,
    ];
    assert_eq!(steps, all);
    let end = claim.end.unwrap();
    assert_eq!((end.outcome, end.published), (Ending::Ready, 1));
    let took: Vec<_> = progress.outcomes().map(|outcome| outcome.took).collect();
    assert_eq!(took, [Some(28_000)]);
    let ready = Counts {
        sent: 1,
        ready: 1,
        ..Counts::default()
    };
    assert_eq!(progress.counts(), ready);
}

#[test]
fn a_claim_whose_instance_is_attached_after_its_init_says_so() {
    let asked = json!({ "claim_id": "c-1", "target_group": "t", "attach_when": "after_init" });
    let claim = only(&progress(vec![
        (0, message("s-provision.fifo", &asked)),
        (1, entry("c-1", ENTRY)),
        (3, command_sent("i-00000001", &comment("c-1", "t"))),
        (5, started()),
        (6, detached("i-00000001")),
        (8, finished(0)),
        (9, attaching("i-00000001")),
        (12, attached("i-00000001", "t")),
        (13, outcome("c-1", Reason::Initialised)),
    ]));
    assert_eq!(claim.attach_when, AttachWhen::AfterInit);
    assert_eq!(
        claim.parts(),
        Some([1_000, 2_000, 0, 2_000, 3_000, 4_000, 1_000])
    );
}

#[test]
fn a_claim_whose_instance_is_in_service_before_its_script_ends_waits_for_nothing_more() {
    let way = |status: &str, early: u64| {
        let mut finished = finished(0);
        if let Happening::CommandFinished { status: its, .. } = &mut finished {
            status.clone_into(its);
        }
        let mut way = vec![
            (0, claim("c-1")),
            (0, entry("c-1", ENTRY)),
            (0, command_sent("i-00000001", &comment("c-1", "t"))),
            (4, finished),
            (early, attached("i-00000001", "t")),
        ];
        way.sort_by_key(|(at, _)| *at);
        only(&progress(way)).phase()
    };
    assert_eq!(way("Success", 3), Some(Phase::Reporting));
    assert_eq!(way("Success", 5), Some(Phase::Reporting));
    // The end of a script that failed waits for no group.
    assert_eq!(way("Failed", 9), Some(Phase::Reporting));
}

#[test]
fn a_claim_that_gets_another_instance_waits_again() {
    let claim = only(&progress(vec![
        (0, claim("c-1")),
        (1, entry("c-1", ENTRY)),
        (2, entry("c-1", "v1 - 2 assigned 2026-11-22T21:00:00Z")),
        (3, message("s-provision.fifo", &retry("c-1", "t", 2))),
        (
            5,
            entry("c-1", "v1 i-00000002 2 assigned 2026-11-22T21:00:00Z"),
        ),
        (6, detached("i-00000002")),
        (8, outcome("c-1", Reason::Expired)),
    ]));
    assert_eq!(
        (claim.instance.as_deref(), claim.attempts),
        (Some("i-00000002"), 2)
    );
    assert_eq!(claim.parts(), Some([3_000, 3_000, 2_000, 0, 0, 0, 0]));
    assert_eq!(claim.steps[2].what, Taken::GivenUp);
}

#[test]
fn what_is_no_step_of_a_claim_is_left_out() {
    let claim = only(&progress(vec![
        (0, claim("c-1")),
        (1, entry("c-2", ENTRY)),
        (1, entry("c-1", "what somebody wrote")),
        (1, entry("c-1", ENTRY)),
        (2, entry("c-1", ENTRY)),
        (3, attached("i-00000001", "another")),
        (3, detached("i-00000009")),
        (4, command_sent("i-00000001", &comment("c-11", "t"))),
        (4, command_sent("i-00000001", "somebody else's")),
        (5, started()),
        (6, finished(0)),
    ]));
    let steps: Vec<Taken> = claim.steps.iter().map(|step| step.what).collect();
    assert_eq!(steps, [Taken::Message, Taken::Entered]);
}

#[test]
fn what_is_published_again_is_one_outcome() {
    let mut happenings = vec![(0, claim("c-1"))];
    for seconds in 1..4 {
        happenings.push((seconds, outcome("c-1", Reason::Expired)));
        happenings.push((seconds, claim("c-1")));
    }
    let progress = progress(happenings);
    let end = only(&progress).end.unwrap();
    assert_eq!(
        (end.published, end.at),
        (3, Moment::from(ZERO + Duration::from_secs(1)))
    );
    assert_eq!(progress.outcomes().count(), 1);
    let failed = Counts {
        sent: 1,
        failed: 1,
        ..Counts::default()
    };
    assert_eq!(progress.counts(), failed);
}

#[test]
fn a_rejected_claim_can_be_sent_anew() {
    let progress = progress(vec![
        (0, claim("c-1")),
        (1, outcome("c-1", Reason::TargetFull)),
        (9, claim("c-1")),
    ]);
    let open = only(&progress);
    assert_eq!(
        (open.phase(), open.end.as_ref()),
        (Some(Phase::Waiting), None)
    );
    assert_eq!(open.sent(), Moment::from(ZERO + Duration::from_secs(9)));
    let counts = Counts {
        sent: 2,
        open: 1,
        rejected: 1,
        ..Counts::default()
    };
    assert_eq!(progress.counts(), counts);
}

#[test]
fn a_dry_run_is_no_claim_and_ends_none() {
    let asked = json!({ "claim_id": "c-1", "target_group": "t", "dry_run": true });
    let asks = message("s-provision.fifo", &asked);
    let answered = outcome("c-1", Reason::WouldWait);
    let alone = progress(vec![(0, asks.clone()), (1, answered.clone())]);
    assert_eq!(alone.claims().count(), 0);
    let counts = Counts {
        dry_runs: 1,
        ..Counts::default()
    };
    assert_eq!(alone.counts(), counts);
    assert_eq!(alone.outcomes().count(), 1);
    let beside = progress(vec![(0, claim("c-1")), (1, asks), (2, answered)]);
    assert_eq!(only(&beside).phase(), Some(Phase::Waiting));
}

#[test]
fn as_many_are_rejected_as_the_rejected_queue_keeps() {
    let malformed = json!({
        "version": 1, "outcome": "rejected", "reason": "malformed", "message": "m",
        "at": "2026-11-22T20:00:01Z",
    });
    let dry_run = json!({ "claim_id": "dry", "target_group": "t", "dry_run": true });
    let progress = progress(vec![
        // No claim at all.
        (0, message("s-provision.fifo", &json!("hello"))),
        (1, message("s-outcome", &malformed)),
        // Two messages of one id, before the first is answered.
        (2, claim("c-1")),
        (2, claim("c-1")),
        (3, outcome("c-1", Reason::TargetFull)),
        (3, outcome("c-1", Reason::TargetFull)),
        // A good one, and beside it a bad one of its id.
        (4, claim("c-2")),
        (5, outcome("c-2", Reason::Malformed)),
        (6, outcome("c-2", Reason::Initialised)),
        // A dry run's original is not kept.
        (7, message("s-provision.fifo", &dry_run)),
        (8, outcome("dry", Reason::TargetFull)),
    ]);
    let outcomes: Vec<_> = progress.outcomes().collect();
    assert_eq!((outcomes[0].id.as_ref(), outcomes[0].took), (None, None));
    assert_eq!(outcomes.len(), 6);
    let counts = Counts {
        sent: 5,
        open: 0,
        ready: 1,
        failed: 0,
        rejected: 4,
        dry_runs: 1,
    };
    assert_eq!(progress.counts(), counts);
}

#[test]
fn what_is_no_valid_claim_does_not_wait_and_is_counted_when_it_is_rejected() {
    for (body, id, target) in [
        // As the functions publish it: what cannot be printed is replaced.
        (
            json!({ "claim_id": "c-1\n", "target_group": "t" }),
            Some("c-1\u{fffd}"),
            Some("t"),
        ),
        (
            json!({ "claim_id": "c-1", "target_group": "t\u{1}" }),
            Some("c-1"),
            Some("t\u{fffd}"),
        ),
        (json!(["c-1", "t", {}, "2026-11-22T21:00:00Z"]), None, None),
    ] {
        let malformed = json!({
            "version": 1, "claim_id": id, "target_group": target, "outcome": "rejected",
            "reason": "malformed", "message": "m", "at": "2026-11-22T20:00:01Z",
        });
        let sent = (0, message("s-provision.fifo", &body));
        let open = progress(vec![sent.clone()]);
        assert_eq!(open.claims().count(), 0, "{body}");
        assert_eq!(open.counts(), Counts::default(), "{body}");
        let ended = progress(vec![sent, (1, message("s-outcome", &malformed))]);
        let rejected = Counts {
            sent: 1,
            rejected: 1,
            ..Counts::default()
        };
        assert_eq!(ended.counts(), rejected, "{body}");
        assert_eq!(ended.claims().count(), 0, "{body}");
        assert_eq!(ended.outcomes().count(), 1, "{body}");
    }
}

#[test]
fn old_claims_are_forgotten_and_open_ones_never() {
    let mut happenings = vec![(0, claim("open"))];
    for number in 0..u64::try_from(ENDED_KEPT).unwrap() + 10 {
        let id = format!("c-{number}");
        happenings.push((number, claim(&id)));
        happenings.push((
            number,
            entry(
                &id,
                &format!("v1 i-{number:08} 1 assigned 2026-11-22T21:00:00Z"),
            ),
        ));
        happenings.push((number, outcome(&id, Reason::Initialised)));
    }
    let progress = progress(happenings);
    assert_eq!(progress.claims().next().unwrap().id, "open");
    let kept = progress.claims().count();
    assert!((ENDED_KEPT..ENDED_KEPT + 3).contains(&kept), "{kept}");
    assert_eq!(progress.holder("i-00000000"), None);
    assert!(progress.holder("i-00000100").is_some());
    assert_eq!(progress.outcomes().count(), OUTCOMES_KEPT);
}
