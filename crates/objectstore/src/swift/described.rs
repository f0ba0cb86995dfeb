//! What the headers of an object say about it.
//!
//! The ETag of a large object is made from those of its segments: it changes with the
//! content, and is no MD5 of it. It is told with `large:` before it, so that nobody takes
//! it for one. Quotes stand around all of them.

use http::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::md5sum;
use crate::store::Object;

/// Stands before the ETag of a large object.
const LARGE: &str = "large:";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether its segments are named in a manifest.
pub(super) fn is_static(headers: &HeaderMap) -> bool {
    text(headers, "x-static-large-object").is_some_and(|told| told.eq_ignore_ascii_case("true"))
}

/// Whether it is put together when it is read.
pub(super) fn is_large(headers: &HeaderMap) -> bool {
    is_static(headers) || headers.contains_key("x-object-manifest")
}

/// Its ETag, marked where it is no MD5 of the content.
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    let etag = text(headers, ETAG.as_str())?;
    Some(if is_large(headers) { large(etag) } else { plain(etag) })
}

/// Of an object that is put together, as the store wrote its ETag.
pub(super) fn large(etag: &str) -> String {
    format!("\"{LARGE}{}\"", md5sum::plain(etag))
}

/// Of one that is not.
pub(super) fn plain(etag: &str) -> String {
    format!("\"{}\"", md5sum::plain(etag))
}

/// `If-Match` for an ETag of ours.
pub(super) fn if_match(etag: &str) -> Option<HeaderValue> {
    let etag = md5sum::plain(etag);
    let etag = etag.strip_prefix(LARGE).unwrap_or(etag);
    HeaderValue::from_str(&format!("\"{etag}\"")).ok()
}

/// The object, as the answer to HEAD tells it.
pub(super) fn object(key: &str, headers: &HeaderMap) -> Option<Object> {
    let size = text(headers, CONTENT_LENGTH.as_str())?.parse().ok()?;
    let modified = text(headers, "x-timestamp")
        .and_then(since_1970)
        .or_else(|| text(headers, LAST_MODIFIED.as_str()).map(str::to_owned));
    Some(Object { key: key.to_owned(), size, etag: etag(headers), modified })
}

/// `1511729944.50000` as listings tell the same moment.
fn since_1970(seconds: &str) -> Option<String> {
    let (whole, rest) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let rest: String = rest.chars().chain("000000".chars()).take(6).collect();
    let micros =
        whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(rest.parse().ok()?)?;
    Some(Timestamp::from_microsecond(micros).ok()?.to_string())
}

/// `2017-11-26T20:59:04.500000`, which is UTC, in the form that all moments have here.
pub(super) fn moment(listed: &str) -> String {
    let read = listed.parse::<DateTime>().ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok());
    read.map_or_else(|| listed.to_owned(), |at| at.timestamp().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_in_a_listing_and_in_a_header() {
        for (header, listed) in [
            ("1511729944.50000", "2017-11-26T20:59:04.500000"),
            ("1511729944.00001", "2017-11-26T20:59:04.000010"),
            ("1511729944.00000", "2017-11-26T20:59:04.000000"),
            ("1511729944", "2017-11-26T20:59:04"),
        ] {
            assert_eq!(since_1970(header), Some(moment(listed)), "{header}");
        }
        assert_eq!(moment("yesterday"), "yesterday");
    }

    #[test]
    fn etags_go_back_as_they_came() {
        for etag in [&large("\"abc\""), "abc", &plain("abc")] {
            assert_eq!(if_match(etag).as_ref().map(HeaderValue::as_bytes), Some(&b"\"abc\""[..]));
        }
    }
}
