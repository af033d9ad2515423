//! `demo`: fills the pool, sends a claim, and tells its story.

use crate::claims::{self, Claim};
use crate::cli::DemoOptions;
use crate::crowd;
use crate::failure::Failure;
use crate::fill;
use crate::follow::{Follower, Interrupts};
use crate::live;
use crate::patience::{longest_boot, patience, within};
use crate::print::Printer;
use crate::start::{Running, at_latencies};
use crate::story::{Line, Story, words};
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::outcome::Ending;
use region::journal::{Entry, Happening};
use region::settings::Settings;
use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use time::OffsetDateTime;

/// This command, as its calls are signed.
const DEMO: &str = "cargo demo";
/// The organisation of the one claim.
const ORGANISATION: usize = 1337;
/// The organisation of the claim at all of AWS's latencies.
const NEXT_ORGANISATION: usize = 1338;
/// What is shown of that one's way.
const MILESTONES: [&str; 5] = [
    "detached",
    "attached",
    "command sent",
    "script ended",
    "outcome",
];
/// What stands before the words of a line. The claim's message sets the first column back to zero.
const COLUMNS: &str =
    "seconds since the start or the claim's message, how long the step took, what happened";
/// Lines of the functions' logs that explain a demo that did not get there.
const LOG_TAIL: usize = 15;

/// Runs the demo; an error says what did not happen.
pub(crate) async fn run(mut options: DemoOptions) -> Result<(), Failure> {
    if options.create_target {
        let given = std::mem::take(&mut options.common.parameters);
        options.common.parameters = Claim::creation().into_iter().chain(given).collect();
    }
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let running = Running::start(&options.common, DEMO, options.time_scale, host, false).await?;
    let mut interrupts = Interrupts::catch()?;
    let mut demo = Demo::new(&running);
    let result = tokio::select! {
        result = demo.run(&options) => result,
        () = interrupts.next() => Err(Failure::Interrupted),
    };
    let result = match result {
        Ok(()) if options.stays() => tokio::select! {
            biased;
            () = interrupts.next() => Ok(()),
            result = demo.stay() => result,
        },
        other => other,
    };
    if matches!(result, Err(Failure::NotReady(_))) {
        demo.explain();
    }
    running.stop().await;
    result
}

impl DemoOptions {
    /// Whether the region stays up for the page: for a person yes, for a script no.
    fn stays(&self) -> bool {
        self.stay || !self.exit && io::stdout().is_terminal()
    }

    fn attach_when(&self) -> AttachWhen {
        let asked = self.attach_when.as_deref();
        asked.and_then(AttachWhen::from_code).unwrap_or_default()
    }
}

/// A demo that runs.
pub(crate) struct Demo<'r> {
    /// The region.
    pub(crate) running: &'r Running,
    /// Where the story goes.
    pub(crate) printer: Printer,
    follower: Follower,
    story: Story,
    /// Something is waited for: it is shown that time passes.
    waits: bool,
    logs: VecDeque<String>,
}

impl<'r> Demo<'r> {
    fn new(running: &'r Running) -> Self {
        Self {
            printer: Printer::stdout(running.started),
            follower: Follower::from_the_start(&running.region),
            story: Story::new(running.names.clone(), running.client().polling_functions()),
            waits: true,
            logs: VecDeque::new(),
            running,
        }
    }

    async fn run(&mut self, options: &DemoOptions) -> Result<(), Failure> {
        self.introduce(options)?;
        let limit = patience(&self.running.settings, 0);
        if self.running.pool_size() == 0 {
            let boot = longest_boot(&self.running.settings).as_secs();
            let text = format!(
                "The pool is empty (its size is 0): the claim waits for a launch, about {boot} s once replenish-pool \
                 has seen it, which takes it up to a minute."
            );
            self.printer.text(&text)?;
        } else {
            within(limit, "the pool was not filled", fill::run(self)).await?;
        }
        match options.claims {
            None => self.one_claim(options).await,
            Some(claims) => crowd::run(self, claims, options.common.pool_size).await,
        }
    }

    fn introduce(&mut self, options: &DemoOptions) -> Result<(), Failure> {
        let names = &self.running.names;
        self.printer.text(&format!(
            "A simulated AWS region, {} (--time-scale).{}\n\
             The functions are real programs, and the script really runs. Stack {}, endpoint {}\n\
             Each line below: {COLUMNS}.",
            self.running.latencies(),
            self.running.first_latencies(),
            names.stack,
            self.running.settings.endpoint
        ))?;
        if options.stays() {
            let page = format!("See it in a browser: {}", self.running.page());
            self.printer.text(&page)?;
        }
        Ok(())
    }

    /// What happened since the last call; waits for something to happen.
    pub(crate) async fn next(&mut self) -> Vec<Entry> {
        let entries = if self.waits {
            live::next(self.running, &mut self.follower, &mut self.printer).await
        } else {
            self.follower.next().await
        };
        for entry in &entries {
            if let Happening::Logged { function, line } = &entry.what {
                let (level, text) = words::log(line);
                let function = self.running.names.short(function);
                let level = level.unwrap_or_default();
                self.logs
                    .push_back(format!("  {function:<14}  {level:<5}  {text}"));
                if self.logs.len() > LOG_TAIL {
                    self.logs.pop_front();
                }
            }
        }
        entries
    }

    /// Tells an entry, if it belongs in a timeline.
    pub(crate) fn tell(&mut self, entry: &Entry) -> Result<(), Failure> {
        match self.story.tell(entry) {
            Some(line) => Ok(self.printer.line(&line)?),
            None => Ok(()),
        }
    }

    async fn one_claim(&mut self, options: &DemoOptions) -> Result<(), Failure> {
        let makes_target = options.create_target;
        let mut claim = Claim::of_organisation(ORGANISATION);
        claim.makes_target = makes_target;
        claim.attach_when = options.attach_when();
        let client = self.running.client();
        let what = if makes_target {
            "a group that does not exist"
        } else {
            claim.create_target(&client).await?;
            // The call that made the target is no part of the claim's story.
            self.next().await;
            "an empty group"
        };
        self.printer.title(&format!(
            "One claim: {} wants an instance for {}, {what}{}",
            claim.id,
            claim.target,
            if claim.attach_when == AttachWhen::AfterInit {
                ", attached after its init"
            } else {
                ""
            }
        ))?;
        claim.send(&client).await?;
        let limit = patience(&self.running.settings, 0);
        let took = within(limit, "the claim has no outcome", self.outcome(&claim)).await?;
        if makes_target {
            self.again(&claim, limit).await?;
        }
        // A pool of size 0 has nothing to refill, and another claim would only wait for a launch once more.
        let at_all = if options.common.pool_size == 0 {
            None
        } else {
            self.printer.title("The pool refills")?;
            within(limit, "the pool was not refilled", self.refill()).await?;
            self.at_all_latencies(claim.attach_when).await?
        };
        self.printer.text("")?;
        let took = took.as_secs_f64();
        let latencies = self.running.latencies();
        let at_all = at_all.map_or(String::new(), |took| {
            let (took, latencies) = (took.as_secs_f64(), at_latencies(1.0));
            format!("; ready in {took:.1} s {latencies}")
        });
        let text = format!("ready in {took:.1} s {latencies}{at_all}");
        self.printer.good(&text)?;
        Ok(())
    }

    /// Another claim, at all of AWS's latencies, where the first one had less: a fifth of them is not a fifth of
    /// the time, since programs take theirs.
    async fn at_all_latencies(&mut self, when: AttachWhen) -> Result<Option<Duration>, Failure> {
        let asked = self.running.settings.time_scale;
        if (asked - 1.0).abs() < f64::EPSILON {
            return Ok(None);
        }
        let mut claim = Claim::of_organisation(NEXT_ORGANISATION);
        claim.attach_when = when;
        let client = self.running.client();
        claim.create_target(&client).await?;
        self.next().await;
        let title = format!("The same {}: {}", at_latencies(1.0), claim.id);
        self.printer.title(&title)?;
        let region = &self.running.region;
        region.with(|world| world.settings.time_scale = 1.0);
        claim.send(&client).await?;
        let limit = patience(&Settings::default(), 0);
        let took = within(limit, "the claim has no outcome", self.milestones(&claim)).await;
        region.with(|world| world.settings.time_scale = asked);
        took.map(Some)
    }

    /// The same message changes nothing: the group is there, and the claim has its instance.
    async fn again(&mut self, claim: &Claim, limit: Duration) -> Result<(), Failure> {
        self.printer.title("The same message again")?;
        let zero = self.printer.zero;
        let again = format!("{}-again", claim.id);
        claim.send_as(&self.running.client(), &again).await?;
        within(limit, "the repeat has no outcome", self.outcome(claim)).await?;
        self.printer.zero = zero;
        let members = self.running.members(&claim.target);
        let text = format!("{} has {members} instance, as before", claim.target);
        self.printer.text(&text)?;
        Ok(())
    }

    /// Tells the claim's way to its outcome; returns how long it took from its message.
    async fn outcome(&mut self, claim: &Claim) -> Result<Duration, Failure> {
        self.follow(claim, Some).await
    }

    /// The same, in a few lines.
    async fn milestones(&mut self, claim: &Claim) -> Result<Duration, Failure> {
        let short = |line: Line| Line {
            below: Vec::new(),
            ..line
        };
        self.follow(claim, |line| {
            MILESTONES.contains(&line.label).then(|| short(line))
        })
        .await
    }

    async fn follow(
        &mut self,
        claim: &Claim,
        shown: impl Fn(Line) -> Option<Line>,
    ) -> Result<Duration, Failure> {
        let mut ending = None;
        while ending.is_none() {
            for entry in self.next().await {
                if claims::sent(&entry, &self.running.names).is_some() {
                    self.printer.zero = entry.at;
                }
                if let Some(line) = self.story.tell(&entry).and_then(&shown) {
                    self.printer.line(&line)?;
                }
                let outcome = claims::outcome(&entry, &self.running.names);
                ending = ending.or(outcome.map(|outcome| (entry.at, outcome)));
            }
        }
        match ending {
            Some((at, outcome)) if outcome.outcome == Ending::Ready => Ok(self.since_zero(at)),
            Some((_, outcome)) => Err(Failure::NotReady(format!(
                "{} is {}: {}",
                claim.id,
                outcome.outcome.code(),
                outcome.message
            ))),
            None => Ok(Duration::ZERO),
        }
    }

    /// Stays up for whoever opens the page, and tells what happens.
    async fn stay(&mut self) -> Result<(), Failure> {
        self.waits = false;
        self.printer.text(&format!(
            "\nThe region stays up. Open {} to send a claim with a click and to break things. \
             `{} claim <claim_id>` tells how one stands. Ctrl-C ends it.",
            self.running.page(),
            self.running.operator()
        ))?;
        loop {
            for entry in self.next().await {
                self.tell(&entry)?;
            }
        }
    }

    fn since_zero(&self, at: OffsetDateTime) -> Duration {
        Duration::try_from(at - self.printer.zero).unwrap_or_default()
    }

    async fn refill(&mut self) -> Result<(), Failure> {
        while !self.running.pool_is_full() {
            for entry in self.next().await {
                self.tell(&entry)?;
            }
        }
        Ok(())
    }

    /// Shows the end of the functions' logs.
    fn explain(&mut self) {
        // Standard output may be the problem; the error itself is reported in any case.
        let _ = self.printer.title("The functions' last words");
        for line in &self.logs {
            let _ = self.printer.text(line);
        }
    }
}
