//! The script that `AWS-RunShellScript` runs: the claim's commands inside our wrapper.
//!
//! The wrapper's first act is an atomic marker on the machine. It is the last line of the
//! promise "one instance, one claim": it holds even where AWS's reads lag, because a hard link
//! either is made or is not.
//!
//! The claim's commands are the lines of one file, as they are in the document itself. The wrapper
//! writes that file on the machine and has it run by `sh -e`, or by the interpreter that its
//! first line names. Commands and environment values go in as quoted data: whatever they hold, they
//! cannot break out of their place, and no shell of the wrapper's evaluates any of them.

mod header;
mod interpreter;
mod wrapper;

pub use header::{Header, claim_of};
pub(crate) use interpreter::Interpreter;

use crate::claim::Claim;
use crate::ids::Attempt;
use crate::times::Times;
use crate::trace::Trace;
use std::fmt::Write;

/// Longest rendered script, bytes. SSM documents may have 64 KB; the size limit of
/// `SendCommand`'s parameters is not published, so this stays below. The header's times and trace, less
/// than 300 bytes, are not counted: nobody knows them when the claim is checked.
pub const MAX_BYTES: usize = 60_000;

/// Exit status when the machine has no place for what the script needs: nothing of the claim ran, and
/// the wrapper's last line of errors ends in [`NOTHING_RAN`]. (A claim's own script may end with 113, too.)
pub const EXIT_NO_MARKER: u8 = 113;
/// Exit status when the machine belongs to another claim.
pub const EXIT_OTHER_CLAIM: u8 = 114;
/// The variable that the target's name is in.
pub const TARGET_GROUP: &str = "TARGET_GROUP";
/// How the wrapper's line of errors ends beside [`EXIT_NO_MARKER`].
pub const NOTHING_RAN: &str = "nothing of the claim ran";

/// Renders the whole script for one attempt of a claim, for a POSIX shell.
///
/// Its first line says what is known of the claim so far: [`Header`] reads it. Where another
/// instance is tried should this one fail, the second is the claim itself: [`claim_of`] reads it.
pub fn render(claim: &Claim, attempt: Attempt, times: &Times, trace: Option<Trace>) -> String {
    let mut script = header::render(claim, attempt, times, trace);
    let commands = claim.init.commands.join("\n");
    // Writing to a String cannot fail.
    let _ = writeln!(script, "ready_pool_claim={}", quote(claim.key().as_str()));
    script.push_str(wrapper::PREPARE);
    let _ = writeln!(
        script,
        "printf '%s\\n' {} > \"$ready_pool_run/script\" || ready_pool_give_up",
        quote(&commands)
    );
    script.push_str(wrapper::MARKER);
    script.push_str(&wrapper::streams(claim.init.execution_timeout_seconds));
    // Before the environment, which may have any name: from here on no variable of the wrapper is used.
    let interpreter = Interpreter::of(&commands);
    script.push_str("set --");
    match &interpreter {
        Some(Interpreter { program, argument }) => {
            for word in [Some(program), argument.as_ref()].into_iter().flatten() {
                let _ = write!(script, " {}", quote(word));
            }
        }
        // The agent's own `sh`, whatever the claim's PATH is.
        None => script.push_str(" \"$(command -v sh)\" -e"),
    }
    script.push_str(" \"$ready_pool_run/script\"\n");
    script.push_str(&target_group(claim));
    for (name, value) in &claim.init.environment {
        let _ = writeln!(script, "export {name}={}", quote(value));
    }
    if interpreter.is_some() {
        script.push_str(wrapper::IS_THERE);
    }
    script.push_str(wrapper::RUN);
    script
}

/// The line that gives the script its target's name, where the claim does not: the machine may be in no
/// group while it runs.
pub(crate) fn target_group(claim: &Claim) -> String {
    if claim.init.environment.contains_key(TARGET_GROUP) {
        return String::new();
    }
    // A group may be named `{{…}}`, and SSM would substitute that: the quotes part the braces.
    let name = quote(claim.target_group.as_str()).replace('{', "{''");
    format!("export {TARGET_GROUP}={name}\n")
}

/// Quotes any text (without NUL) as one word of a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
