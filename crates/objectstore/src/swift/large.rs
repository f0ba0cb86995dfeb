//! Static large objects: segments, and manifests that name them.
//!
//! The segments of `KEY` in `C` lie in `C_segments` under `KEY/slo/UPLOAD/NUMBER`. A
//! manifest names so many segments at most; more of them are named by manifests in
//! between, which are segments to the one above.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http::header::{ACCEPT, ETAG};
use http::{HeaderValue, Method};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::account::Ask;
use super::entrance::whole;
use super::trouble::{Trouble, shortened};
use super::{Container, described, path};
use crate::error::StoreErrorKind as Kind;
use crate::md5sum;

/// What follows the name of a container in that of its segments' container.
const SUFFIX: &str = "_segments";

/// How many segments a manifest names where the store does not tell.
const NAMED_MAX: usize = 1000;

/// More bytes than this are no manifest.
const MANIFEST_MAX: usize = 32 << 20;

/// Deletions under way at a time.
const DELETIONS_AT_ONCE: usize = 8;

/// One entry of a manifest.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Segment {
    /// `/C_segments/KEY/slo/UPLOAD/NUMBER`, not escaped.
    pub(super) path: String,
    pub(super) etag: String,
    pub(super) size_bytes: u64,
}

/// The same as the store tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    /// Missing where data stands in the manifest itself.
    name: Option<String>,
    #[serde(default)]
    sub_slo: bool,
}

#[derive(Debug, Deserialize)]
struct Deleted {
    #[serde(rename = "Response Status", default)]
    status: String,
    #[serde(rename = "Errors", default)]
    errors: Vec<(String, String)>,
}

impl Container {
    /// The name of the container that holds the segments of this one.
    pub(super) fn segments_name(&self) -> String {
        format!("{}{SUFFIX}", self.name.container)
    }

    /// Puts one segment, and makes their container where there is none.
    pub(super) async fn put_segment(
        &self,
        below: String,
        content: Bytes,
    ) -> Result<Segment, Trouble> {
        let container = path::container(&self.segments_name());
        let (content, sum) = summed(content).await;
        let etag = md5sum::etag(&sum);
        let segment = Segment {
            path: format!("/{}/{below}", self.segments_name()),
            etag: etag.clone(),
            size_bytes: content.len() as u64,
        };
        let mut ask = Ask::put(path::object(&container, &below), content);
        ask.headers.insert(ETAG, HeaderValue::from_str(&etag).expect("hexadecimal digits"));
        match self.account.ask(ask.clone()).await {
            Err(trouble) if trouble.status() == Some(404) => {
                self.make_segments(container).await?;
                self.account.ask(ask).await?;
            }
            other => drop(other?),
        }
        Ok(segment)
    }

    async fn make_segments(&self, container: String) -> Result<(), Trouble> {
        match self.account.ask(Ask::put(container, Bytes::new())).await {
            Err(Trouble::Refused { status: status @ (401 | 403), words }) => {
                let name = self.segments_name();
                let said = format!("HTTP status {status}: {words} (making the container `{name}`)");
                Err(Trouble::known(Kind::ReadOnly, said))
            }
            other => other.map(drop),
        }
    }

    /// Puts the manifest of `key`, and those in between under `below`. Returns its ETag.
    pub(super) async fn put_manifest(
        &self,
        key: &str,
        below: &str,
        mut segments: Vec<Segment>,
    ) -> Result<Option<String>, Trouble> {
        let most = self.named_max().await;
        let mut level = 0;
        while segments.len() > most {
            level += 1;
            let mut above = Vec::new();
            for (number, group) in segments.chunks(most).enumerate() {
                let name = format!("{below}/manifest-{level}-{number:06}");
                let container = path::container(&self.segments_name());
                let etag = self.manifest(path::object(&container, &name), group).await?;
                let etag = etag.ok_or_else(|| {
                    Trouble::stranger("it took a manifest without telling its ETag")
                })?;
                above.push(Segment {
                    path: format!("/{}/{name}", self.segments_name()),
                    etag: md5sum::plain(&etag).to_owned(),
                    size_bytes: group.iter().map(|segment| segment.size_bytes).sum(),
                });
            }
            segments = above;
        }
        self.manifest(path::object(&self.path, key), &segments).await
    }

    async fn manifest(&self, at: String, segments: &[Segment]) -> Result<Option<String>, Trouble> {
        let body = serde_json::to_vec(segments).expect("texts and numbers are JSON");
        let ask = Ask::put(format!("{at}?multipart-manifest=put"), body.into());
        let answer = self.account.ask(ask).await?;
        let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        Ok(etag.map(str::to_owned))
    }

    /// What the manifest of `key` names; nothing when it is no static large object.
    pub(super) async fn named_by(&self, at: &str) -> Result<Vec<Named>, Trouble> {
        let head = match self.account.ask(Ask::new(Method::HEAD, at.to_owned())).await {
            Err(trouble) if trouble.status() == Some(404) => return Ok(Vec::new()),
            other => other?,
        };
        if !described::is_static(head.headers()) {
            return Ok(Vec::new());
        }
        drop(head);
        let ask = Ask::new(Method::GET, format!("{at}?multipart-manifest=get"));
        let manifest = whole(self.account.ask(ask).await?.into_body(), MANIFEST_MAX).await?;
        serde_json::from_slice(&manifest)
            .map_err(|_| Trouble::stranger("the manifest that it gives is none"))
    }

    /// Whether the object is made from segments under `below`.
    pub(super) async fn stands_on(&self, at: &str, below: &str) -> Result<bool, Trouble> {
        let prefix = format!("/{}/{below}/", self.segments_name());
        let named = self.named_by(at).await?;
        Ok(named.iter().any(|one| one.name.as_ref().is_some_and(|name| name.starts_with(&prefix))))
    }

    /// Deletes segments that no manifest names any more: those in this container's own
    /// container of segments. What cannot be deleted stays there, and costs room only.
    pub(super) async fn clear(&self, named: Vec<Named>) {
        let own = format!("/{}/", self.segments_name());
        let container = path::container(&self.segments_name());
        let own = named.into_iter().filter_map(|one| {
            let key = one.name.as_ref()?.strip_prefix(&own)?;
            Some((path::object(&container, key), one.sub_slo))
        });
        stream::iter(own)
            .for_each_concurrent(DELETIONS_AT_ONCE, |(at, manifest)| async move {
                let deleted = if manifest {
                    self.delete_with_segments(&at).await
                } else {
                    self.account.ask(Ask::new(Method::DELETE, at.clone())).await.map(drop)
                };
                if let Err(trouble) = deleted
                    && trouble.status() != Some(404)
                {
                    tracing::debug!(
                        ?trouble,
                        at,
                        "a segment that nothing needs stays in the store"
                    );
                }
            })
            .await;
    }

    /// Deletes a static large object: segments first, manifest last.
    pub(super) async fn delete_with_segments(&self, at: &str) -> Result<(), Trouble> {
        let mut ask = Ask::new(Method::DELETE, format!("{at}?multipart-manifest=delete"));
        ask.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = whole(self.account.ask(ask).await?.into_body(), MANIFEST_MAX).await?;
        if answer.is_empty() {
            return Ok(());
        }
        // It begins with 200 before it knows, and tells in the end how it went.
        let told: Deleted = serde_json::from_slice(&answer)
            .map_err(|_| Trouble::stranger("its answer to a deletion is not Swift's"))?;
        match told.status.split(' ').next().unwrap_or_default().parse() {
            Ok(200..300) => Ok(()),
            Ok(status) => {
                let first = told.errors.first().map(|(key, error)| format!("{key}: {error}"));
                let words = shortened(&first.unwrap_or(told.status));
                Err(Trouble::Refused { status, words })
            }
            Err(_) => Err(Trouble::stranger("its answer to a deletion is not Swift's")),
        }
    }

    /// How many segments a manifest may name: some stores tell.
    async fn named_max(&self) -> usize {
        let told = self.named_max.get_or_init(|| async {
            self.account.info().await.and_then(|info| {
                let told = info.get("slo")?.get("max_manifest_segments")?.as_u64()?;
                usize::try_from(told).ok().filter(|told| *told > 1)
            })
        });
        told.await.unwrap_or(NAMED_MAX)
    }
}

/// The content and its MD5.
pub(super) async fn summed(content: Bytes) -> (Bytes, [u8; 16]) {
    if content.len() < 64 << 10 {
        let sum = md5sum::of(&content);
        return (content, sum);
    }
    tokio::task::spawn_blocking(move || {
        let sum = Md5::digest(&content).into();
        (content, sum)
    })
    .await
    .expect("a checksum does not panic and is not cancelled")
}
