//! The content of an object: a GET, and whether what comes is what was asked for.
//!
//! Not every store does as it is asked. Some answer a range with the whole object,
//! some with the range and the status of a whole, and some do not look at `If-Match`.
//! Whatever they do, either the bytes that were asked for come or an error.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::answer::{etag_is_checksum, header};
use super::caller::{Call, Caller};
use super::etag;
use super::refusal::Wrong;
use crate::wire::{Body, Failure};

/// What is to be done with the bytes that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    skip: u64,
    /// All that follow, where it says nothing.
    take: Option<u64>,
}

const WHOLE: Cut = Cut { skip: 0, take: None };

/// The start of an answer that is what was asked for.
pub(super) struct Got {
    /// Missing where it is no checksum.
    pub(super) etag: Option<String>,
    body: Body,
    cut: Cut,
}

/// The version that is wanted, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    pub(super) etag: Option<&'a str>,
    /// Looked at where there is no ETag.
    pub(super) written: Option<Written<'a>>,
}

/// What tells versions apart without ETags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) size: u64,
    pub(super) modified: &'a str,
}

/// Asks for an object, or for a piece that is not empty.
pub(super) async fn get(
    caller: &Caller,
    key: &str,
    range: Option<&Range<u64>>,
    wanted: Wanted<'_>,
) -> Result<Got, Wrong> {
    let mut headers = HeaderMap::new();
    if let Some(range) = range {
        let asked = format!("bytes={}-{}", range.start, range.end - 1);
        headers.insert(RANGE, HeaderValue::try_from(asked).expect("digits are a header's text"));
    }
    let etag = wanted.etag.and_then(etag::quoted);
    if let Some(etag) = &etag {
        let etag = HeaderValue::try_from(etag.as_str());
        headers.insert(IF_MATCH, etag.map_err(|_| Wrong::unfit("its ETag was no text"))?);
    }
    let call = Call { method: Method::GET, key: Some(key), headers, ..Call::default() };
    let wanted = Wanted { etag: etag.as_deref(), ..wanted };
    caller.ask(call, |answer: Response<Body>| std::future::ready(look(answer, range, wanted))).await
}

fn look(
    answer: Response<Body>,
    range: Option<&Range<u64>>,
    wanted: Wanted<'_>,
) -> Result<Got, Wrong> {
    let headers = answer.headers();
    let found = header(headers, ETAG.as_str()).and_then(etag::quoted);
    if let (Some(wanted), Some(found)) = (wanted.etag, &found)
        && wanted != found
    {
        return Err(Wrong::changed(format!("its ETag was {wanted} and is {found}")));
    }
    if let (None, Some(written)) = (wanted.etag, wanted.written)
        && let Some(changed) = rewritten(written, headers)
    {
        return Err(Wrong::changed(changed));
    }
    let cut = cut(answer.status(), range, header(headers, CONTENT_RANGE.as_str()))
        .map_err(Wrong::unfit)?;
    let etag = found.filter(|_| etag_is_checksum(headers));
    Ok(Got { etag, body: answer.into_body(), cut })
}

/// How an object is another than the one that is known, by size and time.
fn rewritten(known: Written<'_>, headers: &HeaderMap) -> Option<String> {
    let total = match header(headers, CONTENT_RANGE.as_str()) {
        Some(told) => told.rsplit('/').next(),
        None => header(headers, CONTENT_LENGTH.as_str()),
    };
    // A total that is not told is `*`.
    let size: Option<u64> = total.and_then(|total| total.trim().parse().ok());
    if let Some(size) = size.filter(|size| *size != known.size) {
        return Some(format!("it had {} bytes and has {size}", known.size));
    }
    let modified = header(headers, LAST_MODIFIED.as_str())?;
    // A listing has milliseconds, a header has none.
    (second(modified)? != second(known.modified)?)
        .then(|| format!("it was of {} and is of {modified}", known.modified))
}

/// A time as listings or as headers write it, in whole seconds since 1970.
fn second(written: &str) -> Option<i64> {
    let time: Option<Timestamp> = written.trim().parse().ok();
    let time = time.or_else(|| rfc2822::parse(written.trim()).ok().map(|at| at.timestamp()));
    time.map(Timestamp::as_second)
}

/// How what comes becomes what was asked for.
fn cut(status: StatusCode, range: Option<&Range<u64>>, told: Option<&str>) -> Result<Cut, String> {
    match (status, range, told) {
        (StatusCode::OK, None, None) => Ok(WHOLE),
        // The whole came: the rest is not waited for.
        (StatusCode::OK, Some(range), None) => {
            Ok(Cut { skip: range.start, take: Some(range.end - range.start) })
        }
        (StatusCode::OK | StatusCode::PARTIAL_CONTENT, _, Some(told)) => {
            let asked = range.cloned().unwrap_or(0..u64::MAX);
            match range_of(told) {
                // An object may end before a range does.
                Some(came) if came.start == asked.start && came.end <= asked.end => {
                    Ok(Cut { skip: 0, take: Some(came.end - came.start) })
                }
                _ => Err(format!("asked for bytes {asked:?}, it sent `{told}`")),
            }
        }
        (StatusCode::PARTIAL_CONTENT, _, None) => {
            Err("it sent a part of the object without saying which".to_owned())
        }
        _ => Err(format!("it answered with HTTP status {}", status.as_u16())),
    }
}

/// The bytes that a `Content-Range` names.
fn range_of(told: &str) -> Option<Range<u64>> {
    let (range, _) = told.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..last.checked_add(1)?)
}

impl Got {
    /// The bytes that were asked for, or fewer where the object ends before.
    pub(super) fn pieces(self) -> impl Stream<Item = Result<Bytes, Failure>> + Send {
        let Cut { skip, take } = self.cut;
        let start = (self.body, skip, take.unwrap_or(u64::MAX), take.is_some());
        stream::unfold(Some(start), |state| async {
            let (mut body, mut skip, mut left, bounded) = state?;
            loop {
                if left == 0 {
                    return None;
                }
                let mut piece = match body.next().await? {
                    Ok(piece) => piece,
                    Err(failure) => return Some((Err(failure), None)),
                };
                let passed = skip.min(piece.len() as u64);
                skip -= passed;
                let mut piece =
                    piece.split_off(usize::try_from(passed).expect("it is within a piece"));
                if bounded {
                    piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    left -= piece.len() as u64;
                }
                if !piece.is_empty() {
                    return Some((Ok(piece), Some((body, skip, left, bounded))));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_without_etags_differ_by_size_and_second() {
        let known = Written { size: 100, modified: "2026-11-26T18:00:07.345Z" };
        let told = |range: &str, length: &str, modified: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in
                [(CONTENT_RANGE, range), (CONTENT_LENGTH, length), (LAST_MODIFIED, modified)]
            {
                if !value.is_empty() {
                    headers.insert(name, HeaderValue::from_str(value).expect("a header's text"));
                }
            }
            rewritten(known, &headers)
        };
        let then = "Thu, 26 Nov 2026 18:00:07 GMT";
        assert_eq!(told("bytes 0-9/100", "10", then), None);
        assert_eq!(told("bytes 0-9/*", "10", then), None);
        assert_eq!(told("", "100", "whenever"), None);
        for (range, length, modified) in [
            ("bytes 0-9/99", "10", then),
            ("", "99", then),
            ("", "100", "Thu, 26 Nov 2026 18:00:08 GMT"),
        ] {
            assert!(told(range, length, modified).is_some(), "{range} {length} {modified}");
        }
    }

    #[test]
    fn what_comes_is_cut_to_what_was_asked_for_or_refused() {
        let looked = |status: u16, range: Option<Range<u64>>, told| {
            let status = StatusCode::from_u16(status).expect("a status");
            cut(status, range.as_ref(), told).ok().map(|cut| (cut.skip, cut.take))
        };
        let part = |take| Some((0, Some(take)));
        assert_eq!(looked(200, None, None), Some((0, None)));
        assert_eq!(looked(206, Some(10..30), Some("bytes 10-29/100")), part(20));
        // The status of a whole, and the range all the same.
        assert_eq!(looked(200, Some(10..30), Some("bytes 10-29/100")), part(20));
        // The whole in place of a range.
        assert_eq!(looked(200, Some(10..30), None), Some((10, Some(20))));
        // The object ends in the range.
        assert_eq!(looked(206, Some(10..30), Some("bytes 10-14/15")), part(5));
        assert_eq!(looked(206, None, Some("bytes 0-14/15")), part(15));
        for (status, told) in [
            (206, None),
            (206, Some("bytes 0-29/100")),
            (206, Some("bytes 11-29/100")),
            (206, Some("bytes 10-30/100")),
            (200, Some("bytes 0-99/100")),
            (206, Some("bytes */100")),
            (206, Some("bytes 29-10/100")),
            (206, Some("10-29/100")),
            (204, None),
        ] {
            assert_eq!(looked(status, Some(10..30), told), None, "{status} {told:?}");
        }
    }
}
