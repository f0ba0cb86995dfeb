//! The status line: drawn over and over at the bottom of a terminal, out of
//! the way of the log that is printed above it.
//!
//! Written here because the log is a program's and may end in the middle of a
//! line (a progress bar): then the line stays away until the log's line is over.

use std::io::{self, Write};

use crate::table::cut;

/// The line, or nothing at all where it cannot be drawn.
#[derive(Debug)]
pub(crate) struct StatusLine {
    live: bool,
    /// The log goes to the same terminal.
    shares_terminal: bool,
    drawn: bool,
    /// The log is in the middle of a line.
    log_is_mid_line: bool,
    frame: usize,
}

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

impl StatusLine {
    /// A line that is drawn only when `live`.
    pub(crate) fn new(live: bool, shares_terminal: bool) -> Self {
        Self { live, shares_terminal, drawn: false, log_is_mid_line: false, frame: 0 }
    }

    /// Is it drawn at all?
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Draws it with this text.
    pub(crate) fn draw(&mut self, text: &str, width: usize) {
        if !self.live || self.log_is_mid_line {
            return;
        }
        self.frame = (self.frame + 1) % FRAMES.len();
        // The last column stays free: some terminals wrap as soon as it is written.
        let text = cut(&format!("{} {text}", FRAMES[self.frame]), width.saturating_sub(1));
        put(&format!("\r{text}\x1b[K"));
        self.drawn = true;
    }

    /// Takes it off the terminal.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            put("\r\x1b[K");
        }
        if self.log_is_mid_line && self.shares_terminal {
            put("\n");
            self.log_is_mid_line = false;
        }
    }

    /// Takes it off the terminal for what is printed next.
    pub(crate) fn make_way(&mut self) {
        if std::mem::take(&mut self.drawn) {
            put("\r\x1b[K");
        }
    }

    /// The log has printed this.
    pub(crate) fn after(&mut self, log: &[u8]) {
        if let (true, Some(last)) = (self.shares_terminal, log.last()) {
            self.log_is_mid_line = *last != b'\n';
        }
    }

    /// Takes it off for good.
    pub(crate) fn finish(&mut self) {
        self.clear();
        self.live = false;
    }
}

fn put(text: &str) {
    let mut stderr = io::stderr().lock();
    // A terminal that has gone away shows no line; the log will notice.
    let _gone = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
