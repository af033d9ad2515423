//! Really runs scripts, as amazon-ssm-agent does (its source: `agent/executers/executers.go` and
//! `executers_unix.go`):
//!
//! - The lines become a file that `sh` runs, or the interpreter its first line names. Which shell `sh` is
//!   depends on the image: dash on Debian and Ubuntu, bash on Amazon Linux ([`Shell`]).
//! - It has the agent's environment and three variables more. The agent is a service of systemd's, which gives
//!   services of root's no `HOME` (systemd.exec(5)).
//! - It has ended when its process has, *and* nobody has its output or its errors open any more
//!   (golang/go #13155): a process left in the background that keeps them holds the command.
//! - At `executionTimeout` the process group is killed, and nothing is heard after that.
//!
//! Every instance has a directory of its own under one temporary directory, which is removed in
//! the end. It is no sandbox: scripts run with the rights of whoever runs the region.

use super::{CommandRun, CommandRunner, ScriptEnd};
use crate::process_group;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// The variables that an instance gives its scripts beside the agent's own, from its id and its
/// directory.
type Environment = dyn Fn(&str, &Path) -> Vec<(String, String)> + Send + Sync;

/// A runner of real scripts.
pub struct RealScripts {
    root: PathBuf,
    shell: Shell,
    environment: Arc<Environment>,
    running: Arc<Running>,
}

/// Which shell an image has as `sh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// On Debian and Ubuntu.
    Dash,
    /// On Amazon Linux.
    Bash,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Dash => "dash",
            Self::Bash => "bash",
        }
    }

    /// Where this machine has it.
    fn program(self) -> Option<PathBuf> {
        std::env::split_paths(&path())
            .map(|folder| folder.join(self.name()))
            .find(|file| file.is_file())
    }
}

/// The process groups that run now, by instance.
#[derive(Default)]
struct Running(Mutex<BTreeMap<String, BTreeSet<u32>>>);

/// Tells runners of one process apart.
static RUNNERS: AtomicU32 = AtomicU32::new(0);

/// What is kept of an output, bytes: more than SSM ever shows.
const MAX_OUTPUT: usize = 128 * 1024;

impl RealScripts {
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
        let shell = if Shell::Dash.program().is_some() {
            Shell::Dash
        } else {
            Shell::Bash
        };
        Self {
            root,
            shell,
            environment: Arc::new(environment),
            running: Arc::default(),
        }
        .with_shell(shell)
    }

    /// With this shell as `sh`. Without it: dash where this machine has it, else bash.
    pub fn with_shell(mut self, shell: Shell) -> io::Result<Self> {
        let program = shell.program().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("this machine has no {}", shell.name()),
            )
        })?;
        let folder = self.root.join(shell.name());
        fs::create_dir_all(&folder)?;
        let link = folder.join("sh");
        if !link.exists() {
            symlink(program, link)?;
        }
        self.shell = shell;
        Ok(self)
    }

    /// The instance's own directory, in which scripts start.
    pub fn directory(&self, instance: &str) -> PathBuf {
        self.root.join(instance)
    }
}

impl CommandRunner for RealScripts {
    fn run(&self, run: CommandRun) -> BoxFuture<'static, ScriptEnd> {
        let home = self.directory(&run.instance);
        let shells = self.root.join(self.shell.name());
        let environment = Arc::clone(&self.environment);
        let running = Arc::clone(&self.running);
        async move {
            match execute(&run, &home, &shells, &*environment, &running).await {
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

impl Drop for RealScripts {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a script has printed on one stream so far.
#[derive(Default)]
struct Printed(Mutex<Vec<u8>>);

impl Printed {
    /// Reads to the end, and keeps the beginning. An output that cannot be read counts as far as it could.
    async fn read(&self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let mut part = vec![0; 16 * 1024];
        while let Ok(bytes @ 1..) = stream.read(&mut part).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MAX_OUTPUT.saturating_sub(kept.len());
            kept.extend(part.iter().take(bytes.min(room)));
        }
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

async fn execute(
    run: &CommandRun,
    home: &Path,
    shells: &Path,
    environment: &Environment,
    running: &Arc<Running>,
) -> io::Result<ScriptEnd> {
    let folder = home.join("ssm").join(&run.command_id);
    fs::create_dir_all(&folder)?;
    let script = folder.join("_script.sh");
    fs::write(&script, &run.script)?;
    let directory = match &run.working_directory {
        Some(directory) => home.join(directory),
        None => home.to_owned(),
    };
    let mut path_there = shells.as_os_str().to_owned();
    path_there.push(":");
    path_there.push(path());
    let mut child = interpreter(&run.script, shells)
        .arg(&script)
        .env_clear()
        .env("PATH", path_there)
        .env("SSM_COMMAND_ID", &run.command_id)
        .env("AWS_SSM_INSTANCE_ID", &run.instance)
        .env("AWS_SSM_REGION_NAME", &run.region)
        .envs(environment(&run.instance, home))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let group = running.enter(&run.instance, child.id());
    let (stdout, stderr) = (Printed::default(), Printed::default());
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let ended = tokio::time::timeout(run.execution_timeout, async {
        let (status, (), ()) = tokio::join!(child.wait(), stdout.read(output), stderr.read(errors));
        status
    })
    .await;
    let Ok(status) = ended else {
        drop(group);
        child.wait().await?;
        return Ok(ScriptEnd::TimedOut {
            stdout: stdout.text(),
            stderr: stderr.text(),
        });
    };
    let exit_code = exit_code(status?);
    group.leave_background();
    Ok(ScriptEnd::Exited {
        exit_code,
        stdout: stdout.text(),
        stderr: stderr.text(),
    })
}

/// Where programs are, on this machine.
fn path() -> OsString {
    std::env::var_os("PATH")
        .unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into())
}

/// The program that runs a script file. The file itself is never executed: another thread that
/// forks at the wrong moment would keep it open for writing ("Text file busy").
fn interpreter(script: &str, shells: &Path) -> Command {
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
        Command::new(shells.join("sh"))
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
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
