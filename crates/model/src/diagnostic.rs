//! The one type for complaints about what a user gave us.
//!
//! The CLI draws it under the offending text, the API returns it in a v3 error
//! body. All complaints about one submission are collected; nobody should have
//! to fix five mistakes in five rounds.

use serde::{Deserialize, Serialize};

use crate::code::Code;

/// One complaint: what is wrong, where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code; `trainyard explain CODE` has a page on it.
    pub code: Code,
    /// One line, lower case, no full stop: what is wrong.
    pub message: String,
    /// Path in the document (`model_definition.framework.name`, `training_data[0].source`), or the
    /// entry's name in a zip; empty when the whole is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The offending text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What was expected there, drawn beside the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What to do; a misspelt word's likely meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Does it stop the submission?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The submission is refused.
    Error,
    /// The submission goes on; the user should know all the same.
    Warning,
}

/// A stretch of the user's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte, from 0.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
}

impl Span {
    /// The span of `start..end` in `text`; offsets past the end are cut to it.
    pub fn of(text: &str, start: usize, end: usize) -> Self {
        let start = floor_char(text, start);
        let end = floor_char(text, end).max(start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            start,
            end,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            path: String::new(),
            span: None,
            expected: None,
            help: None,
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Names the place in the document or the zip.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Points at the text.
    #[must_use]
    pub fn span(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Does it stop the submission?
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_characters() {
        let text = "a: ä\nname: größe x\n";
        let start = text.find('x').expect("it is there");
        let span = Span::of(text, start, start + 1);
        assert_eq!((span.line, span.column), (2, 13));
    }

    #[test]
    fn offsets_out_of_the_text_are_cut() {
        assert_eq!(Span::of("ab", 7, 9), Span { start: 2, end: 2, line: 1, column: 3 });
    }
}
