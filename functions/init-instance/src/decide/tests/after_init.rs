//! Where an instance is attached after its init: what a command's end calls for.

use super::*;
use ready_pool_core::attach_when::AttachWhen;
use std::time::Duration as Span;

const SENT: Timestamp = datetime!(2026-11-22 19:50 UTC);
const SCRIPT: Span = Span::from_mins(10);

/// The command of a claim that is attached late, sent ten minutes ago.
fn late(status: CommandStatus, policy: OnInitFailure) -> Command {
    let mut command = Command {
        status,
        ..sent_for_this_claim()
    };
    command.record.header.attach_when = AttachWhen::AfterInit;
    command.record.header.on_init_failure = policy;
    command.record.sent_at = Some(SENT);
    command.record.execution_timeout = Some(SCRIPT);
    command
}

/// A world in which a report is asked for.
struct World {
    occasion: Occasion,
    command: Command,
    entry: Option<Entry>,
    member: Option<Lifecycle>,
    attach: KnownAttach,
    now: Timestamp,
    look: u32,
}

impl World {
    fn of(status: CommandStatus) -> Self {
        Self {
            occasion: Occasion::Event,
            command: late(status, OnInitFailure::Retire),
            entry: Some(open(1, 1)),
            member: None,
            attach: KnownAttach::Unasked,
            now: NOW,
            look: 1,
        }
    }

    fn report(&self) -> Report {
        let target = target(self.member);
        report(self.seen(&target, &instance(1)))
    }

    fn seen<'a>(&'a self, target: &'a Group, instance: &'a InstanceId) -> CommandEnd<'a> {
        CommandEnd {
            occasion: self.occasion,
            command: &self.command,
            nothing_ran: false,
            instance,
            target: Some(target),
            entry: self.entry.as_ref(),
            look: self.look,
            attach: self.attach,
            now: self.now,
        }
    }

    #[track_caller]
    fn fails(&self, reason: Reason, more: &[&str]) {
        let Report::Conclude(conclusion) = self.report() else {
            panic!("waits: {:?}", self.report());
        };
        let expected: Vec<String> = [publish_failed(reason)]
            .into_iter()
            .chain(more.iter().map(|step| (*step).to_owned()))
            .collect();
        assert_eq!(steps(&conclusion), expected);
        let standing = Standing::Failed(reason);
        assert_eq!(conclusion.entry, Some(entry(Some(1), 1, standing)));
    }
}

const TAKE_OUT: &str = "see that the instance is not in the pool";

#[test]
fn a_success_is_attached_once_its_target_s_activities_were_asked() {
    let mut world = World::of(CommandStatus::Succeeded);
    assert_eq!(world.report(), Report::AskActivities);
    world.attach = KnownAttach::Never;
    assert_eq!(world.report(), Report::Attach);
    world.now = DEADLINE + Duration::minutes(1);
    assert_eq!(world.report(), Report::Attach, "past the deadline");
}

/// Whatever attached it would have settled the claim before this event was handled.
#[test]
fn at_an_event_that_was_never_handled_nobody_has_attached_it() {
    let mut world = World::of(CommandStatus::Succeeded);
    for (occasion, expected) in [
        (Occasion::FreshEvent, Report::Attach),
        (Occasion::Event, Report::AskActivities),
        (Occasion::Look, Report::AskActivities),
    ] {
        world.occasion = occasion;
        assert_eq!(world.report(), expected, "{occasion:?}");
    }
    // This very handling attached it.
    world.occasion = Occasion::FreshEvent;
    world.attach = KnownAttach::Seen;
    assert_eq!(world.report(), Report::NotYet);
}

#[test]
fn what_was_attached_and_is_not_there_is_its_tenant_s() {
    let mut world = World::of(CommandStatus::Succeeded);
    world.attach = KnownAttach::Seen;
    assert_eq!(world.report(), Report::NotYet, "a read may be stale");
    world.look = LOOKS_BEFORE_LOST;
    world.fails(Reason::InstanceLost, &[]);
}

#[test]
fn a_member_in_service_is_ready_and_one_on_its_way_is_waited_for() {
    let mut world = World::of(CommandStatus::Succeeded);
    world.member = Some(Lifecycle::Pending);
    assert_eq!(world.report(), Report::NotYet);
    world.member = Some(Lifecycle::InService);
    let Report::Conclude(conclusion) = world.report() else {
        panic!("waits");
    };
    assert_eq!(steps(&conclusion), [PUBLISH_READY]);
}

#[test]
fn the_attach_ends_an_hour_after_the_script_must_have_ended() {
    let mut world = World::of(CommandStatus::Succeeded);
    world.attach = KnownAttach::Never;
    world.now = SENT + SCRIPT + ATTACH_FOR - Span::from_secs(1);
    assert_eq!(world.report(), Report::Attach);
    world.now = SENT + SCRIPT + ATTACH_FOR;
    world.fails(Reason::TargetRefused, &[RETIRE]);
    // Whether a tenant took it out is asked even then.
    world.attach = KnownAttach::Unasked;
    assert_eq!(world.report(), Report::AskActivities);
    // Where the history does not say, the longest time counts, from the deadline on.
    world.attach = KnownAttach::Never;
    world.command.record.sent_at = None;
    world.command.record.execution_timeout = None;
    world.now = DEADLINE + Duration::hours(7) - Duration::seconds(1);
    assert_eq!(world.report(), Report::Attach);
    world.now = DEADLINE + Duration::hours(7);
    world.fails(Reason::TargetRefused, &[RETIRE]);
}

#[test]
fn nothing_is_attached_without_an_open_entry_that_names_it() {
    for entry in [None, Some(open(2, 1)), Some(open(2, 2))] {
        let mut world = World::of(CommandStatus::Succeeded);
        world.entry = entry;
        world.attach = KnownAttach::Never;
        world.look = LOOKS_BEFORE_LOST;
        let report = world.report();
        let Report::Conclude(conclusion) = report else {
            panic!("{report:?}");
        };
        assert!(!conclusion.steps.contains(&Step::PublishReady));
        assert!(!conclusion.steps.contains(&Step::Retire));
    }
}

#[test]
fn an_entry_that_may_be_read_yet_is_waited_for() {
    let mut world = World::of(CommandStatus::Succeeded);
    world.entry = None;
    world.look = LOOKS_BEFORE_LOST;
    world.command.record.sent_at = Some(NOW - Duration::minutes(4));
    assert_eq!(world.report(), Report::NotYet);
    // Of a member it is known whose it is.
    world.member = Some(Lifecycle::InService);
    assert!(matches!(world.report(), Report::Conclude(_)));
}

#[test]
fn a_free_instance_is_no_lost_one() {
    let mut world = World::of(CommandStatus::Running);
    assert_eq!(world.report(), Report::NotYet);
    world.now = SENT + SCRIPT + ATTACH_FOR;
    world.fails(Reason::ScriptTimedOut, &[RETIRE]);
    for (status, reason) in [
        (CommandStatus::Failed, Reason::ScriptFailed),
        (CommandStatus::TimedOut, Reason::ScriptTimedOut),
        (CommandStatus::NotDelivered, Reason::NotDelivered),
        (CommandStatus::Cancelled, Reason::Cancelled),
    ] {
        World::of(status).fails(reason, &[RETIRE]);
    }
}

#[test]
fn what_is_kept_is_left_free_and_out_of_the_pool() {
    let mut world = World::of(CommandStatus::Failed);
    world.command = late(CommandStatus::Failed, OnInitFailure::Keep);
    world.fails(Reason::ScriptFailed, &[TAKE_OUT]);
}

#[test]
fn answers_to_a_late_attach_are_those_to_any_other() {
    let world = World::of(CommandStatus::Succeeded);
    let (group, instance) = (target(None), instance(1));
    let seen = world.seen(&group, &instance);
    let answered = |result: Result<(), CallError>| {
        after_late_attach(&result, &seen, &name("tenant"), &name("pool"))
    };
    let invalid = |message: &str| {
        let message = format!("The Instance: i-00000001 {message}");
        Err(CallError::answered(
            "AttachInstances",
            "ValidationError",
            &message,
            400,
        ))
    };
    let part_of = |group| invalid(&format!("is already part of AutoScalingGroup:{group}"));
    assert_eq!(answered(Ok(())), LateAttached::Look);
    assert_eq!(answered(part_of("tenant")), LateAttached::Look);
    assert_eq!(answered(part_of("pool")), LateAttached::InPool);
    let busy = CallError::answered("AttachInstances", "Throttling", "", 400);
    assert_eq!(answered(Err(busy)), LateAttached::TryAgain);
    let denied = CallError::answered("AttachInstances", "AccessDenied", "", 403);
    assert_eq!(answered(Err(denied)), LateAttached::TryAgain);
    let unknown = CallError::answered("AttachInstances", "InternalFailure", "", 500);
    assert_eq!(answered(Err(unknown)), LateAttached::AskLater);
    let lost = LateAttached::Conclude(fails(&seen, Reason::InstanceLost));
    assert_eq!(answered(part_of("elsewhere")), lost);
    assert_eq!(answered(invalid("is not in correct state")), lost);
    let refused = LateAttached::Conclude(fails(&seen, Reason::TargetRefused));
    assert_eq!(answered(invalid("max-size=1")), refused);
}
