//! The connection: made cheaply, with one credential, and answers read in one place.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use trainyard_api::ErrorBody;

use crate::error::{ClientError, ProtocolError};

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection is kept for the next call.
const IDLE: Duration = Duration::from_secs(30);

/// How long an answer to a small question may take.
pub(crate) const QUICK: Duration = Duration::from_secs(30);

/// How much of an answer that nobody understands is quoted.
const EXCERPT: usize = 200;

/// A client of one server with one credential. Cloning shares the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the server at `base_url` (`http://127.0.0.1:8080`) whose
    /// calls carry `token`. Opens no connection yet.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`], [`ClientError::BadToken`], [`ClientError::Setup`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the caller hands the token over and keeps no copy by accident"
    )]
    pub fn new(base_url: &str, token: SecretString) -> Result<Self, ClientError> {
        let mut client = Self::anonymous(base_url)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| ClientError::BadToken)?;
        header.set_sensitive(true);
        client.authorization = Some(header);
        Ok(client)
    }

    /// A client without a credential: for `health` and for getting a token.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`], [`ClientError::Setup`].
    pub fn anonymous(base_url: &str) -> Result<Self, ClientError> {
        let bad_url = || ClientError::BadUrl { url: base_url.to_owned() };
        let base: Url = base_url.parse().map_err(|_| bad_url())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(bad_url());
        }
        Ok(Self { http: build(&base)?, base, authorization: None })
    }

    /// The server's address, without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request for `path_and_query` (which begins with `/`).
    pub(crate) fn request(&self, method: Method, path_and_query: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path_and_query}", self.base_url()));
        match &self.authorization {
            Some(header) => request.header(AUTHORIZATION, header.clone()),
            None => request,
        }
    }

    pub(crate) fn get(&self, path_and_query: &str) -> RequestBuilder {
        self.request(Method::GET, path_and_query)
    }

    pub(crate) fn post(&self, path_and_query: &str) -> RequestBuilder {
        self.request(Method::POST, path_and_query)
    }
}

/// Path and query of an address that the server gave. Nothing else of it is used: the
/// credential goes to the server that the client was made for and to no other.
pub(crate) fn path_of(url: &str) -> Result<String, ClientError> {
    let bad_url = || ClientError::BadUrl { url: url.to_owned() };
    if url.starts_with('/') {
        return Ok(url.to_owned());
    }
    let url: Url = url.parse().map_err(|_| bad_url())?;
    let mut path = url.path().to_owned();
    if !path.starts_with('/') {
        return Err(bad_url());
    }
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    Ok(path)
}

/// A plain `http://` server needs no root certificates, whose loading would be
/// most of what a short command costs; a server on this machine needs no proxy.
fn build(base: &Url) -> Result<reqwest::Client, ClientError> {
    // `main` installs the provider; this is for whoever uses the crate without it.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The error means that another thread was quicker, with the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("trainyard/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        // A server closes connections on which nothing was asked for a minute.
        .pool_idle_timeout(IDLE)
        .tcp_keepalive(Duration::from_secs(15))
        // No route redirects, and a credential must not be sent on.
        .redirect(reqwest::redirect::Policy::none());
    if base.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(ClientError::Setup)
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// Sends, and gives the answer if its status is a success.
pub(crate) async fn send(request: RequestBuilder) -> Result<Response, ClientError> {
    let response = request.send().await.map_err(unreachable)?;
    if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
}

/// Sends, and reads the answer as JSON.
pub(crate) async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    read(send(request).await?).await
}

/// Sends, and wants nothing but a success.
pub(crate) async fn done(request: RequestBuilder) -> Result<(), ClientError> {
    // The body is read so that the connection can be used again.
    send(request).await?.bytes().await.map(drop).map_err(unreachable)
}

/// Reads the body as JSON.
pub(crate) async fn read<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let url = response.url().to_string();
    let body = response.bytes().await.map_err(unreachable)?;
    serde_json::from_slice(&body)
        .map_err(|error| ClientError::Protocol { url, source: ProtocolError::Body(error) })
}

/// The network's complaint, with the address told apart from it.
pub(crate) fn unreachable(error: reqwest::Error) -> ClientError {
    let url = error.url().map_or_else(String::new, ToString::to_string);
    ClientError::Unreachable { url, source: error.without_url() }
}

/// What an answer says that is not a success.
pub(crate) async fn refusal(response: Response) -> ClientError {
    let url = response.url().to_string();
    let status = response.status();
    let retry_after = retry_after(&response);
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return unreachable(error),
    };
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) if status == StatusCode::GONE => ClientError::Gone { body: Box::new(body) },
        Ok(body) => ClientError::Api { status: status.as_u16(), body: Box::new(body), retry_after },
        Err(_) => {
            let text = String::from_utf8_lossy(&body);
            let excerpt = text.chars().take(EXCERPT).collect();
            let source = ProtocolError::Status { status: status.as_u16(), excerpt };
            ClientError::Protocol { url, source }
        }
    }
}

/// In whole seconds, as our servers tell it; a date, which others may send, is not read.
fn retry_after(response: &Response) -> Option<Duration> {
    let told = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    told.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_server_address_is_said() {
        for wrong in ["", "127.0.0.1:80", "ftp://x", "http://", "/v3"] {
            let error = Client::anonymous(wrong).expect_err(wrong);
            assert!(matches!(error, ClientError::BadUrl { .. }), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_token_never_shows() {
        let client = Client::new("http://127.0.0.1:1/", SecretString::from("hunter2".to_owned()));
        let client = client.expect("a good address");
        assert!(!format!("{client:?}").contains("hunter2"));
        assert_eq!(client.base_url(), "http://127.0.0.1:1");
        let error = Client::new("http://127.0.0.1:1", SecretString::from("a\nb".to_owned()));
        assert!(matches!(error, Err(ClientError::BadToken)));
    }

    #[test]
    fn of_an_address_only_path_and_query_are_used() {
        let path = |url: &str| path_of(url).ok();
        let expected = Some("/v3/models?start=a%20b&limit=2".to_owned());
        assert_eq!(path("https://other.example:8/v3/models?start=a%20b&limit=2"), expected);
        assert_eq!(path("/v3/models?start=a%20b&limit=2"), expected);
        for wrong in ["", "v3/models", "mailto:a@example.com"] {
            assert_eq!(path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn loopback_is_known_in_all_its_spellings() {
        for (url, loopback) in [
            ("http://127.0.0.1:1", true),
            ("http://127.8.8.8", true),
            ("http://[::1]:8", true),
            ("http://localhost:8", true),
            ("http://10.0.0.1", false),
            ("https://example.com", false),
        ] {
            assert_eq!(is_loopback(&url.parse().expect("a URL")), loopback, "{url}");
        }
    }
}
