//! `/v3/models/{id}/attempts/{n}/…`: what a learner says to its server.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use trainyard_api::learner::{Assignment, Control, LogTaken, Order, Report, Reports, ReportsTaken};
use trainyard_api::log::{CHECKSUM, LogMark, TIMES, checksum, write_marks};
use trainyard_api::metrics::MetricsTaken;
use trainyard_model::ids::AttemptId;

use crate::error::ClientError;
use crate::http::{self, Client};

/// How long the server may take over a message. After it the learner asks
/// again, which costs nothing: every message says what it carries on from.
const MESSAGE: Duration = Duration::from_secs(20);

/// How long the zip may take on its way.
const CODE: Duration = Duration::from_mins(15);

/// A piece of a learner's log.
#[derive(Debug, Clone)]
pub struct LogPiece {
    /// The learner's number, from 1.
    pub learner: u32,
    /// The offset of its first byte.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Bytes,
    /// When they were captured.
    pub marks: Vec<LogMark>,
}

/// The routes of one attempt. Every call may give [`ClientError::Gone`]: the
/// attempt is over, and the learner must end everything.
#[derive(Debug, Clone)]
pub struct LearnerClient {
    client: Client,
    root: String,
}

impl LearnerClient {
    /// A client for `attempt`, with the token that is good for it alone.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(
        base_url: &str,
        attempt: &AttemptId,
        token: SecretString,
    ) -> Result<Self, ClientError> {
        let root = format!("/v3/models/{}/attempts/{}", attempt.run, attempt.attempt);
        Ok(Self { client: Client::new(base_url, token)?, root })
    }

    /// The server's address, without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.client.base_url()
    }

    /// `GET assignment`: what to do.
    pub async fn assignment(&self) -> Result<Assignment, ClientError> {
        http::json(self.client.get(&self.path("assignment")).timeout(MESSAGE)).await
    }

    /// `GET code`: the zip.
    pub async fn code(&self) -> Result<Bytes, ClientError> {
        let response = http::send(self.client.get(&self.path("code")).timeout(CODE)).await?;
        response.bytes().await.map_err(http::unreachable)
    }

    /// `POST reports`. May be repeated: the server knows by `seq` what it has seen.
    pub async fn report(&self, reports: Vec<Report>) -> Result<ReportsTaken, ClientError> {
        let request = self.client.post(&self.path("reports")).timeout(MESSAGE);
        http::json(request.json(&Reports { reports })).await
    }

    /// `GET control`: answers as soon as there is a stronger order than `known`, else
    /// after `wait`.
    pub async fn control(&self, known: Order, wait: Duration) -> Result<Control, ClientError> {
        let known = match known {
            Order::Continue => "continue",
            Order::Halt => "halt",
            Order::Cancel => "cancel",
        };
        let path = format!("{}?known={known}&wait_ms={}", self.path("control"), wait.as_millis());
        http::json(self.client.get(&path).timeout(wait + MESSAGE)).await
    }

    /// `PUT log`: a piece of the log. The answer tells how much the server has, whether
    /// it took these bytes or found a gap before them: go on from there in both cases.
    pub async fn put_log(&self, piece: LogPiece) -> Result<LogTaken, ClientError> {
        let LogPiece { learner, offset, bytes, marks } = piece;
        let path = format!("{}?learner={learner}&offset={offset}", self.path("log"));
        let request = self
            .client
            .request(Method::PUT, &path)
            .header(CHECKSUM, format!("{:08x}", checksum(&bytes)))
            .header(TIMES, write_marks(offset, &marks))
            .body(bytes)
            .timeout(MESSAGE);
        taken(request).await
    }

    /// `PUT metrics`: bytes of the stream with the metrics, from `offset` on. Answered like
    /// [`put_log`](Self::put_log).
    pub async fn put_metrics(
        &self,
        learner: u32,
        offset: u64,
        bytes: Bytes,
    ) -> Result<MetricsTaken, ClientError> {
        let path = format!("{}?learner={learner}&offset={offset}", self.path("metrics"));
        let request = self
            .client
            .request(Method::PUT, &path)
            .header(CHECKSUM, format!("{:08x}", checksum(&bytes)))
            .body(bytes)
            .timeout(MESSAGE);
        taken(request).await
    }

    fn path(&self, what: &str) -> String {
        format!("{}/{what}", self.root)
    }
}

/// How much the server has, whether it took what was sent or found a gap before it.
async fn taken<T: serde::de::DeserializeOwned>(
    request: reqwest::RequestBuilder,
) -> Result<T, ClientError> {
    let response = request.send().await.map_err(http::unreachable)?;
    let status = response.status();
    if status.is_success() || status == StatusCode::CONFLICT {
        http::read(response).await
    } else {
        Err(http::refusal(response).await)
    }
}
