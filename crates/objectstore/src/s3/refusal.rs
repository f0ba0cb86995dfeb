//! What stores say when they do not do what they are asked, and what it means to
//! the user.

use std::time::Duration;

use super::answer::{Strange, element};
use super::listing::BadPage;
use crate::error::{StoreError, StoreErrorKind as Kind};
use crate::store::StoreName;
use crate::wire::{self, Failure};

/// The longest text of a store that is repeated to users, in characters.
const WORDS_MAX: usize = 300;

/// What was asked for; decides what a refusal of it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    List,
    Write,
}

/// An answer with a status other than 2xx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub(super) struct Refusal {
    status: u16,
    /// S3's word for it (`NoSuchBucket`), empty when there is none.
    code: String,
    message: String,
}

impl Refusal {
    /// Reads S3's XML (`<Error><Code>…</Code><Message>…</Message>…`), or whatever came.
    pub(super) fn read(status: u16, text: &str) -> Self {
        let code = element(text, "Code").unwrap_or_default();
        let message = element(text, "Message").unwrap_or_else(|| {
            // A proxy's page, perhaps: its first line says more than nothing.
            if code.is_empty() {
                text.trim().lines().next().unwrap_or_default().to_owned()
            } else {
                String::new()
            }
        });
        Self {
            status,
            code: code.chars().take(64).collect(),
            message: message.chars().take(WORDS_MAX).collect(),
        }
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
            || matches!(self.code.as_str(), "RequestTimeout" | "SlowDown" | "InternalError")
    }

    fn words(&self) -> String {
        let mut words = format!("HTTP status {}", self.status);
        for part in [&self.code, &self.message] {
            if !part.is_empty() {
                words.push_str(": ");
                words.push_str(part);
            }
        }
        words
    }

    fn kind(&self, purpose: Purpose) -> Kind {
        match (self.code.as_str(), self.status) {
            ("NoSuchBucket" | "InvalidBucketName", _) => Kind::ContainerMissing,
            (
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "InvalidToken"
                | "InvalidSecurity"
                | "NotSignedUp"
                | "TokenRefreshRequired"
                | "UnauthorizedAccess",
                _,
            )
            | (_, 401) => Kind::CredentialsRefused,
            ("KeyTooLongError", _) => Kind::UnsafeKey,
            ("RequestTimeTooSkewed", _) => Kind::Failed,
            ("AccessDenied" | "AllAccessDisabled" | "AccountProblem", _) | (_, 403 | 405) => {
                match purpose {
                    Purpose::Read | Purpose::List => Kind::CredentialsRefused,
                    Purpose::Write => Kind::ReadOnly,
                }
            }
            ("NoSuchKey", _) => Kind::ObjectMissing,
            (_, 404) => match purpose {
                Purpose::Read => Kind::ObjectMissing,
                // An upload that was completed or aborted meanwhile.
                Purpose::Write if self.code == "NoSuchUpload" => Kind::Failed,
                Purpose::List | Purpose::Write => Kind::ContainerMissing,
            },
            (_, 412) => Kind::ObjectChanged,
            _ => Kind::Failed,
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct Wrong {
    what: What,
    /// Whether the same call may be answered in a moment.
    transient: bool,
    /// How long the store asks to be left alone.
    pause: Option<Duration>,
}

#[derive(Debug, thiserror::Error)]
enum What {
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    Strange(#[from] Strange),
    /// S3's answer, garbled on its way or written in haste.
    #[error("{0}")]
    Garbled(#[from] BadPage),
    #[error("{0}")]
    Wire(#[source] Failure),
    /// The object is another version than the one that was wanted.
    #[error("{0}")]
    Changed(String),
    /// It is not what was asked for.
    #[error("{0}")]
    Unfit(String),
    #[error("the request cannot be signed with these credentials")]
    Unsigned,
}

impl Wrong {
    fn lasting(what: What) -> Self {
        Self { what, transient: false, pause: None }
    }

    /// The object is another version than the one that was wanted.
    pub(super) fn changed(how: String) -> Self {
        Self::lasting(What::Changed(how))
    }

    /// The answer is not what was asked for.
    pub(super) fn unfit(how: impl Into<String>) -> Self {
        Self::lasting(What::Unfit(how.into()))
    }

    pub(super) fn unsigned() -> Self {
        Self::lasting(What::Unsigned)
    }

    pub(super) fn is_transient(&self) -> bool {
        self.transient
    }

    /// Whether this is no answer of S3's. One byte that changed on its way can make
    /// such a thing of any answer.
    pub(super) fn is_strange(&self) -> bool {
        matches!(self.what, What::Strange(_))
    }

    pub(super) fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// The same, not to be tried again.
    pub(super) fn for_good(self) -> Self {
        Self { transient: false, ..self }
    }

    /// Whether a store that speaks S3 said so.
    pub(super) fn is_of_s3(&self) -> bool {
        matches!(&self.what, What::Refused(refusal) if !refusal.code.is_empty())
    }

    /// In the words of whoever has to mend it.
    pub(super) fn explain(self, store: &StoreName, purpose: Purpose, tried: &str) -> StoreError {
        let (kind, said) = match &self.what {
            What::Refused(refusal) => (refusal.kind(purpose), refusal.words()),
            What::Strange(strange) => (Kind::BadEndpoint, strange.to_string()),
            What::Garbled(page) => (Kind::Corrupted, page.to_string()),
            What::Wire(failure) => {
                wire::words_of(failure).unwrap_or_else(|| (Kind::Failed, failure.to_string()))
            }
            What::Changed(words) => (Kind::ObjectChanged, words.clone()),
            What::Unfit(words) => (Kind::Failed, words.clone()),
            What::Unsigned => (Kind::CredentialsRefused, self.what.to_string()),
        };
        let passing = match &self.what {
            What::Refused(refusal) => refusal.is_transient(),
            What::Wire(failure) => failure.is_transient(),
            _ => false,
        };
        let error = StoreError::new(kind, store, tried).said(said);
        let error = error.transient(self.transient).passing(passing);
        let error = if kind == Kind::BadEndpoint {
            error.hint("this does not speak S3: name the address of the store's S3 service, not that of its web page")
        } else {
            error
        };
        error.source(self)
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self { transient: refusal.is_transient(), what: What::Refused(refusal), pause: None }
    }
}

impl From<Strange> for Wrong {
    fn from(strange: Strange) -> Self {
        Self::lasting(strange.into())
    }
}

impl From<BadPage> for Wrong {
    fn from(page: BadPage) -> Self {
        Self { what: page.into(), transient: true, pause: None }
    }
}

/// The wire's failure, its refusal read as S3's.
impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        let pause = failure.pause();
        match failure {
            Failure::Refused(refused) => {
                Self { pause, ..Refusal::read(refused.status, &refused.words).into() }
            }
            other => Self { transient: other.is_transient(), what: What::Wire(other), pause },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_mean_what_the_user_has_to_mend() {
        let xml = |code: &str| {
            format!("<?xml?><Error><Code>{code}</Code><Message>a &amp; b</Message></Error>")
        };
        for (status, body, purpose, kind) in [
            (404, xml("NoSuchBucket"), Purpose::Write, Kind::ContainerMissing),
            (404, xml("NoSuchKey"), Purpose::Read, Kind::ObjectMissing),
            (404, String::new(), Purpose::Read, Kind::ObjectMissing),
            (404, "<html>".into(), Purpose::List, Kind::ContainerMissing),
            (403, xml("InvalidAccessKeyId"), Purpose::Write, Kind::CredentialsRefused),
            (403, xml("SignatureDoesNotMatch"), Purpose::Write, Kind::CredentialsRefused),
            (403, xml("AccessDenied"), Purpose::Write, Kind::ReadOnly),
            (403, xml("AccessDenied"), Purpose::List, Kind::CredentialsRefused),
            (403, String::new(), Purpose::Read, Kind::CredentialsRefused),
            (400, xml("KeyTooLongError"), Purpose::Write, Kind::UnsafeKey),
            (412, String::new(), Purpose::Read, Kind::ObjectChanged),
            (503, xml("SlowDown"), Purpose::Read, Kind::Failed),
            (301, xml("PermanentRedirect"), Purpose::List, Kind::Failed),
        ] {
            let refusal = Refusal::read(status, &body);
            assert_eq!(refusal.kind(purpose), kind, "{refusal} {purpose:?}");
        }
        assert_eq!(Refusal::read(403, &xml("X")).words(), "HTTP status 403: X: a & b");
        assert_eq!(Refusal::read(502, "<html>\nbad").words(), "HTTP status 502: <html>");
        assert!(Refusal::read(503, "").is_transient() && !Refusal::read(501, "").is_transient());
    }
}
