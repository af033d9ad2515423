//! Why a command did not get where it should, and how that is reported.

use region::template::Error as TemplateError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a command did not get where it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Build(String),
    #[error("{0}")]
    Function(String),
    #[error("cannot read the template {}: {error}", path.display())]
    TemplateUnreadable { path: PathBuf, error: io::Error },
    #[error("cannot load {}: {error}", path.display())]
    Template { path: PathBuf, error: TemplateError },
    #[error("the stack has no {0}, which this command line works with")]
    NoResource(&'static str),
    #[error("cannot listen on {address}: {}", listening(error))]
    Listen {
        address: SocketAddr,
        error: io::Error,
    },
    #[error("{what}: {error}")]
    System {
        what: &'static str,
        error: io::Error,
    },
    #[error("{operation} was refused: {error}")]
    Refused {
        operation: &'static str,
        error: region::api::CallError,
    },
    #[error(
        "a pool of {0} is above the template's PoolMaxSize; raise that too: --parameter PoolMaxSize={0}"
    )]
    PoolTooLarge(u32),
    #[error("{0}")]
    NotReady(String),
    #[error("interrupted")]
    Interrupted,
    /// Whoever read standard output went away.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

fn listening(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::AddrInUse {
        "the port is in use; choose another with --port, or leave it out for a free one".to_owned()
    } else {
        error.to_string()
    }
}

/// What a shell reports of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

impl Failure {
    /// Says on standard error what went wrong; the status to end with.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            // Nobody is left to read more.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
            Self::Interrupted => ExitCode::from(INTERRUPTED),
            failure => {
                eprintln!("error: {failure}");
                ExitCode::FAILURE
            }
        }
    }
}
