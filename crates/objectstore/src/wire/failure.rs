//! What a wire says when a request does not succeed.

use std::error::Error;
use std::time::Duration;

use crate::error::StoreErrorKind as Kind;
use crate::guard::Forbidden;

/// Why there is no success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The guard lets nobody go there.
    #[error("{0}")]
    Forbidden(#[source] Forbidden),
    #[error("{0}")]
    Silence(#[source] Silence),
    #[error("{0}")]
    Broken(#[source] Broken),
    #[error("{0}")]
    Refused(#[source] Refused),
}

impl Failure {
    pub(super) fn broken(error: reqwest::Error) -> Self {
        // The URL holds nothing that is not said elsewhere, and a long query.
        Self::Broken(Broken(error.without_url()))
    }

    /// Whether the same request may get through in a moment. Of refusals, those
    /// whose status alone says so.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Forbidden(_) => false,
            Self::Silence(_) => true,
            Self::Broken(broken) => broken.is_transient(),
            Self::Refused(refused) => refused.is_transient(),
        }
    }

    /// How long the store asks to be left alone.
    pub(crate) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => refused.pause,
            _ => None,
        }
    }
}

/// An answer with a status other than 2xx.
#[derive(Debug, thiserror::Error)]
#[error("HTTP status {status}")]
pub(crate) struct Refused {
    pub(crate) status: u16,
    /// What the store wrote beside it, without our secrets.
    pub(crate) words: String,
    /// How long the store asks to be left alone.
    pub(crate) pause: Option<Duration>,
}

impl Refused {
    fn is_transient(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
    }
}

/// Nothing came for this long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for {} s", .0.as_secs_f32())]
pub(crate) struct Silence(pub(crate) Duration);

/// The connection could not be made, or it broke.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.words())]
pub(crate) struct Broken(#[source] reqwest::Error);

impl Broken {
    /// The last error of the chain knows best: "Connection refused (os error 111)".
    fn words(&self) -> String {
        let mut last: &dyn Error = &self.0;
        while let Some(next) = last.source() {
            last = next;
        }
        last.to_string()
    }

    fn is_transient(&self) -> bool {
        find::<Forbidden>(&self.0).is_none() && !self.0.is_builder()
    }

    fn kind(&self) -> Kind {
        if self.0.is_body() || self.0.is_decode() { Kind::Failed } else { Kind::Unreachable }
    }
}

/// What an error with one of the wire's own at its root means, and its words. Refusals
/// are not among them: those are the protocol's to read.
pub(crate) fn words_of(error: &(dyn Error + 'static)) -> Option<(Kind, String)> {
    if let Some(why) = find::<Forbidden>(error) {
        Some((Kind::EndpointForbidden, why.to_string()))
    } else if let Some(silence) = find::<Silence>(error) {
        Some((Kind::Unreachable, silence.to_string()))
    } else {
        find::<Broken>(error).map(|broken| (broken.kind(), broken.words()))
    }
}

/// The first error of a type in a chain.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
