//! What was left out of the results or had to be renamed, told as one note.

use trainyard_api::learner::ReportKind;

use crate::spool::Spool;

/// So many are named, each in so many characters.
const NAMED: usize = 20;
const CHARS: usize = 200;

/// Reports the names, if there are any.
pub(crate) fn tell(spool: &Spool, what: &str, names: &[String]) {
    if let Some(message) = message(what, names) {
        spool.report(ReportKind::Note { kind: "left_out".to_owned(), message });
    }
}

fn message(what: &str, names: &[String]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let named: Vec<String> = names.iter().take(NAMED).map(|name| plain(name)).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let count = names.len();
    Some(format!("{count} left out of {what} or renamed: {}{more}", named.join("; ")))
}

/// The program has chosen the names: they may hold anything and be of any length.
fn plain(name: &str) -> String {
    let mut text = String::new();
    for (index, char) in name.chars().enumerate() {
        if index == CHARS {
            text.push('…');
            break;
        }
        if char.is_control() {
            text.extend(char.escape_default());
        } else {
            text.push(char);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_few_short_and_plain() {
        assert_eq!(message("RESULT_DIR", &[]), None);
        let mut names: Vec<String> = (0..25).map(|index| format!("pipe{index}")).collect();
        names[0] = format!("a\u{1b}[2J{}", "x".repeat(5000));
        let message = message("RESULT_DIR", &names).expect("there are some");
        assert!(message.starts_with("25 left out of RESULT_DIR or renamed: a\\u{1b}[2Jx"));
        assert!(message.ends_with("pipe19; and 5 more"), "{message}");
        assert!(message.len() < 1000, "{}", message.len());
    }
}
