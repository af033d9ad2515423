//! Messages that were never delivered before, and what that proves.

use super::*;

fn ago(minutes: i64) -> Timestamp {
    NOW - Duration::minutes(minutes)
}

#[test]
fn a_first_delivery_is_believed_for_minutes() {
    for (delivery, happened, fresh) in [
        (Delivery::First, Some(ago(0)), true),
        (Delivery::First, Some(ago(4)), true),
        // By a clock that is ahead.
        (Delivery::First, Some(ago(-1)), true),
        // Redriven from a dead-letter queue, perhaps.
        (Delivery::First, Some(ago(5)), false),
        (Delivery::First, None, false),
        // Nobody's clock, but an event may say so.
        (
            Delivery::First,
            Some(Timestamp::new_utc(time::Date::MIN, time::Time::MIDNIGHT)),
            false,
        ),
        (Delivery::Repeated, Some(ago(0)), false),
    ] {
        let mut hand_over = hand_over(1);
        hand_over.times.detached = happened;
        let case = format!("{delivery:?} of {happened:?}");
        assert_eq!(is_fresh(&hand_over, delivery, NOW), fresh, "{case}");
        let occasion = occasion_of_event(delivery, happened, NOW);
        assert_eq!(occasion == Occasion::FreshEvent, fresh, "{case}");
        assert_eq!(occasion == Occasion::Event, !fresh, "{case}");
    }
}

/// The finding on a command that succeeded, whose claim has this entry.
fn found(occasion: Occasion, entry: &Entry, now: Timestamp) -> Finding {
    let command = Command {
        status: CommandStatus::Succeeded,
        ..sent_for_this_claim()
    };
    let report = report(CommandEnd {
        occasion,
        command: &command,
        nothing_ran: false,
        instance: &instance(1),
        target: Some(&target(Some(Lifecycle::InService))),
        entry: Some(entry),
        look: 1,
        attach: KnownAttach::Unasked,
        now,
    });
    match report {
        Report::Conclude(conclusion) => conclusion.finding,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_that_a_look_overtook_says_nothing_before_the_deadline() {
    let failed = Standing::Failed(Reason::InstanceLost);
    let of_its_claim = |standing| entry(Some(1), 1, standing);
    for (occasion, entry, now, expected) in [
        (Occasion::FreshEvent, open(1, 1), NOW, Finding::Ready),
        (
            Occasion::FreshEvent,
            of_its_claim(Standing::Ready),
            NOW,
            Finding::Nothing,
        ),
        (
            Occasion::FreshEvent,
            of_its_claim(failed),
            NOW,
            Finding::Nothing,
        ),
        (
            Occasion::FreshEvent,
            of_its_claim(Standing::Ready),
            DEADLINE,
            Finding::Ready,
        ),
        // Delivered before: perhaps it was this event that settled the claim, and died on the way.
        (
            Occasion::Event,
            of_its_claim(Standing::Ready),
            NOW,
            Finding::Ready,
        ),
        (Occasion::Event, of_its_claim(failed), NOW, Finding::Lost),
    ] {
        let case = format!("{occasion:?} with {entry} at {now}");
        assert_eq!(found(occasion, &entry, now), expected, "{case}");
    }
}

#[test]
fn when_a_command_ended_is_known_by_an_event_that_nothing_held_up() {
    let after = |milliseconds| Some(NOW + Duration::milliseconds(milliseconds));
    for (event, sent_on, ended) in [
        (Some(NOW), after(0), true),
        (Some(NOW), after(1_240), true),
        (Some(NOW), after(2_000), false),
        (Some(NOW), after(90_000), false),
        (Some(NOW), after(-1), false),
        (Some(NOW), None, false),
        (None, after(0), false),
    ] {
        let expected = sent_on.filter(|_| ended);
        assert_eq!(ended_at(event, sent_on), expected, "{sent_on:?}");
    }
}
