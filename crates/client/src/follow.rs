//! Following a run to its end, across lost connections and restarted servers.
//!
//! The one place in this crate that tries again. Every byte of the log is given
//! out once and in order, whatever happens to the connection.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::stream::{self, Stream};
use trainyard_api::run::Status;
use trainyard_api::stream::StreamEnd;
use trainyard_model::ids::RunId;

use crate::error::{ClientError, ProtocolError};
use crate::http::Client;
use crate::stream::{EventReader, LogSelection, StreamEvent};

/// The first wait after a lost connection; each further one is twice as long ...
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// ... up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How often a server may leave out bytes before it is not believed any more.
const GAPS: u32 = 3;

/// What following gives.
#[derive(Debug)]
pub enum FollowEvent {
    /// The next bytes of the log: no gap before them, none of them given before. When a run
    /// is tried again, the log of the next attempt follows that of the one before.
    Log(Bytes),
    /// How the run stands now.
    Status(Box<Status>),
    /// The connection is lost and will be tried again. Stop polling to give up.
    Lost {
        /// What went wrong; `None` when the server closed the connection, as one that is stopped does.
        error: Option<ClientError>,
        /// How many times in a row it has gone wrong.
        failures: u32,
    },
    /// The run has settled, and its whole log has been given. Nothing follows.
    End(Box<StreamEnd>),
}

/// Asks for the server's present address.
pub(crate) type Relocate = Box<dyn FnMut() -> Option<Client> + Send>;

/// Follows one run.
pub struct Follow {
    client: Client,
    run: RunId,
    selection: LogSelection,
    /// The attempt that `offset` speaks of, once it is known.
    attempt: Option<u32>,
    offset: u64,
    relocate: Option<Relocate>,
    reader: Option<EventReader>,
    failures: u32,
    gaps: u32,
    ended: bool,
}

impl Follow {
    /// Will follow `run` with its log from byte `offset` on.
    pub fn new(client: Client, run: RunId, offset: u64) -> Self {
        Self {
            client,
            run,
            selection: LogSelection::default(),
            attempt: None,
            offset,
            relocate: None,
            reader: None,
            failures: 0,
            gaps: 0,
            ended: false,
        }
    }

    /// Follows this log alone, instead of the latest and those that follow it.
    #[must_use]
    pub fn selecting(mut self, selection: LogSelection) -> Self {
        self.selection = selection;
        self
    }

    /// The offset speaks of this attempt; the run may be at a later one by now.
    #[must_use]
    pub fn from_attempt(mut self, attempt: Option<u32>) -> Self {
        self.attempt = attempt;
        self
    }

    /// Asks `relocate` for the server's present address before every new try:
    /// a restarted server may listen on another port.
    #[must_use]
    pub fn relocating(mut self, relocate: impl FnMut() -> Option<Client> + Send + 'static) -> Self {
        self.relocate = Some(Box::new(relocate));
        self
    }

    /// The offset of the next byte of log that will be given.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next event, after waiting for it; `None` after [`FollowEvent::End`].
    ///
    /// # Errors
    /// What trying again cannot mend: the run is unknown, the credential is
    /// refused, or the server does not speak this API.
    pub async fn next(&mut self) -> Result<Option<FollowEvent>, ClientError> {
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
            let lost = match step {
                Ok(Some(event)) => match self.take(event)? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                },
                Ok(None) => None,
                Err(error) if error.is_transient() => Some(error),
                Err(error) => return Err(error),
            };
            self.reader = None;
            self.failures += 1;
            return Ok(Some(FollowEvent::Lost { error: lost, failures: self.failures }));
        }
    }

    /// All events as a stream, which ends after [`FollowEvent::End`] or an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<FollowEvent, ClientError>> + Send {
        stream::try_unfold(self, |mut follow| async move {
            Ok(follow.next().await?.map(|event| (event, follow)))
        })
    }

    async fn connect(&mut self) -> Result<EventReader, ClientError> {
        if self.failures > 0 {
            let wait = FIRST_WAIT * 2u32.saturating_pow(self.failures.min(10) - 1);
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            if let Some(client) = self.relocate.as_mut().and_then(|relocate| relocate()) {
                self.client = client;
            }
        }
        {
            let Self { client, run, selection, attempt, offset, .. } = self;
            EventReader::open(client, run, *selection, *attempt, *offset).await
        }
    }

    /// Keeps the promise that no byte is lost or repeated.
    fn take(&mut self, event: StreamEvent) -> Result<Option<FollowEvent>, ClientError> {
        match event {
            StreamEvent::Log { attempt, offset, mut bytes } => {
                if !self.reach(attempt) {
                    return Ok(None);
                }
                let Some(known) = self.offset.checked_sub(offset) else {
                    return self.gap(offset);
                };
                let known = usize::try_from(known).unwrap_or(usize::MAX).min(bytes.len());
                bytes.advance(known);
                self.failures = 0;
                if bytes.is_empty() {
                    return Ok(None);
                }
                self.offset += bytes.len() as u64;
                self.gaps = 0;
                Ok(Some(FollowEvent::Log(bytes)))
            }
            StreamEvent::Status(status) => {
                self.failures = 0;
                Ok(Some(FollowEvent::Status(status)))
            }
            StreamEvent::End(end) => {
                if self.reach(end.attempt) && end.log_bytes > self.offset {
                    return self.gap(end.log_bytes);
                }
                self.ended = true;
                Ok(Some(FollowEvent::End(end)))
            }
        }
    }

    /// Goes on to `attempt`, whose log begins at 0; `false` when that is behind already.
    fn reach(&mut self, attempt: u32) -> bool {
        match self.attempt {
            Some(here) if attempt < here => return false,
            Some(here) if attempt > here => self.offset = 0,
            _ => {}
        }
        self.attempt = Some(attempt);
        true
    }

    fn gap(&mut self, got: u64) -> Result<Option<FollowEvent>, ClientError> {
        self.gaps += 1;
        if self.gaps > GAPS {
            let url = self.client.base_url().to_owned();
            let source = ProtocolError::Gap { expected: self.offset, got };
            return Err(ClientError::Protocol { url, source });
        }
        self.reader = None;
        self.failures += 1;
        Ok(Some(FollowEvent::Lost { error: None, failures: self.failures }))
    }
}
