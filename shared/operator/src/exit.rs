//! How the command line ends, for scripts.

use std::process::ExitCode;

/// The exit statuses. `docs/operations.md` has the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// What was asked for is done. `send --wait`: every claim is ready. `doctor`: nothing is wrong.
    Done = 0,
    /// AWS could not be asked, or refused: no credentials, no network, no such stack, access denied, throttled.
    NotDone = 1,
    /// The command line or the claim is wrong, and nothing was sent and nothing was changed.
    Wrong = 2,
    /// The answer is a bad one. `send --wait`: a claim failed or was rejected. `doctor`: something is wrong.
    Bad = 3,
    /// There is no answer. `send --wait`: how a claim ended is not known. `claim`: there is no trace of it.
    Unknown = 4,
    /// Ctrl-C, as shells count it: 128 and the number of SIGINT.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
