//! What can go wrong between here and the server.

use std::time::Duration;

use trainyard_api::ErrorBody;
use trainyard_model::code::Code;

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base URL is not one.
    #[error("'{url}' is not the address of a server: expected http://HOST:PORT or https://HOST")]
    BadUrl {
        /// As it was given.
        url: String,
    },
    /// The token has characters that no header can carry.
    #[error("the token holds characters that cannot be sent")]
    BadToken,
    /// This machine's certificates or TLS settings could not be used.
    #[error("cannot set up the connection")]
    Setup(#[source] reqwest::Error),
    /// No answer: nobody listens there, or the connection broke.
    #[error("no answer from {url}")]
    Unreachable {
        /// The address that was called.
        url: String,
        /// What the network said.
        #[source]
        source: reqwest::Error,
    },
    /// The stream stood still for longer than its keep-alives allow.
    #[error("{url} has not sent anything for {seconds} s")]
    Silent {
        /// The address that was called.
        url: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The server refused, and said why.
    #[error("{}", first_message(.body, *.status))]
    Api {
        /// The HTTP status.
        status: u16,
        /// All complaints.
        body: Box<ErrorBody>,
        /// After what time the same call may be taken, if the server says so.
        retry_after: Option<Duration>,
    },
    /// 410: the attempt that this token spoke for is over.
    #[error("the attempt is over: {}", first_message(.body, 410))]
    Gone {
        /// What the server said.
        body: Box<ErrorBody>,
    },
    /// The answer is not one of this API.
    #[error("{url} gave an answer that is not one of Trainyard's")]
    Protocol {
        /// The address that was called.
        url: String,
        /// What is wrong with it.
        #[source]
        source: ProtocolError,
    },
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A status that the route does not have, without an error body.
    #[error("status {status}: {excerpt}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// How the body begins.
        excerpt: String,
    },
    /// The body does not have the route's shape.
    #[error("the body does not have the expected shape")]
    Body(#[source] serde_json::Error),
    /// A header that must be there is not, or is not a number.
    #[error("the header {0} is missing or not a number")]
    Header(&'static str),
    /// The bytes of a log event are not base64.
    #[error("an event's bytes are not base64")]
    Base64(#[source] base64::DecodeError),
    /// An event is larger than any that a server sends.
    #[error("an event of more than {limit} bytes")]
    EventTooLarge {
        /// The most that is taken.
        limit: usize,
    },
    /// The server leaves out bytes of the log, time and again.
    #[error("the log jumps from byte {expected} to byte {got}")]
    Gap {
        /// The byte that should have come.
        expected: u64,
        /// The one that came.
        got: u64,
    },
}

fn first_message(body: &ErrorBody, status: u16) -> String {
    match body.errors.as_slice() {
        [] => format!("the server answered with status {status}"),
        [only] => only.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    }
}

impl ClientError {
    /// The server's stable code of its first complaint, if it made one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Api { body, .. } | Self::Gone { body } => {
                body.errors.first().map(|error| error.code)
            }
            Self::BadUrl { .. }
            | Self::BadToken
            | Self::Setup(_)
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Protocol { .. } => None,
        }
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. }
            | Self::Protocol { source: ProtocolError::Status { status, .. }, .. } => Some(*status),
            Self::Gone { .. } => Some(410),
            Self::BadUrl { .. }
            | Self::BadToken
            | Self::Setup(_)
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Protocol { .. } => None,
        }
    }

    /// After what time the server wants to be asked again: it has put the call off (429 or
    /// 503 with `Retry-After`) and done nothing of it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api { status: 429 | 503, retry_after, .. } => *retry_after,
            Self::Api { .. }
            | Self::Gone { .. }
            | Self::BadUrl { .. }
            | Self::BadToken
            | Self::Setup(_)
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Protocol { .. } => None,
        }
    }

    /// May the same call succeed later, with nothing changed on this side?
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } => true,
            Self::Api { status, .. } => *status >= 500 || *status == 429 || *status == 408,
            Self::Protocol { source, .. } => match source {
                ProtocolError::Status { status, .. } => *status >= 500,
                // Half an answer of a server that was killed while it spoke.
                ProtocolError::Body(error) => error.is_eof(),
                ProtocolError::Header(_)
                | ProtocolError::Base64(_)
                | ProtocolError::EventTooLarge { .. }
                | ProtocolError::Gap { .. } => false,
            },
            Self::BadUrl { .. } | Self::BadToken | Self::Setup(_) | Self::Gone { .. } => false,
        }
    }
}
