//! Functions that are real programs: child processes that speak the Lambda Runtime API.
//!
//! Only for runs on the wall clock: sockets and processes do not follow a paused one.

use super::function::{Function, FunctionConfig, FunctionError, Invocation};
use super::runtime_api::{Outcome, RuntimeApi};
use crate::journal::Happening;
use crate::region::Region;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// Runs invocations in processes of one program. An environment serves one invocation at a time
/// and is kept for the next; a killed or crashed one is replaced by the next invocation.
pub struct ProcessFunction {
    shared: Arc<Shared>,
}

struct Shared {
    config: FunctionConfig,
    program: PathBuf,
    region: Region,
    idle: Mutex<Vec<Environment>>,
}

/// An execution environment: a process and its Runtime API.
struct Environment {
    api: RuntimeApi,
    process: Child,
}

impl ProcessFunction {
    /// A function whose code is the executable `program`.
    pub fn new(config: FunctionConfig, program: PathBuf, region: Region) -> Self {
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
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Outcome> {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut environment = match shared.take_idle() {
                Some(environment) => environment,
                None => shared.start().await.map_err(|error| {
                    let program = shared.program.display();
                    FunctionError::new("Runtime.InvalidEntrypoint", format!("{program}: {error}"))
                })?,
            };
            // Dropping this future drops the environment, which kills its process.
            let request_id = invocation.request_id.clone();
            let outcome = environment.run(invocation).await;
            match outcome {
                Ok(outcome) => {
                    shared.put_back(environment);
                    outcome
                }
                Err(status) => Err(FunctionError::exited(&request_id, &status)),
            }
        }
        .boxed()
    }
}

impl Environment {
    /// Runs one invocation; `Err` says how the process ended instead.
    async fn run(&mut self, invocation: Invocation) -> Result<Outcome, String> {
        let mut outcome = self.api.hand_over(invocation);
        tokio::select! {
            biased;
            outcome = &mut outcome => outcome.map_err(|_| "the runtime API ended".to_owned()),
            status = self.process.wait() => match outcome.try_recv() {
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
        let mut process = Command::new(&self.program)
            .env_clear()
            .envs(self.environment(api.address()))
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

    /// The variables that Lambda sets, then the template's.
    fn environment(&self, runtime_api: &str) -> Vec<(String, String)> {
        let config = &self.config;
        let (region_name, endpoint) = self.region.with(|world| {
            let settings = &world.settings;
            (settings.region_name.clone(), settings.endpoint.clone())
        });
        let inherited = ["PATH", "HOME"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
        let lambda = [
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", config.name.clone()),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                config.memory_mb.to_string(),
            ),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            (
                "AWS_LAMBDA_LOG_GROUP_NAME",
                format!("/aws/lambda/{}", config.name),
            ),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            ("AWS_REGION", region_name.clone()),
            ("AWS_DEFAULT_REGION", region_name),
            // The region tells its callers apart by their access key id.
            ("AWS_ACCESS_KEY_ID", config.name.clone()),
            ("AWS_SECRET_ACCESS_KEY", "unused".to_owned()),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        inherited
            .chain(lambda)
            .chain(config.environment.clone())
            .collect()
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
mod tests;
