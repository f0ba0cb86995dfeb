//! Whether a success comes from a store at all.
//!
//! Any web server says 200 to much. Without a look at what came with it, a page of
//! HTML would pass for an empty container: XML without objects in it.

use http::HeaderMap;

/// How much of a strange answer is repeated, in characters.
const WORDS_MAX: usize = 80;

/// A success that is none: S3 does not answer like this.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Strange(pub(super) String);

/// What is said about an answer that should have been XML. `shown` is what came of
/// it, fit to be repeated.
pub(super) fn strange(shown: &str) -> Strange {
    if shown.trim().is_empty() {
        return Strange("its answer is empty where S3 sends XML".to_owned());
    }
    let begins: String = shown
        .trim_start()
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(WORDS_MAX)
        .collect();
    Strange(format!("its answer begins with `{begins}`"))
}

/// The name of the first element, without its prefix.
pub(super) fn root(xml: &str) -> Option<&str> {
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

/// The text of the first element of this name.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let text = text.replace("&#34;", "\"").replace("&#39;", "'").replace("&apos;", "'");
    Some(text.replace("&amp;", "&").trim().to_owned())
}

/// Whether the ETag is made from the content as we see it. It is not under keys of
/// a key service or of the customer (S3, "Checking object integrity").
pub(super) fn etag_is_checksum(headers: &HeaderMap) -> bool {
    let managed = headers
        .get("x-amz-server-side-encryption")
        .is_some_and(|how| how.as_bytes().starts_with(b"aws:kms"));
    !managed && !headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
}

/// A header that is text.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_by_their_first_element() {
        for page in [
            "<ListBucketResult/>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- a -->\n<ListBucketResult xmlns=\"x\">",
            "<s3:ListBucketResult>",
        ] {
            assert_eq!(root(page), Some("ListBucketResult"));
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
            assert_ne!(root(page), Some("ListBucketResult"), "{page}");
        }
        assert!(strange(" \n").to_string().contains("empty"));
        assert!(strange("<a>\n").to_string().contains("`<a> `"));
    }
}
