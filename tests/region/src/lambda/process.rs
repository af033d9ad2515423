//! Functions that are real programs: child processes that speak the Lambda Runtime API.
//!
//! Only for runs on the wall clock: sockets and processes do not follow a paused one.

use super::environment;
use super::function::{Function, FunctionConfig, FunctionError, Invocation};
use super::runtime_api::{InvocationResult, RuntimeApi};
use crate::journal::Happening;
use crate::process_group;
use crate::region::Region;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::fmt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// What runs in an execution environment.
#[derive(Clone, Debug)]
pub enum Program {
    /// An executable. It gets the variables that Lambda sets, and of this process's own only
    /// `PATH` and `HOME`.
    Executable(PathBuf),
    /// A command line for `sh`. It gets this process's variables, too, because tools need them;
    /// but no `AWS_…`, which would lead it elsewhere.
    Command(String),
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Executable(path) => path.display().fmt(formatter),
            Self::Command(line) => line.fmt(formatter),
        }
    }
}

impl Program {
    /// A process of it, not yet started, without the variables that Lambda sets.
    fn command(&self) -> Command {
        match self {
            Self::Executable(path) => {
                let mut command = Command::new(path);
                command.env_clear();
                let kept = ["PATH", "HOME"].into_iter();
                command.envs(kept.filter_map(|name| Some((name, std::env::var_os(name)?))));
                command
            }
            Self::Command(line) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(line);
                for (name, _) in std::env::vars_os() {
                    if name.to_string_lossy().starts_with("AWS_") {
                        command.env_remove(name);
                    }
                }
                command
            }
        }
    }
}

/// Runs invocations in processes of one program. An environment serves one invocation at a time
/// and is kept for the next; a killed or crashed one is replaced by the next invocation.
pub struct ProcessFunction {
    shared: Arc<Shared>,
}

struct Shared {
    config: FunctionConfig,
    program: Program,
    region: Region,
    idle: Mutex<Vec<Environment>>,
}

/// An execution environment: a process, with all that it started, and its Runtime API.
struct Environment {
    api: RuntimeApi,
    process: Child,
}

impl ProcessFunction {
    /// A function whose code is `program`.
    pub fn new(config: FunctionConfig, program: Program, region: Region) -> Self {
        let shared = Shared {
            config,
            program,
            region,
            idle: Mutex::new(Vec::new()),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Function for ProcessFunction {
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, InvocationResult> {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut environment = match shared.take_idle() {
                Some(environment) => environment,
                None => shared.start().await.map_err(|error| {
                    let program = &shared.program;
                    FunctionError::new("Runtime.InvalidEntrypoint", format!("{program}: {error}"))
                })?,
            };
            // Dropping this future drops the environment, which kills its processes.
            let request_id = invocation.request_id.clone();
            let result = environment.run(invocation).await;
            match result {
                Ok(result) => {
                    shared.put_back(environment);
                    result
                }
                Err(status) => Err(FunctionError::exited(&request_id, &status)),
            }
        }
        .boxed()
    }
}

impl Environment {
    /// Runs one invocation; `Err` says how the process ended instead.
    async fn run(&mut self, invocation: Invocation) -> Result<InvocationResult, String> {
        let mut result = self.api.hand_over(invocation);
        tokio::select! {
            biased;
            result = &mut result => result.map_err(|_| "the runtime API ended".to_owned()),
            status = self.process.wait() => match result.try_recv() {
                // It answered with its last breath (an init error does).
                Ok(Err(error)) => Ok(Err(error)),
                _ => Err(status.map_or_else(|error| error.to_string(), described)),
            },
        }
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // Once the process was waited for, its number may be somebody else's.
        if let Some(leader) = self.process.id() {
            process_group::kill(leader);
        }
    }
}

fn described(status: ExitStatus) -> String {
    status.to_string()
}

impl Shared {
    fn take_idle(&self) -> Option<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut environment) = idle.pop() {
            if environment.is_alive() {
                return Some(environment);
            }
        }
        None
    }

    fn put_back(&self, environment: Environment) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(environment);
    }

    async fn start(&self) -> std::io::Result<Environment> {
        let api = RuntimeApi::serve().await?;
        let variables = environment::variables(&self.region, &self.config);
        let mut process = self
            .program
            .command()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .envs(variables)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(stdout) = process.stdout.take() {
            self.log_lines(stdout);
        }
        if let Some(stderr) = process.stderr.take() {
            self.log_lines(stderr);
        }
        Ok(Environment { api, process })
    }

    fn log_lines(&self, output: impl AsyncRead + Unpin + Send + 'static) {
        let region = self.region.clone();
        let function = self.config.name.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let function = function.clone();
                region.with(|world| world.record(Happening::Logged { function, line }));
            }
        });
    }
}

#[cfg(test)]
pub(super) mod tests;
