//! What the end of a command calls for that proves that nothing of its claim ran, whatever the claim wants done when
//! its init fails.

use super::*;
use ready_pool_core::attach_when::AttachWhen;

/// A command's end with instance 1, and what its script's end proves.
struct End {
    command: Command,
    nothing_ran: bool,
    reason: Reason,
}

impl End {
    fn of(policy: OnInitFailure, status: CommandStatus, nothing_ran: bool, reason: Reason) -> Self {
        let mut command = sent_for_this_claim_that_replaces(status);
        command.record.header.on_init_failure = policy;
        Self {
            command,
            nothing_ran,
            reason,
        }
    }

    fn seen<'a>(&'a self, target: &'a Group, entry: Option<&'a Entry>) -> CommandEnd<'a> {
        CommandEnd {
            occasion: Occasion::Event,
            command: &self.command,
            nothing_ran: self.nothing_ran,
            instance: INSTANCE.get_or_init(|| instance(1)),
            target: Some(target),
            entry,
            look: 1,
            attach: KnownAttach::Unasked,
            now: NOW,
        }
    }
}

static INSTANCE: std::sync::OnceLock<InstanceId> = std::sync::OnceLock::new();

/// Each way it is proven, for claims that want no other instance when their init fails.
fn proven() -> Vec<End> {
    [OnInitFailure::Retire, OnInitFailure::Keep]
        .into_iter()
        .flat_map(|policy| {
            [
                End::of(policy, CommandStatus::Failed, true, Reason::ScriptFailed),
                End::of(
                    policy,
                    CommandStatus::NotDelivered,
                    false,
                    Reason::NotDelivered,
                ),
            ]
        })
        .collect()
}

#[track_caller]
fn concluded(seen: CommandEnd<'_>) -> Conclusion {
    match report(seen) {
        Report::Conclude(conclusion) => conclusion,
        other => panic!("waits: {other:?}"),
    }
}

fn in_service() -> Group {
    target(Some(Lifecycle::InService))
}

fn instead_of_1(attempt: Attempt) -> Entry {
    Entry {
        instead_of: Some(instance(1)),
        ..entry(None, attempt, Standing::Assigned)
    }
}

#[test]
fn the_claim_goes_on_with_another_instance_once_this_one_is_retired() {
    for end in proven() {
        for attempt in 1..MAX_ATTEMPTS {
            let (target, open) = (in_service(), open(1, attempt));
            let conclusion = concluded(end.seen(&target, Some(&open)));
            let steps = [RETIRE.to_owned(), retry(attempt + 1)];
            let entered = instead_of_1(attempt + 1);
            assert_concludes(&conclusion, Finding::NothingRan, Some(&entered), &steps);
        }
    }
}

#[test]
fn what_was_begun_goes_on_wherever_the_instance_is_and_whatever_can_still_be_read() {
    for mut end in proven() {
        end.nothing_ran = false;
        for lifecycle in [Some(Lifecycle::InService), Some(Lifecycle::Detaching), None] {
            let (target, entry) = (target(lifecycle), instead_of_1(2));
            let conclusion = concluded(end.seen(&target, Some(&entry)));
            let steps = [RETIRE.to_owned(), retry(2)];
            assert_concludes(&conclusion, Finding::ReplacedBefore, None, &steps);
        }
    }
}

/// It is for a look at what a script left behind. Here none did, and the claim has its instance.
#[test]
fn a_claim_that_ends_all_the_same_keeps_its_instance_where_it_wants_that() {
    for end in proven() {
        let keeps = end.command.record.header.on_init_failure == OnInitFailure::Keep;
        let (target, last) = (in_service(), open(1, MAX_ATTEMPTS));
        let seen = end.seen(&target, Some(&last));
        let conclusion = concluded(seen);
        let steps = [Some(publish_failed(end.reason)), retire_if(!keeps)];
        let failed = entry(Some(1), MAX_ATTEMPTS, Standing::Failed(end.reason));
        let finding = if keeps {
            Finding::Kept
        } else {
            Finding::Failed
        };
        assert_concludes(&conclusion, finding, Some(&failed), &those(steps));
        let although = ends_although(&seen, end.reason).unwrap();
        assert_eq!(
            although,
            "nothing of the claim ran on this instance, the last of 3"
        );
    }
}

#[test]
fn a_claim_that_is_not_known_whole_ends_and_says_why() {
    for mut end in proven() {
        end.command.record.claim = None;
        let (target, open) = (in_service(), open(1, 1));
        let seen = end.seen(&target, Some(&open));
        assert_eq!(concluded(seen).steps[0], Step::PublishFailed(end.reason));
        let although = ends_although(&seen, end.reason).unwrap();
        assert!(
            although.contains("no room to carry the claim"),
            "{although}"
        );
    }
}

#[test]
fn past_the_deadline_it_ends_and_says_why() {
    for end in proven() {
        let (target, open) = (in_service(), open(1, 1));
        let seen = CommandEnd {
            now: DEADLINE,
            ..end.seen(&target, Some(&open))
        };
        assert_eq!(concluded(seen).steps[0], Step::PublishFailed(end.reason));
        let although = ends_although(&seen, end.reason).unwrap();
        assert!(although.contains("deadline"), "{although}");
        assert_eq!(ends_although(&seen, Reason::Expired), None);
    }
}

/// The target may have been made smaller on purpose.
#[test]
fn an_instance_that_its_target_does_not_have_any_more_is_not_replaced() {
    for end in proven() {
        let (target, open) = (target(None), open(1, 1));
        let at = |look| {
            report(CommandEnd {
                look,
                ..end.seen(&target, Some(&open))
            })
        };
        for look in 1..LOOKS_BEFORE_LOST {
            assert_eq!(at(look), Report::NotYet, "perhaps a stale read");
        }
        let Report::Conclude(conclusion) = at(LOOKS_BEFORE_LOST) else {
            panic!("waits");
        };
        // An agent that spoke up stands, as ever.
        let reason = match end.command.status {
            CommandStatus::Failed => Reason::ScriptFailed,
            _ => Reason::InstanceLost,
        };
        assert_eq!(conclusion.steps[0], Step::PublishFailed(reason));
    }
}

#[test]
fn where_something_may_have_run_the_claim_ends() {
    for (status, reason) in [
        (CommandStatus::Failed, Reason::ScriptFailed),
        (CommandStatus::TimedOut, Reason::ScriptTimedOut),
        (CommandStatus::Interrupted, Reason::NotDelivered),
        (CommandStatus::Cancelled, Reason::Cancelled),
    ] {
        let end = End::of(OnInitFailure::Retire, status, false, reason);
        let (target, open) = (in_service(), open(1, 1));
        let seen = end.seen(&target, Some(&open));
        let steps = [publish_failed(reason), RETIRE.to_owned()];
        let failed = entry(Some(1), 1, Standing::Failed(reason));
        assert_concludes(&concluded(seen), Finding::Failed, Some(&failed), &steps);
        assert_eq!(ends_although(&seen, reason), None);
    }
}

#[test]
fn without_its_entry_the_claim_ends_unless_we_took_the_instance_out() {
    for end in proven() {
        let there = in_service();
        let conclusion = concluded(end.seen(&there, None));
        assert_eq!(conclusion.steps[0], Step::PublishFailed(end.reason));
        let without = target(None);
        assert_nothing(&concluded(end.seen(&without, None)), Finding::Nothing);
    }
}

/// In no group is where it should be.
#[test]
fn an_instance_that_was_to_be_attached_after_its_init_is_replaced_too() {
    for mut end in proven() {
        end.command.record.header.attach_when = AttachWhen::AfterInit;
        let (target, open) = (target(None), open(1, 1));
        let conclusion = concluded(end.seen(&target, Some(&open)));
        let steps = [RETIRE.to_owned(), retry(2)];
        let entered = instead_of_1(2);
        assert_concludes(&conclusion, Finding::NothingRan, Some(&entered), &steps);
    }
}
