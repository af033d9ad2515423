//! A machine on which rendered scripts really run, in a directory of its own.

use ready_pool_core::claim::{Claim, Init};
use ready_pool_core::ids::{ClaimId, GroupName};
use ready_pool_core::script;
use ready_pool_core::times::Times;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use time::macros::datetime;

/// A shell that instances have as `sh`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shell {
    /// As on Debian and Ubuntu.
    Dash,
    /// As on Amazon Linux.
    Bash,
}

pub(crate) const SHELLS: [Shell; 2] = [Shell::Dash, Shell::Bash];

impl Shell {
    /// A folder in which this shell is `sh`. Both are demanded: a test that cannot run says so.
    fn folder(self) -> PathBuf {
        static FOLDERS: OnceLock<[PathBuf; 2]> = OnceLock::new();
        let folders = FOLDERS.get_or_init(|| {
            ["dash", "bash"].map(|name| {
                let path = std::env::var_os("PATH").unwrap_or_default();
                let shell = std::env::split_paths(&path)
                    .map(|folder| folder.join(name))
                    .find(|file| file.is_file())
                    .unwrap_or_else(|| panic!("these tests need {name}"));
                let folder = std::env::temp_dir().join(format!(
                    "ready-pool-properties-{}-{name}",
                    std::process::id()
                ));
                let _ = fs::remove_dir_all(&folder);
                fs::create_dir_all(&folder).unwrap();
                symlink(shell, folder.join("sh")).unwrap();
                folder
            })
        });
        folders[match self {
            Self::Dash => 0,
            Self::Bash => 1,
        }]
        .clone()
    }
}

/// How a script ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// A machine, gone with its files when it is dropped.
pub(crate) struct Machine {
    root: PathBuf,
}

impl Machine {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!(
            "ready-pool-properties-{}-{number}",
            std::process::id()
        ));
        // Left over from a process with the same id that was killed.
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("work")).unwrap();
        Self { root }
    }

    /// Starts a claim's script as the agent does: a file that `sh` runs, where nothing else is.
    pub(crate) fn start(&self, shell: Shell, claim: &Claim) -> Child {
        self.start_after("", shell, claim)
    }

    /// The same after some words to a shell, which the script inherits what it can of.
    pub(crate) fn start_after(&self, words: &str, shell: Shell, claim: &Claim) -> Child {
        let file = self.root.join(format!("{}.sh", claim.claim_id));
        let text = script::render(claim, 1, &Times::default(), None);
        if fs::read_to_string(&file).ok().as_ref() != Some(&text) {
            fs::write(&file, text).unwrap();
        }
        let mut path = shell.folder().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        // No script of these tests takes longer: one that hangs must not hang the tests.
        Command::new("timeout")
            .args(["120", "sh", "-c"])
            .arg(format!("{words} exec sh \"$0\""))
            .arg(file)
            .current_dir(self.root.join("work"))
            .env_clear()
            .env("PATH", path)
            .env("READY_POOL_DIR", self.root.join("marker"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn run(&self, shell: Shell, claim: &Claim) -> Ended {
        end(self.start(shell, claim))
    }

    /// The same, and the agent's end of it: it kills the process group when the time is up.
    pub(crate) fn run_for(&self, time: Duration, shell: Shell, claim: &Claim) -> Ended {
        let child = self.start(shell, claim);
        // `timeout` leads a group of its own.
        let group = format!("-{}", child.id());
        std::thread::sleep(time);
        let killed = Command::new("kill")
            .args(["-KILL", "--", &group])
            .status()
            .unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        Ended {
            status: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Files that scripts left in the directory they ran in.
    pub(crate) fn files(&self) -> Vec<String> {
        fs::read_dir(self.root.join("work"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// Makes a file there.
    pub(crate) fn write(&self, file: &str) {
        fs::write(self.root.join("work").join(file), "").unwrap();
    }

    /// The text of a file there.
    pub(crate) fn read(&self, file: &str) -> String {
        String::from_utf8_lossy(&self.bytes(file)).into_owned()
    }

    /// Its bytes; none while there is no such file.
    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.root.join("work").join(file)).unwrap_or_default()
    }

    /// What the wrapper left behind.
    pub(crate) fn markers(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.root.join("marker"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// What the marker says of the script's end; `None` while it is not recorded.
    pub(crate) fn recorded_status(&self) -> Option<i32> {
        let text = fs::read_to_string(self.root.join("marker/status")).ok()?;
        Some(text.trim_end().parse().unwrap())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

pub(crate) fn end(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        status: output.status.code().unwrap(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn claim(
    claim_id: &str,
    commands: &[&str],
    environment: BTreeMap<String, String>,
) -> Claim {
    Claim::new(
        ClaimId::try_from(claim_id).unwrap(),
        GroupName::try_from("asg-1").unwrap(),
        Init {
            environment,
            execution_timeout_seconds: 60,
            ..Init::new(commands.iter().copied())
        },
        datetime!(2026-11-22 20:15 UTC),
    )
}
