//! The content of an object: a GET, and whether what comes is what was asked for.
//!
//! Not every store does as it is asked. Some answer a range with the whole object,
//! some with the range and the status of a whole, and some do not look at `If-Match`.
//! Whatever they do, either the bytes that were asked for come or an error.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{CONTENT_RANGE, ETAG, IF_MATCH, RANGE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::answer::{Strange, etag_is_checksum, header};
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

/// Asks for an object, or for a piece that is not empty.
pub(super) async fn get(
    caller: &Caller,
    key: &str,
    range: Option<&Range<u64>>,
    if_match: Option<&str>,
) -> Result<Got, Wrong> {
    let mut headers = HeaderMap::new();
    if let Some(range) = range {
        let asked = format!("bytes={}-{}", range.start, range.end - 1);
        headers.insert(RANGE, HeaderValue::try_from(asked).expect("digits are a header's text"));
    }
    let wanted = if_match.and_then(etag::quoted);
    if let Some(wanted) = &wanted {
        let wanted = HeaderValue::try_from(wanted.as_str());
        headers.insert(IF_MATCH, wanted.map_err(|_| Strange("its ETag was no text".to_owned()))?);
    }
    let call = Call { method: Method::GET, key: Some(key), headers, ..Call::default() };
    let wanted = wanted.as_deref();
    caller.ask(call, |answer: Response<Body>| std::future::ready(look(answer, range, wanted))).await
}

fn look(
    answer: Response<Body>,
    range: Option<&Range<u64>>,
    wanted: Option<&str>,
) -> Result<Got, Wrong> {
    let found = header(answer.headers(), ETAG.as_str()).and_then(etag::quoted);
    if let (Some(wanted), Some(found)) = (wanted, &found)
        && wanted != found
    {
        return Err(Wrong::changed(wanted, found));
    }
    let told = header(answer.headers(), CONTENT_RANGE.as_str());
    let cut = cut(answer.status(), range, told)?;
    let etag = found.filter(|_| etag_is_checksum(answer.headers()));
    Ok(Got { etag, body: answer.into_body(), cut })
}

/// How what comes becomes what was asked for.
fn cut(status: StatusCode, range: Option<&Range<u64>>, told: Option<&str>) -> Result<Cut, Strange> {
    let strange = |words: String| Err(Strange(words));
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
                _ => strange(format!("asked for bytes {asked:?}, it sent `{told}`")),
            }
        }
        (StatusCode::PARTIAL_CONTENT, _, None) => {
            strange("it sent a part of the object without saying which".to_owned())
        }
        _ => strange(format!("it answered with HTTP status {}", status.as_u16())),
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
