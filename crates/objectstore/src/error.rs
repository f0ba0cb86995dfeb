//! What can go wrong with a store, in the words of whoever has to mend it.
//!
//! Every error names the store, what was tried, and the store's own words where
//! it had any; none holds a secret (the
//! implementations see to the words that come from outside).

use std::{fmt, io};

use trainyard_model::cause::{Cause, CauseKind};

use crate::keys::UnsafeKey;
use crate::store::StoreName;

/// A store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub struct StoreError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: StoreErrorKind,
    store: StoreName,
    /// What was tried: "list the container".
    tried: String,
    /// The store's words, or those of the operating system.
    said: Option<String>,
    /// What to do about it, where the kind alone does not tell.
    hint: Option<&'static str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Whether the same request may succeed in a moment.
    transient: bool,
    passing: bool,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// No answer: nobody listens, no such host, no secure connection, or silence.
    Unreachable,
    /// The store does not accept the credentials, or they may not read.
    CredentialsRefused,
    /// There is no such container.
    ContainerMissing,
    /// The container holds no object.
    ContainerEmpty,
    /// The credentials may not write.
    ReadOnly,
    /// The guard's policy forbids the address or the directory.
    EndpointForbidden,
    /// A key has no place in a directory.
    UnsafeKey,
    /// The endpoint is no endpoint: not a URL, no path, credentials in it.
    BadEndpoint,
    /// There is no such object.
    ObjectMissing,
    /// The object was changed while it was read.
    ObjectChanged,
    /// What arrived is not what was stored.
    Corrupted,
    /// The store failed in another way.
    Failed,
    /// The machine's own disk failed.
    Local,
}

impl StoreError {
    pub(crate) fn new(kind: StoreErrorKind, store: &StoreName, tried: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            store: store.clone(),
            tried: tried.into(),
            said: None,
            hint: None,
            source: None,
            transient: false,
            passing: false,
        }))
    }

    pub(crate) fn said(mut self, words: impl Into<String>) -> Self {
        self.0.said = Some(words.into());
        self
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.0.hint = Some(hint);
        self
    }

    pub(crate) fn source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn transient(mut self, transient: bool) -> Self {
        self.0.transient = transient;
        self
    }

    pub(crate) fn passing(mut self, passing: bool) -> Self {
        self.0.passing = passing;
        self
    }

    /// A failure of the machine's own disk.
    pub(crate) fn local(store: &StoreName, tried: impl Into<String>, source: io::Error) -> Self {
        Self::new(StoreErrorKind::Local, store, tried).said(source.to_string()).source(source)
    }

    pub(crate) fn unsafe_key(store: &StoreName, key: &str, why: &UnsafeKey) -> Self {
        Self::new(
            StoreErrorKind::UnsafeKey,
            store,
            format!("give the object {key:?} a place on disk"),
        )
        .said(why.to_string())
        .source(why.clone())
    }

    /// What kind of failure.
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }

    /// Which store.
    pub fn store(&self) -> &StoreName {
        &self.0.store
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// Whether it may be another matter later: the store is busy or away, and was asked often
    /// enough for now. Whoever has minutes to spare begins anew.
    pub fn may_pass(&self) -> bool {
        self.0.transient || self.0.passing
    }

    /// Whether this machine's disk has no room.
    pub(crate) fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        let source = self.0.source.as_ref().and_then(|source| source.downcast_ref::<io::Error>());
        self.kind() == StoreErrorKind::Local
            && source.is_some_and(|error| matches!(error.kind(), StorageFull | QuotaExceeded))
    }

    /// The failure as the cause of a run's end.
    pub fn cause(&self) -> Cause {
        let Inner { kind, store, said, hint: own, .. } = &*self.0;
        let StoreName { container, endpoint } = store;
        let (kind, hint) = match kind {
            StoreErrorKind::Unreachable => (
                CauseKind::StoreUnreachable,
                format!("see that {endpoint} is the store's address and that this machine can reach it"),
            ),
            StoreErrorKind::CredentialsRefused => (
                CauseKind::CredentialsRefused,
                format!(
                    "see that the keys in the definition are those of {endpoint} and that they may list \
                     and read `{container}`"
                ),
            ),
            StoreErrorKind::ContainerMissing => (
                CauseKind::ContainerMissing,
                format!("see that the name is right, or make the container `{container}` at {endpoint}"),
            ),
            StoreErrorKind::ContainerEmpty => (
                CauseKind::ContainerEmpty,
                format!("put the training data into `{container}`, or name the container that holds it"),
            ),
            StoreErrorKind::ReadOnly => (
                CauseKind::ContainerReadOnly,
                format!("give these keys the right to write into `{container}`, or name another container for the results"),
            ),
            StoreErrorKind::EndpointForbidden => (
                CauseKind::EndpointForbidden,
                "name another endpoint, or have whoever runs this server allow it in the `[stores]` table \
                 of its configuration"
                    .to_owned(),
            ),
            StoreErrorKind::UnsafeKey => (
                CauseKind::UnsafeKey,
                format!("rename or delete the object, or keep the training data in a container without it; `{container}` is fetched as a whole"),
            ),
            StoreErrorKind::BadEndpoint => (
                CauseKind::StoreFailed,
                "an S3 endpoint is a URL such as https://s3.example.com; a directory is an absolute path"
                    .to_owned(),
            ),
            StoreErrorKind::ObjectMissing | StoreErrorKind::ObjectChanged => (
                CauseKind::StoreFailed,
                format!("leave `{container}` as it is while a run fetches it, and train again"),
            ),
            StoreErrorKind::Corrupted => (
                CauseKind::StoreFailed,
                "the object arrived damaged each time; compare it with its original".to_owned(),
            ),
            StoreErrorKind::Failed => {
                (CauseKind::StoreFailed, format!("the store itself failed; see the health of {endpoint}"))
            }
            StoreErrorKind::Local => (
                CauseKind::StagingFailed,
                "see that the machine's disk has room and can be written".to_owned(),
            ),
        };
        Cause::new(kind, self.headline())
            .evidence(said.clone())
            .hint(own.map_or(hint, str::to_owned))
    }

    /// What happened, without the store's words.
    fn headline(&self) -> String {
        let Inner { kind, store, tried, .. } = &*self.0;
        match kind {
            StoreErrorKind::Unreachable => format!("the store of {store} does not answer"),
            StoreErrorKind::CredentialsRefused => {
                format!("the store refuses the credentials for {store}")
            }
            StoreErrorKind::ContainerMissing => {
                format!("there is no container `{}` at {}", store.container, store.endpoint)
            }
            StoreErrorKind::ContainerEmpty => format!("the container {store} is empty"),
            StoreErrorKind::ReadOnly => {
                format!("the credentials may not write into the container {store}")
            }
            StoreErrorKind::EndpointForbidden => {
                format!("this server may not use the store of {store}")
            }
            StoreErrorKind::BadEndpoint => {
                format!("{:?} is no endpoint of a store", store.endpoint)
            }
            StoreErrorKind::UnsafeKey
            | StoreErrorKind::ObjectMissing
            | StoreErrorKind::ObjectChanged
            | StoreErrorKind::Corrupted
            | StoreErrorKind::Failed
            | StoreErrorKind::Local => format!("cannot {tried} (container {store})"),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        match &self.0.said {
            Some(said) => write!(f, ": {said}"),
            None => Ok(()),
        }
    }
}
