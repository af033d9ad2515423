//! No value of an accepted name is ever run, whatever the name: in dash and bash, traced and interactive, and in
//! the interpreters that a first line may name.

use crate::machine::{Machine, SHELLS, Shell, claim};
use crate::quoting::check_arrival;
use crate::strategies::config;
use properties::readers::NOW;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Every name in the manuals of sh, dash and bash, and those of perl and python with which a program starts.
const NAMES: &str = "ATTY BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND BASH_COMPAT \
    BASH_ENV BASH_EXECUTION_STRING BASH_LINENO BASH_LOADABLES_PATH BASH_REMATCH BASH_SOURCE BASH_SUBSHELL BASH_VERSINFO \
    BASH_VERSION BASH_XTRACEFD CDPATH CHILD_MAX COLUMNS COMPREPLY COMP_CWORD COMP_KEY COMP_LINE COMP_POINT COMP_TYPE \
    COMP_WORDBREAKS COMP_WORDS COPROC DIRSTACK EDITOR EMACS ENV EPOCHREALTIME EPOCHSECONDS EUID EXECIGNORE FCEDIT FIGNORE \
    FUNCNAME FUNCNEST GLOBIGNORE GROUPS HISTCMD HISTCONTROL HISTFILE HISTFILESIZE HISTIGNORE HISTSIZE HISTTIMEFORMAT HOME \
    HOSTFILE HOSTNAME HOSTTYPE IFS IGNOREEOF INPUTRC INSIDE_EMACS LANG LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_NUMERIC \
    LC_TIME LINENO LINES LOGNAME MACHTYPE MAIL MAILCHECK MAILPATH MAPFILE NLSPATH OLDPWD OPTARG OPTERR OPTIND OSTYPE PAGER \
    PERL5DB PERL5LIB PERL5OPT PERL5SHELL PERLIO PIPESTATUS POSIXLY_CORRECT PPID PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 \
    PS4 PWD PYTHONBREAKPOINT PYTHONDEBUG PYTHONDONTWRITEBYTECODE PYTHONINSPECT PYTHONIOENCODING PYTHONPATH PYTHONSTARTUP \
    PYTHONWARNINGS RANDOM READLINE_ARGUMENT READLINE_LINE READLINE_MARK READLINE_POINT REPLY SECONDS SHELL SHELLOPTS SHLVL \
    SRANDOM TERM TEXTDOMAIN TIMEFORMAT TMOUT TMPDIR TZ UID USER VISUAL _ auto_resume histchars ready_pool_claim ready_pool_dir \
    ready_pool_run ready_pool_status ready_pool_timer";

/// What would leave a file behind if anything evaluated it: as a word, in arithmetic, as a command, as a message
/// behind a file's name, as Perl, as options.
const VALUES: [&str; 6] = [
    "$(touch pwned)`touch pwned`",
    "x[$(touch pwned)]",
    "touch pwned;",
    "/etc/passwd?$(touch pwned)",
    "-Mstrict;open(F,'>pwned')",
    "BEGIN{open(F,'>pwned')}",
];

/// Does what may make a shell or an interpreter look at its environment.
const LOOKS: [&str; 9] = [
    "set -x",
    ": $((1 + 1))",
    "f() { :; }",
    "f",
    "set +x",
    "for shell in dash bash sh; do printf '%s\\n' 'true one' 'set -x' ': two' 'exit 0' | $shell -i >/dev/null 2>&1 || :; done",
    "for shell in dash bash; do $shell -x -c ': $((1)); for i in 1; do :; done' >/dev/null 2>&1 || :; done",
    "perl -e 1 >/dev/null 2>&1 || :; python3 -c pass >/dev/null 2>&1 || :",
    "touch looked",
];

fn refusal(name: &str, value: &str) -> Option<String> {
    let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let claim = claim("a", &["true"], environment);
    claim.check(NOW).err().map(|refusal| refusal.to_string())
}

/// Those of the names that are accepted, each with this value.
fn accepted<'n>(names: impl IntoIterator<Item = &'n str>, value: &str) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for name in names {
        match refusal(name, value) {
            None => {
                environment.insert(name.to_owned(), value.to_owned());
            }
            Some(refusal) => assert!(refusal.contains(name), "{refusal}"),
        }
    }
    environment
}

fn check_that_none_is_run(environment: &BTreeMap<String, String>) {
    let claim = claim("a", &LOOKS, environment.clone());
    assert_eq!(claim.check(NOW), Ok(()));
    for shell in SHELLS {
        let machine = Machine::new();
        let ended = machine.run(shell, &claim);
        let files = machine.files();
        assert!(
            files.iter().any(|file| file == "looked"),
            "{}",
            ended.stderr
        );
        // A shell that was interactive keeps its history in the file that `HISTFILE` names.
        assert!(
            !files.iter().any(|file| file == "pwned"),
            "{shell:?} ran one of {environment:?}"
        );
    }
}

#[test]
fn the_value_of_every_accepted_name_in_the_manuals_arrives() {
    let all = || NAMES.split_ascii_whitespace();
    for value in ["x[$(touch pwned)]", "7"] {
        // bash warns of a locale that does not exist.
        check_arrival(&accepted(
            all().filter(|name| !name.starts_with("LC_")),
            value,
        ));
    }
    let accepted = accepted(all(), "7");
    assert!((60..100).contains(&accepted.len()), "{}", accepted.len());
}

#[test]
fn no_value_of_an_accepted_name_in_the_manuals_is_run() {
    for value in VALUES {
        check_that_none_is_run(&accepted(NAMES.split_ascii_whitespace(), value));
    }
}

#[test]
fn names_whose_values_are_run_are_refused_and_were_found_with_this_test() {
    let run = [
        ("PS4", VALUES[0]),
        ("PS1", VALUES[0]),
        ("PS0", VALUES[0]),
        ("ENV", VALUES[0]),
        ("BASH_ENV", VALUES[0]),
        ("PROMPT_COMMAND", VALUES[2]),
        ("PERL5OPT", VALUES[4]),
    ];
    for (name, value) in run {
        let refusal = refusal(name, value).unwrap();
        let words = format!("`init.environment.{name}` may not be set: ");
        assert!(refusal.starts_with(&words), "{refusal}");
        // The script may do to itself what a claim may not: so the others' test would see it.
        let export = format!("export {name}='{}'", value.replace('\'', "'\\''"));
        let looks: Vec<&str> = [export.as_str()].into_iter().chain(LOOKS).collect();
        let machine = Machine::new();
        machine.run(Shell::Dash, &claim("a", &looks, BTreeMap::new()));
        let files = machine.files();
        assert!(
            files.iter().any(|file| file == "pwned"),
            "{name}: {files:?}"
        );
    }
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn no_accepted_name_s_value_is_run(
        names in vec("[A-Z][A-Z0-9_]{0,6}|PS[0-9A-Z]|PERL5[A-Z]{2,3}|PYTHON[A-Z]{4,6}|LC_[A-Z]{3}", 1..40),
        value in prop::sample::select(VALUES.as_slice()),
    ) {
        check_that_none_is_run(&accepted(names.iter().map(String::as_str), value));
    }
}
