//! MD5, as S3's ETags use it. A checksum here, never a protection.

use std::fmt::Write as _;

use bytes::Bytes;
use md5::{Digest, Md5};

/// The MD5 of `content`.
pub(crate) fn of(content: &[u8]) -> [u8; 16] {
    Md5::digest(content).into()
}

/// The MD5 of content in pieces, as an ETag has it.
pub(crate) fn of_pieces(pieces: &[Bytes]) -> String {
    let mut hash = Md5::new();
    for piece in pieces {
        hash.update(piece);
    }
    etag(&hash.finalize().into())
}

/// The ETag of an object put in one piece.
pub(crate) fn etag(sum: &[u8; 16]) -> String {
    sum.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all writes");
        text
    })
}

/// The ETag of an object put in parts: the MD5 of the parts' MD5s, and their number.
pub(crate) fn etag_of_parts(sums: &[[u8; 16]]) -> String {
    format!("{}-{}", etag(&of(sums.as_flattened())), sums.len())
}

/// The ETag as text: without quotes and without the mark of a weak one.
pub(crate) fn plain(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

/// The MD5 of the content that an ETag tells, when it is one: 32 hexadecimal
/// digits and nothing else. ETags of multipart objects are none.
pub(crate) fn told_by(etag: &str) -> Option<String> {
    let text = plain(etag);
    (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_those_of_s3() {
        assert_eq!(etag(&of(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(told_by("\"D41D8CD98F00B204E9800998ECF8427E\""), Some(etag(&of(b""))));
        assert_eq!(told_by("\"d41d8cd98f00b204e9800998ecf8427e-2\""), None);
        assert_eq!(told_by("whatever"), None);
        // Two parts, "a" and "b": md5(md5("a") ‖ md5("b")), by md5sum(1).
        assert_eq!(etag_of_parts(&[of(b"a"), of(b"b")]), "96e024ba2074fe77e8e965ba43a704be-2");
    }
}
