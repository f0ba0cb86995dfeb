//! `--name`: another name for a run, written into the user's own text.
//!
//! The text must stay as it is everywhere else (a version `1.10` must not
//! become `1.1`, and complaints point into it), so it is not parsed and written
//! again: the name is replaced where it stands, and the result is read to see
//! that nothing but the name has changed.

use trainyard_definition::{Syntax, read};

/// The definition under another name; `None` when it cannot be read as it is
/// (then the server has complaints about it anyway).
pub(crate) fn rename(file_name: &str, text: &str, name: &str) -> Option<String> {
    let syntax = Syntax::guess(Some(file_name), text);
    let mut wanted = read(text, syntax).ok()?.definition;
    let old = std::mem::replace(&mut wanted.name, name.to_owned());
    if old == name {
        return Some(text.to_owned());
    }
    // As JSON writes it, which YAML reads too; with its quotes where there are none.
    let quoted = serde_json::to_string(name).ok()?;
    let old_quoted = serde_json::to_string(&old).ok()?;
    for old in [old_quoted, format!("'{old}'"), old] {
        for (at, found) in text.match_indices(&old) {
            let renamed = format!("{}{quoted}{}", &text[..at], &text[at + found.len()..]);
            if read(&renamed, syntax).is_ok_and(|submission| submission.definition == wanted) {
                return Some(renamed);
            }
        }
    }
    None
}
