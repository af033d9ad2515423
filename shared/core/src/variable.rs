//! Which names `init.environment` may have. A name is refused where a shell or an interpreter does
//! something of its own with the value before the claim's commands see it.
//!
//! Found by the manuals of sh, dash 0.5.12 and bash 5.2 ("Shell Variables"), perlrun and python(1), and by trying
//! every name that the two shells' programs contain. `tests/properties` tries them again.
//!
//! Accepted are names whose value only *names* something that the claim's own commands then use: a search
//! path (`PATH`, `LD_LIBRARY_PATH`, `PERL5LIB`), a file (`LD_PRELOAD`, `INPUTRC`, `PYTHONSTARTUP`), a program (`EDITOR`, `PAGER`).
//! Options of other programs (`NODE_OPTIONS`, `JAVA_TOOL_OPTIONS`, `RUBYOPT`, `GIT_SSH_COMMAND`) are accepted, too: there is no end to
//! them, and whoever names one means it. A script that calculates with a value (`$((VALUE))`, `[ -v "$VALUE" ]`, `eval`) has bash evaluate
//! it: that is the script's own doing, and no name can prevent it.

/// Longest name, bytes.
const MAX_BYTES: usize = 128;

const SET_BY_SHELLS: &str = "may not be set: shells set or interpret it themselves";
const RUN_BY_SHELLS: &str = "may not be set: shells execute its value";
const RUN_BY_INTERPRETERS: &str =
    "may not be set: perl or python executes what its value says; set it in the script itself";

/// Names that bash or dash sets by itself, refuses to set, or evaluates as arithmetic when it is set: their
/// values would not arrive, or would be code.
pub(crate) const SET: [&str; 24] = [
    "COMP_WORDBREAKS",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "IFS",
    "LINENO",
    "OLDPWD",
    "OPTERR",
    "OPTIND",
    "PIPESTATUS",
    "POSIXLY_CORRECT",
    "PPID",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "_",
];

/// Names whose values shells expand, or run as they are: `PS4` under `set -x` (CVE-2016-7543), `ENV` and the others
/// where a shell is interactive (`sh -i`), `FCEDIT` in `fc`, the texts in `MAILPATH`. `BASH_ENV`, which every bash heeds, is one
/// of `BASH…`.
pub(crate) const RUN: [&str; 9] = [
    "ENV",
    "FCEDIT",
    "MAILPATH",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
];

/// Names whose values perl runs as Perl (`PERL5OPT=-Mx;…`, and `PERL5DB` with `-d` in it), and which make python
/// import any module.
pub(crate) const RUN_BY_NAME: [&str; 3] = ["PERL5DB", "PERL5OPT", "PYTHONWARNINGS"];

/// What is wrong with a name, in words that follow it; nothing where it may be used.
pub(crate) fn problem(name: &str) -> Option<&'static str> {
    if !is_variable_name(name) {
        Some(
            "must have a name of letters, digits and underscores that starts with no digit, at most 128 characters",
        )
    } else if name.starts_with("READY_POOL_") {
        Some("may not be set: READY_POOL_ is reserved for ready-pool")
    } else if RUN.contains(&name) {
        Some(RUN_BY_SHELLS)
    } else if RUN_BY_NAME.contains(&name) {
        Some(RUN_BY_INTERPRETERS)
    } else if name.starts_with("BASH") || SET.contains(&name) {
        Some(SET_BY_SHELLS)
    } else {
        None
    }
}

fn is_variable_name(name: &str) -> bool {
    (1..=MAX_BYTES).contains(&name.len())
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_whose_the_name_is() {
        for (name, words) in [
            ("", "letters, digits and underscores"),
            ("1A", "starts with no digit"),
            ("A-B", "letters"),
            ("BASH_ENV", "set or interpret"),
            ("UID", "set or interpret"),
            ("READY_POOL_DIR", "READY_POOL_"),
            ("PS4", "shells execute"),
            ("ENV", "shells execute"),
            ("PERL5OPT", "perl or python"),
        ] {
            let problem = problem(name).unwrap_or_default();
            assert!(problem.contains(words), "{name}: {problem}");
        }
        assert!(problem(&"A".repeat(MAX_BYTES + 1)).is_some());
        for name in [
            "ORG_ID",
            "PATH",
            "HOME",
            "env",
            "ps4",
            "PS5",
            "_A",
            "LD_PRELOAD",
            "EDITOR",
            "TMOUT",
        ] {
            assert_eq!(problem(name), None, "{name}");
        }
    }
}
