//! Really runs scripts, as amazon-ssm-agent does: the lines become a file that `sh` runs, or the
//! interpreter its first line names. (On Amazon Linux `sh` is bash; so it is here.)
//!
//! Every instance has a directory of its own under one temporary directory, which is removed in
//! the end. It is no sandbox: scripts run with the rights of whoever runs the region.

use super::{CommandRun, CommandRunner, ScriptEnd};
use crate::process_group;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::process::Command;

/// The variables that an instance gives its scripts beside the agent's own, from its id and its
/// directory.
type Environment = dyn Fn(&str, &Path) -> Vec<(String, String)> + Send + Sync;

/// A runner of real scripts.
pub struct Bash {
    root: PathBuf,
    environment: Arc<Environment>,
    running: Arc<Running>,
}

/// The process groups that run now, by instance.
#[derive(Default)]
struct Running(Mutex<BTreeMap<String, BTreeSet<u32>>>);

/// Tells runners of one process apart.
static RUNNERS: AtomicU32 = AtomicU32::new(0);

/// What is read of an output file: more than SSM ever shows.
const MAX_OUTPUT: u64 = 128 * 1024;

impl Bash {
    /// A runner with its own temporary directory. `environment` adds variables to those of the
    /// agent, for an instance's id and directory.
    pub fn new(
        environment: impl Fn(&str, &Path) -> Vec<(String, String)> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let number = RUNNERS.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("region-{}-{number}", std::process::id()));
        // Left over from a process with the same id that was killed.
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        fs::create_dir_all(&root)?;
        Ok(Self {
            root,
            environment: Arc::new(environment),
            running: Arc::default(),
        })
    }

    /// The instance's own directory: `$HOME`, and where scripts start.
    pub fn directory(&self, instance: &str) -> PathBuf {
        self.root.join(instance)
    }
}

impl CommandRunner for Bash {
    fn run(&self, run: CommandRun) -> BoxFuture<'static, ScriptEnd> {
        let home = self.directory(&run.instance);
        let environment = Arc::clone(&self.environment);
        let running = Arc::clone(&self.running);
        async move {
            match execute(&run, &home, &*environment, &running).await {
                Ok(end) => end,
                // As when the agent cannot start the script, a missing working directory say.
                Err(error) => ScriptEnd::Exited {
                    exit_code: 1,
                    stdout: String::new(),
                    stderr: format!("failed to run commands: {error}"),
                },
            }
        }
        .boxed()
    }

    fn instance_lost(&self, instance: &str) {
        self.running.kill_all_of(instance);
        // Nothing depends on it; `stop` removes what is still there.
        let _ = fs::remove_dir_all(self.directory(instance));
    }

    fn stop(&self) {
        self.running.kill_all();
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Drop for Bash {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn execute(
    run: &CommandRun,
    home: &Path,
    environment: &Environment,
    running: &Arc<Running>,
) -> io::Result<ScriptEnd> {
    let folder = home.join("ssm").join(&run.command_id);
    fs::create_dir_all(&folder)?;
    let script = folder.join("_script.sh");
    fs::write(&script, &run.script)?;
    let (stdout, stderr) = (folder.join("stdout"), folder.join("stderr"));
    let directory = match &run.working_directory {
        Some(directory) => home.join(directory),
        None => home.to_owned(),
    };
    let path = std::env::var("PATH")
        .unwrap_or_else(|_| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into());
    let mut child = interpreter(&run.script)
        .arg(&script)
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("SSM_COMMAND_ID", &run.command_id)
        .env("AWS_SSM_INSTANCE_ID", &run.instance)
        .env("AWS_SSM_REGION_NAME", &run.region)
        .envs(environment(&run.instance, home))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(File::create(&stdout)?)
        .stderr(File::create(&stderr)?)
        .process_group(0)
        .spawn()?;
    let group = running.enter(&run.instance, child.id());
    let ended = tokio::time::timeout(run.execution_timeout, child.wait()).await;
    let output = || (beginning_of(&stdout), beginning_of(&stderr));
    let Ok(status) = ended else {
        drop(group);
        child.wait().await?;
        let (stdout, stderr) = output();
        return Ok(ScriptEnd::TimedOut { stdout, stderr });
    };
    let exit_code = exit_code(status?);
    group.leave_background();
    let (stdout, stderr) = output();
    Ok(ScriptEnd::Exited {
        exit_code,
        stdout,
        stderr,
    })
}

/// The program that runs a script file. The file itself is never executed: another thread that
/// forks at the wrong moment would keep it open for writing ("Text file busy").
fn interpreter(script: &str) -> Command {
    let first = script.lines().next().unwrap_or_default();
    let mut words = first
        .strip_prefix("#!")
        .unwrap_or_default()
        .trim()
        .splitn(2, char::is_whitespace);
    if let Some(program) = words.next().filter(|program| !program.is_empty()) {
        let mut command = Command::new(program);
        // The kernel passes everything after the program as one argument.
        command.args(words.next().map(str::trim));
        command
    } else {
        let mut command = Command::new("bash");
        command.arg0("sh");
        command
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

fn beginning_of(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        // An output that cannot be read counts as far as it could.
        let _ = file.take(MAX_OUTPUT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A process group that is killed when this is dropped.
struct Group {
    running: Arc<Running>,
    instance: String,
    leader: Option<u32>,
}

impl Running {
    fn enter(self: &Arc<Self>, instance: &str, leader: Option<u32>) -> Group {
        if let Some(leader) = leader {
            self.lock()
                .entry(instance.to_owned())
                .or_default()
                .insert(leader);
        }
        Group {
            running: Arc::clone(self),
            instance: instance.to_owned(),
            leader,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, BTreeSet<u32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill_all_of(&self, instance: &str) {
        let groups = self.lock().remove(instance);
        groups.into_iter().flatten().for_each(process_group::kill);
    }

    fn kill_all(&self) {
        let groups = std::mem::take(&mut *self.lock());
        groups.into_values().flatten().for_each(process_group::kill);
    }
}

impl Group {
    /// What the script left in the background goes on, as under the real agent, until the
    /// instance is gone. A group without processes is forgotten, because its number may be given
    /// to somebody else.
    fn leave_background(mut self) {
        if let Some(leader) = self.leader
            && process_group::exists(leader)
        {
            self.leader = None;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(leader) = self.leader else {
            return;
        };
        let known = self
            .running
            .lock()
            .get_mut(&self.instance)
            .is_some_and(|groups| groups.remove(&leader));
        if known {
            process_group::kill(leader);
        }
    }
}

#[cfg(test)]
mod tests;
