//! Names of containers and objects as parts of URLs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All that is escaped in a name, its slashes included.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// All that is escaped in an object's key.
const KEY: &AsciiSet = &NAME.remove(b'/');

/// Puts a name behind `path`, escaped. With `slashes`, its slashes stay.
pub(super) fn push(path: &mut String, name: &str, slashes: bool) {
    path.extend(utf8_percent_encode(name, if slashes { KEY } else { NAME }));
}

/// `/container`.
pub(super) fn container(name: &str) -> String {
    let mut path = "/".to_owned();
    push(&mut path, name, false);
    path
}

/// `/container/key`, where the container's name is escaped already.
pub(super) fn object(container: &str, key: &str) -> String {
    let mut path = String::with_capacity(container.len() + key.len() + 16);
    path.push_str(container);
    path.push('/');
    push(&mut path, key, true);
    path
}

/// Whether this stays one segment of a path, and is one that Swift takes.
pub(super) fn is_container_name(name: &str) -> bool {
    (1..=256).contains(&name.len()) && !name.contains(['/', '\0']) && !matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_name_holds_it_stays_one() {
        assert_eq!(container("a b?c#d%2F"), "/a%20b%3Fc%23d%252F");
        assert_eq!(object("/c", "ü/+ &/..x"), "/c/%C3%BC/%2B%20%26/..x");
        for name in ["", ".", "..", "a/b", "a\0b", &"x".repeat(257)] {
            assert!(!is_container_name(name), "{name:?}");
        }
        assert!(is_container_name("tf_training_data") && is_container_name("mit Leerzeichen ä"));
    }
}
