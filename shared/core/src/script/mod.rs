//! The script that `AWS-RunShellScript` runs: the claim's commands inside our wrapper.
//!
//! The wrapper's first act is an atomic marker on the instance. It is the last line of the
//! promise "one instance, one claim": it holds even where AWS's reads lag, because a hard link
//! either is made or is not.
//!
//! The claim's commands are the lines of one file, as they are in the document itself. The wrapper
//! writes that file on the instance and has it run by `sh -e`, or by the interpreter that its
//! first line names. Commands and environment values go in as quoted data: whatever they hold, they
//! cannot break out of their place, and no shell of the wrapper's evaluates any of them.

mod carried;
mod header;
mod interpreter;
mod wrapper;

pub use carried::claim_of;
pub use header::Header;
pub(crate) use interpreter::Interpreter;

use crate::claim::Claim;
use crate::ids::Attempt;
use crate::init_failure::OnInitFailure;
use crate::times::Times;
use crate::trace::Trace;
use std::fmt::Write;

/// Longest rendered script, bytes. SSM documents may have 64 KB; the size limit of
/// `SendCommand`'s parameters is not published, so this stays below. The header's times and trace, less
/// than 300 bytes, are not counted: nobody knows them when the claim is checked.
pub const MAX_BYTES: usize = 60_000;

/// Exit status when the instance has no place for what the script needs: nothing of the claim ran, and
/// the wrapper's last line of errors ends in [`NOTHING_RAN`]. (A claim's own script may end with 113, too.)
pub const EXIT_NO_MARKER: u8 = 113;
/// Exit status when the instance belongs to another claim; the errors end likewise.
pub const EXIT_OTHER_CLAIM: u8 = 114;
/// The variable that the target's name is in.
pub const TARGET_GROUP: &str = "TARGET_GROUP";
/// How the wrapper's line of errors ends beside [`EXIT_NO_MARKER`] and [`EXIT_OTHER_CLAIM`].
pub const NOTHING_RAN: &str = "nothing of the claim ran";

/// How a line begins that exports a variable of the claim.
const EXPORT: &str = "export ";

/// Whether a script's end proves that nothing of its claim ran: exit status and last errors are the wrapper's.
pub fn proves_that_nothing_ran(exit_code: i32, errors: &str) -> bool {
    let of_the_wrapper = [EXIT_NO_MARKER, EXIT_OTHER_CLAIM].map(i32::from);
    of_the_wrapper.contains(&exit_code) && errors.trim_end().ends_with(NOTHING_RAN)
}

/// Renders the whole script for one attempt of a claim, for a POSIX shell.
///
/// Its first line says what is known of the claim so far: [`Header`] reads it. The second is the claim itself, where
/// there is room: [`claim_of`] reads it.
pub fn render(claim: &Claim, attempt: Attempt, times: &Times, trace: Option<Trace>) -> String {
    let body = Body::of(claim);
    let mut script = header::render(claim, attempt, times, trace);
    if bytes_of(claim, &body, true) <= MAX_BYTES {
        script.extend(carried::line(claim, &body));
    }
    script + &body.text
}

/// How long a claim's script gets, as far as that is known when the claim is checked. It must carry the claim where
/// another instance is tried should the script fail; else it does where there is room.
pub fn bytes(claim: &Claim) -> usize {
    let must_carry = claim.on_init_failure == OnInitFailure::Replace;
    bytes_of(claim, &Body::of(claim), must_carry)
}

/// A protection is not counted, like the times: the stack may add it, and it must not cost a retry. Nor is the line with
/// the target's name, which every script has since: it would refuse claims that were taken before.
fn bytes_of(claim: &Claim, body: &Body, carries: bool) -> usize {
    let claim = &Claim {
        protect: None,
        ..claim.clone()
    };
    let header = header::render(claim, 1, &Times::default(), None).len();
    let line = carried::line(claim, body).filter(|_| carries);
    let counted = body.text.len().saturating_sub(target_group(claim).len());
    header + line.map_or(0, |line| line.len()) + counted
}

/// A script without its comments, and where in it the claim's own parts stand: the offsets of the commands as one
/// quoted word, and of the first line that exports a variable.
struct Body {
    text: String,
    commands_at: usize,
    environment_at: usize,
}

impl Body {
    fn of(claim: &Claim) -> Self {
        let commands = claim.init.commands.join("\n");
        let mut text = format!("ready_pool_claim={}\n", quote(claim.key().as_str()));
        text.push_str(wrapper::PREPARE);
        text.push_str("printf '%s\\n' ");
        let commands_at = text.len();
        text.push_str(&quote(&commands));
        text.push_str(" > \"$ready_pool_run/script\" || ready_pool_give_up\n");
        text.push_str(wrapper::MARKER);
        text.push_str(&wrapper::streams(claim.init.execution_timeout_seconds));
        // Before the environment, which may have any name: from here on no variable of the wrapper is used.
        let interpreter = Interpreter::of(&commands);
        text.push_str("set --");
        match &interpreter {
            Some(Interpreter { program, argument }) => {
                for word in [Some(program), argument.as_ref()].into_iter().flatten() {
                    text.push(' ');
                    text.push_str(&quote(word));
                }
            }
            // The agent's own `sh`, whatever the claim's PATH is.
            None => text.push_str(" \"$(command -v sh)\" -e"),
        }
        text.push_str(" \"$ready_pool_run/script\"\n");
        text.push_str(&target_group(claim));
        let environment_at = text.len();
        for (name, value) in &claim.init.environment {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{EXPORT}{name}={}", quote(value));
        }
        if interpreter.is_some() {
            text.push_str(wrapper::IS_THERE);
        }
        text.push_str(wrapper::RUN);
        Self {
            text,
            commands_at,
            environment_at,
        }
    }
}

/// The line that gives the script its target's name, where the claim does not: the instance may be in no
/// group while it runs.
fn target_group(claim: &Claim) -> String {
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
