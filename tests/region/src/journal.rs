//! What happened in the region, in order: the source of timelines, summaries and assertions.

use crate::api::Service;
use crate::iam::Refused;
use serde_json::Value;
use std::collections::VecDeque;
use time::OffsetDateTime;

/// One line of the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, on the region's clock.
    pub at: OffsetDateTime,
    /// What.
    pub what: Happening,
}

/// Something that happened.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the words of the AWS services")]
pub enum Happening {
    /// An API call was answered.
    Called {
        caller: String,
        service: Service,
        operation: String,
        input: Value,
        /// The error code, for a refused one.
        error: Option<String>,
    },
    /// An answer did not reach its caller, who was killed or waited no longer.
    Unheard {
        caller: String,
        operation: String,
        input: Value,
        error: Option<String>,
    },
    /// Auto Scaling started to launch an instance.
    Launching { group: String, instance: String },
    /// An instance waits in its launch hook.
    Waiting { group: String, instance: String },
    /// An instance became `InService` after a launch (not after an attach).
    InService { group: String, instance: String },
    /// An instance's SSM agent registered.
    AgentOnline { instance: String },
    /// A detach was accepted.
    Detaching { group: String, instance: String },
    /// A detach finished: the instance is in no group.
    Detached { group: String, instance: String },
    /// An attach was accepted.
    Attaching { group: String, instance: String },
    /// An attach finished: `InService` in its new group.
    Attached { group: String, instance: String },
    /// An instance is being terminated.
    Terminating { instance: String, cause: String },
    /// An instance is gone.
    Terminated { instance: String },
    /// A command was accepted.
    CommandSent {
        instance: String,
        command_id: String,
        comment: String,
    },
    /// The agent started the script.
    CommandStarted {
        instance: String,
        command_id: String,
    },
    /// A command reached a final status.
    CommandFinished {
        instance: String,
        command_id: String,
        status: String,
        exit_code: i32,
        stdout: String,
        stderr: String,
    },
    /// A message became part of a queue.
    MessageSent {
        queue: String,
        message_id: String,
        group_id: Option<String>,
        body: String,
    },
    /// A message was moved to a dead-letter queue.
    DeadLettered {
        queue: String,
        message_id: String,
        body: String,
    },
    /// A message was deleted.
    MessageDeleted { queue: String, message_id: String },
    /// An event was put on the default bus.
    Event {
        source: String,
        detail_type: String,
        detail: Value,
    },
    /// An event did not reach a target of a rule that matched it, nor a dead-letter queue.
    EventLost {
        rule: String,
        target: String,
        reason: String,
    },
    /// A function started on an invocation.
    Invoked {
        function: String,
        request_id: String,
    },
    /// An invocation ended; `Err` holds its error or time-out.
    Returned {
        function: String,
        request_id: String,
        result: Result<Value, String>,
    },
    /// Policies did not allow something, to a caller or to a service that acts by itself.
    Denied {
        refused: Refused,
        /// What AWS says of it.
        message: String,
    },
    /// A real function's process wrote a line of log.
    Logged { function: String, line: String },
}

/// The newest entries, oldest first. A long-running region forgets the oldest.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    forgotten: usize,
}

const KEPT_ENTRIES: usize = 500_000;

impl Journal {
    /// Appends a line.
    pub fn record(&mut self, at: OffsetDateTime, what: Happening) {
        if self.entries.len() == KEPT_ENTRIES {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(Entry { at, what });
    }

    /// All entries still kept, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The cursor behind the newest entry.
    pub fn end(&self) -> usize {
        self.forgotten + self.entries.len()
    }

    /// The entries after position `cursor` (counted from the region's start), and the next cursor.
    pub fn since(&self, cursor: usize) -> (Vec<Entry>, usize) {
        let skip = cursor.saturating_sub(self.forgotten);
        let new = self.entries.iter().skip(skip).cloned().collect();
        (new, self.end())
    }
}
