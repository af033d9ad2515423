//! The journal in plain words: what a person wants to know of each entry, and nothing of most.

pub(crate) mod words;

use crate::start::{CALLER, Names, queue_name};
use region::api::Service;
use region::journal::{Entry, Happening};
use region::wire::former_code;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;
use words::{changes_groups, gist, group_of, is_poll, outcome, output, shortened, tags};

/// A line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When.
    pub(crate) at: OffsetDateTime,
    /// How long the step that ended here took.
    pub(crate) took: Option<Duration>,
    /// What, in a word or two.
    pub(crate) label: &'static str,
    /// What exactly.
    pub(crate) text: String,
    /// What a script printed.
    pub(crate) below: Vec<String>,
    /// How it is meant.
    pub(crate) tone: Tone,
}

impl Line {
    /// A line about something that happens. Text may come from anybody: it is made printable.
    pub(crate) fn plain(at: OffsetDateTime, label: &'static str, text: impl AsRef<str>) -> Self {
        Self {
            at,
            took: None,
            label,
            text: shortened(text.as_ref()),
            below: Vec::new(),
            tone: Tone::Plain,
        }
    }

    /// The same, with how long it took.
    #[must_use]
    pub(crate) fn took(self, took: Option<Duration>) -> Self {
        Self { took, ..self }
    }

    /// The same, meant so.
    #[must_use]
    pub(crate) fn good_if(self, good: bool) -> Self {
        let tone = if good { Tone::Good } else { Tone::Bad };
        Self { tone, ..self }
    }
}

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It happens.
    Plain,
    /// Something got where it should.
    Good,
    /// Something is wrong, or looks so.
    Bad,
}

/// Tells the journal. It remembers when steps began, to say how long they took.
#[derive(Debug)]
pub(crate) struct Story {
    names: Names,
    /// Functions that read a queue. The others wake up so often that it says nothing.
    polling: BTreeSet<String>,
    began: BTreeMap<(Step, String), OffsetDateTime>,
}

/// Something with a beginning and an end, on an instance or of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Launch,
    Detach,
    Attach,
    Delivery,
    Script,
    Termination,
}

impl Story {
    /// The story of a stack; `polling` are the functions that read queues.
    pub(crate) fn new(names: Names, polling: BTreeSet<String>) -> Self {
        Self {
            names,
            polling,
            began: BTreeMap::new(),
        }
    }

    /// The line for an entry, if it deserves one. Wants every entry, in order.
    pub(crate) fn tell(&mut self, entry: &Entry) -> Option<Line> {
        let at = entry.at;
        self.of_membership(at, &entry.what)
            .or_else(|| self.of_a_machine(at, &entry.what))
            .or_else(|| self.of_a_command(at, &entry.what))
            .or_else(|| self.of_a_function(at, &entry.what))
            .or_else(|| self.of_a_message(at, &entry.what))
            .or_else(|| self.of_a_call(at, &entry.what))
    }

    /// An instance joins or leaves a group.
    fn of_membership(&mut self, at: OffsetDateTime, what: &Happening) -> Option<Line> {
        Some(match what {
            Happening::Launching { group, instance } => {
                self.begins(Step::Launch, instance, at);
                Line::plain(at, "launching", format!("{instance} for {group}"))
            }
            Happening::InService { group, instance } => {
                Line::plain(at, "in service", format!("{instance} in {group}"))
                    .took(self.ends(Step::Launch, instance, at))
                    .good_if(true)
            }
            Happening::Detaching { group, instance } => {
                self.begins(Step::Detach, instance, at);
                Line::plain(at, "detaching", format!("{instance} from {group}"))
            }
            Happening::Detached { instance, .. } => Line::plain(
                at,
                "detached",
                format!("{instance} is in no group"),
            )
            .took(self.ends(Step::Detach, instance, at)),
            Happening::Attaching { group, instance } => {
                self.begins(Step::Attach, instance, at);
                Line::plain(at, "attaching", format!("{instance} to {group}"))
            }
            Happening::Attached { group, instance } => Line::plain(
                at,
                "attached",
                format!("{instance} is in service in {group}"),
            )
            .took(self.ends(Step::Attach, instance, at)),
            _ => return None,
        })
    }

    fn of_a_machine(&mut self, at: OffsetDateTime, what: &Happening) -> Option<Line> {
        Some(match what {
            Happening::Waiting { instance, .. } => {
                Line::plain(at, "booted", format!("{instance} waits in its launch hook"))
                    .took(self.since(Step::Launch, instance, at))
            }
            Happening::AgentOnline { instance } => Line::plain(at, "agent online", instance)
                .took(self.since(Step::Launch, instance, at)),
            Happening::Terminating { instance, cause } => {
                self.begins(Step::Termination, instance, at);
                Line::plain(at, "terminating", format!("{instance}: {cause}"))
            }
            Happening::Terminated { instance } => Line::plain(at, "terminated", instance)
                .took(self.ends(Step::Termination, instance, at)),
            _ => return None,
        })
    }

    fn of_a_command(&mut self, at: OffsetDateTime, what: &Happening) -> Option<Line> {
        Some(match what {
            Happening::CommandSent {
                instance,
                command_id,
                comment,
            } => {
                self.begins(Step::Delivery, command_id, at);
                Line::plain(at, "command sent", format!("{comment:?} to {instance}"))
            }
            Happening::CommandStarted {
                instance,
                command_id,
            } => {
                self.begins(Step::Script, command_id, at);
                let text = format!("picked up by the agent of {instance}");
                Line::plain(at, "script starts", text).took(self.ends(
                    Step::Delivery,
                    command_id,
                    at,
                ))
            }
            Happening::CommandFinished {
                instance,
                command_id,
                status,
                exit_code,
                stdout,
                stderr,
            } => {
                let text = format!("{status}, exit code {exit_code}, on {instance}");
                let line = Line::plain(at, "script ended", text)
                    .took(self.ends(Step::Script, command_id, at))
                    .good_if(status == "Success");
                Line {
                    below: output(stdout, stderr),
                    ..line
                }
            }
            _ => return None,
        })
    }

    fn of_a_function(&self, at: OffsetDateTime, what: &Happening) -> Option<Line> {
        let (name, label, text) = match what {
            Happening::Invoked { function, .. } if self.polling.contains(function) => {
                let text = format!("{} runs", self.names.short(function));
                return Some(Line::plain(at, "function", text));
            }
            Happening::Returned {
                function,
                result: Err(error),
                ..
            } => (function, "failed", error.clone()),
            Happening::Logged { function, line } => {
                let (level, text) = words::log(line);
                let label = match level.as_deref() {
                    Some("WARN") => "warning",
                    Some("ERROR") => "error",
                    None if !text.trim().is_empty() => "log",
                    _ => return None,
                };
                (function, label, text)
            }
            _ => return None,
        };
        let text = format!("{}: {text}", self.names.short(name));
        Some(Line::plain(at, label, text).good_if(false))
    }

    fn of_a_message(&self, at: OffsetDateTime, what: &Happening) -> Option<Line> {
        Some(match what {
            Happening::MessageSent { queue, body, .. }
                if queue == queue_name(&self.names.outcome) =>
            {
                let (ready, text) = outcome(body);
                Line::plain(at, "outcome", text).good_if(ready)
            }
            Happening::MessageSent { queue, body, .. } => {
                let text = format!("to {}: {}", self.names.short(queue), gist(body));
                Line::plain(at, "message", text)
            }
            Happening::DeadLettered { queue, body, .. } => {
                let text = format!("from {}: {}", self.names.short(queue), gist(body));
                Line::plain(at, "dead letter", text).good_if(false)
            }
            Happening::EventLost { target, reason, .. } => {
                let text = format!("for {target}: {reason}");
                Line::plain(at, "event lost", text).good_if(false)
            }
            _ => return None,
        })
    }

    fn of_a_call(&self, at: OffsetDateTime, what: &Happening) -> Option<Line> {
        let Happening::Called {
            caller,
            service,
            operation,
            input,
            error,
        } = what
        else {
            return None;
        };
        // What the template declares is there from the beginning.
        if self.names.short(caller) == "cloudformation" {
            return None;
        }
        if let Some(error) = error {
            let is_leaving = |id: &str| self.began.contains_key(&(Step::Detach, id.to_owned()));
            if is_poll(operation, error, input, is_leaving) {
                return None;
            }
            let error = match service {
                Service::Sqs => former_code(error),
                _ => error.clone(),
            };
            let text = format!("{operation} by {}: {error}", self.who(caller));
            return Some(Line::plain(at, "refused", text).good_if(false));
        }
        match operation.as_str() {
            "CreateOrUpdateTags" | "DeleteTags" => {
                Some(Line::plain(at, "tags", tags(operation, input)))
            }
            operation if changes_groups(operation) => {
                let text = format!(
                    "{operation} of {}, by {}",
                    group_of(input),
                    self.who(caller)
                );
                Some(Line::plain(at, "call", text))
            }
            _ => None,
        }
    }

    /// Who calls, in a word that fits a line.
    fn who(&self, caller: &str) -> String {
        match caller.strip_prefix("scheduler.amazonaws.com/") {
            Some(schedule) => format!("schedule {}", self.names.short(schedule)),
            None if is_named(caller) || self.names.short(caller) != caller => {
                self.names.short(caller).to_owned()
            }
            None => format!("access key {caller}"),
        }
    }

    fn begins(&mut self, step: Step, of: &str, at: OffsetDateTime) {
        self.began.insert((step, of.to_owned()), at);
    }

    fn since(&self, step: Step, of: &str, at: OffsetDateTime) -> Option<Duration> {
        let began = self.began.get(&(step, of.to_owned()))?;
        Duration::try_from(at - *began).ok()
    }

    fn ends(&mut self, step: Step, of: &str, at: OffsetDateTime) -> Option<Duration> {
        let took = self.since(step, of, at);
        self.began.remove(&(step, of.to_owned()));
        took
    }
}

/// A caller that is no access key: this command line, an AWS service.
fn is_named(caller: &str) -> bool {
    caller == CALLER || caller.starts_with("cargo ") || caller.ends_with(".amazonaws.com")
}

#[cfg(test)]
mod tests;
