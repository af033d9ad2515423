//! How text looks: headings, labelled fields, lists; in colours on a terminal, plain in a file or a pipe.

use crate::failure::Failure;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use terminal_size::{Width, terminal_size_of};
use textwrap::{Options, WordSeparator, WordSplitter};

/// Columns of a field's label.
const LABEL: usize = 10;
/// Columns before a field's text.
const BEFORE_TEXT: usize = 2 + LABEL + 2;
/// A column of text is never narrower: rather is it cut by the terminal.
const NARROWEST: usize = 20;
/// What stands at the end of a line whose command goes on.
const GOES_ON: &str = " \\";
/// What ends a command in a text.
const ENDS_COMMAND: [char; 4] = ['`', ')', ';', ','];
/// Clears the terminal, and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Where the command line writes.
pub struct Screen<'w> {
    out: &'w mut dyn Write,
    errors: &'w mut dyn Write,
    colours: bool,
    /// The terminal's columns; none where it is no terminal, and lines are as long as they are.
    width: Option<usize>,
    /// What makes a command of this program that stands in a text work as this one does: ` --stack other`.
    repeated: String,
}

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// It is as it should be.
    Good,
    /// Somebody should look at it.
    Doubtful,
    /// It is not as it should be.
    Bad,
    /// Beside the point.
    Quiet,
}

impl<'w> Screen<'w> {
    /// The process's own output.
    pub fn of_process<O: Write + AsFd + IsTerminal>(
        out: &'w mut O,
        errors: &'w mut dyn Write,
    ) -> Self {
        let width = out.is_terminal().then(|| {
            // A terminal that does not say is as wide as the first ones.
            terminal_size_of(&*out).map_or(80, |(Width(columns), _)| usize::from(columns))
        });
        Self {
            // https://no-color.org
            colours: width.is_some()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            width,
            repeated: String::new(),
            out,
            errors,
        }
    }

    /// Commands of this program that stand in texts get these options, so that they can be pasted.
    pub(crate) fn repeat(&mut self, options: String) {
        self.repeated = options;
    }

    /// A file or a pipe.
    pub fn plain(out: &'w mut dyn Write, errors: &'w mut dyn Write) -> Self {
        Self {
            out,
            errors,
            colours: false,
            width: None,
            repeated: String::new(),
        }
    }

    /// The terminal's columns; none where it is no terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Begins anew on a terminal; elsewhere what follows stands below an empty line, unless it is the first.
    pub(crate) fn again(&mut self, is_first: bool) -> Result<(), Failure> {
        let start = match self.width {
            Some(_) => CLEAR,
            None if is_first => "",
            None => "\n",
        };
        Ok(write!(self.out, "{start}")?)
    }

    /// What the following is about.
    pub(crate) fn heading(&mut self, text: &str) -> Result<(), Failure> {
        let text = repeating(text, &self.repeated);
        for line in self.wrapped(&text, 0) {
            writeln!(self.out, "{}", self.paint(&line, "1"))?;
        }
        Ok(())
    }

    /// Something known under a label (none where it goes on).
    pub(crate) fn field(&mut self, label: &str, text: &str, tone: Tone) -> Result<(), Failure> {
        let label = self.paint(&format!("{label:<LABEL$}"), "2");
        let text = repeating(text, &self.repeated);
        for (index, line) in self.wrapped(&text, BEFORE_TEXT).iter().enumerate() {
            if index == 0 {
                write!(self.out, "  {label}  ")?;
            } else {
                write!(self.out, "{:BEFORE_TEXT$}", "")?;
            }
            let line = match tone {
                Tone::Plain => line.clone(),
                Tone::Good => self.paint(line, "32"),
                Tone::Doubtful => self.paint(line, "33"),
                Tone::Bad => self.paint(line, "31"),
                Tone::Quiet => self.paint(line, "2"),
            };
            writeln!(self.out, "{line}")?;
        }
        Ok(self.out.flush()?)
    }

    /// What a program printed, below a field, with the stream's name.
    pub(crate) fn below(&mut self, stream: &str, lines: &str) -> Result<(), Failure> {
        let bar = self.paint("│", "2");
        let mut label = stream;
        for line in lines.lines() {
            // Whatever the script printed, it moves no cursor here.
            let line = line.replace(char::is_control, " ");
            for line in self.wrapped(&line, BEFORE_TEXT + 2) {
                let before = self.paint(&format!("{label:<LABEL$}"), "2");
                writeln!(self.out, "  {before}  {bar} {line}")?;
                label = "";
            }
        }
        Ok(self.out.flush()?)
    }

    /// One line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(std::io::Error::other)?;
        writeln!(self.out, "{line}")?;
        Ok(self.out.flush()?)
    }

    /// What a completion script and the like are made of.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.out.write_all(bytes)?)
    }

    /// How far it is, beside the output.
    pub(crate) fn note(&mut self, text: &str) {
        for line in self.wrapped_note(text) {
            let _ = writeln!(self.errors, "{line}");
        }
    }

    /// What went wrong, beside the output.
    pub(crate) fn problem(&mut self, text: &str) {
        // Nobody is left to hear that standard error is closed.
        for line in self.wrapped_note(&format!("ready-pool: {text}")) {
            let _ = writeln!(self.errors, "{line}");
        }
    }

    /// A text beside the output, each of its lines by itself.
    fn wrapped_note(&self, text: &str) -> Vec<String> {
        repeating(text, &self.repeated)
            .lines()
            .flat_map(|line| self.wrapped(line, 0))
            .collect()
    }

    /// The text's lines where so many columns stand before each. No word is broken, and a command that goes on
    /// in the next line can still be pasted.
    fn wrapped(&self, text: &str, before: usize) -> Vec<String> {
        let Some(width) = self.width else {
            return vec![text.to_owned()];
        };
        let columns = width.saturating_sub(before).max(NARROWEST);
        let kept = if text.split(' ').any(begins_command) {
            GOES_ON.len()
        } else {
            0
        };
        let options = Options::new(columns.saturating_sub(kept))
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(text, options).into_iter();
        continued(lines.map(Cow::into_owned).collect())
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The text, with these options in each of its commands of this program that does not say where it goes.
fn repeating(text: &str, options: &str) -> String {
    let mut parts = text.split('`');
    let mut repeated = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        repeated.push('`');
        repeated.push_str(part);
        // Every other part stands between backticks.
        let is_ours = index % 2 == 0 && part.starts_with("ready-pool ");
        if is_ours && !part.contains(" --stack ") && !part.contains(" --family ") {
            repeated.push_str(options);
        }
    }
    repeated
}

/// A command is one of the AWS CLI's, in backticks or not.
fn begins_command(word: &str) -> bool {
    word.trim_start_matches(['(', '`']) == "aws"
}

/// Marks the lines in which a command does not end, as a shell wants it. It ends with its text, or with a mark.
fn continued(mut lines: Vec<String>) -> Vec<String> {
    let mut in_command = false;
    let all = lines.len();
    for (index, line) in lines.iter_mut().enumerate() {
        for word in line.split(' ') {
            in_command |= begins_command(word);
            in_command &= !word.ends_with(ENDS_COMMAND);
        }
        if in_command && index + 1 < all {
            line.push_str(GOES_ON);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(width: Option<usize>, colours: bool) -> String {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut screen = Screen {
            out: &mut out,
            errors: &mut errors,
            colours,
            width,
            repeated: String::new(),
        };
        let text = "a text of some words that does not fit into forty columns";
        screen.heading(text).unwrap();
        screen.field("label", text, Tone::Good).unwrap();
        screen.below("stdout", "one\n\x1b[2Jtwo").unwrap();
        screen.problem(text);
        let lines = String::from_utf8(errors).unwrap();
        let fits = |line: &str| width.is_none_or(|width| line.chars().count() <= width);
        assert!(lines.lines().all(fits), "{lines}");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_s_lines_break_between_words_and_stay_in_their_column() {
        assert_eq!(
            written(Some(40), false),
            "a text of some words that does not fit\n\
             into forty columns\n\
             \x20 label       a text of some words that\n\
             \x20             does not fit into forty\n\
             \x20             columns\n\
             \x20 stdout      │ one\n\
             \x20             │  [2Jtwo\n"
        );
    }

    #[test]
    fn a_command_of_this_program_goes_where_this_one_goes() {
        for (text, expected) in [
            (
                "`ready-pool resume` ends it",
                "`ready-pool resume --stack s` ends it",
            ),
            (
                "see `aws` and `ready-pool claim c`",
                "see `aws` and `ready-pool claim c --stack s`",
            ),
            (
                "`ready-pool opt-in t --family f`",
                "`ready-pool opt-in t --family f`",
            ),
            ("the stack `ready-pool` is", "the stack `ready-pool` is"),
        ] {
            assert_eq!(repeating(text, " --stack s"), expected);
        }
    }

    #[test]
    fn a_command_that_goes_on_in_the_next_line_can_be_pasted() {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut screen = Screen {
            out: &mut out,
            errors: &mut errors,
            colours: false,
            width: Some(40),
            repeated: String::new(),
        };
        let text = "check (`aws sts get-caller-identity --profile other`) who you are, or paste aws sqs list-queues --region eu-west-1";
        screen.field("advice", text, Tone::Plain).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\x20 advice      check (`aws sts \\\n\
             \x20             get-caller-identity \\\n\
             \x20             --profile other`) who\n\
             \x20             you are, or paste aws \\\n\
             \x20             sqs list-queues --region \\\n\
             \x20             eu-west-1\n"
        );
    }

    #[test]
    fn a_pipe_gets_whole_lines_without_colours() {
        let piped = written(None, false);
        assert!(!piped.contains('\x1b'), "{piped}");
        assert_eq!(piped.lines().count(), 4);
        assert!(written(Some(40), true).contains("\x1b[32m"));
    }
}
