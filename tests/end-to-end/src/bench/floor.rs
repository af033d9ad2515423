//! The least that a claim can take: the region's own latencies on its critical path, and nothing of ours.

use region::settings::{Settings, Spread};
use std::time::Duration;

/// From a claim's message to each step, if every duration is the middle of its range and nothing is done twice.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// To Systems Manager's having the command.
    pub command_sent: Duration,
    /// To the instance's being in service in its target.
    pub attached: Duration,
    /// To the outcome.
    pub ready: Duration,
}

impl Floor {
    /// With these latencies, where instances are attached after their init.
    pub fn after_init(settings: &Settings) -> Self {
        let (timings, latencies) = (&settings.timings, &settings.latencies);
        let to_function = middle(timings.queue_to_function);
        let detached = to_function + latencies.other * 2 + latencies.attach_detach / 2;
        let free = detached + middle(timings.detach);
        let handed_over = detached + latencies.attach_detach / 2 + latencies.queue + to_function;
        let command_sent = handed_over + latencies.send_command / 2;
        let ended = command_sent + middle(timings.command_pickup) + middle(timings.command_run);
        let heard = ended + middle(timings.event_delivery) + to_function;
        let attached = free.max(heard) + latencies.attach_detach / 2 + middle(timings.attach);
        Self {
            command_sent,
            attached,
            // The entry, then the outcome.
            ready: attached + latencies.other + latencies.queue,
        }
    }

    /// With these latencies. A call takes effect half way.
    pub fn of(settings: &Settings) -> Self {
        let (timings, latencies) = (&settings.timings, &settings.latencies);
        let to_function = middle(timings.queue_to_function);
        // claim-instance reads the groups, enters the claim, detaches.
        let detached = to_function + latencies.other * 2 + latencies.attach_detach / 2;
        let free = detached + middle(timings.detach);
        let handed_over = detached + latencies.attach_detach / 2 + latencies.queue + to_function;
        // init-instance attaches as soon as the instance is free, then sends the command.
        let attach_answered = free.max(handed_over) + latencies.attach_detach;
        let command_sent = attach_answered + latencies.send_command / 2;
        let attached = free.max(handed_over) + latencies.attach_detach / 2 + middle(timings.attach);
        let ended = command_sent + middle(timings.command_pickup) + middle(timings.command_run);
        let heard = ended + middle(timings.event_delivery) + to_function;
        // The entry, then the outcome.
        let ready = heard.max(attached) + latencies.other + latencies.queue;
        Self {
            command_sent,
            attached,
            ready,
        }
    }
}

fn middle(spread: Spread) -> Duration {
    (spread.min + spread.max) / 2
}
