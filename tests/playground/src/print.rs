//! How lines look: time, duration, label, text; in colours on a terminal.

use crate::story::{Line, Tone};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;
use time::OffsetDateTime;

/// Where lines go. Writing fails when the reader is gone.
pub(crate) struct Printer {
    out: Box<dyn Write + Send>,
    colours: bool,
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
        let terminal = io::stdout().is_terminal();
        Self::on(Box::new(io::stdout()), terminal, zero)
    }

    /// Lines on standard error.
    pub(crate) fn stderr(zero: OffsetDateTime) -> Self {
        let terminal = io::stderr().is_terminal();
        Self::on(Box::new(io::stderr()), terminal, zero)
    }

    fn on(out: Box<dyn Write + Send>, terminal: bool, zero: OffsetDateTime) -> Self {
        Self {
            out,
            // https://no-color.org
            colours: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            zero,
        }
    }

    /// Text as it is.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// The title of what follows, after an empty line.
    pub(crate) fn title(&mut self, title: &str) -> io::Result<()> {
        let title = self.paint(title, Style::Bold);
        self.text(&format!("\n{title}"))
    }

    /// A title that begins the output.
    pub(crate) fn heading(&mut self, title: &str) -> io::Result<()> {
        let title = self.paint(title, Style::Bold);
        self.text(&title)
    }

    /// Something known under a label (none where it goes on), and what belongs below it.
    pub(crate) fn field(
        &mut self,
        label: &str,
        text: &str,
        below: &[String],
        tone: Tone,
    ) -> io::Result<()> {
        let label = self.paint(&format!("{label:<9}"), Style::Dim);
        let text = match tone {
            Tone::Plain => text.to_owned(),
            Tone::Good => self.paint(text, Style::Green),
            Tone::Bad => self.paint(text, Style::Red),
        };
        writeln!(self.out, "  {label}  {text}")?;
        let bar = self.paint("│", Style::Dim);
        for below in below {
            writeln!(self.out, "{:13}{bar} {below}", "")?;
        }
        self.out.flush()
    }

    /// A line that stands out as good.
    pub(crate) fn good(&mut self, text: &str) -> io::Result<()> {
        let text = self.paint(text, Style::Green);
        self.text(&text)
    }

    /// A line of the story, and what belongs below it.
    pub(crate) fn line(&mut self, line: &Line) -> io::Result<()> {
        let time = self.paint(&self.time(line.at), Style::Dim);
        let took = line.took.map_or(String::new(), seconds);
        let label = format!("{:<13}", line.label);
        let label = match line.tone {
            Tone::Plain => label,
            Tone::Good => self.paint(&label, Style::Green),
            Tone::Bad => self.paint(&label, Style::Red),
        };
        writeln!(self.out, "{time} {took:>8}  {label}  {}", line.text)?;
        let bar = self.paint("│", Style::Dim);
        for below in &line.below {
            writeln!(self.out, "{:35}{bar} {below}", "")?;
        }
        self.out.flush()
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

/// A duration to a hundredth of a second.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
