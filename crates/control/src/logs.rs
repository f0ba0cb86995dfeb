//! What users ask about logs: bytes as they are, and lines.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use regex::bytes::{Regex, RegexBuilder};
use trainyard_ledger::RunRecord;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId, UserName};

use crate::control::Control;
use crate::experiments::reading;
use crate::logbook::lines::{Cursor, Wanted};
use crate::logbook::{LogId, Logbook};
use crate::problem::Problem;
use crate::queries::attempt_of;

/// A compiled pattern may take so much memory, and so may the states that matching makes of it.
const PATTERN_BYTES: usize = 1 << 20;

/// Which bytes of a run's log.
#[derive(Debug, Clone, Default)]
pub struct LogQuestion {
    /// Of which attempt; of the latest without it.
    pub attempt: Option<u32>,
    /// Of which learner, from 1; of the first without it.
    pub learner: Option<u32>,
    /// The first byte.
    pub offset: u64,
    /// Not before the last so many lines.
    pub tail: Option<usize>,
    /// Not before the first line that was printed at or after this time.
    pub since: Option<Timestamp>,
}

/// Bytes of a log.
#[derive(Debug, Clone)]
pub struct LogPiece {
    /// The bytes.
    pub bytes: Bytes,
    /// The offset of the first of them.
    pub offset: u64,
    /// The length of the whole log.
    pub length: u64,
    /// The attempt whose log it is.
    pub attempt: AttemptNo,
    /// The numbers of the attempt's learners that have a log.
    pub learners: Vec<u32>,
}

/// Which lines of an attempt's logs.
#[derive(Debug, Clone, Default)]
pub struct LineQuestion {
    /// Of this learner alone.
    pub learner: Option<u32>,
    /// Those that match this regular expression.
    pub matching: Option<String>,
    /// Only the last so many.
    pub tail: Option<usize>,
    /// From the first that was printed at or after this time.
    pub since: Option<Timestamp>,
}

/// Somebody who goes through the lines of an attempt.
#[derive(Debug, Clone)]
pub struct LineReader {
    attempt: AttemptId,
    only: Option<u32>,
    matching: Option<Regex>,
    cursors: Vec<Cursor>,
    /// It is a search, which is of this user.
    searcher: Option<UserName>,
}

/// A line of a log.
#[derive(Debug, Clone)]
pub struct FoundLine {
    /// Which learner printed it.
    pub learner: u32,
    /// The offset of its first byte.
    pub offset: u64,
    /// When it was begun, if that is known.
    pub at: Option<Timestamp>,
    /// What it says.
    pub text: Bytes,
}

impl Control {
    /// Up to `limit` bytes of a log.
    pub async fn log(
        &self,
        owner: &UserName,
        run: &RunId,
        question: LogQuestion,
        limit: usize,
    ) -> Result<LogPiece, Problem> {
        let record = match self.record(owner, run).await {
            Err(Problem::Search(_)) => {
                return self.search_log(owner, run, &question, limit).await;
            }
            found => found?,
        };
        let attempt = self.log_attempt(&record, question.attempt)?;
        self.with_logbook(move |book| {
            let learner = question.learner.unwrap_or(1);
            let id = LogId::log(attempt, learner);
            let mut offset = question.offset;
            if let Some(since) = question.since {
                offset = offset.max(book.line_at(&id, since.as_microsecond())?);
            }
            if let Some(lines) = question.tail {
                offset = book.start_of_last(&id, offset, lines)?;
            }
            Ok(LogPiece {
                bytes: book.read(&id, offset, limit)?,
                offset,
                length: book.length(&id),
                learners: book.learners(&id.attempt),
                attempt: id.attempt.attempt,
            })
        })
        .await
    }

    /// Begins to go through the lines of an attempt's logs; of the latest without a number.
    pub async fn line_reader(
        &self,
        owner: &UserName,
        run: &RunId,
        attempt: Option<u32>,
        question: LineQuestion,
    ) -> Result<LineReader, Problem> {
        let LineQuestion { learner: only, matching, tail, since } = question;
        let matching = matching.map(|text| pattern(&text)).transpose()?;
        let record = match self.record(owner, run).await {
            Err(Problem::Search(_)) => {
                let lines = self.search_lines(owner, run, attempt, only).await?;
                let searcher = Some(owner.clone());
                let attempt = AttemptId { run: run.clone(), attempt: AttemptNo::FIRST };
                let mut reader = LineReader { attempt, only, matching, cursors: vec![], searcher };
                let begin = reading::first_of(&lines, since, tail, |line| reader.wants(line));
                reader.cursors.push(Cursor { learner: reading::LEARNER, offset: begin });
                return Ok(reader);
            }
            found => found?,
        };
        let attempt = self.log_attempt(&record, attempt)?;
        let all_is_there = record.state.settled().is_some();
        self.with_logbook(move |book| {
            let mut cursors = Vec::new();
            for learner in only.map_or_else(|| book.learners(&attempt), |only| vec![only]) {
                let id = LogId::log(attempt.clone(), learner);
                let offset =
                    since.map_or(Ok(0), |since| book.line_at(&id, since.as_microsecond()))?;
                cursors.push(Cursor { learner, offset });
            }
            if let Some(count) = tail {
                let wanted = Wanted { matching: matching.clone(), all_is_there };
                cursors = book.last_lines(&attempt, cursors, &wanted, count)?;
            }
            Ok(LineReader { attempt, only, matching, cursors, searcher: None })
        })
        .await
    }

    /// The next lines, and whether there may be more at once. With `all_is_there` the text
    /// behind the last line feed is a line, too.
    pub async fn next_lines(
        &self,
        mut reader: LineReader,
        all_is_there: bool,
    ) -> Result<(LineReader, Vec<FoundLine>, bool), Problem> {
        if let Some(searcher) = &reader.searcher {
            let mut lines =
                self.search_lines(searcher, &reader.attempt.run, None, reader.only).await?;
            let begin = reader.cursors.first().map_or(0, |cursor| cursor.offset);
            let offset = reading::end(&lines).max(begin);
            reader.cursors = vec![Cursor { learner: reading::LEARNER, offset }];
            lines.retain(|line| line.offset >= begin && reader.wants(line));
            return Ok((reader, lines, offset > begin));
        }
        self.with_logbook(move |book| {
            if reader.only.is_none() {
                // Learners begin when they like.
                for learner in book.learners(&reader.attempt) {
                    if reader.cursors.iter().all(|cursor| cursor.learner != learner) {
                        reader.cursors.push(Cursor { learner, offset: 0 });
                    }
                }
            }
            let wanted = Wanted { matching: reader.matching.clone(), all_is_there };
            let look = book.look(&reader.attempt, &mut reader.cursors, &wanted)?;
            let lines = look.lines.into_iter().map(|line| FoundLine {
                learner: line.learner,
                offset: line.offset,
                at: (line.at != 0).then(|| Timestamp::from_microsecond(line.at).ok()).flatten(),
                text: line.text,
            });
            Ok((reader, lines.collect(), look.moved))
        })
        .await
    }

    /// The attempt whose log the run's is: the latest.
    pub(crate) fn latest_attempt(&self, record: &RunRecord) -> AttemptNo {
        let on_record = attempt_of(record).attempt;
        self.logbook.last_attempt(&record.id).map_or(on_record, |on_disk| on_disk.max(on_record))
    }

    pub(crate) fn log_attempt(
        &self,
        record: &RunRecord,
        asked: Option<u32>,
    ) -> Result<AttemptId, Problem> {
        let latest = self.latest_attempt(record);
        let attempt = asked.map_or(latest, AttemptNo);
        if attempt < AttemptNo::FIRST || attempt > latest {
            let complaint = Diagnostic::error(
                Code::BadRequest,
                format!("there is no attempt {attempt} of {}: the latest is {latest}", record.id),
            );
            return Err(Problem::Refused(vec![complaint]));
        }
        Ok(AttemptId { run: record.id.clone(), attempt })
    }

    pub(crate) async fn with_logbook<T: Send + 'static>(
        &self,
        work: impl FnOnce(Arc<Logbook>) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let book = Arc::clone(&self.logbook);
        tokio::task::spawn_blocking(move || work(book))
            .await
            .expect("reading a log does not panic")
            .map_err(Problem::disk("reading the log"))
    }
}

impl LineReader {
    /// Is it the log of a search, which has no program of its own?
    pub fn is_of_search(&self) -> bool {
        self.searcher.is_some()
    }

    fn wants(&self, line: &FoundLine) -> bool {
        self.matching.as_ref().is_none_or(|pattern| pattern.is_match(&line.text))
    }

    /// Where it is, as text: `ATTEMPT/LEARNER:OFFSET,…`.
    pub fn position(&self) -> String {
        let cursors = self.cursors.iter().map(|own| format!("{}:{}", own.learner, own.offset));
        format!("{}/{}", self.attempt.attempt, cursors.collect::<Vec<_>>().join(","))
    }

    /// The attempt that a position speaks of.
    pub fn attempt_in(position: &str) -> Option<u32> {
        position.split_once('/')?.0.parse().ok()
    }

    /// The attempt whose lines these are.
    pub fn attempt(&self) -> AttemptNo {
        self.attempt.attempt
    }

    /// Goes to a position that was told before; `false` when it is none.
    #[must_use]
    pub fn go_to(&mut self, position: &str) -> bool {
        let Some((_, cursors)) = position.split_once('/') else { return false };
        let read = |cursor: &str| {
            let (learner, offset) = cursor.split_once(':')?;
            Some(Cursor { learner: learner.parse().ok()?, offset: offset.parse().ok()? })
        };
        let cursors: Option<Vec<Cursor>> = cursors.split(',').map(read).collect();
        match cursors {
            Some(cursors) => {
                self.cursors = cursors;
                true
            }
            None => false,
        }
    }

    /// Goes on with the next attempt of the run, from the beginning.
    pub fn next_attempt(&mut self) {
        self.attempt.attempt = self.attempt.attempt.next();
        self.cursors = self.only.map(|learner| Cursor { learner, offset: 0 }).into_iter().collect();
    }
}

/// Compiles what a user is looking for. Matching takes time that grows with the text alone.
fn pattern(text: &str) -> Result<Regex, Problem> {
    let mut builder = RegexBuilder::new(text);
    let built = builder.size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build();
    built.map_err(|error| {
        let complaint = Diagnostic::error(
            Code::BadRequest,
            format!("`{text}` is no regular expression that can be searched for: {error}"),
        )
        .help("a backslash before one of .*+?()[]{}|^$\\ takes its meaning away");
        Problem::Refused(vec![complaint])
    })
}
