//! The version of a container, told by its listing.

use sha2::{Digest as _, Sha256};

use crate::store::Object;

/// Changes when an object is added, removed or replaced. `None` where the store tells
/// neither ETags nor times, so that a replaced object could not be told.
pub(crate) fn of<'a>(objects: impl Iterator<Item = &'a Object>) -> Option<String> {
    let mut hash = Sha256::new();
    for object in objects {
        let version = of_object(object)?;
        for field in [object.key.as_bytes(), &object.size.to_le_bytes(), version.as_bytes()] {
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field);
        }
    }
    Some(hex(&hash.finalize()))
}

/// What tells an object from another under the same key.
pub(super) fn of_object(object: &Object) -> Option<String> {
    let etag = object.etag.as_ref().map(|etag| format!("etag {etag}"));
    etag.or_else(|| object.modified.as_ref().map(|time| format!("modified {time}")))
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A String takes all writes.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, size: u64, etag: Option<&str>, modified: Option<&str>) -> Object {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Object { key: key.to_owned(), size, etag: text(etag), modified: text(modified) }
    }

    #[test]
    fn every_change_of_a_listing_is_another_version() {
        let of = |objects: &[Object]| of(objects.iter());
        let base = object("a", 1, Some("x"), Some("t"));
        let others = [
            vec![],
            vec![base.clone()],
            vec![object("b", 1, Some("x"), Some("t"))],
            vec![object("a", 2, Some("x"), Some("t"))],
            vec![object("a", 1, Some("y"), Some("t"))],
            vec![object("a", 1, None, Some("t"))],
            vec![object("a", 1, None, Some("u"))],
            vec![base.clone(), object("b", 1, Some("x"), None)],
        ];
        let versions: std::collections::HashSet<_> =
            others.iter().map(|objects| of(objects).expect("all can be told")).collect();
        assert_eq!(versions.len(), others.len());
        assert_eq!(of(&[base]), of(&[object("a", 1, Some("x"), Some("later"))]));
        assert_eq!(of(&[object("a", 1, None, None)]), None);
    }
}
