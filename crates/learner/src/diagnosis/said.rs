//! The end of the log as lines of plain text: no escapes, no control characters, and of a
//! progress bar its last state.

use super::noise;
use crate::spool::Spool;

/// How much of the log's end is read.
const READ_BYTES: u64 = 64 << 10;
/// How many lines are quoted, and how much of each.
const QUOTED_LINES: usize = 10;
const QUOTED_CHARS: usize = 300;
/// No line is looked at farther than this.
const LINE_CHARS: usize = 4000;

/// What the program said last.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Lines without their ends, oldest first; the first may have lost its beginning.
    pub(super) lines: Vec<String>,
    /// Does a line look as if a shell had stumbled over a CR LF?
    pub(super) has_stray_cr: bool,
}

impl Said {
    /// Reads the end of the log, without its first `header` bytes. What cannot be read was
    /// not said.
    pub(crate) fn read(spool: &Spool, header: u64) -> Self {
        let from = spool.log_bytes().saturating_sub(READ_BYTES).max(header);
        let limit = usize::try_from(READ_BYTES).expect("a small number");
        match spool.read_log(from, limit) {
            Ok(bytes) => Self::new(&String::from_utf8_lossy(&bytes)),
            Err(_) => Self::default(),
        }
    }

    pub(crate) fn new(text: &str) -> Self {
        let lines: Vec<String> = text.split('\n').map(clean).collect();
        let has_stray_cr = text.contains("\r: ") || text.contains("Illegal option -\r");
        Self { lines, has_stray_cr }
    }

    /// The last lines that are not blank, for quoting.
    pub(crate) fn tail(&self) -> Vec<String> {
        let lines = self.lines.iter().rev().filter(|line| !line.trim().is_empty());
        let mut tail: Vec<String> = lines.take(QUOTED_LINES).map(|line| cut(line)).collect();
        tail.reverse();
        tail
    }

    /// Lines `from` to `to`, for quoting; of many the first and the last.
    pub(super) fn quote(&self, from: usize, to: usize) -> Vec<String> {
        let lines: Vec<&String> =
            self.lines[from..to].iter().filter(|line| !line.trim().is_empty()).collect();
        let Some(gap) = lines.len().checked_sub(QUOTED_LINES + 2) else {
            return lines.into_iter().map(|line| cut(line)).collect();
        };
        let left_out = format!("… {} lines …", gap + 2);
        let first = lines.iter().take(1).map(|line| cut(line));
        let last = lines.iter().skip(gap + 3).map(|line| cut(line));
        first.chain([left_out]).chain(last).collect()
    }

    /// The last line that is neither blank nor what comes after every failure.
    pub(super) fn last_words(&self) -> Option<&str> {
        self.last_lines().next()
    }

    /// The last words, when they sound like a reason.
    pub(crate) fn complaint(&self) -> Option<&str> {
        const SOUNDS: [&str; 18] = [
            "unbound",
            "undefined",
            "error",
            "fail",
            "fatal",
            "abort",
            "cannot",
            "can't",
            "could not",
            "couldn't",
            "unable",
            "invalid",
            "missing",
            "no ",
            "not ",
            "denied",
            "refused",
            "unexpected",
        ];
        let words = self.last_words()?;
        let lower = words.trim_start().to_lowercase();
        SOUNDS.iter().any(|sound| lower.contains(sound)).then_some(words)
    }

    /// The same and those before it, newest first.
    pub(super) fn last_lines(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter().rev().map(String::as_str);
        lines.filter(|line| !line.trim().is_empty() && !noise::is_noise(line))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.trim().is_empty())
    }

    /// Do the last lines say that a process of the program was killed with -9?
    pub(super) fn tells_of_a_killed_worker(&self) -> bool {
        let recent = self.lines.iter().rev().filter(|line| !line.trim().is_empty()).take(40);
        recent.map(|line| line.trim()).any(|line| {
            line == "Killed"
                || line.contains("SIGKILL")
                || line.contains("killed by signal: Killed")
                || line.contains("terminated abruptly")
                || (line.contains("exitcode") && line.contains(": -9 "))
        })
    }
}

/// A text of the program on one line of bounded length.
pub(crate) fn cut(line: &str) -> String {
    let short = cut_at(line, QUOTED_CHARS);
    if short.len() < line.len() { format!("{short}…") } else { line.to_owned() }
}

fn cut_at(line: &str, characters: usize) -> &str {
    line.char_indices().nth(characters).map_or(line, |(at, _)| &line[..at])
}

/// What a terminal would show of a line in the end, in plain characters.
fn clean(line: &str) -> String {
    // A shell tells of `ls\r` that it is not found.
    let told = line.replace("\r: ", "\\r: ");
    let mut states = told.split('\r').map(plain).filter(|state| !state.trim().is_empty());
    let first = states.next().unwrap_or_default();
    let Some(last) = states.next_back() else { return first };
    // What a message with a carriage return begins with counts; of a progress bar, the end.
    if is_named(&first) { cut_at(&format!("{first} {last}"), LINE_CHARS).to_owned() } else { last }
}

/// Does the line begin as that of an exception does, `ValueError: …`?
fn is_named(line: &str) -> bool {
    let class = line.split(": ").next().unwrap_or_default();
    let name = class.rsplit('.').next().unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(char::is_alphanumeric)
}

/// Without escapes, control characters and those that reorder a line.
fn plain(state: &str) -> String {
    let mut text = String::with_capacity(state.len().min(LINE_CHARS));
    let mut characters = state.chars().peekable();
    let mut kept = 0;
    while let Some(character) = characters.next() {
        if kept == LINE_CHARS {
            break;
        }
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            '\u{9b}' => skip_control(&mut characters),
            '\t' => text.push('\t'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            _ if character.is_control() => {}
            _ => text.push(character),
        }
        kept += 1;
    }
    text.truncate(text.trim_end().len());
    text
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Skips what follows an ESC.
fn skip_escape(characters: &mut Characters<'_>) {
    match characters.next() {
        Some('[') => skip_control(characters),
        // A string, up to BEL or ESC \.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(character) = characters.next() {
                if character == '\u{7}' {
                    return;
                }
                if character == '\u{1b}' {
                    characters.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some(' '..='/') => drop(characters.next()),
        Some(_) | None => {}
    }
}

/// Skips parameters and the final letter of a control sequence.
fn skip_control(characters: &mut Characters<'_>) {
    while characters.next_if(|character| matches!(character, ' '..='?')).is_some() {}
    characters.next_if(|character| matches!(character, '@'..='~'));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_terminal_is_left_in_a_line() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m and \u{1b}]0;title\u{7}plain", "red and plain"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            (" 10%|#   | 1/9\r 20%|##  | 2/9\r", " 20%|##  | 2/9"),
            ("x.sh: 2: ls\r: not found", "x.sh: 2: ls\\r: not found"),
            ("ValueError: red\r\u{202e}", "ValueError: red"),
            ("ValueError: one\rtwo", "ValueError: one two"),
            ("a\u{202e}b\u{0}c\u{8}", "abc"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("\u{9b}1mx", "x"),
        ];
        for (raw, wanted) in cases {
            assert_eq!(clean(raw), wanted, "{raw:?}");
        }
        assert_eq!(clean(&"ä".repeat(100_000)).chars().count(), LINE_CHARS);
    }

    #[test]
    fn of_many_lines_the_first_and_the_last_are_quoted() {
        let text: Vec<String> = (0..40).map(|line| line.to_string()).collect();
        let said = Said::new(&text.join("\n"));
        let quoted = said.quote(0, 40);
        assert_eq!(quoted.len(), 11);
        assert_eq!((quoted[0].as_str(), quoted[1].as_str()), ("0", "… 30 lines …"));
        assert_eq!((quoted[2].as_str(), quoted[10].as_str()), ("31", "39"));
        assert_eq!(said.quote(0, 12).len(), 11);
        assert_eq!(said.quote(0, 11).len(), 11);
        assert_eq!(said.tail().len(), 10);
    }
}
