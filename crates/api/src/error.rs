//! Error bodies: v3's `{"trace", "errors": [...]}`, with the place and the way
//! out beside v3's own fields.

use serde::{Deserialize, Serialize};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::{Diagnostic, Severity, Span};
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// Names this answer in the server's log.
    pub trace: String,
    /// All complaints, in the order of the user's text.
    pub errors: Vec<ApiError>,
}

/// One complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiError {
    /// Stable code, e.g. `TY0103`; `trainyard explain CODE` has a page on it.
    #[schema(value_type = String, example = "TY0103")]
    pub code: Code,
    /// What is wrong, in one line.
    pub message: String,
    /// Where to read more: the command that prints the code's page.
    pub more_info: String,
    /// What part of the request is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// `error` stops the request, `warning` does not.
    #[schema(value_type = String, example = "error")]
    pub severity: Severity,
    /// What was expected there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The offending stretch of the text that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SpanSchema>)]
    pub span: Option<Span>,
}

/// What part of the request a complaint is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// `field`, `parameter` or `header`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name; for a field the path, e.g. `model_definition.framework.name`.
    pub name: String,
}

/// A stretch of text: bytes `start..end`, and line and column of its first character, from 1.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = Span)]
#[expect(dead_code, reason = "describes trainyard_model::diagnostic::Span in OpenAPI")]
pub struct SpanSchema {
    start: usize,
    end: usize,
    line: usize,
    column: usize,
}

impl From<Diagnostic> for ApiError {
    fn from(diagnostic: Diagnostic) -> Self {
        let target = (!diagnostic.path.is_empty())
            .then(|| Target { kind: "field".to_owned(), name: diagnostic.path });
        Self {
            code: diagnostic.code,
            message: diagnostic.message,
            more_info: format!("trainyard explain {}", diagnostic.code),
            target,
            severity: diagnostic.severity,
            expected: diagnostic.expected,
            help: diagnostic.help,
            span: diagnostic.span,
        }
    }
}

impl From<ApiError> for Diagnostic {
    fn from(error: ApiError) -> Self {
        Self {
            severity: error.severity,
            code: error.code,
            message: error.message,
            path: error.target.map(|target| target.name).unwrap_or_default(),
            span: error.span,
            expected: error.expected,
            help: error.help,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_survives_the_wire() {
        let diagnostic = Diagnostic::error(Code::UnknownKey, "unknown key `framwork`")
            .at("model_definition.framwork")
            .span(Span { start: 3, end: 11, line: 2, column: 4 })
            .expected("one of `framework`, `name`")
            .help("did you mean `framework`?");
        let text = serde_json::to_string(&ApiError::from(diagnostic.clone())).expect("plain data");
        let back: ApiError = serde_json::from_str(&text).expect("own text parses");
        assert_eq!(Diagnostic::from(back), diagnostic);
    }
}
