//! Objects that are stored in parts.

use std::fmt::Write as _;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::ETAG;
use http::{HeaderMap, Method, Response};
use tokio::task::JoinSet;

use super::answer::{Strange, element, etag_is_checksum, header};
use super::caller::Call;
use super::refusal::{Purpose, Wrong};
use super::{S3Store, etag};
use crate::error::{StoreError, StoreErrorKind};
use crate::md5sum;
use crate::store::{ObjectStore, Upload};
use crate::wire::Body;

/// Parts of one object on their way at a time.
const PARTS_AT_ONCE: usize = 8;

/// The most parts that S3 takes.
const PARTS_MAX: u32 = 10_000;

/// An upload that has begun.
pub(super) struct S3Upload {
    store: S3Store,
    key: String,
    id: String,
    sent: u32,
    under_way: JoinSet<Result<(u32, String), Wrong>>,
    /// Number and ETag of the parts that have arrived.
    arrived: Vec<(u32, String)>,
}

impl S3Upload {
    /// Has the store make ready for the parts of an object.
    pub(super) async fn begin(store: &S3Store, key: &str) -> Result<Self, StoreError> {
        let caller = &store.0.caller;
        let query = &[("uploads", "")];
        let call = Call { method: Method::POST, key: Some(key), query, ..Call::default() };
        let asked = caller.ask(call, async |answer: Response<Body>| {
            let xml = caller.xml(answer, "InitiateMultipartUpload").await?;
            let id = element(&xml, "UploadId").filter(|id| !id.is_empty());
            id.ok_or_else(|| Strange("it began an upload without an id".to_owned()).into())
        });
        let id = asked.await.map_err(|wrong| explain(store, key, wrong))?;
        let (store, key) = (store.clone(), key.to_owned());
        Ok(Self { store, key, id, sent: 0, under_way: JoinSet::new(), arrived: Vec::new() })
    }

    /// Waits until there are at most so many under way.
    async fn settle(&mut self, most: usize) -> Result<(), StoreError> {
        while self.under_way.len() > most {
            let Some(ended) = self.under_way.join_next().await else { return Ok(()) };
            match ended.expect("a part's task does not panic and is not cancelled") {
                Ok(part) => self.arrived.push(part),
                Err(wrong) => return Err(explain(&self.store, &self.key, wrong)),
            }
        }
        Ok(())
    }

    /// What is asked of the store in the end: all parts in their order.
    fn manifest(&self) -> Bytes {
        let mut parts: Vec<_> = self.arrived.iter().collect();
        parts.sort_unstable();
        let mut text = "<CompleteMultipartUpload>".to_owned();
        for (number, etag) in parts {
            let etag = etag.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            write!(text, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
                .expect("a String takes all writes");
        }
        text.push_str("</CompleteMultipartUpload>");
        text.into()
    }
}

#[async_trait]
impl Upload for S3Upload {
    async fn part(&mut self, content: Bytes) -> Result<(), StoreError> {
        if self.sent == PARTS_MAX {
            let tried = format!("write {:?} in parts", self.key);
            return Err(StoreError::new(StoreErrorKind::Failed, self.store.name(), tried)
                .said(format!("an object has at most {PARTS_MAX} parts")));
        }
        self.settle(PARTS_AT_ONCE - 1).await?;
        self.sent += 1;
        let (store, key, id, number) =
            (self.store.clone(), self.key.clone(), self.id.clone(), self.sent);
        self.under_way.spawn(async move {
            let part = number.to_string();
            let query: &[_] = &[("partNumber", part.as_str()), ("uploadId", id.as_str())];
            let body = content.clone();
            let call = Call {
                method: Method::PUT,
                key: Some(&key),
                query,
                headers: HeaderMap::new(),
                body,
            };
            let etag = store
                .0
                .caller
                .ask(call, |answer: Response<Body>| {
                    let told = header(answer.headers(), ETAG.as_str()).and_then(etag::quoted);
                    std::future::ready(Ok(told))
                })
                .await?;
            // Without the store's word the part's ETag is what S3 would have said.
            let etag =
                etag.unwrap_or_else(|| format!("\"{}\"", md5sum::etag(&md5sum::of(&content))));
            Ok((number, etag))
        });
        Ok(())
    }

    async fn complete(&mut self) -> Result<Option<String>, StoreError> {
        self.settle(0).await?;
        if self.sent == 0 {
            // S3 takes no object of no parts.
            self.abort().await?;
            return self.store.put(&self.key, Bytes::new()).await;
        }
        let caller = &self.store.0.caller;
        let query: &[_] = &[("uploadId", self.id.as_str())];
        let (key, body) = (Some(self.key.as_str()), self.manifest());
        let call = Call { method: Method::POST, key, query, headers: HeaderMap::new(), body };
        let completed = caller.ask(call, async |answer: Response<Body>| {
            let checksum = etag_is_checksum(answer.headers());
            let xml = caller.xml(answer, "CompleteMultipartUpload").await?;
            Ok(element(&xml, "ETag").as_deref().and_then(etag::quoted).filter(|_| checksum))
        });
        completed.await.map_err(|wrong| explain(&self.store, &self.key, wrong))
    }

    async fn abort(&mut self) -> Result<(), StoreError> {
        // A part that arrives later would be kept for ever.
        self.under_way.shutdown().await;
        let query: &[_] = &[("uploadId", self.id.as_str())];
        let key = Some(self.key.as_str());
        let call = Call { method: Method::DELETE, key, query, ..Call::default() };
        let caller = &self.store.0.caller;
        let aborted = caller.ask(call, |_: Response<Body>| std::future::ready(Ok(())));
        aborted.await.map_err(|wrong| explain(&self.store, &self.key, wrong))
    }
}

fn explain(store: &S3Store, key: &str, wrong: Wrong) -> StoreError {
    wrong.explain(store.name(), Purpose::Write, &format!("write {key:?} in parts"))
}
