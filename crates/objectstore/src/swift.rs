//! OpenStack Swift, with its own auth v1 or behind Keystone v3.
//!
//! [`entrance`] gets tokens, [`desk`] shares them, [`account`] sends requests with them
//! over the [`wire`](crate::wire). Objects in parts are static large objects ([`large`],
//! [`upload`]); dynamic ones are read, and never made. What comes back in anger is read
//! by [`trouble`].

mod account;
mod described;
mod desk;
mod entrance;
mod large;
mod listing;
mod path;
mod trouble;
mod upload;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::header::{ETAG, IF_MATCH, RANGE};
use http::{HeaderValue, Method};
use tokio::sync::OnceCell;
use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;

use crate::budget::Budget;
use crate::endpoint::Endpoint;
use crate::error::{StoreError, StoreErrorKind};
use crate::guard::Guard;
use crate::keys;
use crate::md5sum;
use crate::store::{Content, Object, ObjectStore, StoreName, Upload};
use crate::wire::Wire;

use account::{Account, Ask};
use entrance::{Entrance, Way};
use trouble::{Purpose, Trouble};
use upload::LargeUpload;

pub(crate) use desk::Desks;

/// The most parts of one object: a thousand manifests of a thousand segments each.
const PARTS_MAX: u64 = 1_000_000;

/// One container.
#[derive(Debug, Clone)]
pub(crate) struct SwiftStore(Arc<Container>);

#[derive(Debug)]
struct Container {
    name: StoreName,
    /// `/container`, escaped.
    path: String,
    account: Arc<Account>,
    check_limit: Duration,
    budget: Budget,
    /// How many segments a manifest may name, where the store tells.
    named_max: OnceCell<Option<usize>>,
    /// Whether there was a container of segments at the first look.
    had_segments: OnceCell<bool>,
    /// Whether we have put something there since.
    put_segments: AtomicBool,
}

impl SwiftStore {
    /// Sends nothing.
    pub(crate) fn open(
        guard: &Guard,
        store: &StoreRef,
        credentials: Option<&Credentials>,
    ) -> Result<Self, StoreError> {
        let Endpoint { mut url, name } = Endpoint::read(guard, store).map_err(|error| {
            let is_bad = error.kind() == StoreErrorKind::BadEndpoint;
            if is_bad { error.hint(trouble::ADDRESS) } else { error }
        })?;
        let fails = |kind| StoreError::new(kind, &name, "open the store");
        if !path::is_container_name(&store.container) {
            return Err(fails(StoreErrorKind::ContainerMissing)
                .said("no container can have this name (up to 256 bytes, without `/`)"));
        }
        let Some(credentials) = credentials.filter(|keys| {
            let keys = keys.expose();
            !keys.user.is_empty() && !keys.secret.is_empty()
        }) else {
            return Err(fails(StoreErrorKind::CredentialsRefused)
                .said("user or password is missing or empty"));
        };

        let way = match &store.keystone {
            None => {
                if url.path() == "/" {
                    url.set_path("/auth/v1.0");
                }
                Way::V1
            }
            Some(scope) => {
                url.set_path(&tokens_path(url.path()));
                Way::V3 { scope: scope.clone(), region: store.region.clone() }
            }
        };
        let entrance = Entrance { url, credentials: credentials.clone(), way };
        let desk = guard.desks().desk(&entrance);
        let wire = Wire::new(guard.clone(), Some(credentials.clone()));
        let account = Arc::new(Account { wire, entrance, desk });
        Ok(Self(Arc::new(Container {
            path: path::container(&store.container),
            name,
            account,
            check_limit: guard.limits().check,
            budget: guard.budget().clone(),
            named_max: OnceCell::new(),
            had_segments: OnceCell::new(),
            put_segments: AtomicBool::new(false),
        })))
    }

    /// Another container of the same account.
    fn beside(&self, container: String) -> Self {
        let this = &*self.0;
        Self(Arc::new(Container {
            path: path::container(&container),
            name: StoreName { container, endpoint: this.name.endpoint.clone() },
            account: Arc::clone(&this.account),
            check_limit: this.check_limit,
            budget: this.budget.clone(),
            named_max: OnceCell::new(),
            had_segments: OnceCell::new(),
            put_segments: AtomicBool::new(false),
        }))
    }

    fn path(&self) -> &str {
        &self.0.path
    }

    fn account(&self) -> &Account {
        &self.0.account
    }
}

/// Where Keystone gives tokens, whichever of its URLs the user has.
fn tokens_path(path: &str) -> String {
    let base = path.trim_end_matches('/');
    let base = base.strip_suffix("/auth/tokens").unwrap_or(base);
    let base = base.strip_suffix("/v3").unwrap_or(base);
    format!("{base}/v3/auth/tokens")
}

impl Container {
    /// The object's path in the account. A key that has no place on disk cannot be put
    /// into a URL either without becoming another.
    fn at(&self, key: &str) -> Result<String, StoreError> {
        match keys::place(key) {
            Ok(_) => Ok(path::object(&self.path, key)),
            Err(why) => Err(StoreError::unsafe_key(&self.name, key, &why)),
        }
    }

    fn error(&self, purpose: Purpose, tried: &str, key: &str, trouble: Trouble) -> StoreError {
        trouble.into_error(&self.name, purpose, &format!("{tried} {key:?}"))
    }

    /// Puts an object in one request. The store compares it with its MD5.
    async fn put_plain(&self, at: &str, content: Bytes) -> Result<Option<String>, Trouble> {
        let (content, sum) = large::summed(content).await;
        let mut ask = Ask::put(at.to_owned(), content);
        let sum = HeaderValue::from_str(&md5sum::etag(&sum)).expect("hexadecimal digits");
        ask.headers.insert(ETAG, sum);
        let answer = self.account.ask(ask).await?;
        let etag = described::etag(answer.headers());
        etag.map(Some)
            .ok_or_else(|| Trouble::stranger("it took the object without telling its ETag"))
    }

    /// Whether static large objects of ours can be in this container.
    async fn has_segments(&self) -> Result<bool, Trouble> {
        let look = async || {
            let ask = Ask::new(Method::HEAD, path::container(&self.segments_name()));
            match self.account.ask(ask).await {
                Ok(_) => Ok(true),
                Err(trouble) if matches!(trouble.status(), Some(403 | 404)) => Ok(false),
                Err(trouble) => Err(trouble),
            }
        };
        Ok(self.put_segments.load(Ordering::Relaxed)
            || *self.had_segments.get_or_try_init(look).await?)
    }
}

#[async_trait]
impl ObjectStore for SwiftStore {
    fn name(&self) -> &StoreName {
        &self.0.name
    }

    fn check_limit(&self) -> Duration {
        self.0.check_limit
    }

    fn budget(&self) -> &Budget {
        &self.0.budget
    }

    fn parts_max(&self) -> u64 {
        PARTS_MAX
    }

    async fn head(&self, key: &str) -> Result<Object, StoreError> {
        let container = &*self.0;
        let at = container.at(key)?;
        let fails = |trouble| container.error(Purpose::Read, "look at", key, trouble);
        let answer = container.account.ask(Ask::new(Method::HEAD, at)).await.map_err(fails)?;
        described::object(key, answer.headers())
            .ok_or_else(|| fails(Trouble::stranger("it does not tell the object's size")))
    }

    async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Content, StoreError> {
        let container = &*self.0;
        let mut ask = Ask::new(Method::GET, container.at(key)?);
        if let Some(etag) = if_match.and_then(described::if_match) {
            ask.headers.insert(IF_MATCH, etag);
        }
        if let Some(range) = range {
            let range = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
            ask.headers.insert(RANGE, HeaderValue::from_str(&range).expect("digits"));
        }
        let answer = container
            .account
            .ask(ask)
            .await
            .map_err(|trouble| container.error(Purpose::Read, "read", key, trouble))?;
        let (head, body) = answer.into_parts();
        let etag =
            if described::is_large(&head.headers) { None } else { described::etag(&head.headers) };
        let (store, key) = (self.clone(), key.to_owned());
        let stream = body.map(move |piece| {
            piece.map_err(|failure| {
                store.0.error(Purpose::Read, "read", &key, Account::broken(failure))
            })
        });
        Ok(Content { etag, stream: stream.boxed() })
    }

    async fn put(&self, key: &str, content: Bytes) -> Result<Option<String>, StoreError> {
        let container = &*self.0;
        let at = container.at(key)?;
        let putting = async {
            // Looking costs a request, so only where there can be something to find.
            let replaced = if container.has_segments().await? {
                container.named_by(&at).await?
            } else {
                Vec::new()
            };
            let etag = container.put_plain(&at, content).await?;
            container.clear(replaced).await;
            Ok(etag)
        };
        putting.await.map_err(|trouble| container.error(Purpose::Write, "write", key, trouble))
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>, StoreError> {
        self.0.at(key)?;
        let begun = LargeUpload::begin(self, key).await;
        let begun = begun.map_err(|trouble| self.0.error(Purpose::Write, "write", key, trouble))?;
        Ok(Box::new(begun))
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<Object, StoreError>> {
        listing::list(self, prefix)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let container = &*self.0;
        let at = container.at(key)?;
        let deleting = async {
            let head = container.account.ask(Ask::new(Method::HEAD, at.clone())).await?;
            let is_static = described::is_static(head.headers());
            drop(head);
            if is_static {
                container.delete_with_segments(&at).await
            } else {
                container.account.ask(Ask::new(Method::DELETE, at)).await.map(drop)
            }
        };
        match deleting.await {
            Err(trouble) if trouble.status() != Some(404) => {
                Err(container.error(Purpose::Write, "delete", key, trouble))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keystone_is_found_by_any_of_its_urls() {
        for (path, tokens) in [
            ("/", "/v3/auth/tokens"),
            ("/v3", "/v3/auth/tokens"),
            ("/v3/", "/v3/auth/tokens"),
            ("/identity", "/identity/v3/auth/tokens"),
            ("/identity/v3/auth/tokens", "/identity/v3/auth/tokens"),
        ] {
            assert_eq!(tokens_path(path), tokens, "{path}");
        }
    }
}
