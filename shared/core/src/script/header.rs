//! What a script's first line says of its claim, in a comment.

use crate::attach_when::AttachWhen;
use crate::claim::Claim;
use crate::ids::Attempt;
use crate::init_failure::OnInitFailure;
use crate::times::Times;
use crate::trace::Trace;
use std::fmt::Write;

/// What the first line of a script starts with; the claim key follows.
pub(super) const HEADER: &str = "# ready-pool: claim ";
/// What a first line calls the claim's `on_init_failure`.
const ON_INIT_FAILURE: &str = "on_init_failure";
/// What a first line calls the claim's `protect`, where that is so.
const PROTECT: &str = "protect";
/// What a first line calls the claim's `attach_when`.
const ATTACH_WHEN: &str = "attach_when";

/// What the first line of a script says, as far as it can be read: a script of an older version
/// says less, one that is not ours nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Header {
    /// Which attempt of its claim it was rendered for.
    pub attempt: Option<Attempt>,
    /// What its claim wants done when it fails. A word of a newer version is none.
    pub on_init_failure: OnInitFailure,
    /// Whether its claim wants its instance protected from scale-in.
    pub protect: bool,
    /// Whether its instance was to be in its target before it. A word of a newer version says nothing.
    pub attach_when: AttachWhen,
    /// When the steps before it happened.
    pub times: Times,
    /// The trace that its claim is part of.
    pub trace: Option<Trace>,
}

impl Header {
    /// Reads the header of a script.
    pub fn read(script: &str) -> Self {
        let mut header = Self::default();
        let line = script.lines().next().unwrap_or_default();
        let Some(words) = line.strip_prefix(HEADER) else {
            return header;
        };
        for word in words.split(", ") {
            match word.split_once(' ') {
                Some(("attempt", number)) => header.attempt = number.parse().ok(),
                Some((ON_INIT_FAILURE, word)) => {
                    header.on_init_failure = OnInitFailure::from_code(word).unwrap_or_default();
                }
                Some((PROTECT, word)) => header.protect = word == "true",
                Some((ATTACH_WHEN, word)) => {
                    header.attach_when = AttachWhen::from_code(word).unwrap_or_default();
                }
                Some(("trace", trace)) => header.trace = trace.parse().ok(),
                Some((step, moment)) => header.times.take_word(step, moment),
                None => {}
            }
        }
        header
    }
}

/// The comment that a script starts with.
pub(super) fn render(
    claim: &Claim,
    attempt: Attempt,
    times: &Times,
    trace: Option<Trace>,
) -> String {
    let mut line = String::new();
    // Writing to a String cannot fail.
    // By the key, not by the target's name: a group may be named `{{…}}`, and SSM would
    // substitute that.
    let _ = write!(line, "{HEADER}{}, attempt {attempt}", claim.key());
    if !claim.on_init_failure.is_default() {
        let policy = claim.on_init_failure.code();
        let _ = write!(line, ", {ON_INIT_FAILURE} {policy}");
    }
    if claim.protect == Some(true) {
        let _ = write!(line, ", {PROTECT} true");
    }
    if !claim.attach_when.is_default() {
        let _ = write!(line, ", {ATTACH_WHEN} {}", claim.attach_when.code());
    }
    for word in times.words() {
        let _ = write!(line, ", {word}");
    }
    if let Some(trace) = trace {
        let _ = write!(line, ", trace {trace}");
    }
    line.push('\n');
    line
}
