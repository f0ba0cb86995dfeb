//! Where output goes: data to stdout, talk to stderr.
//!
//! The only place of the house that prints. Everything else returns texts,
//! painted; the paint is taken off here when nobody would see it.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

/// What is known about the two streams.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    quiet: bool,
    color: ColorChoice,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
}

/// Columns where none can be asked for.
const COLUMNS: usize = 80;

impl Screen {
    /// Looks at the streams of this process.
    pub(crate) fn new(quiet: bool, color: ColorChoice) -> Self {
        Self {
            quiet,
            color,
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Is somebody looking at stdout?
    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// May a line on stderr be drawn over again and again?
    pub(crate) fn live(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        self.stderr_is_terminal && !self.quiet && !dumb
    }

    /// Only what was asked for?
    pub(crate) fn quiet(&self) -> bool {
        self.quiet
    }

    /// How wide a table may be; nothing when it is not for a terminal.
    pub(crate) fn table_width(&self) -> Option<usize> {
        self.stdout_is_terminal.then(|| columns(io::stdout()).unwrap_or(COLUMNS))
    }

    /// How wide lines on stderr should be.
    pub(crate) fn talk_width(&self) -> usize {
        let terminal = self.stderr_is_terminal.then(|| columns(io::stderr()));
        terminal.flatten().unwrap_or(COLUMNS)
    }

    /// Prints data.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.color);
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// Prints data as it is, with nothing taken off and nothing added.
    #[expect(clippy::unused_self, reason = "whoever prints needs a screen in hand")]
    pub(crate) fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// Prints a document as JSON, indented, for programs and for people.
    pub(crate) fn json<T: serde::Serialize>(&self, document: &T) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        self.raw(text.as_bytes())
    }

    /// Prints a document as one line of JSON.
    pub(crate) fn json_line<T: serde::Serialize>(&self, document: &T) -> io::Result<()> {
        let mut text = serde_json::to_string(document)?;
        text.push('\n');
        self.raw(text.as_bytes())
    }

    /// Says something on stderr, unless asked to be quiet.
    pub(crate) fn talk(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Says something on stderr in any case. That nobody listens is no error.
    pub(crate) fn complain(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.color);
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let _nobody_listens = write!(stderr, "{text}{end}").and_then(|()| stderr.flush());
    }
}

fn columns(stream: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}
