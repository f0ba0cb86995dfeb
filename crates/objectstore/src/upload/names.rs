//! Names of files, as parts of keys: always text, never two the same, never too long.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::md5sum;

/// The longest name that lies in a directory again, in bytes.
const NAME_MAX: usize = 255;

/// What the names of one folder become; and a note where it is not the name itself.
///
/// A name that is UTF-8 stays as it is. In others, each byte that is no text and each
/// `%` becomes `%XX`; what is then too long is cut, and ends in `~` and a sum of the
/// name. Where another file has that name already, a number is added.
pub(super) fn keys(mut names: Vec<Vec<u8>>) -> Vec<(Vec<u8>, String, Option<String>)> {
    // The same for the same folder, in whatever order the kernel lists it.
    names.sort_unstable();
    let mut taken: HashSet<String> =
        names.iter().filter_map(|name| str::from_utf8(name).ok().map(str::to_owned)).collect();
    names
        .into_iter()
        .map(|name| {
            if let Ok(text) = str::from_utf8(&name) {
                let text = text.to_owned();
                return (name, text, None);
            }
            let escaped = escaped(&name);
            let fitting = fitting(escaped.clone(), &name, 0);
            let mut key = fitting.clone();
            let mut number = 1;
            while taken.contains(&key) {
                number += 1;
                key = format!("{}~{number}", self::fitting(escaped.clone(), &name, 8));
            }
            taken.insert(key.clone());
            let why = if key != fitting {
                "the name is not UTF-8, and what it becomes is the name of another file"
            } else if fitting != escaped {
                "the name is not UTF-8, and too long when what is not stands as %XX"
            } else {
                "the name is not UTF-8; what is not stands as %XX"
            };
            (name, key, Some(why.to_owned()))
        })
        .collect()
}

fn escaped(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            write!(text, "%{byte:02X}").expect("a String takes all writes");
        }
    }
    text
}

/// The text, cut where it leaves less than `room` bytes of a name.
fn fitting(mut text: String, name: &[u8], room: usize) -> String {
    if text.len() + room <= NAME_MAX {
        return text;
    }
    let sum = md5sum::etag(&md5sum::of(name));
    text.truncate(text.floor_char_boundary(NAME_MAX - room - sum.len() - 1));
    text + "~" + &sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(names: &[&[u8]]) -> Vec<(String, bool)> {
        let names = names.iter().map(|name| name.to_vec()).collect();
        keys(names).into_iter().map(|(_, key, note)| (key, note.is_some())).collect()
    }

    fn pair(key: &str, noted: bool) -> (String, bool) {
        (key.to_owned(), noted)
    }

    #[test]
    fn text_stays_and_the_rest_is_escaped() {
        assert_eq!(
            turned(&[b"100%25", b"%E9", "ä".as_bytes()]),
            [pair("%E9", false), pair("100%25", false), pair("ä", false),]
        );
        // Were `%` not escaped too, these would be one.
        assert_eq!(
            turned(&[b"\xe9%E9", b"\xe9\xe9"]),
            [pair("%E9%25E9", true), pair("%E9%E9", true),]
        );
    }

    #[test]
    fn two_names_never_become_one() {
        assert_eq!(
            turned(&[b"caf\xe9", b"caf%E9", b"caf%E9~2"]),
            [pair("caf%E9", false), pair("caf%E9~2", false), pair("caf%E9~3", true),]
        );
    }

    #[test]
    fn no_name_is_too_long() {
        let long: Vec<Vec<u8>> = (0..3).map(|n| [&[0xe9; 254][..], &[0xe0 + n]].concat()).collect();
        let first = keys(long.clone());
        let mut names = long;
        // Whoever knows the sum can take the name.
        names.push(first[0].1.clone().into_bytes());
        let all = keys(names);
        let distinct: HashSet<&str> = all.iter().map(|(_, key, _)| key.as_str()).collect();
        assert_eq!(distinct.len(), 4);
        assert!(distinct.iter().all(|key| key.len() <= NAME_MAX), "{distinct:?}");
    }
}
