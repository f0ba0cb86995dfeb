//! Reads server-sent events from one connection, whatever they mean.

use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _};
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;

use crate::error::{ClientError, ProtocolError};
use crate::http::{self, Client};
use crate::sse::{EVENT_LIMIT, SseEvent, SseParser};

/// The server sends a keep-alive far more often; a stream that is silent for
/// this long has lost its other end.
const SILENCE: Duration = Duration::from_mins(1);

/// One connection.
pub(crate) struct SseReader {
    url: String,
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    parser: SseParser,
}

impl SseReader {
    /// Sends `request`; with `last`, it goes on behind the event of that id.
    pub(crate) async fn open(
        client: &Client,
        request: RequestBuilder,
        last: Option<&str>,
    ) -> Result<Self, ClientError> {
        let mut request = request.header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let silent = || ClientError::Silent {
            url: client.base_url().to_owned(),
            seconds: SILENCE.as_secs(),
        };
        let response =
            tokio::time::timeout(SILENCE, http::send(request)).await.map_err(|_| silent())??;
        let url = response.url().to_string();
        let body = Box::pin(response.bytes_stream());
        Ok(Self { url, body, parser: SseParser::default() })
    }

    /// The next event; `None` when the server closed the connection.
    pub(crate) async fn next(&mut self) -> Result<Option<SseEvent>, ClientError> {
        loop {
            if let Some(event) = self.parser.next() {
                return Ok(Some(event));
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

    /// The document that is an event's data.
    pub(crate) fn parse<T: DeserializeOwned>(&self, data: &str) -> Result<T, ClientError> {
        serde_json::from_str(data).map_err(|error| self.protocol(ProtocolError::Body(error)))
    }

    /// Bytes that stand in a document in base64.
    pub(crate) fn bytes(&self, data: &str) -> Result<Bytes, ClientError> {
        let decoded = base64::engine::general_purpose::STANDARD.decode(data);
        decoded.map(Bytes::from).map_err(|error| self.protocol(ProtocolError::Base64(error)))
    }

    fn protocol(&self, source: ProtocolError) -> ClientError {
        ClientError::Protocol { url: self.url.clone(), source }
    }
}
