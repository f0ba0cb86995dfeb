//! `GET /v3/models/{id}/stream`: a run's log and status as they happen, over one connection.

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use trainyard_api::run::Status;
use trainyard_api::stream::{END, LOG, LogChunk, STATUS, StreamEnd};
use trainyard_model::ids::RunId;

use crate::error::ClientError;
use crate::http::Client;
use crate::reader::SseReader;
use crate::sse::SseEvent;

/// Something that a follower of a run wants to know.
#[derive(Debug, Clone)]
pub enum StreamEvent {
    /// Bytes of the log.
    Log {
        /// The attempt whose log it is.
        attempt: u32,
        /// Offset of the first of them.
        offset: u64,
        /// The bytes, as the program wrote them.
        bytes: Bytes,
    },
    /// The run's status has changed. The first event of every stream is one of these.
    Status(Box<Status>),
    /// The run has settled and its log is at its end. Nothing follows.
    End(Box<StreamEnd>),
}

impl Client {
    /// Opens the stream of `run`, with its log from byte `offset` on. It ends
    /// after [`StreamEvent::End`], or without it when the connection is lost:
    /// [`crate::Follow`] carries on then.
    pub async fn stream(
        &self,
        run: &RunId,
        offset: u64,
    ) -> Result<impl Stream<Item = Result<StreamEvent, ClientError>> + Send + use<>, ClientError>
    {
        let reader = EventReader::open(self, run, LogSelection::default(), None, offset).await?;
        Ok(stream::try_unfold(reader, |mut reader| async move {
            Ok(reader.next().await?.map(|event| (event, reader)))
        }))
    }
}

/// Which log of a run is followed.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSelection {
    /// Of this attempt alone; without it of the latest (and those that follow it).
    pub attempt: Option<u32>,
    /// Of which learner; of the first without it.
    pub learner: Option<u32>,
}

impl LogSelection {
    /// As the rest of a query.
    pub(crate) fn query(self) -> String {
        let attempt = self.attempt.map(|attempt| format!("&attempt={attempt}"));
        let learner = self.learner.map(|learner| format!("&learner={learner}"));
        attempt.unwrap_or_default() + &learner.unwrap_or_default()
    }
}

/// Reads events from one connection.
pub(crate) struct EventReader {
    reader: SseReader,
    ended: bool,
}

impl EventReader {
    /// Opens the stream at byte `offset`: of attempt `reached`, if it was in one already.
    pub(crate) async fn open(
        client: &Client,
        run: &RunId,
        selection: LogSelection,
        reached: Option<u32>,
        offset: u64,
    ) -> Result<Self, ClientError> {
        let path = format!("/v3/models/{run}/stream?offset={offset}{}", selection.query());
        let last = reached.map(|attempt| format!("{attempt}/{offset}"));
        let reader = SseReader::open(client, client.get(&path), last.as_deref()).await?;
        Ok(Self { reader, ended: false })
    }

    /// The next event; `None` after the last, or when the server closed the connection.
    pub(crate) async fn next(&mut self) -> Result<Option<StreamEvent>, ClientError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let Some(event) = self.reader.next().await? else { return Ok(None) };
            if let Some(event) = self.understand(&event)? {
                self.ended = matches!(event, StreamEvent::End(_));
                return Ok(Some(event));
            }
        }
    }

    /// What an event means; `None` for kinds that a later server may send.
    fn understand(&self, event: &SseEvent) -> Result<Option<StreamEvent>, ClientError> {
        let Self { reader, .. } = self;
        match event.name.as_str() {
            LOG => {
                let LogChunk { attempt, offset, data } = reader.parse(&event.data)?;
                let bytes = reader.bytes(&data)?;
                Ok(Some(StreamEvent::Log { attempt, offset, bytes }))
            }
            STATUS => Ok(Some(StreamEvent::Status(Box::new(reader.parse(&event.data)?)))),
            END => Ok(Some(StreamEvent::End(Box::new(reader.parse(&event.data)?)))),
            _ => Ok(None),
        }
    }
}
