//! The running region: moves the world along the clock and performs its effects.

use crate::api::{Answer, Call};
use crate::clock::Clock;
use crate::settings::Settings;
use crate::world::World;
use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;
use tokio::sync::Notify;

/// A handle on a running region. Cheap to clone; the region ends with [`Region::stop`].
#[derive(Clone)]
pub struct Region {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    world: Mutex<World>,
    changed: Notify,
}

impl Region {
    /// Starts an empty region whose clock shows `origin`. Must be called within a tokio runtime.
    pub fn start(settings: Settings, origin: OffsetDateTime) -> Self {
        let region = Self {
            shared: Arc::new(Shared {
                clock: Clock::starting_at(origin),
                world: Mutex::new(World::new(settings, origin)),
                changed: Notify::new(),
            }),
        };
        tokio::spawn(region.clone().follow_the_clock());
        region
    }

    /// The region's clock.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Looks at or changes the world at the present time, then performs what it asked for.
    pub fn with<T>(&self, step: impl FnOnce(&mut World) -> T) -> T {
        let (result, effects) = {
            let mut world = self
                .shared
                .world
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            world.advance_to(self.shared.clock.now());
            let result = step(&mut world);
            (result, world.take_effects())
        };
        for effect in effects {
            self.perform(effect);
        }
        self.shared.changed.notify_waiters();
        result
    }

    /// One API call with its latency; the effect happens half way.
    pub async fn call(&self, call: Call) -> Answer {
        let latency = self.with(|world| {
            let latency = world.settings.latencies.of(call.service, &call.operation);
            latency.mul_f64(world.settings.time_scale)
        });
        tokio::time::sleep(latency / 2).await;
        let answer = self.with(|world| world.answer(&call));
        tokio::time::sleep(latency / 2).await;
        answer
    }

    fn perform(&self, effect: crate::world::Effect) {
        match effect {}
    }

    async fn follow_the_clock(self) {
        loop {
            let changed = self.shared.changed.notified();
            let next = self.with_quietly(World::next_due);
            match next {
                Some(time) => {
                    let due = tokio::time::sleep_until(self.shared.clock.instant_of(time));
                    tokio::select! {
                        biased;
                        () = due => self.with(|_| ()),
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// Reads without advancing the world or waking anybody.
    fn with_quietly<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        let world = self
            .shared
            .world
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        read(&world)
    }
}
