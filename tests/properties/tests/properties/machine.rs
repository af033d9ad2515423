//! A machine on which rendered scripts really run, in a directory of its own.

use ready_pool_core::claim::{Claim, Init, WhenEmpty};
use ready_pool_core::ids::{ClaimId, GroupName};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::preferences::Preferences;
use ready_pool_core::script;
use ready_pool_core::times::Times;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use time::macros::datetime;

/// A shell that instances may have as `sh`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shell {
    /// The one of this machine: on Debian and Ubuntu dash.
    Sh,
    /// bash under its own name.
    Bash,
    /// bash as `sh`, as on Amazon Linux.
    BashAsSh,
}

pub(crate) const SHELLS: [Shell; 3] = [Shell::Sh, Shell::Bash, Shell::BashAsSh];

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

    /// Starts a claim's script as the agent does: a file, run where nothing else is.
    pub(crate) fn start(&self, shell: Shell, claim: &Claim) -> Child {
        let file = self.root.join(format!("{}.sh", claim.claim_id));
        let text = script::render(claim, 1, &Times::default(), None);
        if fs::read_to_string(&file).ok().as_ref() != Some(&text) {
            fs::write(&file, text).unwrap();
        }
        // No script of these tests takes seconds: one that hangs must not hang the tests.
        let mut command = Command::new("timeout");
        command.arg("60");
        match shell {
            Shell::Sh => command.arg("sh"),
            Shell::Bash => command.arg("bash"),
            Shell::BashAsSh => command.args(["bash", "--posix"]),
        };
        command
            .arg(file)
            .current_dir(self.root.join("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
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

    /// Files that scripts left in the directory they ran in.
    pub(crate) fn files(&self) -> Vec<String> {
        fs::read_dir(self.root.join("work"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// The text of a file there.
    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.root.join("work").join(file)).unwrap_or_default()
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
    Claim {
        claim_id: ClaimId::try_from(claim_id).unwrap(),
        target_group: GroupName::try_from("asg-1").unwrap(),
        init: Init {
            commands: commands.iter().map(|&command| command.to_owned()).collect(),
            environment,
            working_directory: None,
            execution_timeout_seconds: 60,
        },
        when_empty: WhenEmpty::Wait,
        preferences: Preferences::default(),
        on_init_failure: OnInitFailure::default(),
        dry_run: false,
        expires_at: datetime!(2026-11-22 20:15 UTC),
    }
}
