//! Progress lines, as people know them from their terminals: Keras, tqdm, Lightning, and
//! programs that print what they count and what they measure.
//!
//! What is found here is a guess, and the last resort: a program that writes its metrics
//! into files, or a definition with expressions, says it better. A line counts when it has a
//! form that is known (`keras`, `tqdm`), or when it names something that is counted and a
//! number that is measured everywhere (`plain`). How far the training is comes from the same
//! lines.

mod keras;
mod pairs;
mod plain;
mod tqdm;

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::record::{Moment, Scalar};
use crate::stream::Position;
use crate::text::Lines;

/// Lines with none of these say nothing. One look through a line, at the speed of memory.
static WORTH_A_LOOK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)epoch|step|iter|loss|acc|test|valid|eval|%\||\[=|\[\.|\[>|━"));
static ESCAPES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]"));

/// A longer line is for no terminal.
const LINE_BYTES: usize = 4096;

pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("an expression of ours is tried by the tests")
}

/// How far a training is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// `epoch 3 of 10`, or what a progress bar is called.
    pub what: String,
    /// So much is done ...
    pub done: u64,
    /// ... of so much.
    pub total: u64,
    /// How many seconds are left, where the program says it.
    pub seconds_left: Option<u64>,
}

/// Reads a log as it grows.
#[derive(Debug, Default)]
pub struct LogReader {
    lines: Lines,
    watch: Watch,
    progress: Option<Progress>,
}

/// What must be known of the lines before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Watch {
    /// The epoch, as the program counts it.
    epoch: Option<u64>,
    epochs: Option<u64>,
    /// The program counts its epochs from 0.
    from_zero: bool,
    /// The last count of any kind.
    iteration: i64,
    /// Metrics that were told of this epoch already.
    told: Vec<String>,
    /// How many bars of Keras were full.
    bars: u64,
    /// tqdm: where the bar was when something was told, and what all bars before counted.
    bar: u64,
    before: u64,
}

impl LogReader {
    /// A reader that goes on where another one was.
    pub fn at(position: &Position) -> Self {
        let watch = serde_json::from_slice(&position.state).unwrap_or_default();
        Self { lines: Lines::at(position.offset), watch, progress: None }
    }

    /// Where a reader can go on, and what it must know.
    pub fn position(&self) -> Position {
        let state = serde_json::to_vec(&self.watch).unwrap_or_default();
        Position { offset: self.lines.position(), state }
    }

    /// The offset of the next byte to feed.
    pub fn wanted(&self) -> u64 {
        self.lines.wanted()
    }

    /// How far the training is, as the last line that told it.
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Takes the next bytes of the log and shows `look` what is told in them. `now` is when
    /// they came, in milliseconds since 1970.
    pub fn feed(&mut self, bytes: &[u8], now: i64, look: &mut dyn FnMut(Scalar<'_>)) {
        let Self { lines, watch, progress } = self;
        // What is drawn over with backspaces and carriage returns are lines as well.
        let ends = |byte: u8| matches!(byte, b'\n' | b'\r' | 8);
        lines.feed(bytes, ends, &mut |line, _| watch.line(line, now, progress, look));
    }

    /// Nothing more is coming: the last line may lack its end.
    pub fn finish(&mut self, now: i64, look: &mut dyn FnMut(Scalar<'_>)) {
        let Self { lines, watch, progress } = self;
        lines.finish(&mut |line, _| watch.line(line, now, progress, look));
    }
}

impl Watch {
    fn line(
        &mut self,
        line: &[u8],
        now: i64,
        progress: &mut Option<Progress>,
        look: &mut dyn FnMut(Scalar<'_>),
    ) {
        if line.len() > LINE_BYTES || line.len() < 4 {
            return;
        }
        let text = String::from_utf8_lossy(line);
        if !WORTH_A_LOOK.is_match(&text) {
            return;
        }
        let text = ESCAPES.replace_all(&text, "");
        let text = text.trim();
        let mut tell = |phase: &str, name: &str, iteration: i64, value: f64| {
            let moment = Moment { iteration, at: now };
            look(Scalar { phase, name, moment, value });
        };
        let found = tqdm::line(self, text, &mut tell)
            .or_else(|| keras::line(self, text, &mut tell))
            .or_else(|| plain::line(self, text, &mut tell));
        if let Some(found) =
            found.flatten().filter(|found| found.total > 0 && found.done <= found.total)
        {
            *progress = Some(found);
        }
    }

    /// How far all epochs are when the present one is at `done` of `total`.
    fn overall(&self, done: u64, total: u64) -> Option<Progress> {
        if total == 0 || done > total {
            return None;
        }
        let epoch = self.epoch?;
        let before = epoch.saturating_sub(u64::from(!self.from_zero));
        let shown = before + 1;
        match self.epochs {
            Some(epochs) if shown <= epochs => Some(Progress {
                what: format!("epoch {shown} of {epochs}"),
                done: before.saturating_mul(total).saturating_add(done),
                total: epochs.saturating_mul(total),
                seconds_left: None,
            }),
            _ => Some(Progress { what: format!("epoch {shown}"), done, total, seconds_left: None }),
        }
    }

    fn enters(&mut self, epoch: u64, epochs: Option<u64>) {
        if self.epoch != Some(epoch) {
            self.told.clear();
        }
        self.from_zero |= epoch == 0;
        self.epoch = Some(epoch);
        self.epochs = epochs.or(self.epochs);
    }
}

/// Takes a phase, a name, an iteration and a value.
type Tell<'a> = dyn FnMut(&str, &str, i64, f64) + 'a;

/// What a line of a known form tells of the progress; the outer nothing is for lines of
/// another form.
type Found = Option<Option<Progress>>;

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
