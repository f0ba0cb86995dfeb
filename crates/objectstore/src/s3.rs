//! S3 and what speaks its protocol: SigV4, any endpoint, path or host style.
//!
//! What is asked goes through [`caller`], which signs it and asks again; what comes
//! back in anger is read by [`refusal`], and whether it comes from a store at all is
//! seen by [`answer`]. A key is not ours to change: it goes out as it is, and comes
//! back from a [`listing`] as the store has it.

mod address;
mod answer;
mod caller;
mod content;
mod etag;
mod listing;
mod parts;
mod refusal;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http::{HeaderMap, Method, Response};
use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;

use crate::budget::Budget;
use crate::endpoint::Endpoint;
use crate::error::{StoreError, StoreErrorKind};
use crate::guard::Guard;
use crate::keys;
use crate::store::{Content, Object, ObjectStore, StoreName, Upload};
use crate::wire::{Body, Wire};

use address::Address;
use answer::{Strange, etag_is_checksum, header};
use caller::{Call, Caller};
use content::{Wanted, Written};
use listing::{Next, Page};
use refusal::{Purpose, Wrong};

/// What S3 itself takes for its first region, and most other stores for theirs.
const DEFAULT_REGION: &str = "us-east-1";

/// One bucket.
#[derive(Debug, Clone)]
pub(crate) struct S3Store(Arc<Bucket>);

#[derive(Debug)]
struct Bucket {
    name: StoreName,
    caller: Caller,
    check_limit: Duration,
    budget: Budget,
    /// Whether an answer has come that only a store gives.
    proven: AtomicBool,
}

impl S3Store {
    /// Makes the client; sends nothing.
    pub(crate) fn open(
        guard: &Guard,
        store: &StoreRef,
        credentials: Option<&Credentials>,
    ) -> Result<Self, StoreError> {
        let Endpoint { url, name } = Endpoint::read(guard, store)?;
        let fails = |kind| StoreError::new(kind, &name, "open the store");
        if !is_bucket_name(&store.container) {
            return Err(fails(StoreErrorKind::ContainerMissing)
                .said("no bucket can have this name (letters, digits, `-`, `.` and `_` only)"));
        }
        if let Some(keys) = credentials.map(Credentials::expose)
            && (keys.user.is_empty() || keys.secret.is_empty())
        {
            return Err(fails(StoreErrorKind::CredentialsRefused).said("a key is empty"));
        }
        let region = store.region.as_deref().filter(|region| !region.is_empty());
        let address = Address::new(&url, &store.container, store.addressing, region)
            .map_err(|why| fails(StoreErrorKind::BadEndpoint).said(why))?;
        let wire = Wire::new(guard.clone(), credentials.cloned());
        let caller = Caller::new(address, wire, region.unwrap_or(DEFAULT_REGION), credentials);
        Ok(Self(Arc::new(Bucket {
            name,
            caller,
            check_limit: guard.limits().check,
            budget: guard.budget().clone(),
            proven: AtomicBool::new(false),
        })))
    }
}

impl S3Store {
    async fn content(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        wanted: Wanted<'_>,
    ) -> Result<Content, StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        if range.as_ref().is_some_and(Range::is_empty) {
            return Ok(Content { etag: None, stream: stream::empty().boxed() });
        }
        let tried = format!("read {key:?}");
        let got = content::get(&bucket.caller, key, range.as_ref(), wanted)
            .await
            .map_err(|wrong| wrong.explain(&bucket.name, Purpose::Read, &tried))?;
        let (etag, store) = (got.etag.clone(), self.clone());
        let stream = got.pieces().map(move |piece| {
            piece.map_err(|failure| {
                Wrong::from(failure).explain(&store.0.name, Purpose::Read, &tried)
            })
        });
        Ok(Content { etag, stream: stream.boxed() })
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

    /// One page of the keys that begin with `prefix`.
    async fn page(&self, prefix: &str, from: &Next, most: Option<&str>) -> Result<Page, Wrong> {
        let mut query = vec![("list-type", "2"), ("encoding-type", "url")];
        if !prefix.is_empty() {
            query.push(("prefix", prefix));
        }
        match from {
            Next::End => {}
            Next::Token(token) => query.push(("continuation-token", token)),
            Next::After(key) => query.push(("start-after", key)),
        }
        query.extend(most.map(|most| ("max-keys", most)));
        let call = Call { method: Method::GET, query: &query, ..Call::default() };
        let asked = self.caller.ask(call, async |answer: Response<Body>| {
            let xml = self.caller.xml(answer, "ListBucketResult").await?;
            listing::read(&xml).map_err(Into::into)
        });
        let page = asked.await?;
        self.proven.store(true, Ordering::Relaxed);
        Ok(page)
    }

    /// A success without an ETag may come from any web server; a page of a listing, or
    /// S3's refusal of one, does not.
    async fn prove(&self) -> Result<(), Wrong> {
        if self.proven.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.page("", &Next::End, Some("1")).await {
            Ok(_) => Ok(()),
            Err(wrong) if wrong.is_of_s3() => {
                self.proven.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(wrong) => Err(wrong),
        }
    }

    async fn put(&self, key: &str, content: Bytes) -> Result<Option<String>, Wrong> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, content.len().into());
        let call =
            Call { method: Method::PUT, key: Some(key), headers, body: content, ..Call::default() };
        let (etag, checksum) = self
            .caller
            .ask(call, |answer: Response<Body>| {
                let told = header(answer.headers(), ETAG.as_str()).and_then(etag::quoted);
                std::future::ready(Ok((told, etag_is_checksum(answer.headers()))))
            })
            .await?;
        if etag.is_none() {
            self.prove().await?;
        }
        Ok(etag.filter(|_| checksum))
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
        let call = Call { method: Method::HEAD, key: Some(key), ..Call::default() };
        let asked = bucket.caller.ask(call, |answer: Response<Body>| {
            std::future::ready(described(key, answer.headers()).map_err(Wrong::from))
        });
        asked.await.map_err(|wrong| {
            wrong.explain(&bucket.name, Purpose::Read, &format!("look at {key:?}"))
        })
    }

    async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Content, StoreError> {
        self.content(key, range, Wanted { etag: if_match, written: None }).await
    }

    async fn get_version(
        &self,
        object: &Object,
        range: Option<Range<u64>>,
    ) -> Result<Content, StoreError> {
        let modified = object.modified.as_deref();
        let written = modified.map(|modified| Written { size: object.size, modified });
        self.content(&object.key, range, Wanted { etag: object.etag.as_deref(), written }).await
    }

    async fn put(&self, key: &str, content: Bytes) -> Result<Option<String>, StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        let tried = format!("write {key:?}");
        let put = bucket.put(key, content).await;
        put.map_err(|wrong| wrong.explain(&bucket.name, Purpose::Write, &tried))
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>, StoreError> {
        self.0.check(key)?;
        Ok(Box::new(parts::S3Upload::begin(self, key).await?))
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<Object, StoreError>> {
        let start = (self.clone(), prefix.to_owned(), VecDeque::new(), Some(Next::End));
        stream::unfold(start, |(store, prefix, mut page, mut next)| async {
            loop {
                if let Some(object) = page.pop_front() {
                    return Some((Ok(object), (store, prefix, page, next)));
                }
                let from = next.take()?;
                match store.0.page(&prefix, &from, None).await {
                    Ok(Page { objects, next: Next::End }) => page = objects.into(),
                    // Else it would go on for ever.
                    Ok(Page { next: again, .. }) if again == from => {
                        let wrong = Wrong::from(Strange("its listing goes in a circle".to_owned()));
                        let error = wrong.explain(&store.0.name, Purpose::List, LISTING);
                        return Some((Err(error), (store, prefix, page, None)));
                    }
                    Ok(Page { objects, next: more }) => {
                        page = objects.into();
                        next = Some(more);
                    }
                    Err(wrong) => {
                        let error = wrong.explain(&store.0.name, Purpose::List, LISTING);
                        return Some((Err(error), (store, prefix, page, None)));
                    }
                }
            }
        })
        .boxed()
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let bucket = &*self.0;
        bucket.check(key)?;
        let call = Call { method: Method::DELETE, key: Some(key), ..Call::default() };
        let asked = bucket.caller.ask(call, |_: Response<Body>| std::future::ready(Ok(())));
        let tried = format!("delete {key:?}");
        match asked.await.map_err(|wrong| wrong.explain(&bucket.name, Purpose::Write, &tried)) {
            Err(error) if error.kind() == StoreErrorKind::ObjectMissing => Ok(()),
            done => done,
        }
    }
}

const LISTING: &str = "list the container";

/// An object by the headers of an answer about it.
fn described(key: &str, headers: &HeaderMap) -> Result<Object, Strange> {
    let size = header(headers, CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
    let etag = header(headers, ETAG.as_str()).filter(|_| etag_is_checksum(headers));
    Ok(Object {
        key: key.to_owned(),
        size: size.ok_or_else(|| Strange("it tells no size of the object".to_owned()))?,
        etag: etag.and_then(etag::quoted),
        modified: header(headers, LAST_MODIFIED.as_str()).map(str::to_owned),
    })
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
}
