//! Both stores of a definition are tried: at submission, for `check`, and again before
//! slots are given to a run that has waited long.
//!
//! Both at once, and both to their ends: whoever hangs up in the middle leaves no probe
//! behind, and one answer tells the troubles of both.

use std::sync::Arc;

use trainyard_definition::{Syntax, locate};
use trainyard_model::cause::Cause;
use trainyard_model::code::Code;
use trainyard_model::definition::{StoreRef, TrainingDefinition};
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::secret::{Credentials, Secrets};
use trainyard_objectstore::{
    ContainerSummary, Guard, PROBE, Probed, StoreError, StoreErrorKind, check_readable,
    check_writable, open,
};

use crate::control::Control;

/// How many definitions have their stores tried at a time. Nearly all of it is waiting.
pub(crate) const AT_ONCE: usize = 256;

/// What came of trying both.
#[derive(Debug)]
pub(crate) struct Tried {
    /// `None` when the definition names no data.
    pub(crate) data: Option<Result<ContainerSummary, StoreError>>,
    pub(crate) results: Result<Probed, StoreError>,
}

/// Which of a definition's two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Data,
    Results,
}

/// The user's text, for complaints that point into it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'t> {
    pub(crate) text: &'t str,
    pub(crate) syntax: Syntax,
}

impl Control {
    /// Tries both stores, each within the time that a check may take.
    pub(crate) async fn try_stores(
        &self,
        definition: &TrainingDefinition,
        secrets: &Secrets,
    ) -> Tried {
        let data = definition.data.clone().map(|store| (store, secrets.data.clone()));
        let results = (definition.results.clone(), secrets.results.clone());
        let guard = self.guard.clone();
        let place = Arc::clone(&self.trying).acquire_owned().await.expect("it is never closed");
        // A task of its own: a probe that is begun is also deleted.
        let trying = self.tasks.spawn(async move {
            let _place = place;
            let (data, results) =
                tokio::join!(try_data(&guard, data), try_results(&guard, &results.0, results.1));
            Tried { data, results }
        });
        trying.await.expect("trying stores does not panic")
    }
}

async fn try_data(
    guard: &Guard,
    data: Option<(StoreRef, Option<Credentials>)>,
) -> Option<Result<ContainerSummary, StoreError>> {
    let (store, credentials) = data?;
    let looked = async { check_readable(&open(guard, &store, credentials.as_ref()).await?).await };
    Some(looked.await)
}

async fn try_results(
    guard: &Guard,
    store: &StoreRef,
    credentials: Option<Credentials>,
) -> Result<Probed, StoreError> {
    let opened = open(guard, store, credentials.as_ref()).await?;
    check_writable(&opened, PROBE).await
}

impl Tried {
    /// The failure that ends a run, if there is one.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let data = self.data.as_ref().and_then(|tried| tried.as_ref().err());
        data.or(self.results.as_ref().err()).map(StoreError::cause)
    }

    /// Everything there is to complain about, in the order of the text, and what the
    /// user should know all the same.
    pub(crate) fn complaints(
        &self,
        definition: &TrainingDefinition,
        written: Written<'_>,
    ) -> Vec<Diagnostic> {
        let mut told = Vec::new();
        if let Some(Err(error)) = &self.data {
            told.push(complaint(Side::Data, error, written));
        }
        match &self.results {
            Err(error) => told.push(complaint(Side::Results, error, written)),
            Ok(Probed::Stays) => told.push(probe_stays(&definition.results, written)),
            Ok(Probed::Gone) => {}
        }
        told.sort_by_key(|complaint| complaint.span.map_or(0, |span| span.start));
        told
    }
}

/// A store's failure as a complaint about the definition, at the place that has to be changed.
pub(crate) fn complaint(side: Side, error: &StoreError, written: Written<'_>) -> Diagnostic {
    let cause = error.cause();
    let code = match error.kind() {
        // The cause of a run's end knows no such thing: it would never have begun.
        StoreErrorKind::BadEndpoint => Code::BadEndpoint,
        _ => cause.kind.code(),
    };
    let told = Diagnostic::error(code, error.to_string());
    let told = match cause.hint {
        Some(hint) => told.help(hint),
        None => told,
    };
    side.point(told, about(error.kind()), written)
}

/// The probe could be written and not deleted.
pub(crate) fn probe_stays(results: &StoreRef, written: Written<'_>) -> Diagnostic {
    let message = format!(
        "what is stored in `{}` cannot be deleted with these keys: the object `{PROBE}`, written to try the \
         container, stays there",
        results.container
    );
    let told = Diagnostic::warning(Code::ContainerReadOnly, message)
        .help("results are stored all the same; delete the object by hand if it disturbs");
    Side::Results.point(told, About::Connection, written)
}

/// What part of a store's description is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Address,
    Connection,
    Container,
}

fn about(kind: StoreErrorKind) -> About {
    use StoreErrorKind as K;
    match kind {
        K::Unreachable | K::EndpointForbidden | K::BadEndpoint | K::Failed => About::Address,
        K::CredentialsRefused => About::Connection,
        K::ContainerMissing
        | K::ContainerEmpty
        | K::ReadOnly
        | K::UnsafeKey
        | K::ObjectMissing
        | K::ObjectChanged
        | K::Corrupted
        | K::Local => About::Container,
    }
}

impl Side {
    /// The store's path and the key of its place, in the spellings of all dialects; those
    /// of 2017 first, which are told when nothing of it can be found.
    fn spellings(self) -> ([&'static str; 4], [&'static str; 3]) {
        match self {
            Self::Data => (
                [
                    "training_data[0]",
                    "training_data",
                    "training_data_reference[0]",
                    "training_data_reference",
                ],
                ["source", "location", "target"],
            ),
            Self::Results => (
                [
                    "training_results[0]",
                    "training_results",
                    "training_results_reference[0]",
                    "training_results_reference",
                ],
                ["target", "location", "source"],
            ),
        }
    }

    /// Puts a complaint at its place: as the user has spelt it, if it can be found.
    fn point(self, told: Diagnostic, about: About, written: Written<'_>) -> Diagnostic {
        let find = |path: &str| locate(written.text, written.syntax, path);
        let (stores, places) = self.spellings();
        let store = stores.into_iter().find(|store| find(store).is_some());
        let store = store.unwrap_or(match self {
            Self::Data => "training_data[0]",
            Self::Results => "training_results",
        });
        let connection = format!("{store}.connection");
        let mut paths = Vec::new();
        match about {
            About::Container => {
                for place in places {
                    paths.extend(
                        ["container", "bucket"].map(|key| format!("{store}.{place}.{key}")),
                    );
                }
            }
            About::Address => {
                let keys = ["auth_url", "endpoint_url", "root"];
                paths.extend(keys.map(|key| format!("{connection}.{key}")));
                paths.push(connection.clone());
            }
            About::Connection => paths.push(connection.clone()),
        }
        let usual = match about {
            About::Container => paths[0].clone(),
            About::Address | About::Connection => connection,
        };
        paths.push(store.to_owned());
        for path in paths {
            if let Some(span) = find(&path) {
                return told.at(path).span(span);
            }
        }
        told.at(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_the_spellings_of_all_dialects() {
        let of = |text: &str, side: Side, about| {
            let written = Written { text, syntax: Syntax::Yaml };
            let told = side.point(Diagnostic::error(Code::StoreFailed, "no"), about, written);
            (told.path, told.span.map(|span| text[span.start..span.end].to_owned()))
        };
        let seed = "training_data:\n- connection: {auth_url: A}\n  source: {container: C}\n";
        let later =
            "training_data_reference:\n  connection: {endpoint_url: A}\n  location: {bucket: C}\n";
        for (text, store, url, place) in [
            (seed, "training_data[0]", "auth_url", "source.container"),
            (later, "training_data_reference", "endpoint_url", "location.bucket"),
        ] {
            for (about, below, word) in [
                (About::Address, format!("connection.{url}"), "A"),
                (About::Connection, "connection".to_owned(), "connection"),
                (About::Container, place.to_owned(), "C"),
            ] {
                let expected = (format!("{store}.{below}"), Some(word.to_owned()));
                assert_eq!(of(text, Side::Data, about), expected);
            }
        }
        let gone = ("training_results.target.container".to_owned(), None);
        assert_eq!(of(seed, Side::Results, About::Container), gone);
    }
}
