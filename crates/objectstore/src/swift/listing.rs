//! A container's listing, page by page.
//!
//! What the listing says of an object is not always what its reader gets: a dynamic
//! large object and a symbolic link are listed with no bytes, and are looked at one by
//! one. A folder's marker that other tools left (`application/directory`) is told with a
//! slash at its end, as S3's tools write it.

use std::collections::HashSet;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde::Deserialize;

use super::SwiftStore;
use super::account::Ask;
use super::described;
use super::entrance::whole;
use super::path;
use super::trouble::{Purpose, Trouble};
use crate::error::StoreError;
use crate::keys;
use crate::md5sum;
use crate::store::{Object, ObjectStore};

/// More bytes than this are no page: 10,000 keys of 1,024 bytes, each byte written as an
/// escape of six characters, and what else is told of each.
const PAGE_MAX: usize = 96 << 20;

/// How many objects are looked at one by one at a time.
const LOOKS_AT_ONCE: usize = 16;

/// How much of a strange answer is repeated, in characters.
const WORDS_MAX: usize = 80;

/// The MD5 of nothing, which every manifest of a dynamic large object has.
const NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    hash: Option<String>,
    #[serde(default)]
    content_type: String,
    last_modified: Option<String>,
    /// A static large object's, with quotes.
    slo_etag: Option<String>,
}

impl Entry {
    fn is_folder(&self) -> bool {
        let kind = self.content_type.split(';').next().unwrap_or_default().trim();
        self.bytes == 0
            && matches!(kind, "application/directory" | "application/x-directory")
            && !self.name.ends_with('/')
    }

    /// Whether there may be more behind it than it says.
    fn may_be_more(&self) -> bool {
        self.bytes == 0
            && !self.name.ends_with('/')
            && self.hash.as_deref().is_none_or(|hash| hash == NOTHING)
    }

    fn object(self) -> Object {
        let etag = match self.slo_etag {
            Some(etag) => Some(described::large(&etag)),
            None => self.hash.as_deref().map(described::plain),
        };
        let modified = self.last_modified.map(|text| described::moment(&text));
        Object { key: self.name, size: self.bytes, etag, modified }
    }
}

/// Where a listing has got to.
struct Place {
    store: SwiftStore,
    prefix: String,
    /// The last name of the page before.
    marker: Option<String>,
    folders: HashSet<String>,
}

/// All objects whose keys begin with `prefix`.
pub(super) fn list(
    store: &SwiftStore,
    prefix: &str,
) -> BoxStream<'static, Result<Object, StoreError>> {
    let start = Place {
        store: store.clone(),
        prefix: prefix.to_owned(),
        marker: None,
        folders: HashSet::new(),
    };
    stream::try_unfold(Some(start), |place| async {
        let Some(mut place) = place else { return Ok(None) };
        let tried = "list the container";
        let page = place
            .page()
            .await
            .map_err(|trouble| trouble.into_error(place.store.name(), Purpose::List, tried))?;
        // A page may be of any length that the store likes; only an empty one is the end.
        let Some(last) = page.last() else { return Ok(None) };
        if place.marker.as_ref() == Some(&last.name) {
            let trouble = Trouble::stranger("its listing does not come to an end");
            return Err(trouble.into_error(place.store.name(), Purpose::List, tried));
        }
        place.marker = Some(last.name.clone());
        let page = place.sorted(page);
        let store = place.store.clone();
        let looked = stream::iter(page).map(move |entry| look(store.clone(), entry));
        Ok(Some((looked.buffered(LOOKS_AT_ONCE), Some(place))))
    })
    .try_flatten()
    .try_filter_map(async |object| Ok(object))
    .boxed()
}

impl Place {
    async fn page(&self) -> Result<Vec<Entry>, Trouble> {
        let mut path = format!("{}?format=json", self.store.path());
        for (name, value) in [("prefix", Some(&self.prefix)), ("marker", self.marker.as_ref())] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                path.push('&');
                path.push_str(name);
                path.push('=');
                path::push(&mut path, value, false);
            }
        }
        let mut ask = Ask::new(Method::GET, path);
        ask.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let account = self.store.account();
        // A page that breaks off is asked for again, as a request that fails is.
        let mut attempts = crate::retry::Attempts::new();
        let mut was_strange = false;
        loop {
            let answer = account.ask(ask.clone()).await?;
            let page = match whole(answer.into_body(), PAGE_MAX).await {
                Ok(page) => page,
                Err(Trouble::Known { transient: true, .. }) if attempts.another().await => continue,
                Err(trouble) => return Err(trouble),
            };
            match serde_json::from_slice(&page) {
                Ok(entries) => return Ok(entries),
                // One byte that changed on its way makes no page of any page.
                Err(_) if !was_strange => was_strange = true,
                Err(_) => return Err(no_page(&account.wire.redacted(beginning(&page)))),
            }
        }
    }

    /// Gives markers of folders their slash, and each folder one.
    fn sorted(&mut self, page: Vec<Entry>) -> Vec<Entry> {
        let mut kept = Vec::with_capacity(page.len());
        for mut entry in page {
            if entry.is_folder() {
                entry.name.push('/');
            }
            if !entry.name.ends_with('/') || self.folders.insert(entry.name.clone()) {
                kept.push(entry);
            }
        }
        kept
    }
}

/// What there really is behind an entry; nothing when it has gone meanwhile.
async fn look(store: SwiftStore, entry: Entry) -> Result<Option<Object>, StoreError> {
    // A key that has no place cannot be asked for, and is refused by whoever needs it.
    if !entry.may_be_more() || keys::place(&entry.name).is_err() {
        return Ok(Some(entry.object()));
    }
    match store.head(&entry.name).await {
        Ok(found) if found.etag.as_deref().is_some_and(|etag| md5sum::plain(etag) != NOTHING) => {
            Ok(Some(found))
        }
        Ok(_) => Ok(Some(entry.object())),
        Err(error) if error.kind() == crate::error::StoreErrorKind::ObjectMissing => Ok(None),
        Err(error) => Err(error),
    }
}

fn beginning(page: &[u8]) -> &[u8] {
    &page[..page.len().min(4 * WORDS_MAX)]
}

fn no_page(shown: &str) -> Trouble {
    let begins: String = shown
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(WORDS_MAX)
        .collect();
    Trouble::stranger(format!("its answer to a request for a listing begins with `{begins}`"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_every_swift_writes_them() {
        let page = r#"[
            {"name": "a", "bytes": 3, "hash": "900150983cd24fb0d6963f7d28e17f72",
             "content_type": "text/plain", "last_modified": "2017-11-26T20:59:04.5"},
            {"name": "dir", "bytes": 0, "hash": "d41d8cd98f00b204e9800998ecf8427e",
             "content_type": "application/directory; charset=utf-8"},
            {"name": "slo", "bytes": 9, "hash": "170544a7e195208640d9900ca0331ff5",
             "slo_etag": "\"68faebc1f18d26a0125bbbb7f561022d\"", "content_type": "x"}]"#;
        let [plain, folder, large]: [Entry; 3] =
            serde_json::from_str::<Vec<Entry>>(page).unwrap().try_into().unwrap();
        assert!(!plain.is_folder() && !plain.may_be_more());
        assert!(folder.is_folder() && !large.may_be_more());
        let plain = plain.object();
        assert_eq!(plain.modified.as_deref(), Some("2017-11-26T20:59:04.5Z"));
        assert!(md5sum::told_by(plain.etag.as_deref().unwrap()).is_some());
        // No MD5 of what comes, and nobody may take it for one.
        let large = large.object().etag.unwrap();
        assert!(md5sum::told_by(&large).is_none() && large.ends_with("022d\""), "{large}");
    }
}
