//! The interpreter that a script's first line names.

/// What stands behind `#!`.
///
/// The kernel takes the first word as the program and all the rest as *one* argument (execve(2)). The
/// wrapper starts the program itself and names it the file: so a file on a disk that is mounted
/// `noexec` runs, too, which no kernel would execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The program.
    pub(crate) program: String,
    /// Its one argument before the file.
    pub(crate) argument: Option<String>,
}

impl Interpreter {
    /// Reads the first line; none where it is no `#!` line, or names nothing.
    pub(crate) fn of(script: &str) -> Option<Self> {
        const BLANKS: [char; 2] = [' ', '\t'];
        let (first, _) = script.split_once('\n').unwrap_or((script, ""));
        let words = first.strip_prefix("#!")?.trim_matches(BLANKS);
        let (program, argument) = words.split_once(BLANKS).unwrap_or((words, ""));
        let argument = argument.trim_start_matches(BLANKS);
        (!program.is_empty()).then(|| Self {
            program: program.to_owned(),
            argument: (!argument.is_empty()).then(|| argument.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_program_and_the_rest_is_one_argument() {
        for (script, program, argument) in [
            ("#!/bin/bash", "/bin/bash", None),
            ("#! /bin/bash \t\necho", "/bin/bash", None),
            (
                "#!/usr/bin/env -S  python3 -u \nx",
                "/usr/bin/env",
                Some("-S  python3 -u"),
            ),
            ("#!perl\t-w", "perl", Some("-w")),
        ] {
            let interpreter = Interpreter::of(script).unwrap();
            assert_eq!(interpreter.program, program, "{script}");
            assert_eq!(interpreter.argument.as_deref(), argument, "{script}");
        }
        for script in [
            "",
            "#!",
            "#! \t",
            "#!\n/bin/bash",
            " #!/bin/bash",
            "\n#!/bin/bash",
            "# !/bin/sh",
        ] {
            assert_eq!(Interpreter::of(script), None, "{script}");
        }
    }
}
