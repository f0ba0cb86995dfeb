//! What can be said about a learner that is gone: how its own log ends.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The learner's own log in the attempt's folder.
pub(crate) const LEARNER_LOG: &str = "learner.log";

const BYTES: u64 = 4096;
const LINES: usize = 8;

/// The last lines of the learner's log.
pub(crate) fn last_words(attempt_dir: &Path) -> Vec<String> {
    let Ok(text) = tail(&attempt_dir.join(LEARNER_LOG)) else {
        return vec!["the learner left no log".to_owned()];
    };
    let lines: Vec<String> = text.lines().map(plain).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The line as text alone: what commands a terminal (ECMA-48: control sequences,
/// strings such as titles, other escapes, control characters) is left out. A
/// panic or a library may have written what the learner's own log never does.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\t' => text.push(char),
            '\u{1b}' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|next| !('@'..='~').contains(&next)) {},
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while let Some(next) = chars.next() {
                        if next == '\u{7}'
                            || (next == '\u{1b}' && chars.next_if_eq(&'\\').is_some())
                        {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\u{9b}' => while chars.next().is_some_and(|next| !('@'..='~').contains(&next)) {},
            char if char.is_control() => {}
            char => text.push(char),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_text_and_nothing_that_commands_a_terminal() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = "\u{1b}[2m2026-01-01\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m begun\n\
                   \u{1b}]0;title\u{7}a\tb\u{1b}]8;;http://x\u{1b}\\link\u{8}\u{9b}1m é\n";
        std::fs::write(folder.path().join(LEARNER_LOG), log).expect("written");
        assert_eq!(last_words(folder.path()), ["2026-01-01  INFO begun", "a\tblink é"]);
    }
}
