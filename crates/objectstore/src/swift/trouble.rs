//! What goes wrong with Swift, and what it means to the user.
//!
//! A [`Trouble`] can be shared by all who waited for the same thing, a token above all.

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

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The store refused.
    Refused { status: u16, words: String },
    /// It is known what this is, whatever was asked for.
    Known { kind: Kind, said: String, hint: Option<&'static str>, transient: bool },
}

impl Trouble {
    pub(super) fn known(kind: Kind, said: impl Into<String>) -> Self {
        Self::Known { kind, said: said.into(), hint: None, transient: false }
    }

    /// What answers, and is no Swift.
    pub(super) fn stranger(said: impl Into<String>) -> Self {
        Self::Known {
            kind: Kind::BadEndpoint,
            said: said.into(),
            hint: Some(
                "this does not speak Swift: `auth_url` is the address of the service that gives \
                 tokens, such as https://swift.example.com/auth/v1.0",
            ),
            transient: false,
        }
    }

    /// The wire's failure. `transient` says whether the same may succeed in a moment.
    pub(super) fn of(failure: Failure, transient: bool) -> Self {
        match failure {
            Failure::Refused(refused) => {
                Self::Refused { status: refused.status, words: shortened(&refused.words) }
            }
            other => {
                let (kind, said) =
                    wire::words_of(&other).unwrap_or_else(|| (Kind::Failed, other.to_string()));
                Self::Known { kind, said, hint: None, transient }
            }
        }
    }

    /// The refusal's status.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Known { .. } => None,
        }
    }

    pub(super) fn into_error(self, store: &StoreName, purpose: Purpose, tried: &str) -> StoreError {
        match self {
            Self::Refused { status, words } => {
                let mut said = format!("HTTP status {status}");
                if !words.is_empty() {
                    said.push_str(": ");
                    said.push_str(&words);
                }
                let (kind, hint) = meaning(status, purpose);
                let error = StoreError::new(kind, store, tried).said(said);
                // Sent once more from the file it may arrive as it is.
                let error = error.transient(status == 422);
                hint.into_iter().fold(error, StoreError::hint)
            }
            Self::Known { kind, said, hint, transient } => {
                let error = StoreError::new(kind, store, tried).said(said).transient(transient);
                hint.into_iter().fold(error, StoreError::hint)
            }
        }
    }
}

fn meaning(status: u16, purpose: Purpose) -> (Kind, Option<&'static str>) {
    let kind = match (status, purpose) {
        (401, _) | (403, Purpose::Read | Purpose::List) => Kind::CredentialsRefused,
        (403 | 405, Purpose::Write) => Kind::ReadOnly,
        (404, Purpose::Read) => Kind::ObjectMissing,
        (404, Purpose::List | Purpose::Write) => Kind::ContainerMissing,
        (412 | 416, Purpose::Read) => Kind::ObjectChanged,
        (413, Purpose::Write) => {
            return (
                Kind::Failed,
                Some("the store takes no more: see the quotas of its account and container"),
            );
        }
        (507, Purpose::Write) => {
            return (Kind::Failed, Some("the store has no room left; ask whoever runs it"));
        }
        (422, Purpose::Write) => Kind::Corrupted,
        _ => Kind::Failed,
    };
    (kind, None)
}

/// Whether the same request may get through in a moment. 498 and 499 are Swift's own:
/// too many requests, and a body that it waited for in vain.
pub(super) fn passes(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(refused) if matches!(refused.status, 408 | 498 | 499) => true,
        other => other.is_transient(),
    }
}

/// The store's words without the markup around them.
pub(super) fn shortened(words: &str) -> String {
    let told = serde_json::from_str::<serde_json::Value>(words).ok().and_then(|told| {
        // Keystone: {"error": {"code": 401, "message": "…", "title": "Unauthorized"}}
        Some(told.get("error")?.get("message")?.as_str()?.to_owned())
    });
    let words = told.unwrap_or_else(|| without_tags(words));
    let words: Vec<&str> = words.split_whitespace().collect();
    words.join(" ").chars().filter(|char| !char.is_control()).take(WORDS_MAX).collect()
}

/// `<html><h1>Not Found</h1><p>No.</p></html>` to `Not Found: No.`
fn without_tags(page: &str) -> String {
    if !page.trim_start().starts_with('<') {
        return page.to_owned();
    }
    let mut texts: Vec<&str> = Vec::new();
    for piece in page.split('<') {
        let text = piece.split_once('>').map_or("", |(_, text)| text).trim();
        if !text.is_empty() {
            texts.push(text);
        }
    }
    texts.join(": ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_mean_what_the_user_has_to_mend() {
        let name = StoreName { container: "c".into(), endpoint: "e".into() };
        for (status, purpose, kind) in [
            (401, Purpose::Read, Kind::CredentialsRefused),
            (403, Purpose::List, Kind::CredentialsRefused),
            (403, Purpose::Write, Kind::ReadOnly),
            (404, Purpose::Read, Kind::ObjectMissing),
            (404, Purpose::List, Kind::ContainerMissing),
            (404, Purpose::Write, Kind::ContainerMissing),
            (412, Purpose::Read, Kind::ObjectChanged),
            (413, Purpose::Write, Kind::Failed),
            (422, Purpose::Write, Kind::Corrupted),
            (498, Purpose::Read, Kind::Failed),
            (507, Purpose::Write, Kind::Failed),
        ] {
            let trouble = Trouble::Refused { status, words: "No.".into() };
            let error = trouble.into_error(&name, purpose, "do it");
            assert_eq!(error.kind(), kind, "{error} {purpose:?}");
            assert_eq!(error.is_transient(), status == 422, "{error}");
            assert!(error.to_string().contains(&format!("HTTP status {status}: No.")), "{error}");
        }
    }

    #[test]
    fn words_come_without_their_markup() {
        for (words, shown) in [
            (
                "<html><h1>Not Found</h1><p>It is &lt;not&gt; here.</p></html>",
                "Not Found: It is <not> here.",
            ),
            ("Upload exceeds quota.\n", "Upload exceeds quota."),
            (r#"{"error": {"code": 401, "message": "Go away.", "title": "x"}}"#, "Go away."),
            ("", ""),
            ("<", ""),
            ("a\u{1b}[31m b", "a[31m b"),
        ] {
            assert_eq!(shortened(words), shown, "{words}");
        }
        assert_eq!(shortened(&"x".repeat(1000)).len(), WORDS_MAX);
    }
}
