//! The running region: moves the world along the clock and performs its effects.

mod builder;
mod delivery;
mod invoke;

pub use builder::{Builder, StartError, TemplateSource};

use crate::api::{Answer, Call, Service};
use crate::clock::Clock;
use crate::commands::{CommandRun, CommandRunner, Scripted};
use crate::faults::Unanswered;
use crate::lambda::Function;
use crate::settings::Settings;
use crate::sqs;
use crate::ssm;
use crate::template::Stack;
use crate::world::{Effect, World};
use delivery::Delivery;
use invoke::End;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use time::OffsetDateTime;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

/// A handle on a running region. Cheap to clone; the region ends with [`Region::stop`].
#[derive(Clone)]
pub struct Region {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    world: Mutex<World>,
    changed: Notify,
    /// What was loaded from templates, in their order.
    stacks: OnceLock<Vec<Stack>>,
    /// The code of the functions, by name.
    functions: Mutex<BTreeMap<String, Arc<dyn Function>>>,
    /// Kills a running invocation, by request id.
    kills: Mutex<BTreeMap<String, oneshot::Sender<End>>>,
    /// Runs the scripts of commands.
    commands: Arc<dyn CommandRunner>,
    /// Everything the region does by itself; `None` once it has stopped.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl Region {
    /// Starts an empty region whose clock shows `origin`. Must be called within a tokio runtime.
    pub fn start(settings: Settings, origin: OffsetDateTime) -> Self {
        let region = Self::stopped(settings, origin, Arc::new(Scripted::default()));
        region.spawn(region.clone().follow_the_clock());
        region
    }

    /// A region with a template, functions and so on. Its clock shows `origin` when it starts.
    pub fn builder(settings: Settings, origin: OffsetDateTime) -> Builder {
        Builder::new(settings, origin)
    }

    /// An empty region that does not yet move along its clock.
    fn stopped(
        settings: Settings,
        origin: OffsetDateTime,
        commands: Arc<dyn CommandRunner>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock: Clock::starting_at(origin),
                world: Mutex::new(World::new(settings, origin)),
                changed: Notify::new(),
                stacks: OnceLock::new(),
                functions: Mutex::default(),
                kills: Mutex::default(),
                commands,
                tasks: Mutex::new(Some(JoinSet::new())),
            }),
        }
    }

    /// Ends the region: nothing happens in it any more, running invocations are killed, and the
    /// processes of functions are gone.
    pub async fn stop(&self) {
        let tasks = lock(&self.shared.tasks).take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
        lock(&self.shared.functions).clear();
        self.shared.commands.stop();
    }

    /// The region's clock.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// What the template became; the first one, where there are several.
    ///
    /// # Panics
    /// When the region was started without a template.
    pub fn stack(&self) -> &Stack {
        self.stacks()
            .first()
            .expect("the region was started with a template")
    }

    /// What the templates became, in their order.
    pub fn stacks(&self) -> &[Stack] {
        self.shared.stacks.get().map_or(&[], Vec::as_slice)
    }

    /// Looks at or changes the world at the present time, then performs what it asked for.
    pub fn with<T>(&self, step: impl FnOnce(&mut World) -> T) -> T {
        let (result, effects) = {
            let mut world = lock(&self.shared.world);
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
        if call.service == Service::Sqs && call.operation == "ReceiveMessage" {
            self.wait_for_message(&call).await;
        }
        let answer = self.with(|world| world.answer(&call));
        if let Some(unanswered) = Unanswered::of(&answer) {
            self.leave_unanswered(&call.caller, unanswered).await;
        }
        let delivery = Delivery::of(self, &call, &answer);
        tokio::time::sleep(latency / 2).await;
        delivery.arrived();
        answer
    }

    /// Runs until something can be received, or as long as the call may wait.
    async fn wait_for_message(&self, call: &Call) {
        let Some(wait) = self.read(|world| sqs::long_poll(world, &call.input)) else {
            return;
        };
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let changed = self.shared.changed.notified();
            let now = self.shared.clock.now();
            if self.read(|world| sqs::receivable(world, &call.input, now)) {
                return;
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep_until(deadline) => return,
            }
        }
    }

    /// Waits until `done` says so of the world; it is asked after every step that is taken.
    pub async fn wait_until(&self, mut done: impl FnMut(&World) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            if self.read(&mut done) {
                return;
            }
            changed.await;
        }
    }

    fn perform(&self, effect: Effect) {
        match effect {
            Effect::Invoke(invocation) => self.invoke(invocation),
            Effect::Kill(request_id) => self.end(&request_id, End::Killed),
            Effect::RunCommand(run) => self.run_command(run),
            Effect::InstanceLost(instance) => self.shared.commands.instance_lost(&instance),
        }
    }

    fn run_command(&self, run: CommandRun) {
        let (command, instance) = (run.command_id.clone(), run.instance.clone());
        let script = self.shared.commands.run(run);
        let region = self.clone();
        self.spawn(async move {
            let end = script.await;
            region.with(|world| ssm::finished(world, &command, &instance, end));
        });
    }

    /// Runs a task that ends with the region.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = lock(&self.shared.tasks).as_mut() {
            tasks.spawn(task);
            while tasks.try_join_next().is_some() {}
        }
    }

    async fn follow_the_clock(self) {
        loop {
            let changed = self.shared.changed.notified();
            let next = self.read(World::next_due);
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
    pub fn read<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&lock(&self.shared.world))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
