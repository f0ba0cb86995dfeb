//! Lines of a run's logs, across lost connections: each once, in their order.

use std::time::Duration;

use bytes::Bytes;
use trainyard_api::Time;
use trainyard_api::log::{LINES, LogLine, LogLines};
use trainyard_api::stream::{END, StreamEnd};
use trainyard_model::ids::RunId;

use crate::error::ClientError;
use crate::follow::Relocate;
use crate::http::Client;
use crate::reader::SseReader;

/// The first wait after a lost connection; each further one is twice as long ...
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// ... up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Which lines.
#[derive(Debug, Clone, Default)]
pub struct LinesQuestion {
    /// Of this attempt alone; without it of the latest and those that follow it.
    pub attempt: Option<u32>,
    /// Of this learner alone; of all without it.
    pub learner: Option<u32>,
    /// Those that match this regular expression.
    pub grep: Option<String>,
    /// From the first that was printed at or after this time.
    pub since: Option<Time>,
    /// Only the last so many, of those that match.
    pub tail: Option<u64>,
    /// Go on until the run has settled.
    pub follow: bool,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The attempt that printed it.
    pub attempt: u32,
    /// Which of its learners.
    pub learner: u32,
    /// The offset of its first byte.
    pub offset: u64,
    /// When it was begun, if that is known.
    pub at: Option<Time>,
    /// What it says, without the line's end.
    pub text: Bytes,
}

/// What reading lines gives.
#[derive(Debug)]
pub enum LineEvent {
    /// The next lines.
    Lines(Vec<Line>),
    /// The connection is lost and will be tried again, for this many times in a row now.
    Lost(u32),
    /// There are no more. Nothing follows.
    End(Box<StreamEnd>),
}

/// Reads lines.
pub struct Lines {
    client: Client,
    run: RunId,
    question: LinesQuestion,
    relocate: Option<Relocate>,
    reader: Option<SseReader>,
    /// The id of the last event.
    last: Option<String>,
    failures: u32,
    ended: bool,
}

impl Lines {
    /// Will read lines of `run`.
    pub fn new(client: Client, run: RunId, question: LinesQuestion) -> Self {
        Self {
            client,
            run,
            question,
            relocate: None,
            reader: None,
            last: None,
            failures: 0,
            ended: false,
        }
    }

    /// As [`crate::Follow::relocating`].
    #[must_use]
    pub fn relocating(mut self, relocate: impl FnMut() -> Option<Client> + Send + 'static) -> Self {
        self.relocate = Some(Box::new(relocate));
        self
    }

    /// The next event, after waiting for it; `None` after [`LineEvent::End`].
    ///
    /// # Errors
    /// What trying again cannot mend, a bad pattern for instance.
    pub async fn next(&mut self) -> Result<Option<LineEvent>, ClientError> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let step = match self.reader.as_mut() {
                Some(reader) => reader.next().await,
                None => match self.connect().await {
                    Ok(reader) => {
                        self.reader = Some(reader);
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            match step {
                Ok(Some(event)) if event.name == LINES => {
                    let lines = self.lines(&event.data)?;
                    self.last = event.id;
                    self.failures = 0;
                    return Ok(Some(LineEvent::Lines(lines)));
                }
                Ok(Some(event)) if event.name == END => {
                    self.ended = true;
                    return Ok(Some(LineEvent::End(Box::new(self.open()?.parse(&event.data)?))));
                }
                // A kind that a later server may send.
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error),
            }
            self.reader = None;
            self.failures += 1;
            return Ok(Some(LineEvent::Lost(self.failures)));
        }
    }

    fn open(&self) -> Result<&SseReader, ClientError> {
        let closed = || ClientError::BadUrl { url: self.client.base_url().to_owned() };
        self.reader.as_ref().ok_or_else(closed)
    }

    fn lines(&self, data: &str) -> Result<Vec<Line>, ClientError> {
        let reader = self.open()?;
        let LogLines { attempt, lines } = reader.parse(data)?;
        let read = |line: LogLine| {
            let text = reader.bytes(&line.data)?;
            let LogLine { learner, offset, at, .. } = line;
            Ok(Line { attempt, learner, offset, at, text })
        };
        lines.into_iter().map(read).collect()
    }

    async fn connect(&mut self) -> Result<SseReader, ClientError> {
        if self.failures > 0 {
            let wait = FIRST_WAIT * 2u32.saturating_pow(self.failures.min(10) - 1);
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            if let Some(client) = self.relocate.as_mut().and_then(|relocate| relocate()) {
                self.client = client;
            }
        }
        let LinesQuestion { attempt, learner, grep, since, tail, follow } = &self.question;
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let asked = [
            ("attempt", number(attempt.map(u64::from))),
            ("learner", number(learner.map(u64::from))),
            ("grep", grep.clone()),
            ("since", since.map(|since| since.to_string())),
            ("tail", number(*tail)),
            ("follow", Some(follow.to_string())),
        ];
        let asked: Vec<_> =
            asked.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let request = self.client.get(&format!("/v3/models/{}/lines", self.run)).query(&asked);
        SseReader::open(&self.client, request, self.last.as_deref()).await
    }
}
