//! Where a store answers: an http or https URL with a host.

use url::Url;

/// Why a text is no endpoint. The text itself is never repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAnEndpoint {
    #[error("this is not a URL")]
    NotAUrl,
    #[error("this URL is not of a scheme that is spoken")]
    Scheme,
    #[error("this URL names no host")]
    NoHost,
    #[error("credentials do not belong into the URL")]
    Credentials,
    #[error("an endpoint has no '?' or '#'")]
    Query,
}

/// The endpoint as it is kept: with its scheme (`https` where none is written, as
/// the manifests of old had it) and without a slash at the end.
pub(super) fn endpoint(written: &str) -> Result<String, NotAnEndpoint> {
    let written = written.trim();
    let full =
        if written.contains("://") { written.to_owned() } else { format!("https://{written}") };
    let url = Url::parse(&full).map_err(|error| match error {
        url::ParseError::EmptyHost => NotAnEndpoint::NoHost,
        _ => NotAnEndpoint::NotAUrl,
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(NotAnEndpoint::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NotAnEndpoint::Credentials);
    }
    if !url.has_host() {
        return Err(NotAnEndpoint::NoHost);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(NotAnEndpoint::Query);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::{NotAnEndpoint, endpoint};

    #[test]
    fn endpoints_are_http_urls_with_a_host() {
        for (written, kept) in [
            ("https://s3.example.com/", Ok("https://s3.example.com")),
            ("http://127.0.0.1:9000", Ok("http://127.0.0.1:9000")),
            ("s3-api.us-geo.example.com", Ok("https://s3-api.us-geo.example.com")),
            ("localhost:9000", Ok("https://localhost:9000")),
            ("http://[::1]:9000/gateway/", Ok("http://[::1]:9000/gateway")),
            ("HTTP://S3.Example.COM", Ok("http://s3.example.com")),
            ("s3://bucket", Err(NotAnEndpoint::Scheme)),
            ("file:///etc", Err(NotAnEndpoint::Scheme)),
            ("https://", Err(NotAnEndpoint::NoHost)),
            ("https://u:p@host", Err(NotAnEndpoint::Credentials)),
            ("https://host/?X-Amz=1", Err(NotAnEndpoint::Query)),
            ("https://<url>/x", Err(NotAnEndpoint::NotAUrl)),
            ("two words", Err(NotAnEndpoint::NotAUrl)),
            ("http://host:99999", Err(NotAnEndpoint::NotAUrl)),
        ] {
            assert_eq!(endpoint(written), kept.map(str::to_owned), "{written}");
        }
    }
}
