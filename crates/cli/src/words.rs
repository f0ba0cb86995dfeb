//! Amounts, spans of time and strangers' texts as people read them.

use std::fmt;

use jiff::Timestamp;

/// A text that grows by formatted pieces.
pub(crate) trait Grow {
    /// Adds `format_args!(…)` at the end.
    fn add(&mut self, piece: fmt::Arguments<'_>);
}

impl Grow for String {
    fn add(&mut self, piece: fmt::Arguments<'_>) {
        fmt::Write::write_fmt(self, piece).expect("a text takes whatever is written to it");
    }
}

/// Bytes in the unit that leaves at most four digits: `512 B`, `9.3 MiB`, `1.2 GiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut unit = 0;
    // 10230 tenths would round to 1023.0; from 1024.0 on the next unit is meant.
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if tenths >= 1000 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// A span of time: `0.8 s`, `42 s`, `4 min 05 s`, `1 h 02 min`, `3 d 04 h`.
pub fn span(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {:02} h", seconds / 86400, seconds % 86400 / 3600),
    }
}

/// The span between two points in time; nothing when they are the wrong way round.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    span(to.as_millisecond() - from.as_millisecond())
}

/// How long ago something was: `just now`, `42 s ago`, `3 min ago`, `2 h ago`,
/// `5 days ago`, and the date when it is longer than a month.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        172_800..2_592_000 => format!("{} days ago", seconds / 86400),
        _ => then.strftime("%Y-%m-%d").to_string(),
    }
}

/// `1 file`, `2 files`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A text of unknown origin on one line and without anything that a terminal
/// would obey: control characters become `\u{…}`.
pub fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        let reorders = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || reorders {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_four_digits_at_most() {
        let told: Vec<_> = [0, 1023, 1024, 9_750_000, 1_048_575, 1_073_741_824, u64::MAX]
            .into_iter()
            .map(bytes)
            .collect();
        assert_eq!(
            told,
            ["0 B", "1023 B", "1.0 KiB", "9.2 MiB", "1023 KiB", "1.0 GiB", "15.9 EiB"]
        );
    }

    #[test]
    fn spans_have_two_units_at_most() {
        let told: Vec<_> =
            [-5, 849, 9_999, 59_999, 245_000, 3_720_000, 273_600_000].map(span).into();
        assert_eq!(
            told,
            ["0.0 s", "0.8 s", "9.9 s", "59 s", "4 min 05 s", "1 h 02 min", "3 d 04 h"]
        );
    }

    #[test]
    fn long_ago_is_a_date() {
        let now = Timestamp::from_second(1_509_016_611).expect("in range");
        let at = |seconds: i64| ago(Timestamp::from_second(seconds).expect("in range"), now);
        assert_eq!(at(1_509_016_700), "just now", "clocks differ");
        assert_eq!(at(1_509_016_611 - 180), "3 min ago");
        assert_eq!(at(1_509_016_611 - 90_000), "25 h ago");
        assert_eq!(at(1_400_000_000), "2014-05-13");
    }

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        assert_eq!(printable("a\x1b]0;x\x07b\nc\u{202e}d"), "a\\u{1b}]0;x\\u{7}b\\nc\\u{202e}d");
        assert_eq!(printable("Größe 数"), "Größe 数");
    }
}
