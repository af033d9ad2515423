//! Groups of processes: a process that leads one, and whatever it started.

use std::process::{Command, Stdio};

/// Kills a group.
pub(crate) fn kill(leader: u32) {
    signal(leader, "KILL");
}

/// Whether there is such a group.
pub(crate) fn exists(leader: u32) -> bool {
    signal(leader, "0")
}

/// Signals a group; returns whether there was one. The shell does it: there is no safe call for
/// it in `std`.
fn signal(leader: u32, signal: &str) -> bool {
    Command::new("bash")
        .arg("-c")
        .arg(format!("kill -{signal} -- -{leader}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
