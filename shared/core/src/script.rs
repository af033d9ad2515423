//! The script that `AWS-RunShellScript` runs: the claim's commands inside our wrapper.
//!
//! The wrapper's first act is an atomic marker on the machine. It is the last line of the
//! promise "one instance, one claim": it holds even where AWS's reads lag, because a hard link
//! either is made or is not.

use crate::claim::Claim;
use crate::ids::Attempt;
use crate::init_failure::OnInitFailure;
use crate::message;
use crate::times::Times;
use crate::trace::Trace;
use std::fmt::Write;

/// Longest rendered script, bytes. SSM documents may have 64 KB; the size limit of
/// `SendCommand`'s parameters is not published, so this stays below. The header's times and trace, less
/// than 300 bytes, are not counted: nobody knows them when the claim is checked.
pub const MAX_BYTES: usize = 60_000;

/// Exit status when the marker cannot be written.
pub const EXIT_NO_MARKER: u8 = 113;
/// Exit status when the machine belongs to another claim.
pub const EXIT_OTHER_CLAIM: u8 = 114;

const PROLOGUE: &str = r#"umask 077
ready_pool_dir="${READY_POOL_DIR:-/var/lib/ready-pool}"
mkdir -p "$ready_pool_dir" || exit 113
printf '%s\n' "$ready_pool_claim" > "$ready_pool_dir/claim.$$" || exit 113
if ! ln "$ready_pool_dir/claim.$$" "$ready_pool_dir/claim" 2>/dev/null; then
  rm -f "$ready_pool_dir/claim.$$"
  ready_pool_owner=$(cat "$ready_pool_dir/claim") || exit 113
  if [ "$ready_pool_owner" != "$ready_pool_claim" ]; then
    echo "ready-pool: this instance belongs to claim $ready_pool_owner" >&2
    exit 114
  fi
  echo "ready-pool: this claim's script was started before; waiting for its status" >&2
  while [ ! -f "$ready_pool_dir/status" ]; do sleep 1; done
  exit "$(cat "$ready_pool_dir/status")"
fi
rm -f "$ready_pool_dir/claim.$$"
(
umask 022
"#;

const EPILOGUE: &str = r#")
ready_pool_status=$?
if [ "$ready_pool_status" -eq 194 ]; then
  echo "ready-pool: exit status 194 (reboot) is not supported" >&2
  ready_pool_status=1
fi
printf '%s\n' "$ready_pool_status" > "$ready_pool_dir/status.new" &&
  mv "$ready_pool_dir/status.new" "$ready_pool_dir/status"
exit "$ready_pool_status"
"#;

/// Renders the whole script for one attempt of a claim, for a POSIX shell.
///
/// Commands and environment values go in as quoted data: whatever they hold, they cannot break
/// out of their place. All commands share one subshell, so that a `cd` or a variable of one is
/// there for the next, and an `exit` or a syntax error still ends in a recorded status.
///
/// Its first line says what is known of the claim so far: [`Header`] reads it. Where another
/// instance is tried should this one fail, the second is the claim itself: [`claim_of`] reads it.
pub fn render(claim: &Claim, attempt: Attempt, times: &Times, trace: Option<Trace>) -> String {
    let mut script = String::new();
    // Writing to a String cannot fail.
    // By the key, not by the target's name: a group may be named `{{…}}`, and SSM would
    // substitute that.
    let _ = write!(script, "{HEADER}{}, attempt {attempt}", claim.key());
    if !claim.on_init_failure.is_default() {
        let policy = claim.on_init_failure.code();
        let _ = write!(script, ", {ON_INIT_FAILURE} {policy}");
    }
    for word in times.words() {
        let _ = write!(script, ", {word}");
    }
    if let Some(trace) = trace {
        let _ = write!(script, ", trace {trace}");
    }
    script.push('\n');
    if claim.on_init_failure == OnInitFailure::Replace
        && let Some(line) = message::to_line(claim)
    {
        let _ = writeln!(script, "{CLAIM}{line}");
    }
    let _ = writeln!(script, "ready_pool_claim={}", quote(claim.key().as_str()));
    script.push_str(PROLOGUE);
    for (name, value) in &claim.init.environment {
        let _ = writeln!(script, "export {name}={}", quote(value));
    }
    for command in &claim.init.commands {
        let _ = writeln!(script, "eval {}", quote(command));
        script.push_str("ready_pool_status=$?; [ \"$ready_pool_status\" -eq 0 ] || exit \"$ready_pool_status\"\n");
    }
    script.push_str(EPILOGUE);
    script
}

/// What the first line of a script starts with; the claim key follows.
const HEADER: &str = "# ready-pool: claim ";
/// What a first line calls the claim's `on_init_failure`.
const ON_INIT_FAILURE: &str = "on_init_failure";

/// What the second line starts with, where it is the claim.
const CLAIM: &str = "# ready-pool: ";

/// The claim that a script was rendered for, where the script carries it: where another instance is
/// tried should the script fail.
pub fn claim_of(script: &str) -> Option<Claim> {
    let mut lines = script.lines();
    lines.next()?.strip_prefix(HEADER)?;
    message::from_line(lines.next()?.strip_prefix(CLAIM)?)
}

/// What the first line of a script says, as far as it can be read: a script of an older version
/// says less, one that is not ours nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Header {
    /// Which attempt of its claim it was rendered for.
    pub attempt: Option<Attempt>,
    /// What its claim wants done when it fails. A word of a newer version is none.
    pub on_init_failure: OnInitFailure,
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
                Some(("trace", trace)) => header.trace = trace.parse().ok(),
                Some((step, moment)) => header.times.take_word(step, moment),
                None => {}
            }
        }
        header
    }
}

/// Quotes any text (without NUL) as one word of a POSIX shell.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{Init, WhenEmpty};
    use crate::ids::{ClaimId, GroupName};
    use crate::preferences::Preferences;
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::process::Command;
    use time::macros::datetime;

    fn claim(claim_id: &str, commands: &[&str], environment: &[(&str, &str)]) -> Claim {
        Claim {
            claim_id: ClaimId::try_from(claim_id).unwrap(),
            target_group: GroupName::try_from("asg-1").unwrap(),
            init: Init {
                commands: commands.iter().map(|&text| text.to_owned()).collect(),
                environment: environment
                    .iter()
                    .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                    .collect::<BTreeMap<_, _>>(),
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

    /// A machine's marker directory, removed at the end.
    struct Machine(PathBuf);

    impl Machine {
        fn new(name: &str) -> Self {
            let directory = std::env::temp_dir()
                .join(format!("ready-pool-script-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&directory);
            Self(directory)
        }

        fn run(&self, claim: &Claim) -> (i32, String, String) {
            let output = Command::new("sh")
                .arg("-c")
                .arg(render(claim, 1, &Times::default(), None))
                .env("READY_POOL_DIR", &self.0)
                .output()
                .unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (
                output.status.code().unwrap(),
                text(output.stdout),
                text(output.stderr),
            )
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn commands_share_a_shell_and_the_environment() {
        let machine = Machine::new("share");
        let claim = claim(
            "a",
            &["X=1; cd /", "echo \"$X $PWD $ORG\""],
            &[("ORG", "13 37")],
        );
        assert_eq!(
            machine.run(&claim),
            (0, "1 / 13 37\n".to_owned(), String::new())
        );
    }

    #[test]
    fn the_first_failing_command_ends_the_script_with_its_status() {
        let machine = Machine::new("failing");
        let (status, stdout, _) = machine.run(&claim(
            "a",
            &["echo one", "sh -c 'exit 7'", "echo three"],
            &[],
        ));
        assert_eq!((status, stdout.as_str()), (7, "one\n"));
    }

    #[test]
    fn an_exit_and_a_syntax_error_are_recorded() {
        for (name, command) in [("exit", "exit 3"), ("syntax", "if then 'unbalanced")] {
            let machine = Machine::new(name);
            let claim = claim("a", &[command, "echo never"], &[]);
            let (first, stdout, _) = machine.run(&claim);
            assert_ne!(first, 0, "{command}");
            assert_eq!(stdout, "", "{command}");
            assert_eq!(
                machine.run(&claim).0,
                first,
                "{command}: the recorded status"
            );
        }
    }

    #[test]
    fn the_same_claim_is_run_once_and_its_status_returned_again() {
        let machine = Machine::new("same");
        let claim = claim("a", &["echo once", "exit 5"], &[]);
        assert_eq!(machine.run(&claim).1, "once\n");
        let (status, stdout, stderr) = machine.run(&claim);
        assert_eq!((status, stdout.as_str()), (5, ""));
        assert!(stderr.contains("started before"));
    }

    #[test]
    fn another_claim_is_refused() {
        let machine = Machine::new("other");
        machine.run(&claim("a", &["true"], &[]));
        let (status, stdout, stderr) = machine.run(&claim("b", &["echo stolen"], &[]));
        assert_eq!((status, stdout.as_str()), (i32::from(EXIT_OTHER_CLAIM), ""));
        assert!(stderr.contains("belongs to claim a@"));
    }

    #[test]
    fn a_rebooting_script_is_an_ordinary_failure() {
        let machine = Machine::new("reboot");
        let (status, _, stderr) = machine.run(&claim("a", &["exit 194"], &[]));
        assert_eq!(status, 1);
        assert!(stderr.contains("not supported"));
    }

    #[test]
    fn values_are_data_whatever_they_hold() {
        let machine = Machine::new("data");
        let nasty = "'; echo pwned; '\n$(echo pwned) `echo pwned` \\ \" $HOME !!";
        let claim = claim("a", &["printf %s \"$VALUE\""], &[("VALUE", nasty)]);
        assert_eq!(machine.run(&claim), (0, nasty.to_owned(), String::new()));
    }

    #[test]
    fn ssm_finds_nothing_to_substitute() {
        let mut claim = claim("a", &["true"], &[("A", "b")]);
        claim.target_group = GroupName::try_from("{{x}}").unwrap();
        assert!(!render(&claim, 1, &Times::default(), None).contains("{{"));
    }

    #[test]
    fn the_first_line_reads_back() {
        let times = Times {
            sent: Some(datetime!(2026-11-22 20:00 UTC)),
            entered: Some(datetime!(2026-11-22 20:00:01.25 UTC)),
            detached: Some(datetime!(2026-11-22 20:00:01.999 UTC)),
            attached: Some(datetime!(2026-11-22 20:00:05 UTC)),
            ..Times::default()
        };
        let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let trace = Some(trace.parse().unwrap());
        let mut claim = claim("a", &["true"], &[]);
        for on_init_failure in OnInitFailure::ALL {
            claim.on_init_failure = on_init_failure;
            let header = Header {
                attempt: Some(3),
                on_init_failure,
                times,
                trace,
            };
            assert_eq!(Header::read(&render(&claim, 3, &times, trace)), header);
        }
        let script = render(&claim, 3, &times, trace);
        assert!(script.starts_with("# ready-pool: claim a@"));
        let longer = script.len() - render(&claim, 3, &Times::default(), None).len();
        assert!(longer < 300, "{longer}");
    }

    #[test]
    fn the_script_of_a_claim_that_may_need_another_instance_carries_it() {
        let nasty = "'; exit 9 '\n# \r{ \"$(exit 9)\" \\ }";
        let mut claim = claim(
            "a",
            &["test \"$X\" = \"$X\"; exit 3", nasty],
            &[("X", nasty)],
        );
        claim.target_group = GroupName::try_from("{{{x}}").unwrap();
        claim.preferences.zones = vec!["eu-west-1a".to_owned()];
        claim.init.working_directory = Some("/opt".to_owned());
        assert_eq!(claim_of(&render(&claim, 1, &Times::default(), None)), None);
        claim.on_init_failure = OnInitFailure::Replace;
        let script = render(&claim, 2, &Times::default(), None);
        assert_eq!(claim_of(&script), Some(claim.clone()));
        assert!(!script.contains("{{"));
        let machine = Machine::new("carries");
        assert_eq!(machine.run(&claim), (3, String::new(), String::new()));
    }

    #[test]
    fn only_a_script_of_ours_carries_a_claim() {
        let mut claim = claim("a", &["true"], &[]);
        claim.on_init_failure = OnInitFailure::Replace;
        let script = render(&claim, 1, &Times::default(), None);
        let (_, without_header) = script.split_once('\n').unwrap();
        let headers = "# ready-pool: claim a@1\n".to_owned();
        for other in ["", "\n", without_header, "# ready-pool: claim a@1"] {
            assert_eq!(claim_of(other), None, "{other}");
        }
        assert_eq!(claim_of(&(headers.clone() + "# ready-pool: {}")), None);
        assert_eq!(claim_of(&(headers + without_header)), Some(claim));
    }

    #[test]
    fn what_is_no_header_says_nothing() {
        let first = Header {
            attempt: Some(1),
            ..Header::default()
        };
        for (script, header) in [
            ("", Header::default()),
            ("echo, attempt 1", Header::default()),
            ("# ready-pool: claim a@1, attempt 1\nsent x", first),
            (
                "# ready-pool: claim a@1, attempt 1, sent soon, on_init_failure dance, dances well,, x",
                first,
            ),
            ("# ready-pool: claim a@1, attempt 1000", Header::default()),
        ] {
            assert_eq!(Header::read(script), header, "{script}");
        }
    }
}
