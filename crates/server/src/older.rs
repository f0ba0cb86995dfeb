//! Addresses as clients of other years spell them, in the words of today's routes.
//!
//! - `//v3/…`, which the official client sends when its URL ends with a slash.
//! - `/v3/ml_assets/experiments`, which until 2018 meant training definitions.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

const DEFINITIONS_OF_2017: &str = "/v3/ml_assets/experiments";
const DEFINITIONS: &str = "/v3/ml_assets/training_definitions";

/// The same request at the address of today.
pub(crate) async fn spelling(mut request: Request) -> Request {
    if let Some(uri) = today(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn today(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let single = format!("/{}", path.trim_start_matches('/'));
    let renamed = single
        .strip_prefix(DEFINITIONS_OF_2017)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .map(|rest| format!("{DEFINITIONS}{rest}"));
    let path_of_today = renamed.unwrap_or(single);
    if path_of_today == path {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path_of_today}{query}").parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_addresses_are_todays() {
        for (older, expected) in [
            ("//v3/models?limit=5", "/v3/models?limit=5"),
            ("///v3/models/x", "/v3/models/x"),
            ("/v3/ml_assets/experiments", DEFINITIONS),
            (
                "//v3/ml_assets/experiments/a/versions/b/content",
                "/v3/ml_assets/training_definitions/a/versions/b/content",
            ),
        ] {
            let uri = today(&older.parse().expect("it is right")).expect("it is right");
            assert_eq!(uri.to_string(), expected);
        }
        for same in ["/v3/experiments", "/v3/ml_assets/experiments_of_mine", "/", "/v3//models"] {
            assert_eq!(today(&same.parse().expect("it is right")), None, "{same}");
        }
    }
}
