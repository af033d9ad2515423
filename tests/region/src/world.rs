//! The region's state, and everything that will happen to it by itself.

use crate::api::{Answer, Call, Service};
use crate::autoscaling::{self, AutoScaling};
use crate::commands::CommandRun;
use crate::compute::{self, Compute};
use crate::events::{self, Events};
use crate::faults::{self, Faults, Moment, Strike};
use crate::iam::{self, Iam};
use crate::journal::{Happening, Journal};
use crate::lambda::{self, Lambda};
use crate::settings::{Settings, Spread};
use crate::sqs::{self, Sqs};
use crate::ssm::{self, Ssm};
use crate::sts;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

/// The whole region, synchronous and deterministic.
pub struct World {
    /// The time of the step being taken.
    pub now: OffsetDateTime,
    /// How the region behaves.
    pub settings: Settings,
    /// The only source of chance, seeded by the settings.
    pub rng: fastrand::Rng,
    /// What happened.
    pub journal: Journal,
    /// Calls that are to fail.
    pub faults: Faults,
    /// Identities and policies.
    pub iam: Iam,
    /// Machines.
    pub compute: Compute,
    /// Auto Scaling groups.
    pub autoscaling: AutoScaling,
    /// Commands.
    pub ssm: Ssm,
    /// Queues.
    pub sqs: Sqs,
    /// The event bus, its rules, and schedules.
    pub events: Events,
    /// Functions and their event-source mappings.
    pub lambda: Lambda,
    agenda: BTreeMap<(OffsetDateTime, u64), Due>,
    scheduled: u64,
    effects: Vec<Effect>,
}

/// Something on the agenda. Each service has its own kinds.
#[derive(Debug)]
pub enum Due {
    /// Something happens to a machine.
    Compute(compute::Due),
    /// Something happens in a group.
    AutoScaling(autoscaling::Due),
    /// Something happens to a command.
    Ssm(ssm::Due),
    /// Messages become visible.
    Sqs(sqs::Due),
    /// An event arrives, or a schedule fires.
    Events(events::Due),
    /// A function is to be invoked.
    Lambda(lambda::Due),
    /// A fault is over.
    Faults(faults::Due),
}

/// Work that a world cannot do itself; the region performs it and reports back.
#[derive(Debug)]
pub enum Effect {
    /// Run a script on an instance; how it ends goes to [`ssm::finished`].
    RunCommand(CommandRun),
    /// An instance is gone: so is what runs on it.
    InstanceLost(String),
    /// Run a function; its result goes to [`lambda::finished`].
    Invoke(lambda::Invocation),
    /// Kill the invocation with this request id.
    Kill(String),
}

impl World {
    /// An empty region at time `now`.
    pub fn new(settings: Settings, now: OffsetDateTime) -> Self {
        Self {
            now,
            rng: fastrand::Rng::with_seed(settings.seed),
            settings,
            journal: Journal::default(),
            faults: Faults::default(),
            iam: Iam::default(),
            compute: Compute::default(),
            autoscaling: AutoScaling::default(),
            ssm: Ssm::default(),
            sqs: Sqs::default(),
            events: Events::default(),
            lambda: Lambda::default(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            effects: Vec::new(),
        }
    }

    /// Answers one API call at the present time.
    pub fn answer(&mut self, call: &Call) -> Answer {
        let answer = match self.faults.strike(call, self.now, &mut self.rng) {
            Some(Strike::Fails(Moment::BeforeTheEffect, error)) => Err(error),
            strike => iam::authorize(self, call).and_then(|()| self.answer_allowed(call, strike)),
        };
        let error = answer.as_ref().err().map(|error| error.code.clone());
        self.record(Happening::Called {
            caller: call.caller.clone(),
            service: call.service,
            operation: call.operation.clone(),
            input: call.input.clone(),
            error,
        });
        answer
    }

    fn answer_allowed(&mut self, call: &Call, strike: Option<Strike>) -> Answer {
        match strike {
            Some(Strike::Fails(_, error)) => self.perform(call).and(Err(error)),
            Some(Strike::ReadsThePast) => faults::answer_from_the_past(self, call, None),
            None => match self.draw_staleness(call) {
                Some(age) => faults::answer_from_the_past(self, call, Some(age)),
                None => self.perform(call),
            },
        }
    }

    fn perform(&mut self, call: &Call) -> Answer {
        if call.service != Service::Sqs && !faults::is_read(call) {
            faults::remember(self);
        }
        self.dispatch(call)
    }

    pub(crate) fn dispatch(&mut self, call: &Call) -> Answer {
        match call.service {
            Service::AutoScaling => autoscaling::answer(self, call),
            Service::Ssm => ssm::answer(self, call),
            Service::Sqs => sqs::answer(self, call),
            Service::Sts => sts::answer(self, call),
        }
    }

    /// Puts `due` on the agenda, `delay` from now.
    pub fn after(&mut self, delay: Duration, due: Due) {
        self.at(self.now + delay, due);
    }

    /// Puts `due` on the agenda. Items for the same time happen in the order they were put.
    pub fn at(&mut self, time: OffsetDateTime, due: Due) {
        self.scheduled += 1;
        self.agenda.insert((time, self.scheduled), due);
    }

    /// Draws a duration, scaled.
    pub fn draw(&mut self, spread: Spread) -> Duration {
        let unscaled = if spread.tail_chance > 0.0 && self.rng.f64() < spread.tail_chance {
            spread.tail
        } else {
            spread.min
                + spread
                    .max
                    .saturating_sub(spread.min)
                    .mul_f64(self.rng.f64())
        };
        unscaled.mul_f64(self.settings.time_scale)
    }

    /// Asks the region to perform something.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The effects asked for since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Puts an event on the default bus: it reaches the targets of every rule that matches it.
    pub fn emit(&mut self, source: &str, detail_type: &str, resources: Vec<String>, detail: Value) {
        events::put(self, source, detail_type, resources, detail);
    }

    /// Appends to the journal at the present time.
    pub fn record(&mut self, what: Happening) {
        self.journal.record(self.now, what);
    }

    /// When the next item of the agenda is due.
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        self.agenda.keys().next().map(|(time, _)| *time)
    }

    /// Takes every step that is due until `time`, each at its own time, then stands at `time`.
    pub fn advance_to(&mut self, time: OffsetDateTime) {
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > time {
                break;
            }
            let ((due_at, _), due) = entry.remove_entry();
            self.now = self.now.max(due_at);
            self.happen(due);
        }
        self.now = self.now.max(time);
    }

    fn happen(&mut self, due: Due) {
        if matches!(due, Due::AutoScaling(_) | Due::Ssm(_)) {
            faults::remember(self);
        }
        match due {
            Due::Compute(due) => compute::happen(self, due),
            Due::AutoScaling(due) => autoscaling::happen(self, due),
            Due::Ssm(due) => ssm::happen(self, due),
            Due::Sqs(due) => sqs::happen(self, &due),
            Due::Events(due) => events::happen(self, due),
            Due::Lambda(due) => lambda::happen(self, due),
            Due::Faults(due) => faults::happen(self, &due),
        }
    }

    /// A random lower-case hex string, for ids.
    pub fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| char::from(b"0123456789abcdef"[self.rng.usize(0..16)]))
            .collect()
    }

    /// A random UUID, for request, message, command and activity ids.
    pub fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!(
            "{}-{}-4{}-a{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        )
    }
}
