//! Complaints in a form that a test can be read by.

use trainyard_definition::{Syntax, read};
use trainyard_model::diagnostic::Diagnostic;

/// `line:column CODE path: message [expected] (help)`, one line each.
pub(crate) fn told(complaints: &[Diagnostic]) -> String {
    complaints.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(complaint: &Diagnostic) -> String {
    let part = |before: &str, text: Option<&str>, after: &str| {
        text.map_or(String::new(), |text| format!("{before}{text}{after}"))
    };
    let place = complaint.span.map(|span| format!("{}:{}", span.line, span.column));
    let path = Some(complaint.path.as_str()).filter(|path| !path.is_empty());
    [
        part("", place.as_deref(), " "),
        complaint.code.to_string(),
        part(" ", path, ""),
        part(": ", Some(&complaint.message), ""),
        part(" [", complaint.expected.as_deref(), "]"),
        part(" (", complaint.help.as_deref(), ")"),
    ]
    .concat()
}

/// What is said about a text that is refused.
pub(crate) fn refused(text: &str, syntax: Syntax) -> String {
    crate::seeds::keep("manifests", text.as_bytes());
    told(&read(text, syntax).expect_err("this text is wrong"))
}

/// The text each complaint points at.
pub(crate) fn drawn<'t>(text: &'t str, complaints: &[Diagnostic]) -> Vec<&'t str> {
    let place = |complaint: &Diagnostic| complaint.span.map(|span| &text[span.start..span.end]);
    complaints.iter().filter_map(place).collect()
}
