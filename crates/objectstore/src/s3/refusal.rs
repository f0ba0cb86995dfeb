//! What stores say when they do not do what they are asked, and what it means to
//! the user.

use super::answer::Strange;
use crate::error::{StoreError, StoreErrorKind as Kind};
use crate::store::StoreName;
use crate::wire::{self, find};

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

/// Puts an error of opendal into our words, by the typed error at its root.
pub(super) fn explain(
    store: &StoreName,
    purpose: Purpose,
    tried: &str,
    error: opendal::Error,
) -> StoreError {
    let transient = error.is_temporary();
    if let Some(strange) = find::<Strange>(&error) {
        let said = strange.to_string();
        return match strange {
            Strange::NotS3(_) => StoreError::new(Kind::BadEndpoint, store, tried)
                .hint("this does not speak S3: name the address of the store's S3 service, not that of its web page"),
            Strange::Absolute(_) => StoreError::new(Kind::UnsafeKey, store, tried),
        }
        .said(said)
        .source(error);
    }
    let (kind, said) = if let Some(refusal) = find::<Refusal>(&error) {
        (refusal.kind(purpose), refusal.words())
    } else if let Some(told) = wire::words_of(&error) {
        told
    } else {
        // opendal's own: XML that is none, or that tells of a failure in a success. The
        // text may hold what the store sent, so it goes no further.
        return StoreError::new(Kind::Failed, store, tried)
            .said("the answer is not one that an S3 store gives")
            .transient(transient);
    };
    StoreError::new(kind, store, tried).said(said).transient(transient).source(error)
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Some(text.replace("&apos;", "'").replace("&#39;", "'").replace("&amp;", "&").trim().to_owned())
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
