//! Following the journal, until somebody interrupts.

use crate::failure::Failure;
use region::journal::Entry;
use region::region::Region;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Reads the journal as it is written.
pub(crate) struct Follower {
    region: Region,
    cursor: usize,
}

impl Follower {
    /// A reader of everything.
    pub(crate) fn from_the_start(region: &Region) -> Self {
        Self {
            cursor: 0,
            region: region.clone(),
        }
    }

    /// What came since the last call, at least one line. Dropping this future loses nothing.
    pub(crate) async fn next(&mut self) -> Vec<Entry> {
        let cursor = self.cursor;
        self.region
            .wait_until(|world| world.journal.end() > cursor)
            .await;
        let (entries, cursor) = self.region.with(|world| world.journal.since(self.cursor));
        self.cursor = cursor;
        entries
    }
}

/// Ctrl-C, a polite kill, or the end of the terminal.
pub(crate) struct Interrupts {
    signals: [Signal; 3],
}

impl Interrupts {
    /// Catches them from now on.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let catch = |kind: SignalKind| -> io::Result<Signal> { signal(kind) };
        let all = || {
            Ok([
                catch(SignalKind::interrupt())?,
                catch(SignalKind::terminate())?,
                catch(SignalKind::hangup())?,
            ])
        };
        all()
            .map(|signals| Self { signals })
            .map_err(|error| Failure::System {
                what: "cannot catch signals",
                error,
            })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
