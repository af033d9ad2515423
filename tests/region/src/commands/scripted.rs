//! Pretends to run scripts, on tokio's clock.

use super::{CommandRun, CommandRunner, ScriptEnd};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a pretended script does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pretence {
    /// Exit code.
    pub exit_code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it takes; `None` for the region's own figure.
    pub takes: Option<Duration>,
}

type Answer = dyn FnMut(&CommandRun) -> Pretence + Send;

/// A runner that asks a function. By default every script succeeds, silently.
pub struct Scripted {
    answer: Mutex<Box<Answer>>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new(|_| Pretence::default())
    }
}

impl Scripted {
    /// A runner whose scripts do what `answer` says.
    pub fn new(answer: impl FnMut(&CommandRun) -> Pretence + Send + 'static) -> Self {
        Self {
            answer: Mutex::new(Box::new(answer)),
        }
    }

    /// From now on, scripts do what `answer` says.
    pub fn set(&self, answer: impl FnMut(&CommandRun) -> Pretence + Send + 'static) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(answer);
    }
}

impl CommandRunner for Scripted {
    fn run(&self, run: CommandRun) -> BoxFuture<'static, ScriptEnd> {
        let pretence = {
            let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&run)
        };
        async move {
            let Pretence {
                exit_code,
                stdout,
                stderr,
                takes,
            } = pretence;
            let takes = takes.unwrap_or(run.pretend_for);
            tokio::time::sleep(takes.min(run.execution_timeout)).await;
            if takes > run.execution_timeout {
                ScriptEnd::TimedOut { stdout, stderr }
            } else {
                ScriptEnd::Exited {
                    exit_code,
                    stdout,
                    stderr,
                }
            }
        }
        .boxed()
    }

    fn instance_lost(&self, _instance: &str) {}

    fn stop(&self) {}
}
