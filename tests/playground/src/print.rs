//! How lines look: time, duration, label, text; in colours on a terminal.

use crate::story::{Line, Tone};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;
use terminal_size::{Width, terminal_size_of};
use textwrap::{Options, WordSeparator, WordSplitter};
use time::OffsetDateTime;

/// Columns before the text of a line of the story.
const BEFORE_TEXT: usize = 35;
/// A column of text is never narrower: rather is it cut by the terminal.
const NARROWEST: usize = 20;
/// Back to the beginning of the line, and the line is empty.
const CLEAR_LINE: &str = "\r\x1b[2K";

/// Where lines go. Writing fails when the reader is gone.
pub(crate) struct Printer {
    out: Box<dyn Write + Send>,
    colours: bool,
    /// The terminal's columns; none where it is no terminal, and lines are as long as they are.
    width: Option<usize>,
    /// A status stands in the last line.
    shows_status: bool,
    /// The moment that times are counted from.
    pub(crate) zero: OffsetDateTime,
}

/// How a piece of text is shown on a terminal.
#[derive(Clone, Copy)]
enum Style {
    Bold,
    Dim,
    Green,
    Red,
}

impl Printer {
    /// Lines on standard output.
    pub(crate) fn stdout(zero: OffsetDateTime) -> Self {
        let width = width_of(&io::stdout());
        Self::on(Box::new(io::stdout()), width, zero)
    }

    /// Lines on standard error.
    pub(crate) fn stderr(zero: OffsetDateTime) -> Self {
        let width = width_of(&io::stderr());
        Self::on(Box::new(io::stderr()), width, zero)
    }

    fn on(out: Box<dyn Write + Send>, width: Option<usize>, zero: OffsetDateTime) -> Self {
        Self {
            out,
            // https://no-color.org
            colours: width.is_some()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            width,
            shows_status: false,
            zero,
        }
    }

    /// Whether there is somebody to watch: a terminal.
    pub(crate) fn is_watched(&self) -> bool {
        self.width.is_some()
    }

    /// How things stand just now, in the last line, until the next one is written. Only a terminal shows it.
    pub(crate) fn status(&mut self, status: &str) -> io::Result<()> {
        let Some(width) = self.width else {
            return Ok(());
        };
        let status: String = status.chars().take(width.saturating_sub(1)).collect();
        let status = self.paint(&status, Style::Dim);
        write!(self.out, "{CLEAR_LINE}{status}")?;
        self.shows_status = true;
        self.out.flush()
    }

    fn clear_status(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.shows_status) {
            write!(self.out, "{CLEAR_LINE}")?;
        }
        Ok(())
    }

    /// Text, in lines that the terminal need not break: a line that is indented goes on so.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.clear_status()?;
        for line in text.split('\n') {
            let own = line.trim_start_matches(' ');
            let indent = line.len() - own.len();
            for line in self.wrapped(own, indent) {
                writeln!(self.out, "{:indent$}{line}", "")?;
            }
        }
        self.out.flush()
    }

    /// Text to copy: not a character is added, and the terminal breaks it where it is too long.
    pub(crate) fn verbatim(&mut self, text: &str) -> io::Result<()> {
        self.clear_status()?;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// The text's lines where so many columns stand before each. No word is broken.
    fn wrapped(&self, text: &str, before: usize) -> Vec<String> {
        let Some(width) = self.width else {
            return vec![text.to_owned()];
        };
        let options = Options::new(width.saturating_sub(before).max(NARROWEST))
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(text, options).into_iter();
        lines.map(|line| line.into_owned()).collect()
    }

    /// The lines of a text after its label, painted; then what belongs below it.
    fn body(
        &mut self,
        text: &str,
        below: &[String],
        before: usize,
        style: Option<Style>,
    ) -> io::Result<()> {
        for (index, line) in self.wrapped(text, before).iter().enumerate() {
            if index > 0 {
                write!(self.out, "{:before$}", "")?;
            }
            let line = style.map_or_else(|| line.clone(), |style| self.paint(line, style));
            writeln!(self.out, "{line}")?;
        }
        let bar = self.paint("│", Style::Dim);
        for text in below {
            for line in self.wrapped(text, before + 2) {
                writeln!(self.out, "{:before$}{bar} {line}", "")?;
            }
        }
        self.out.flush()
    }

    /// The title of what follows, after an empty line.
    pub(crate) fn title(&mut self, title: &str) -> io::Result<()> {
        self.text("")?;
        self.heading(title)
    }

    /// A title that begins the output.
    pub(crate) fn heading(&mut self, title: &str) -> io::Result<()> {
        self.clear_status()?;
        self.body(title, &[], 0, Some(Style::Bold))
    }

    /// A line that stands out as good.
    pub(crate) fn good(&mut self, text: &str) -> io::Result<()> {
        self.clear_status()?;
        self.body(text, &[], 0, Some(Style::Green))
    }

    /// A line of the story, and what belongs below it.
    pub(crate) fn line(&mut self, line: &Line) -> io::Result<()> {
        self.clear_status()?;
        let time = self.paint(&self.time(line.at), Style::Dim);
        let took = line.took.map_or(String::new(), seconds);
        let label = format!("{:<13}", line.label);
        let label = match style_of(line.tone) {
            Some(style) => self.paint(&label, style),
            None => label,
        };
        write!(self.out, "{time} {took:>8}  {label}  ")?;
        self.body(&line.text, &line.below, BEFORE_TEXT, None)
    }

    fn time(&self, at: OffsetDateTime) -> String {
        let since = (at - self.zero).as_seconds_f64();
        // No "-0.00" for what came just before.
        format!("{:>9}", format!("{:.2} s", since.max(0.0)))
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Green => "32",
            Style::Red => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The columns of the terminal behind this; none where there is no terminal.
fn width_of<F: AsFd + IsTerminal>(file: &F) -> Option<usize> {
    if !file.is_terminal() {
        return None;
    }
    let size = terminal_size_of(file);
    // A terminal that does not say is as wide as the first ones.
    Some(size.map_or(80, |(Width(columns), _)| usize::from(columns)))
}

fn style_of(tone: Tone) -> Option<Style> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some(Style::Green),
        Tone::Bad => Some(Style::Red),
    }
}

/// A duration to a hundredth of a second.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ZERO;
    use std::sync::{Arc, Mutex};

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written on a terminal of so many columns, without colours.
    fn written(width: Option<usize>, write: impl FnOnce(&mut Printer)) -> String {
        let kept = Kept::default();
        let mut printer = Printer::on(Box::new(kept.clone()), width, ZERO);
        printer.colours = false;
        write(&mut printer);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn line() -> Line {
        let text = "i-0123456789abcdef0 waits in its launch hook of the group ready-pool-pool";
        Line {
            below: vec![
                "a script's output is shown as it is, in as many lines as it wants".to_owned(),
            ],
            ..Line::plain(ZERO, "booted", text)
        }
    }

    #[test]
    fn a_narrow_terminal_breaks_no_word() {
        let all = written(Some(80), |printer| {
            printer.line(&line()).unwrap();
            let text =
                "the story of one claim that has a rather long text to be printed in a title";
            printer.title(&text.repeat(2)).unwrap();
            printer.text(&format!("  {text} {text}")).unwrap();
        });
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        for line in all.lines() {
            assert!(line.chars().count() <= 80, "{line:?}");
        }
        let story = all.lines().take(2).collect::<Vec<_>>().join(" ");
        assert!(words(&story).ends_with(&words("launch hook of the group ready-pool-pool")));
        assert!(
            all.contains("\n                                   "),
            "no hanging indent:\n{all}"
        );
    }

    #[test]
    fn a_word_that_is_too_long_stays_whole() {
        let address = format!("http://here/{}", "x".repeat(60));
        let all = written(Some(40), |printer| {
            printer.text(&format!("see {address} there")).unwrap();
        });
        assert_eq!(all, format!("see\n{address}\nthere\n"));
    }

    #[test]
    fn a_file_gets_lines_as_long_as_they_are_and_no_status() {
        let all = written(None, |printer| {
            printer.status("1 of 3").unwrap();
            printer.line(&line()).unwrap();
        });
        assert_eq!(all.lines().count(), 2);
        assert!(!all.contains("1 of 3"));
    }

    #[test]
    fn a_status_gives_way_to_the_next_line() {
        let all = written(Some(20), |printer| {
            printer.status("1 of 3").unwrap();
            printer.status(&"2 of 3 ".repeat(9)).unwrap();
            printer.text("full").unwrap();
            printer.text("done").unwrap();
        });
        let expected = "\r\x1b[2K1 of 3\r\x1b[2K2 of 3 2 of 3 2 of \r\x1b[2Kfull\ndone\n";
        assert_eq!(all, expected);
    }
}
