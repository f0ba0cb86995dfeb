//! S3 and what speaks its protocol: SigV4, path style, any endpoint.
//!
//! Signing, URLs and XML are opendal's, used below its `Operator`: that would
//! trim and normalise keys, and a key is not ours to change. What goes over the
//! wire is [`transport`]'s; what comes back in anger is read by [`refusal`], and
//! whether it comes from a store at all is seen by [`answer`].

mod answer;
mod etag;
mod refusal;
mod transport;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use opendal::raw::oio::{Delete as _, List as _, Read as _, ReadStream as _, Write as _};
use opendal::raw::{OpDelete, OpList, OpRead, OpStat, OpWrite, Servicer, oio};
use opendal::{
    Builder, BytesRange, Executor, HttpTransporter, Metadata, OperationContext, options,
};
use reqwest::Url;
use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;

use crate::budget::Budget;
use crate::error::{StoreError, StoreErrorKind};
use crate::guard::{Forbidden, Guard};
use crate::keys;
use crate::retry::Attempts;
use crate::store::{Content, Object, ObjectStore, StoreName, Upload};
use crate::wire::Wire;

use refusal::Purpose;

/// What S3 itself takes for its first region, and most other stores for theirs.
const DEFAULT_REGION: &str = "us-east-1";

/// Parts of one object on their way at a time.
const PARTS_AT_ONCE: usize = 4;

/// One bucket.
#[derive(Debug, Clone)]
pub(crate) struct S3Store(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    name: StoreName,
    service: Servicer,
    context: OperationContext,
    check_limit: Duration,
    budget: Budget,
}

impl S3Store {
    /// Makes the client; sends nothing.
    pub(crate) fn open(
        guard: &Guard,
        store: &StoreRef,
        credentials: Option<&Credentials>,
    ) -> Result<Self, StoreError> {
        let endpoint = store.endpoint.trim().trim_end_matches('/');
        // The name goes into messages, so nothing secret may be in it.
        let shown = shown(endpoint);
        let name = StoreName { container: store.container.clone(), endpoint: shown };
        let fails = |kind| StoreError::new(kind, &name, "open the store");

        let url = Url::parse(endpoint)
            .map_err(|error| fails(StoreErrorKind::BadEndpoint).said(error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fails(StoreErrorKind::BadEndpoint).said("it has a `?` or a `#`"));
        }
        guard.admit(&url).map_err(|why| {
            let kind = match &why {
                Forbidden::Address { .. } | Forbidden::Directory { .. } => {
                    StoreErrorKind::EndpointForbidden
                }
                Forbidden::Scheme { .. } | Forbidden::Credentials | Forbidden::NoHost => {
                    StoreErrorKind::BadEndpoint
                }
            };
            fails(kind).said(why.to_string()).source(why)
        })?;
        if !is_bucket_name(&store.container) {
            return Err(fails(StoreErrorKind::ContainerMissing)
                .said("no bucket can have this name (letters, digits, `-`, `.` and `_` only)"));
        }

        // Whether there can be one is told here, not at the first request.
        guard
            .client(&url)
            .map_err(|error| fails(StoreErrorKind::Failed).said(error.to_string()).source(error))?;
        let transport = transport::Transport::new(Wire::new(guard.clone(), credentials.cloned()));
        let context =
            OperationContext::from_parts(HttpTransporter::new(transport), Executor::default());

        let mut builder = opendal::services::S3::default()
            .endpoint(url.as_str().trim_end_matches('/'))
            .bucket(&store.container)
            .region(
                store
                    .region
                    .as_deref()
                    .filter(|region| !region.is_empty())
                    .unwrap_or(DEFAULT_REGION),
            )
            // Nothing of this machine's own may open a user's store.
            .disable_config_load()
            .disable_ec2_metadata();
        builder = match credentials.map(Credentials::expose) {
            Some(keys) if keys.user.is_empty() || keys.secret.is_empty() => {
                return Err(fails(StoreErrorKind::CredentialsRefused).said("a key is empty"));
            }
            Some(keys) => builder.access_key_id(&keys.user).secret_access_key(&keys.secret),
            None => builder.skip_signature(),
        };
        let service = builder
            .build()
            .map_err(|error| fails(StoreErrorKind::BadEndpoint).said(error.message().to_owned()))?;
        Ok(Self(Arc::new(Bucket {
            name,
            service: Arc::new(service),
            context,
            check_limit: guard.limits().check,
            budget: guard.budget().clone(),
        })))
    }
}

impl Bucket {
    /// A key that has no place on disk cannot be put into a URL either without
    /// becoming another.
    fn check(&self, key: &str) -> Result<(), StoreError> {
        match keys::place(key) {
            Ok(_) => Ok(()),
            Err(why) => Err(StoreError::unsafe_key(&self.name, key, &why)),
        }
    }

    /// Puts an error of opendal into our words.
    fn explain(&self, purpose: Purpose, tried: &str, error: opendal::Error) -> StoreError {
        refusal::explain(&self.name, purpose, tried, error)
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    fn name(&self) -> &StoreName {
        &self.0.name
    }

    fn check_limit(&self) -> Duration {
        self.0.check_limit
    }

    fn budget(&self) -> &Budget {
        &self.0.budget
    }

    async fn head(&self, key: &str) -> Result<Object, StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        let found = bucket
            .service
            .stat_dyn(&bucket.context, key, OpStat::new())
            .await
            .map_err(|error| bucket.explain(Purpose::Read, &format!("look at {key:?}"), error))?
            .into_metadata();
        Ok(described(key.to_owned(), &found))
    }

    async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Content, StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        let tried = format!("read {key:?}");
        let wanted = options::ReadOptions {
            if_match: if_match.map(str::to_owned),
            ..options::ReadOptions::default()
        };
        let (_, wanted, _): (BytesRange, OpRead, _) = wanted.into();
        let range = range.map_or_else(BytesRange::default, |range| {
            BytesRange::new(range.start, Some(range.end - range.start))
        });
        let reading =
            async { bucket.service.read_dyn(&bucket.context, key, wanted)?.open(range).await };
        let (answer, body) =
            reading.await.map_err(|error| bucket.explain(Purpose::Read, &tried, error))?;
        let etag = answer.metadata().and_then(|found| found.etag()).and_then(etag::quoted);
        if let (Some(wanted), Some(etag)) = (if_match.and_then(etag::quoted), &etag)
            && wanted != *etag
        {
            // Some stores do not look at the condition.
            return Err(StoreError::new(StoreErrorKind::ObjectChanged, &bucket.name, tried)
                .said(format!("its ETag was {wanted} and is {etag}")));
        }
        let stream = stream::unfold(Some((self.clone(), body, tried)), |state| async {
            let (store, mut body, tried) = state?;
            match body.read().await {
                Ok(piece) if piece.is_empty() => None,
                Ok(piece) => Some((Ok(piece.to_bytes()), Some((store, body, tried)))),
                Err(error) => Some((Err(store.0.explain(Purpose::Read, &tried, error)), None)),
            }
        });
        Ok(Content { etag, stream: stream.boxed() })
    }

    async fn put(&self, key: &str, content: Bytes) -> Result<Option<String>, StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        let writing = async {
            let mut writer = bucket.service.write_dyn(&bucket.context, key, OpWrite::new())?;
            if !content.is_empty() {
                writer.write(content.into()).await?;
            }
            // One piece makes one request.
            writer.close().await
        };
        let written = writing
            .await
            .map_err(|error| bucket.explain(Purpose::Write, &format!("write {key:?}"), error))?;
        Ok(written.etag().and_then(etag::quoted))
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>, StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        let tried = format!("write {key:?} in parts");
        let how =
            options::WriteOptions { concurrent: PARTS_AT_ONCE, ..options::WriteOptions::default() };
        let writer = OpWrite::from_options(&bucket.service.capability_dyn(), how)
            .and_then(|(how, _)| bucket.service.write_dyn(&bucket.context, key, how))
            .map_err(|error| bucket.explain(Purpose::Write, &tried, error))?;
        Ok(Box::new(S3Upload { store: self.clone(), writer, tried }))
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<Object, StoreError>> {
        let wanted = options::ListOptions { recursive: true, ..options::ListOptions::default() };
        let lister = self.0.service.list_dyn(&self.0.context, prefix, OpList::from(wanted));
        stream::unfold(Some((self.clone(), lister)), |state| async {
            let (store, lister) = state?;
            let mut lister = match lister {
                Ok(lister) => lister,
                Err(error) => {
                    return Some((
                        Err(store.0.explain(Purpose::List, "list the container", error)),
                        None,
                    ));
                }
            };
            let mut attempts = Attempts::new();
            loop {
                match lister.next().await {
                    Ok(None) => return None,
                    Ok(Some(entry)) => return Some((Ok(object(entry)), Some((store, Ok(lister))))),
                    // The lister keeps its place until a page has been read whole.
                    Err(error) => {
                        let error = store.0.explain(Purpose::List, "list the container", error);
                        if !error.is_transient() || !attempts.another().await {
                            return Some((Err(error), None));
                        }
                    }
                }
            }
        })
        .boxed()
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        let deleting = async {
            let mut deleter = bucket.service.delete_dyn(&bucket.context)?;
            deleter.delete(key, OpDelete::new()).await?;
            deleter.close().await
        };
        match deleting.await {
            Ok(()) => Ok(()),
            Err(error) => {
                let error = bucket.explain(Purpose::Write, &format!("delete {key:?}"), error);
                if error.kind() == StoreErrorKind::ObjectMissing { Ok(()) } else { Err(error) }
            }
        }
    }
}

struct S3Upload {
    store: S3Store,
    writer: oio::Writer,
    tried: String,
}

impl S3Upload {
    fn explain(&self, error: opendal::Error) -> StoreError {
        self.store.0.explain(Purpose::Write, &self.tried, error)
    }
}

#[async_trait]
impl Upload for S3Upload {
    async fn part(&mut self, content: Bytes) -> Result<(), StoreError> {
        self.writer.write(content.into()).await.map_err(|error| self.explain(error))
    }

    async fn complete(&mut self) -> Result<Option<String>, StoreError> {
        match self.writer.close().await {
            Ok(written) => Ok(written.etag().and_then(etag::quoted)),
            Err(error) => Err(self.explain(error)),
        }
    }

    async fn abort(&mut self) -> Result<(), StoreError> {
        self.writer.abort().await.map_err(|error| self.explain(error))
    }
}

fn object(entry: oio::Entry) -> Object {
    let (key, found) = entry.into_parts();
    described(key, &found)
}

fn described(key: String, found: &Metadata) -> Object {
    Object {
        key,
        size: found.content_length(),
        etag: found.etag().and_then(etag::quoted),
        modified: found.last_modified().map(|at| at.to_string()),
    }
}

/// The endpoint without anything that might be a password in it.
pub(crate) fn shown(endpoint: &str) -> String {
    match (endpoint.find("://"), endpoint.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}://[hidden]@{}", &endpoint[..scheme], &endpoint[at + 1..])
        }
        (None, Some(at)) => format!("[hidden]@{}", &endpoint[at + 1..]),
        _ => endpoint.to_owned(),
    }
}

/// Whether a bucket could have this name, today or in the years when the rules
/// were loose; above all, whether it stays one segment of a URL's path.
fn is_bucket_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && !matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_stay_one_segment_of_a_path() {
        for name in ["a", "training-data", "Old_Style.bucket"] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "ä", "a\\b", "a@b"] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }

    #[test]
    fn passwords_in_urls_are_not_shown() {
        assert_eq!(shown("https://u:p@s3.example.com"), "https://[hidden]@s3.example.com");
        assert_eq!(shown("u:p@host"), "[hidden]@host");
        assert_eq!(shown("http://127.0.0.1:8333"), "http://127.0.0.1:8333");
    }
}
