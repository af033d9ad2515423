//! A simulated pool: claims in order, launches that take as long as those of the history.
//!
//! It does what the functions do. A claim takes a ready instance or waits, first come, first served. A
//! instance that leaves is replaced, unless the capacity is above the size. Each minute a pass learns
//! the minute before, decides the size, and raises the capacity at once, or lowers it in a quiet
//! moment. There are no faults here: those are the simulated region's business.

use crate::demand::{Demand, Leads, MINUTE};
use crate::outcome::Outcome;
use ready_pool_sizing::Record;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// From a cause to the launch's start, in milliseconds: until Auto Scaling notices that an instance is gone.
pub const NOTICE: u64 = 25_000;
/// For how long nothing must have been launched or detached before the capacity is lowered.
const QUIET: u64 = 5 * MINUTE;

/// What a pass knows.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// Minutes since the demand began.
    pub minute: u32,
    /// What happened in the minute before; none in the first.
    pub ended: Option<Record<'a>>,
    /// Claims that wait now.
    pub waiting: u32,
    /// The size until now.
    pub size: u32,
}

/// How many instances to keep ready.
pub trait Policy {
    /// The size from this pass on.
    fn size(&mut self, pass: &Pass) -> u32;
}

/// Stopped instances behind the ready ones.
#[derive(Clone, Copy, Debug)]
pub struct Tier {
    /// So many are kept.
    pub size: u32,
    /// From a cause to being ready, in milliseconds.
    pub start: u64,
}

/// What the simulation depends on.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// When claims come.
    pub demand: &'a Demand,
    /// How long launches take.
    pub leads: &'a Leads,
    /// The pool holds so many instances at most, those for waiting claims included.
    pub most: u32,
    /// The first size.
    pub first_size: u32,
    /// What happens in the first so many minutes is not counted.
    pub unscored_minutes: u32,
    /// Stopped instances behind the ready ones.
    pub tier: Option<Tier>,
}

/// An instance on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Coming {
    /// Ready after so many milliseconds since its cause, of which it ran so many.
    Ready { lead: u64, ran: u64 },
    /// Stopped.
    Stopped,
}

struct Pool<'a> {
    setting: Setting<'a>,
    now: u64,
    size: u32,
    desired: u32,
    /// For how long each ready instance ran before it was ready; the oldest first.
    ready: VecDeque<u64>,
    stopped: u32,
    coming: BinaryHeap<Reverse<(u64, Coming)>>,
    /// How many of those become ready.
    booting: u32,
    /// When each waiting claim came.
    waiting: VecDeque<u64>,
    launches: usize,
    last_activity: u64,
    /// Of the minute under way.
    detached: u32,
    waited: u32,
    lead_seconds: Vec<f64>,
    outcome: Outcome,
}

/// Runs a policy through all of the demand.
pub fn run(setting: Setting, policy: &mut dyn Policy) -> Outcome {
    let mut pool = Pool::new(setting);
    let mut claims = setting.demand.claims.iter().copied().peekable();
    for minute in 0..setting.demand.minutes {
        pool.pass(minute, policy);
        let end = u64::from(minute + 1) * MINUTE;
        loop {
            let claim = claims.peek().copied().filter(|at| *at < end);
            let coming = pool.coming.peek().map(|Reverse((at, _))| *at);
            match (claim, coming.filter(|at| *at < end)) {
                // An instance that is ready at the moment of the claim serves it.
                (Some(claim), coming) if coming.is_none_or(|at| at > claim) => {
                    claims.next();
                    pool.go_to(claim);
                    pool.claim();
                }
                (_, Some(at)) => {
                    pool.go_to(at);
                    pool.arrive();
                }
                (_, None) => break,
            }
        }
        pool.go_to(end);
    }
    pool.finish()
}

impl<'a> Pool<'a> {
    fn new(setting: Setting<'a>) -> Self {
        let size = setting.first_size.min(setting.most);
        Self {
            setting,
            now: 0,
            size,
            desired: size,
            ready: (0..size).map(|_| 0).collect(),
            stopped: setting.tier.map_or(0, |tier| tier.size),
            coming: BinaryHeap::new(),
            booting: 0,
            waiting: VecDeque::new(),
            launches: 0,
            last_activity: 0,
            detached: 0,
            waited: 0,
            lead_seconds: Vec::new(),
            outcome: Outcome::new(setting.demand, setting.unscored_minutes),
        }
    }

    fn is_scored(&self) -> bool {
        self.now >= u64::from(self.setting.unscored_minutes) * MINUTE
    }

    /// Lets the time pass, and counts who idles meanwhile.
    fn go_to(&mut self, at: u64) {
        if self.is_scored() {
            let passed = at - self.now;
            self.outcome.idle(passed, self.ready.len(), self.stopped);
        }
        self.now = at;
    }

    fn pass(&mut self, minute: u32, policy: &mut dyn Policy) {
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        let record = Record {
            detached: self.detached,
            waited: Some(self.waited),
            waiting: Some(waiting),
            lead_seconds: &self.lead_seconds,
            capped: self.size == self.setting.most,
            ..Record::default()
        };
        let size = policy.size(&Pass {
            minute,
            ended: (minute > 0).then_some(record),
            waiting,
            size: self.size,
        });
        (self.detached, self.waited) = (0, 0);
        self.lead_seconds.clear();
        self.outcome
            .decided(minute, size, size == self.setting.most);
        self.size = size;
        let wanted = size.saturating_add(waiting).min(self.setting.most);
        if wanted > self.desired {
            for _ in self.desired..wanted {
                self.launch();
            }
            self.desired = wanted;
        } else if self.is_quiet() {
            for _ in wanted..self.desired {
                self.terminate();
            }
        }
    }

    /// Nobody waits, and nothing comes or goes.
    fn is_quiet(&self) -> bool {
        self.waiting.is_empty() && self.booting == 0 && self.now - self.last_activity >= QUIET
    }

    fn terminate(&mut self) {
        if let Some(ran) = self.ready.pop_front() {
            self.desired -= 1;
            if self.is_scored() {
                self.outcome.terminated(ran);
            }
        }
    }

    fn launch(&mut self) {
        self.booting += 1;
        let cold = self.setting.leads.nth(self.launches);
        self.launches += 1;
        match self.setting.tier {
            Some(tier) if self.stopped > 0 => {
                self.stopped -= 1;
                let ready = Coming::Ready {
                    lead: tier.start,
                    ran: tier.start.saturating_sub(NOTICE),
                };
                self.come(tier.start, ready);
                self.come(cold, Coming::Stopped);
                if self.is_scored() {
                    self.outcome.started(tier.start);
                }
            }
            _ => {
                let ready = Coming::Ready {
                    lead: cold,
                    ran: cold.saturating_sub(NOTICE),
                };
                self.come(cold, ready);
            }
        }
    }

    fn come(&mut self, after: u64, coming: Coming) {
        self.coming.push(Reverse((self.now + after, coming)));
    }

    /// What comes next is there.
    fn arrive(&mut self) {
        let Some(Reverse((_, coming))) = self.coming.pop() else {
            return;
        };
        match coming {
            Coming::Stopped => self.stopped += 1,
            Coming::Ready { lead, ran } => {
                self.booting -= 1;
                self.last_activity = self.now;
                self.lead_seconds.push(seconds(lead));
                self.ready.push_back(ran);
                if let Some(came) = self.waiting.pop_front() {
                    self.waited += 1;
                    self.outcome.waited(came, self.now);
                    self.detach();
                }
            }
        }
    }

    fn claim(&mut self) {
        self.outcome.came(self.now);
        if self.ready.is_empty() {
            self.waiting.push_back(self.now);
        } else {
            self.detach();
        }
    }

    /// An instance leaves for a claim.
    fn detach(&mut self) {
        self.ready.pop_front();
        self.detached += 1;
        self.last_activity = self.now;
        if self.desired > self.size {
            self.desired -= 1;
        } else {
            self.launch();
        }
    }

    /// Who still waits has waited until now.
    fn finish(mut self) -> Outcome {
        while let Some(came) = self.waiting.pop_front() {
            self.outcome.waited(came, self.now);
        }
        self.outcome.close();
        self.outcome
    }
}

fn seconds(milliseconds: u64) -> f64 {
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}
