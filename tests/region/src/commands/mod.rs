//! What an instance's agent does with a script: really run it, or pretend.

mod real;
mod scripted;

pub use real::{RealScripts, Shell};
pub use scripted::{Pretence, Scripted};

use futures::future::BoxFuture;
use std::time::Duration;

/// A script to run on an instance.
#[derive(Clone, Debug)]
pub struct CommandRun {
    /// The command.
    pub command_id: String,
    /// The instance.
    pub instance: String,
    /// AWS region name, for the script's environment.
    pub region: String,
    /// The `commands` lines, joined.
    pub script: String,
    /// `workingDirectory`, if one was asked for.
    pub working_directory: Option<String>,
    /// `executionTimeout`: the script is killed then.
    pub execution_timeout: Duration,
    /// Whether cloud-init is done with the machine's user data.
    pub user_data_done: bool,
    /// How long a runner that only pretends lets it take.
    pub pretend_for: Duration,
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptEnd {
    /// By itself.
    Exited {
        /// Exit code; 128 and the number for a signal, as in a shell.
        exit_code: i32,
        /// Standard output.
        stdout: String,
        /// Standard error.
        stderr: String,
    },
    /// Killed after `execution_timeout`.
    TimedOut {
        /// Standard output so far.
        stdout: String,
        /// Standard error so far.
        stderr: String,
    },
}

/// Runs scripts.
pub trait CommandRunner: Send + Sync {
    /// Runs one. Dropping the future ends the script.
    fn run(&self, run: CommandRun) -> BoxFuture<'static, ScriptEnd>;

    /// The instance is gone, and everything on it.
    fn instance_lost(&self, instance: &str);

    /// The region stops. No script runs any more.
    fn stop(&self);
}
