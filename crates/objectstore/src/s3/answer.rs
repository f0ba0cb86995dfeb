//! Whether a success comes from a store at all.
//!
//! Any web server says 200 to much. Without a look at what came with it, a page of
//! HTML would pass for an empty container: XML without objects in it.

use http::header::ETAG;
use http::{HeaderMap, Method};
use reqwest::Url;

use super::refusal::Refusal;

/// More bytes than this are no page of a listing: 1,000 keys of 1,024 bytes, each
/// byte written as an entity of six characters, and what else is told of each.
pub(super) const LISTING_MAX: usize = 16 << 20;

/// How much of a strange answer is repeated, in characters.
const WORDS_MAX: usize = 80;

/// A success that is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Strange {
    /// S3 does not answer like this.
    #[error("{0}")]
    NotS3(String),
    /// A key that would be another one once it has been in a URL.
    #[error("the key {0:?} begins with `/`")]
    Absolute(String),
}

/// Whether this asks for a page of a listing.
pub(super) fn is_listing(method: &Method, url: &Url) -> bool {
    method == Method::GET && url.query_pairs().any(|(name, _)| name == "list-type")
}

/// Looks at the headers of a success. S3 tells the ETag of whatever is put.
pub(super) fn look_at_headers(method: &Method, headers: &HeaderMap) -> Result<(), Strange> {
    if method == Method::PUT && !headers.contains_key(ETAG) {
        return Err(Strange::NotS3("it took the object without telling its ETag".to_owned()));
    }
    Ok(())
}

/// A page of a listing that is none.
#[derive(Debug)]
pub(super) enum NoListing {
    Strange(Strange),
    /// Some stores begin with 200 before they know that they fail.
    Refused(Refusal),
}

/// Looks at what came as a page of a listing. `shown` makes of it what may be repeated.
pub(super) fn look_at_listing(
    status: u16,
    body: &str,
    shown: impl FnOnce(&str) -> String,
) -> Result<(), NoListing> {
    match root(body) {
        Some("ListBucketResult") => {}
        Some("Error") => return Err(NoListing::Refused(Refusal::read(status, &shown(body)))),
        _ if body.trim().is_empty() => {
            return Err(NoListing::Strange(Strange::NotS3(
                "its answer to a request for a listing is empty".to_owned(),
            )));
        }
        _ => {
            let begins: String = shown(body)
                .trim_start()
                .chars()
                .map(|char| if char.is_control() { ' ' } else { char })
                .take(WORDS_MAX)
                .collect();
            return Err(NoListing::Strange(Strange::NotS3(format!(
                "its answer to a request for a listing begins with `{begins}`"
            ))));
        }
    }
    // opendal would take the slash away, and then look for another object.
    if let Some((_, rest)) = body.split_once("<Key>/") {
        let key = rest.split('<').next().unwrap_or_default();
        return Err(NoListing::Strange(Strange::Absolute(format!("/{key}"))));
    }
    Ok(())
}

/// The name of the first element, without its prefix.
fn root(xml: &str) -> Option<&str> {
    let mut rest = xml.trim_start_matches('\u{feff}').trim_start();
    loop {
        rest = if let Some(after) = rest.strip_prefix("<?") {
            after.split_once("?>")?.1
        } else if let Some(after) = rest.strip_prefix("<!--") {
            after.split_once("-->")?.1
        } else {
            break;
        }
        .trim_start();
    }
    let name = rest.strip_prefix('<')?.split([' ', '\t', '\r', '\n', '>', '/']).next()?;
    Some(name.rsplit(':').next().unwrap_or(name))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn listings_are_told_from_pages() {
        for page in [
            "<ListBucketResult/>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- a -->\n<ListBucketResult xmlns=\"x\">",
            "<s3:ListBucketResult>",
        ] {
            look_at_listing(200, page, str::to_owned).unwrap();
        }
        for page in [
            "",
            " \n",
            "{}",
            "ok",
            "<",
            "<?xml",
            "<!DOCTYPE html><ListBucketResult>",
            "<html>\n<body>ListBucketResult",
            "<ListAllMyBucketsResult/>",
        ] {
            let strange = look_at_listing(200, page, str::to_owned).unwrap_err();
            assert!(
                matches!(strange, NoListing::Strange(Strange::NotS3(_))),
                "{page}: {strange:?}"
            );
        }
        let error = "<Error><Code>SlowDown</Code></Error>";
        let NoListing::Refused(refusal) = look_at_listing(200, error, str::to_owned).unwrap_err()
        else {
            panic!("{error}")
        };
        assert!(refusal.is_transient());
    }
}
