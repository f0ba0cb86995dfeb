//! The URLs of a bucket and of what is in it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use trainyard_model::definition::Addressing;

/// What SigV4 writes as it is; everything else becomes `%XX`, so that no part of a key
/// can mean something to a URL.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const IN_PATH: &AsciiSet = &IN_QUERY.remove(b'/');

/// Amazon's endpoint for all regions, which answers for others than the first with a
/// redirect; those are not followed.
const AMAZON: &str = "https://s3.amazonaws.com";

/// Where a bucket is.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// Without a slash at its end.
    bucket: String,
}

impl Address {
    /// The bucket at an endpoint, which has neither query nor fragment.
    ///
    /// # Errors
    /// Why there is no such address.
    pub(super) fn new(
        endpoint: &Url,
        bucket: &str,
        addressing: Addressing,
        region: Option<&str>,
    ) -> Result<Self, &'static str> {
        let endpoint = endpoint.as_str().trim_end_matches('/');
        let regional = region.filter(|_| endpoint == AMAZON);
        let endpoint =
            regional.map_or(endpoint.to_owned(), |name| format!("https://s3.{name}.amazonaws.com"));
        let bucket = match addressing {
            Addressing::Path => format!("{endpoint}/{bucket}"),
            Addressing::VirtualHost => {
                let Some((scheme, rest)) = endpoint.split_once("://") else {
                    return Err("it has no scheme");
                };
                format!("{scheme}://{bucket}.{rest}")
            }
        };
        let url =
            Url::parse(&bucket).map_err(|_| "the bucket's name cannot stand before its host")?;
        // `bucket.127.0.0.1` would be asked of a name server.
        if addressing == Addressing::VirtualHost && ends_in_number(&url) {
            return Err("a bucket's name cannot stand before an IP address");
        }
        Ok(Self { bucket })
    }

    /// The bucket itself, or an object in it; and what is asked about it.
    pub(super) fn url(&self, key: Option<&str>, query: &[(&str, &str)]) -> Url {
        let mut text = self.bucket.clone();
        if let Some(key) = key {
            text.push('/');
            text.extend(utf8_percent_encode(key, IN_PATH));
        }
        for (number, (name, value)) in query.iter().enumerate() {
            text.push(if number == 0 { '?' } else { '&' });
            text.push_str(name);
            text.push('=');
            text.extend(utf8_percent_encode(value, IN_QUERY));
        }
        Url::parse(&text).expect("the bucket's URL was parsed, and the rest is percent-encoded")
    }
}

fn ends_in_number(url: &Url) -> bool {
    let last = url.host_str().and_then(|host| host.rsplit('.').next());
    last.is_none_or(|label| label.ends_with(']') || label.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_stands_in_the_path_or_in_the_host() {
        let at = |endpoint: &str, addressing| {
            Address::new(&Url::parse(endpoint).unwrap(), "data", addressing, Some("eu-1"))
                .map(|address| address.url(Some("a b"), &[("x", "/+")]).to_string())
        };
        for (endpoint, path, host) in [
            (
                "http://s3.example.com:90/",
                "http://s3.example.com:90/data",
                "http://data.s3.example.com:90",
            ),
            (
                "https://gate.example.com/v1",
                "https://gate.example.com/v1/data",
                "https://data.gate.example.com/v1",
            ),
            // An endpoint that begins like the bucket is an endpoint all the same.
            (
                "http://data.example.com",
                "http://data.example.com/data",
                "http://data.data.example.com",
            ),
            (AMAZON, "https://s3.eu-1.amazonaws.com/data", "https://data.s3.eu-1.amazonaws.com"),
        ] {
            assert_eq!(at(endpoint, Addressing::Path).unwrap(), format!("{path}/a%20b?x=%2F%2B"));
            assert_eq!(
                at(endpoint, Addressing::VirtualHost).unwrap(),
                format!("{host}/a%20b?x=%2F%2B")
            );
        }
        for endpoint in ["http://127.0.0.1:9000", "http://[::1]"] {
            assert!(at(endpoint, Addressing::VirtualHost).is_err(), "{endpoint}");
        }
    }

    #[test]
    fn no_key_means_anything_to_a_url() {
        let address =
            Address::new(&Url::parse("http://h").unwrap(), "b", Addressing::Path, None).unwrap();
        for key in ["%2e%2e/x", "..%2F", "a?b#c", "\\", "a\r\n", "%", "+", "ü", ".a/..b"] {
            let url = address.url(Some(key), &[]);
            let path = url.path().strip_prefix("/b/").unwrap();
            let back = percent_encoding::percent_decode_str(path).decode_utf8().unwrap();
            assert_eq!(back, key);
            assert_eq!((url.query(), url.fragment()), (None, None));
        }
    }
}
