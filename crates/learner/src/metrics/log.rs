//! The log as a source of metrics: by the definition's expressions, or by guessing.

use std::io;

use trainyard_api::Time;
use trainyard_api::run::Progress;
use trainyard_metrics::lines::{self, LogReader};
use trainyard_metrics::patterns::Patterns;
use trainyard_metrics::stream::{Batch, Position};
use trainyard_model::evaluation::{EvaluationMetrics, MetricsKind};

use super::series::{Owner, Rank, Series};
use super::source::{Tell, record_told};
use crate::spool::Spool;

/// How much is read at once.
const PIECE: usize = 256 << 10;
/// Who prints faster than can be looked at is not looked at in between.
const BEHIND: u64 = 32 << 20;
const SKIP_TO: u64 = 1 << 20;

/// The names in the stream.
const GUESSED: &str = "log";
const EXPRESSED: &str = "log by expressions";

/// The log, and what is looked for in it.
pub(crate) struct Log {
    guesses: LogReader,
    /// Metrics are guessed, and not the progress alone.
    may_guess: bool,
    expressions: Option<Expressions>,
    guesses_ahead: bool,
    /// How far the training was when that was told last, and first, and when.
    told: Option<lines::Progress>,
    first: Option<(String, i64, u64, u64)>,
}

struct Expressions {
    patterns: Patterns,
    /// The text is read up to here, whole lines only.
    offset: u64,
    is_ahead: bool,
}

impl Log {
    pub(crate) fn new(metrics: Option<&EvaluationMetrics>, from: u64) -> Self {
        let kind = metrics.map_or(MetricsKind::Everything, |metrics| metrics.kind);
        let patterns = metrics.filter(|metrics| !metrics.groups.is_empty()).and_then(|metrics| {
            Patterns::new(metrics)
                .inspect_err(|error| tracing::warn!(%error, "metrics by expressions are left out"))
                .ok()
        });
        let begin = Position { offset: from, state: Vec::new() };
        Self {
            guesses: LogReader::at(&begin),
            may_guess: kind == MetricsKind::Everything,
            expressions: patterns.map(|patterns| Expressions {
                patterns,
                offset: from,
                is_ahead: false,
            }),
            guesses_ahead: false,
            told: None,
            first: None,
        }
    }

    /// Goes on where an earlier learner was.
    pub(crate) fn go_on(&mut self, key: &str, position: &Position) {
        match &mut self.expressions {
            Some(own) if key == EXPRESSED => {
                own.patterns.go_on(&position.state);
                own.offset = position.offset;
            }
            _ if key == GUESSED => self.guesses = LogReader::at(position),
            _ => {}
        }
    }

    /// Reads the next piece. Gives how many bytes were read.
    pub(crate) fn read(
        &mut self,
        spool: &Spool,
        now: i64,
        series: &mut Series,
        tell: &mut Tell<'_>,
    ) -> io::Result<u64> {
        let there = spool.log_bytes();
        if there.saturating_sub(self.guesses.wanted()) > BEHIND {
            let Position { state, .. } = self.guesses.position();
            self.guesses = LogReader::at(&Position { offset: there - SKIP_TO, state });
        }
        let piece = spool.read_log(self.guesses.wanted(), PIECE)?;
        if !piece.is_empty() {
            let owner = owner();
            let (may_guess, ahead) = (self.may_guess, &mut self.guesses_ahead);
            self.guesses.feed(&piece, now, &mut |scalar| {
                if may_guess && let Some(name) = series.name(scalar.phase, scalar.name, &owner) {
                    *ahead = true;
                    tell(scalar.phase, &name, scalar.moment, scalar.value);
                }
            });
        }
        let mut read = piece.len() as u64;
        if let Some(own) = &mut self.expressions {
            read += own.read(spool, now, series, tell)?;
        }
        Ok(read)
    }

    /// Nothing more is coming.
    pub(crate) fn finish(&mut self, now: i64, series: &mut Series, tell: &mut Tell<'_>) {
        let owner = owner();
        let (may_guess, ahead) = (self.may_guess, &mut self.guesses_ahead);
        self.guesses.finish(now, &mut |scalar| {
            if may_guess && let Some(name) = series.name(scalar.phase, scalar.name, &owner) {
                *ahead = true;
                tell(scalar.phase, &name, scalar.moment, scalar.value);
            }
        });
    }

    /// Says how far it was read, where points came from it.
    pub(crate) fn positions(&mut self, batch: &mut Batch) {
        if std::mem::take(&mut self.guesses_ahead) {
            batch.position(GUESSED, &self.guesses.position());
        }
        if let Some(own) = &mut self.expressions
            && std::mem::take(&mut own.is_ahead)
        {
            batch.position(EXPRESSED, &own.patterns.position(own.offset));
        }
    }

    /// How far the training is, when that has changed.
    pub(crate) fn news(&mut self, now: i64) -> Option<Progress> {
        let progress = self.guesses.progress()?;
        if self.told.as_ref() == Some(progress) {
            return None;
        }
        let lines::Progress { what, done, total, seconds_left } = progress.clone();
        // The epochs of a training are one piece of work, a bar is one of its own.
        let piece =
            if what.starts_with("epoch ") && what.contains(" of ") { "epochs" } else { &what };
        let first = self
            .first
            .take()
            .filter(|(of, _, before, all)| of == piece && *before <= done && *all == total);
        let (of, since, before, all) =
            first.unwrap_or_else(|| (piece.to_owned(), now, done, total));
        let left = seconds_left.or_else(|| {
            let spent = u128::try_from(now - since).ok().filter(|spent| *spent >= 1000)?;
            let (gone, rest) = (done.checked_sub(before).filter(|gone| *gone > 0)?, total - done);
            u64::try_from(spent * u128::from(rest) / u128::from(gone) / 1000).ok()
        });
        self.first = Some((of, since, before, all));
        self.told = Some(progress.clone());
        let since = jiff::Timestamp::from_millisecond(since).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let mut told = Progress::new(what, Time(since));
        (told.items, told.items_total, told.seconds_left) = (Some(done), Some(total), left);
        Some(told)
    }
}

/// The log as the owner of series that are guessed.
pub(crate) fn owner() -> Owner {
    Owner { rank: Rank::Lines, of: GUESSED.to_owned(), prefix: None }
}

impl Expressions {
    fn read(
        &mut self,
        spool: &Spool,
        now: i64,
        series: &mut Series,
        tell: &mut Tell<'_>,
    ) -> io::Result<u64> {
        let owner = Owner { rank: Rank::Told, of: EXPRESSED.to_owned(), prefix: None };
        let piece = spool.read_log(self.offset, PIECE)?;
        let end = match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            // A line without an end is cut.
            None if piece.len() == PIECE => PIECE,
            None => return Ok(0),
        };
        for line in piece[..end].split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line);
            // Of what was drawn over, what stands there at last.
            let text = text.trim_end_matches(['\r', '\n']);
            let text = text.rsplit('\r').next().unwrap_or(text);
            let ahead = &mut self.is_ahead;
            self.patterns.line(text, self.offset, now, &mut |record| {
                *ahead |= record_told(&record, series, &owner, tell);
            });
            self.offset += line.len() as u64;
        }
        Ok(end as u64)
    }
}
