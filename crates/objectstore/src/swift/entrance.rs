//! Where tokens are given: Swift's own auth v1, or Keystone v3.
//!
//! Knows what is sent there and what comes back, and keeps nothing; [`Desk`](super::desk::Desk)
//! keeps the token.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response};
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use trainyard_model::definition::KeystoneScope;
use trainyard_model::secret::Credentials;

use super::trouble::{Trouble, passes};
use crate::error::StoreErrorKind as Kind;
use crate::retry::Attempts;
use crate::wire::{self, Body, Message, Wire};

/// A catalogue of a few hundred services in as many regions is smaller.
const ANSWER_MAX: usize = 4 << 20;

/// One user's way in.
#[derive(Debug)]
pub(super) struct Entrance {
    /// v1: the URL itself. v3: that of the tokens.
    pub(super) url: Url,
    pub(super) credentials: Credentials,
    pub(super) way: Way,
}

#[derive(Debug)]
pub(super) enum Way {
    V1,
    V3 { scope: KeystoneScope, region: Option<String> },
}

/// What is given.
#[derive(Debug)]
pub(super) struct Grant {
    /// The account's URL, without a slash at its end.
    pub(super) storage: String,
    pub(super) token: HeaderValue,
    /// How long the token is good for, where it is told.
    pub(super) life: Option<Duration>,
}

impl Entrance {
    /// Asks for a token; again where that may help.
    pub(super) async fn ask(&self, wire: &Wire) -> Result<Grant, Trouble> {
        let (method, headers, body) = self.request()?;
        let message = Message { method: &method, url: &self.url, headers: &headers, body: &body };
        let mut attempts = Attempts::new();
        let answer = loop {
            match wire.send(message).await {
                Ok(answer) => break answer,
                Err(failure) if passes(&failure) => {
                    tracing::debug!(%failure, url = %self.url, "asking for a token failed");
                    if !wire::another(&mut attempts, failure.pause()).await {
                        return Err(Trouble::of(failure, false));
                    }
                }
                Err(failure) => return Err(self.refused(Trouble::of(failure, false))),
            }
        };
        match &self.way {
            Way::V1 => v1(&answer),
            Way::V3 { region, .. } => v3(answer, region.as_deref()).await,
        }
    }

    fn request(&self) -> Result<(Method, HeaderMap, Bytes), Trouble> {
        let keys = self.credentials.expose();
        let mut headers = HeaderMap::new();
        match &self.way {
            Way::V1 => {
                for (name, value) in [("x-auth-user", keys.user), ("x-auth-key", keys.secret)] {
                    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                        let said = "user and password cannot hold line breaks";
                        Trouble::known(Kind::CredentialsRefused, said)
                    })?;
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                Ok((Method::GET, headers, Bytes::new()))
            }
            Way::V3 { scope, .. } => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
                let domain = json!({"name": scope.domain_name});
                let user = json!({"name": keys.user, "domain": domain, "password": keys.secret});
                let body = json!({"auth": {
                    "identity": {"methods": ["password"], "password": {"user": user}},
                    "scope": {"project": {"id": scope.project_id}},
                }});
                Ok((Method::POST, headers, body.to_string().into()))
            }
        }
    }

    /// What a refusal of a token means is not what one of an object means.
    fn refused(&self, trouble: Trouble) -> Trouble {
        let Trouble::Refused { status, words } = trouble else { return trouble };
        let said = if words.is_empty() {
            format!("HTTP status {status}")
        } else {
            format!("HTTP status {status}: {words}")
        };
        match status {
            401 | 403 => Trouble::known(Kind::CredentialsRefused, said),
            300..400 | 400 | 404 | 405 | 410 | 412 | 501 => {
                Trouble::stranger(format!("{} answers with {said}", self.url))
            }
            _ => Trouble::known(Kind::Failed, said),
        }
    }
}

fn text<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok().filter(|text| !text.is_empty())
}

/// `X-Storage-Url`, `X-Auth-Token`, and in how many seconds it expires.
fn v1(answer: &Response<Body>) -> Result<Grant, Trouble> {
    let missing = |name| Trouble::stranger(format!("its answer has no {name}"));
    let token = text(answer, "x-auth-token").or_else(|| text(answer, "x-storage-token"));
    let token = token.ok_or_else(|| missing("X-Auth-Token"))?;
    let storage = text(answer, "x-storage-url").ok_or_else(|| missing("X-Storage-Url"))?;
    let life = ["x-auth-token-expires", "x-storage-token-expires"]
        .iter()
        .find_map(|name| text(answer, name)?.parse().ok())
        .map(Duration::from_secs);
    grant(storage, token, life)
}

#[derive(Debug, Deserialize)]
struct Given {
    token: Told,
}

#[derive(Debug, Deserialize)]
struct Told {
    expires_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    interface: String,
    region: Option<String>,
    region_id: Option<String>,
    url: String,
}

impl Endpoint {
    fn region(&self) -> &str {
        self.region_id.as_deref().or(self.region.as_deref()).unwrap_or_default()
    }
}

/// `X-Subject-Token`; the object store and the times are in the body.
async fn v3(answer: Response<Body>, region: Option<&str>) -> Result<Grant, Trouble> {
    let token = text(&answer, "x-subject-token").map(str::to_owned);
    let token = token.ok_or_else(|| Trouble::stranger("its answer has no X-Subject-Token"))?;
    let body = whole(answer.into_body(), ANSWER_MAX).await?;
    let Given { token: told } = serde_json::from_slice(&body)
        .map_err(|_| Trouble::stranger("its answer does not tell about the token"))?;
    let stores: Vec<&Endpoint> = told
        .catalog
        .iter()
        .filter(|service| service.kind == "object-store")
        .flat_map(|service| &service.endpoints)
        .filter(|endpoint| endpoint.interface == "public")
        .collect();
    let store = choose(&stores, region)?;
    // Both times are by the same clock, which may not be ours.
    let life = match (told.issued_at, told.expires_at) {
        (Some(issued), Some(expires)) => Duration::try_from(expires.duration_since(issued)).ok(),
        _ => None,
    };
    grant(&store.url, &token, life)
}

fn choose<'a>(stores: &[&'a Endpoint], region: Option<&str>) -> Result<&'a Endpoint, Trouble> {
    let mut regions: Vec<&str> = stores.iter().map(|store| store.region()).collect();
    regions.sort_unstable();
    regions.dedup();
    let told = format!("`{}`", regions.join("`, `"));
    let unfit = |said| Trouble::Known {
        kind: Kind::BadEndpoint,
        said,
        hint: Some("name a region that has an object store as `region` of the connection"),
        transient: false,
    };
    match (stores, region.filter(|region| !region.is_empty())) {
        ([], _) => Err(unfit("Keystone's catalogue has no object store for this project".into())),
        (stores, Some(wanted)) => stores
            .iter()
            .find(|store| store.region().eq_ignore_ascii_case(wanted))
            .copied()
            .ok_or_else(|| {
                unfit(format!(
                    "Keystone's catalogue has an object store in {told}, none in `{wanted}`"
                ))
            }),
        ([store, ..], None) if regions.len() == 1 => Ok(store),
        _ => Err(unfit(format!("Keystone's catalogue has object stores in {told}"))),
    }
}

fn grant(storage: &str, token: &str, life: Option<Duration>) -> Result<Grant, Trouble> {
    let mut token = HeaderValue::from_str(token)
        .map_err(|_| Trouble::stranger("the token that it gives is none"))?;
    token.set_sensitive(true);
    let storage = storage.trim_end_matches('/');
    // The guard sees it with each request, before a byte is sent.
    match Url::parse(storage) {
        Ok(url) if url.query().is_none() && url.fragment().is_none() => {
            Ok(Grant { storage: storage.to_owned(), token, life })
        }
        _ => Err(Trouble::stranger("the storage URL that it gives is none")),
    }
}

/// A body, as long as it is not longer than `max`.
pub(super) async fn whole(mut body: Body, max: usize) -> Result<Vec<u8>, Trouble> {
    let mut all = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|failure| {
            let transient = failure.is_transient();
            Trouble::of(failure, transient)
        })?;
        all.extend_from_slice(&piece);
        if all.len() > max {
            return Err(Trouble::stranger(format!("its answer is longer than {max} bytes")));
        }
    }
    Ok(all)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn endpoint(region: &str) -> Endpoint {
        let url = format!("https://{region}.example.com");
        Endpoint { interface: "public".into(), region: Some(region.into()), region_id: None, url }
    }

    #[test]
    fn the_region_decides_and_what_there_is_is_told() {
        let (dallas, london) = (endpoint("dallas"), endpoint("london"));
        let both = [&dallas, &london];
        assert_eq!(choose(&both, Some("London")).unwrap().region(), "london");
        assert_eq!(choose(&[&dallas], None).unwrap().region(), "dallas");
        for (stores, region) in [(&both[..], None), (&both[..], Some("tokyo")), (&[], Some("x"))] {
            let Trouble::Known { kind, said, .. } = choose(stores, region).unwrap_err() else {
                panic!("a refusal");
            };
            assert_eq!(kind, Kind::BadEndpoint);
            assert!(stores.is_empty() || said.contains("`dallas`, `london`"), "{said}");
        }
    }
}
