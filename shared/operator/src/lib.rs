//! `ready-pool`, the operator's command line, on the functions' own adapters and words: it works on an account and,
//! unchanged, on the simulated region.
//!
//! Each command observes, decides, prints. What it finds (a claim's stage, a doctor's findings, how a wait ends)
//! is decided by pure functions over plain data.

mod account;
mod claim;
mod cli;
mod credentials;
mod doctor;
mod exit;
mod failure;
mod family;
mod kept;
mod pause;
mod plan;
mod pool;
mod rejected;
mod screen;
mod send;
mod session;
mod stack;
mod status;
mod target;
mod words;

pub use cli::Cli;
pub use exit::Exit;
pub use screen::Screen;
pub use session::{Place, Session};

use cli::{Command, Options};
use failure::Failure;

/// Does what was asked for, in the account that the environment and the options name.
pub async fn run(cli: Cli, screen: &mut Screen<'_>) -> Exit {
    let Cli { options, command } = cli;
    screen.repeat(options.repeated());
    if let Command::Completion { shell } = command {
        return finish(cli::complete(shell, screen), screen);
    }
    if let Command::Plan(asked) = &command
        && let Some(result) = plan::by_file(asked, &options, screen)
    {
        return finish(result, screen);
    }
    let session = account::open(&options).await;
    match session {
        Ok(session) => operate(&command, &options, &session, screen).await,
        Err(failure) => finish(Err(failure), screen),
    }
}

/// Does what was asked for with these clients.
pub async fn operate(
    command: &Command,
    options: &Options,
    session: &Session,
    screen: &mut Screen<'_>,
) -> Exit {
    screen.repeat(options.repeated());
    let result = match command {
        Command::Status(status) => status::run(status, options, session, screen).await,
        Command::Send(send) => send::run(send, options, session, screen).await,
        Command::Claim(claim) => claim::run(claim, options, session, screen).await,
        Command::OptIn { group } => target::opt_in(group, session, options, screen).await,
        Command::OptOut { group } => target::opt_out(group, session, options, screen).await,
        Command::Pause { what } => pause::pause(*what, session, options, screen).await,
        Command::Resume => pause::resume(session, options, screen).await,
        Command::Plan(asked) => plan::run(asked, options, session, screen).await,
        Command::Doctor => doctor::run(options, session, screen).await,
        Command::Completion { shell } => cli::complete(*shell, screen),
    };
    finish(result, screen)
}

fn finish(result: Result<Exit, Failure>, screen: &mut Screen<'_>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(failure) if failure.is_closed_pipe() => Exit::Done,
        Err(failure) => {
            screen.problem(&failure.to_string());
            failure.exit()
        }
    }
}
