//! From the user's text to a tree in which everything knows its place.
//!
//! Two syntaxes, one [`tree`]: what the keys mean is decided in `dialect`,
//! which never learns which syntax it was.

mod json;
mod json_string;
mod syntax;
mod tree;
mod yaml;

pub use syntax::Syntax;
pub(crate) use tree::{Kind, Node, Pair, Scalar};

use trainyard_model::code::Code;
use trainyard_model::diagnostic::{Diagnostic, Span};

/// How deep lists and objects may lie in one another. The dialects need 4.
const DEPTH: usize = 32;
/// How many values a text may hold, aliases of YAML counted as often as used.
const VALUES: usize = 10_000;
/// How many complaints about syntax are told before reading stops.
const COMPLAINTS: usize = 20;

/// What came of reading: a tree as far as one could be made out, and complaints.
pub(crate) struct Parsed {
    pub(crate) root: Option<Node>,
    pub(crate) complaints: Vec<Diagnostic>,
}

/// Reads `text` as `syntax`, without knowing any key.
pub(crate) fn parse(text: &str, syntax: Syntax) -> Parsed {
    match syntax {
        Syntax::Json => json::parse(text),
        Syntax::Yaml => yaml::parse(text),
    }
}

fn syntax_error(text: &str, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::DefinitionSyntax, message).span(Span::of(text, start, end))
}

fn too_deep(text: &str, at: usize) -> Diagnostic {
    Diagnostic::error(
        Code::DefinitionTooLarge,
        format!("the definition is nested more than {DEPTH} levels deep"),
    )
    .span(Span::of(text, at, at + 1))
}

fn too_many(text: &str, at: usize) -> Diagnostic {
    Diagnostic::error(
        Code::DefinitionTooLarge,
        format!("the definition holds more than {VALUES} values"),
    )
    .span(Span::of(text, at, at + 1))
}
