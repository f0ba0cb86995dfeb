//! Searches where runs are asked for: their log, line by line too, and how they stand.
//!
//! The log of a search is no file. It is told anew from the record each time, and only grows.

use bytes::Bytes;
use jiff::Timestamp;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{AttemptNo, RunId, UserName};

use crate::control::Control;
use crate::logs::{FoundLine, LogPiece, LogQuestion};
use crate::problem::Problem;
use crate::queries::StreamState;

/// It has one log, as a run of one learner has.
pub(crate) const LEARNER: u32 = 1;

impl Control {
    /// Is there such a search?
    pub(crate) async fn is_search(&self, owner: &UserName, run: &RunId) -> Result<bool, Problem> {
        Ok(self.search_of(owner, run).await?.is_some())
    }

    /// Up to `limit` bytes of a search's log.
    ///
    /// # Errors
    /// [`Problem::RUN`] when there is no such search.
    pub(crate) async fn search_log(
        &self,
        owner: &UserName,
        run: &RunId,
        question: &LogQuestion,
        limit: usize,
    ) -> Result<LogPiece, Problem> {
        let LogQuestion { attempt, learner, offset, tail, since } = *question;
        let lines = self.search_lines(owner, run, attempt, learner).await?;
        let (offset, length) = (offset.max(first_of(&lines, since, tail, |_| true)), end(&lines));
        let text: Vec<u8> =
            lines.iter().flat_map(|line| line.text.iter().copied().chain([b'\n'])).collect();
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        let bytes = Bytes::from(text).slice(begin..);
        let bytes = bytes.slice(..limit.min(bytes.len()));
        Ok(LogPiece { bytes, offset, length, attempt: AttemptNo::FIRST, learners: vec![LEARNER] })
    }

    /// All lines of a search's log; of its one attempt and its one learner, if it is asked for
    /// one of them.
    ///
    /// # Errors
    /// [`Problem::RUN`] when there is no such search; any attempt but the one.
    pub(crate) async fn search_lines(
        &self,
        owner: &UserName,
        run: &RunId,
        attempt: Option<u32>,
        learner: Option<u32>,
    ) -> Result<Vec<FoundLine>, Problem> {
        let story = self.search_story(owner, run).await?.ok_or(Problem::RUN)?;
        if let Some(attempt) = attempt.filter(|attempt| AttemptNo(*attempt) != AttemptNo::FIRST) {
            let text = format!("there is no attempt {attempt} of {run}: a search has but one");
            return Err(Problem::Refused(vec![Diagnostic::error(Code::BadRequest, text)]));
        }
        if learner.is_some_and(|learner| learner != LEARNER) {
            return Ok(Vec::new());
        }
        let mut offset = 0;
        let found = story.lines.into_iter().map(|line| {
            let begin = offset;
            offset += line.text.len() as u64 + 1;
            let (at, text) = (Some(line.at), Bytes::from(line.text));
            FoundLine { learner: LEARNER, offset: begin, at, text }
        });
        Ok(found.collect())
    }

    /// Is there such a run, or such a search, which has no events and no attempts of its own?
    ///
    /// # Errors
    /// [`Problem::RUN`] when there is neither.
    pub(crate) async fn run_or_search(&self, owner: &UserName, run: &RunId) -> Result<(), Problem> {
        match self.record(owner, run).await {
            Err(Problem::Search(_)) => Ok(()),
            found => found.map(drop),
        }
    }

    /// How a search stands, for a follower.
    ///
    /// # Errors
    /// [`Problem::RUN`] when there is no such search.
    pub(crate) async fn search_stream_state(
        &self,
        owner: &UserName,
        run: &RunId,
    ) -> Result<StreamState, Problem> {
        let as_run = self.search_as_run(owner, run, "").await?.ok_or(Problem::RUN)?;
        let story = self.search_story(owner, run).await?.ok_or(Problem::RUN)?;
        let status = as_run.entity.status;
        Ok(StreamState { at_rest: story.is_over, attempt: AttemptNo::FIRST, status })
    }
}

/// Where the first line begins that was told since then, and is one of the last `tail` of
/// those that are wanted.
pub(crate) fn first_of(
    lines: &[FoundLine],
    since: Option<Timestamp>,
    tail: Option<usize>,
    is_wanted: impl Fn(&FoundLine) -> bool,
) -> u64 {
    let wanted = lines.iter().filter(|line| line.at >= since && is_wanted(line));
    let first = match tail {
        Some(0) => None,
        Some(count) => wanted.rev().take(count).last(),
        None => wanted.into_iter().next(),
    };
    first.map_or_else(|| end(lines), |line| line.offset)
}

/// Where the log ends that has these lines.
pub(crate) fn end(lines: &[FoundLine]) -> u64 {
    lines.last().map_or(0, |line| line.offset + line.text.len() as u64 + 1)
}
