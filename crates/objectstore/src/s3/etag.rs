//! ETags in one form, whoever wrote them.
//!
//! Some stores leave out the quotes that HTTP asks for, some only in listings, and
//! some tell an empty one of what they know none of. A version must have one name,
//! wherever it was told.

/// An ETag with its quotes; nothing when it says nothing.
pub(super) fn quoted(told: &str) -> Option<String> {
    let told = told.trim();
    let (weak, tag) = match told.strip_prefix("W/") {
        Some(tag) => ("W/", tag),
        None => ("", told),
    };
    let tag = tag.trim_matches('"');
    (!tag.is_empty()).then(|| format!("{weak}\"{tag}\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn an_etag_has_one_form() {
        for told in ["abc-2", "\"abc-2\"", " \"abc-2\" "] {
            assert_eq!(quoted(told).as_deref(), Some("\"abc-2\""));
        }
        assert_eq!(quoted("W/\"x\"").as_deref(), Some("W/\"x\""));
        for told in ["", "\"\"", "W/\"\"", " "] {
            assert_eq!(quoted(told), None);
        }
    }
}
