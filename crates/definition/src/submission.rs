//! A training definition, read: the one entrance for text.

use trainyard_model::code::Code;
use trainyard_model::definition::TrainingDefinition;
use trainyard_model::diagnostic::{Diagnostic, Span};
use trainyard_model::secret::Secrets;

use crate::dialect::{self, COMPLAINTS, Desk, Dialect};
use crate::premises::{Anywhere, Premises};
use crate::text::{self, Parsed, Syntax};

/// The largest text that is read, in bytes. A real one has two thousand.
pub const MAX_DEFINITION_BYTES: usize = 1024 * 1024;

/// What a user submits beside the zip, read and checked.
#[derive(Debug, Clone)]
pub struct Submission {
    /// What to train. Whether the framework exists is the catalogue's to say.
    pub definition: TrainingDefinition,
    /// What opens the stores.
    pub secrets: Secrets,
    /// The address of a stored definition that stands in for a zip
    /// (`definition_href`, `definition_location`), as written.
    pub stored_definition: Option<String>,
    /// Which dialect it is written in.
    pub dialect: Dialect,
    /// What the user should know although the submission goes on.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a training definition.
///
/// # Errors
/// Every complaint at once, in the order of the text, each with its place (at
/// most 50). A text of broken syntax is told where it breaks; slips that can be
/// got over (a trailing comma) are told together with everything else.
pub fn read(text: &str, syntax: Syntax) -> Result<Submission, Vec<Diagnostic>> {
    read_for(text, syntax, &Anywhere)
}

/// Reads a training definition for a certain server: what that server cannot
/// offer is a complaint like any other.
///
/// # Errors
/// As [`read`].
pub fn read_for(
    text: &str,
    syntax: Syntax,
    premises: &dyn Premises,
) -> Result<Submission, Vec<Diagnostic>> {
    if text.len() > MAX_DEFINITION_BYTES {
        let message = format!(
            "the definition has {} bytes, more than the {MAX_DEFINITION_BYTES} that are read",
            text.len()
        );
        return Err(vec![Diagnostic::error(Code::DefinitionTooLarge, message)]);
    }
    if text.starts_with("PK\u{3}\u{4}") {
        let complaint =
            Diagnostic::error(Code::DefinitionSyntax, "this is a zip, not a training definition");
        return Err(vec![
            complaint.span(Span::of(text, 0, 2)).help("the zip comes first, then the definition"),
        ]);
    }
    let Parsed { root, complaints } = text::parse(text, syntax);
    let mut desk = Desk::new(text, premises);
    let submission = root.and_then(|root| dialect::submission(&mut desk, &root));
    let mut told = complaints;
    told.append(&mut desk.complaints);
    match submission {
        Some(submission) if !told.iter().any(Diagnostic::is_error) => {
            Ok(Submission { warnings: told, ..submission })
        }
        _ => {
            told.sort_by_key(|complaint| complaint.span.map_or(0, |span| span.start));
            told.truncate(COMPLAINTS);
            Err(told)
        }
    }
}

/// The dialect of a text, whatever else is wrong with it; that of the later years, which
/// forbids less, where nothing can be made out at all.
pub fn dialect_of(text: &str, syntax: Syntax) -> Dialect {
    let root = Some(text).filter(|text| text.len() <= MAX_DEFINITION_BYTES);
    let root = root.and_then(|text| text::parse(text, syntax).root);
    root.map_or(Dialect::Later, |root| Dialect::of(&root))
}
