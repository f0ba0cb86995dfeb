//! `GET /v3/models/{id}/stream`: a run's log and status as they happen, over one connection.

use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use trainyard_api::run::Status;
use trainyard_api::stream::{END, LOG, LogChunk, STATUS, StreamEnd};
use trainyard_model::ids::RunId;

use crate::error::{ClientError, ProtocolError};
use crate::http::{self, Client};
use crate::sse::{EVENT_LIMIT, SseEvent, SseParser};

/// The server sends a keep-alive far more often; a stream that is silent for
/// this long has lost its other end.
const SILENCE: Duration = Duration::from_mins(1);

/// Something that a follower of a run wants to know.
#[derive(Debug, Clone)]
pub enum StreamEvent {
    /// Bytes of the log.
    Log {
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
        let reader = EventReader::open(self, run, offset).await?;
        Ok(stream::try_unfold(reader, |mut reader| async move {
            Ok(reader.next().await?.map(|event| (event, reader)))
        }))
    }
}

/// Reads events from one connection.
pub(crate) struct EventReader {
    url: String,
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    parser: SseParser,
    ended: bool,
}

impl EventReader {
    pub(crate) async fn open(
        client: &Client,
        run: &RunId,
        offset: u64,
    ) -> Result<Self, ClientError> {
        let request = client.get(&format!("/v3/models/{run}/stream?offset={offset}"));
        let request = request.header("accept", "text/event-stream");
        let silent = || ClientError::Silent {
            url: client.base_url().to_owned(),
            seconds: SILENCE.as_secs(),
        };
        let response =
            tokio::time::timeout(SILENCE, http::send(request)).await.map_err(|_| silent())??;
        let url = response.url().to_string();
        let body = Box::pin(response.bytes_stream());
        Ok(Self { url, body, parser: SseParser::default(), ended: false })
    }

    /// The next event; `None` after the last, or when the server closed the connection.
    pub(crate) async fn next(&mut self) -> Result<Option<StreamEvent>, ClientError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            while let Some(event) = self.parser.next() {
                if let Some(event) = self.understand(&event)? {
                    self.ended = matches!(event, StreamEvent::End(_));
                    return Ok(Some(event));
                }
            }
            let piece = match tokio::time::timeout(SILENCE, self.body.next()).await {
                Ok(Some(piece)) => piece.map_err(http::unreachable)?,
                Ok(None) => return Ok(None),
                Err(_) => {
                    let seconds = SILENCE.as_secs();
                    return Err(ClientError::Silent { url: self.url.clone(), seconds });
                }
            };
            if self.parser.feed(&piece).is_err() {
                return Err(self.protocol(ProtocolError::EventTooLarge { limit: EVENT_LIMIT }));
            }
        }
    }

    /// What an event means; `None` for kinds that a later server may send.
    fn understand(&self, event: &SseEvent) -> Result<Option<StreamEvent>, ClientError> {
        match event.name.as_str() {
            LOG => {
                let chunk: LogChunk = self.parse(&event.data)?;
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(&chunk.data)
                    .map_err(|error| self.protocol(ProtocolError::Base64(error)))?;
                Ok(Some(StreamEvent::Log { offset: chunk.offset, bytes: bytes.into() }))
            }
            STATUS => Ok(Some(StreamEvent::Status(Box::new(self.parse(&event.data)?)))),
            END => Ok(Some(StreamEvent::End(Box::new(self.parse(&event.data)?)))),
            _ => Ok(None),
        }
    }

    fn parse<T: DeserializeOwned>(&self, data: &str) -> Result<T, ClientError> {
        serde_json::from_str(data).map_err(|error| self.protocol(ProtocolError::Body(error)))
    }

    fn protocol(&self, source: ProtocolError) -> ClientError {
        ClientError::Protocol { url: self.url.clone(), source }
    }
}
