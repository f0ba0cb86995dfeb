//! What all dialects have alike: name, author, command, and what the premises say of
//! framework and size.

use trainyard_model::code::Code;
use trainyard_model::definition::{AsWritten, FrameworkRef, TrainingDefinition};
use trainyard_model::evaluation::EvaluationMetrics;
use trainyard_model::secret::Secrets;
use trainyard_model::size::Size;
use trainyard_model::terms::Terms;

use super::Dialect;
use super::desk::Desk;
use super::object::{Keys, Need, Object, Text, shortened};
use super::stores::Store;
use crate::nearest::nearest;
use crate::submission::Submission;
use crate::text::Kind;

/// A command travels as one argument of the shell and as one variable of the
/// environment; Linux takes at most 128 KiB for either (MAX_ARG_STRLEN).
const COMMAND_BYTES: usize = 127 * 1024;
/// Names stand in tables and in file names of logs.
const NAME_CHARS: usize = 256;

const AUTHOR: Keys = Keys { known: &["name", "email"], strays: &[] };
/// What names a stored definition in place of a zip.
pub(super) const HREF: &[&str] = &["definition_location", "definition_href"];

/// `model_definition`, read.
pub(super) struct Model {
    pub(super) framework: FrameworkRef,
    pub(super) name: String,
    pub(super) author: Option<String>,
    pub(super) description: Option<String>,
    pub(super) command: String,
    pub(super) size: Size,
    pub(super) terms: Terms,
    pub(super) href: Option<String>,
    pub(super) as_written: AsWritten,
}

impl Model {
    /// The whole, with its stores.
    pub(super) fn with_stores(
        self,
        data: Option<Store>,
        results: Store,
        evaluation_metrics: Option<EvaluationMetrics>,
        dialect: Dialect,
    ) -> Submission {
        let (data, data_secret) =
            data.map_or((None, None), |store| (Some(store.at), store.credentials));
        Submission {
            definition: TrainingDefinition {
                name: self.name,
                description: self.description,
                author: self.author,
                framework: self.framework,
                command: self.command,
                size: self.size,
                data,
                data_version: None,
                results: results.at,
                terms: self.terms,
                as_written: self.as_written,
                evaluation_metrics,
                trial: None,
            },
            secrets: Secrets { data: data_secret, results: results.credentials },
            stored_definition: self.href,
            dialect,
            warnings: Vec::new(),
        }
    }
}

impl Desk<'_> {
    pub(super) fn name(&mut self, model: &Object<'_>) -> Option<String> {
        let name = self.line(model, &["name"], Need::Required)?;
        if name.value.chars().count() > NAME_CHARS {
            let message = format!("the name is longer than {NAME_CHARS} characters");
            let complaint = self.error(Code::DefinitionTooLarge, &name.path, &name.span, message);
            self.complain(complaint);
            return None;
        }
        Some(name.value)
    }

    /// A text, or `{name, email}` as clients of 2018 send it (also empty).
    pub(super) fn author(&mut self, model: &Object<'_>) -> Option<String> {
        let pair = self.child(model, &["author"], Need::Optional)?;
        if !matches!(pair.value.kind, Kind::Object(_)) {
            return self.prose(model, &["author"], Need::Optional).map(|text| text.value);
        }
        let path = model.path_of(&pair.key);
        let object = self.object(&pair.value, path, pair.key_span.clone(), &AUTHOR)?;
        let name = self.line(&object, &["name"], Need::Optional).map(|text| text.value);
        let email = self.line(&object, &["email"], Need::Optional).map(|text| text.value);
        match (name, email) {
            (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
            (name, email) => name.or(email),
        }
    }

    /// The command line.
    pub(super) fn command(&mut self, execution: &Object<'_>) -> Option<String> {
        let command = self.text(execution, &["command"], Need::Required)?;
        if command.value.len() > COMMAND_BYTES {
            let message = format!("the command is longer than {} KiB", COMMAND_BYTES / 1024);
            let complaint =
                self.error(Code::DefinitionTooLarge, &command.path, &command.span, message);
            self.complain(complaint.help("put it into a script in the zip"));
            return None;
        }
        Some(command.value.trim_end().to_owned())
    }

    /// Complains about a framework that the premises do not have.
    pub(super) fn is_to_be_had(&mut self, wanted: &FrameworkRef, name: &Text, version: &Text) {
        if let Some(complaint) = self.premises.framework(wanted) {
            // By the last word alone: the path before it is as the user spelt it.
            let about = if complaint.path.rsplit('.').next() == Some("name") {
                (&name.path, &name.span)
            } else {
                (&version.path, &version.span)
            };
            self.complain_at(complaint, about.0, about.1);
        }
    }

    /// Complains about a size that never fits the premises.
    pub(super) fn fits(&mut self, size: Size, written: &Text) {
        let Some(mut complaint) = self.premises.size(size) else { return };
        if written.value != size.as_str() {
            complaint.message =
                format!("'{}' is the size '{size}': {}", written.value, complaint.message);
        }
        self.complain_at(complaint, &written.path, &written.span);
    }

    /// Complains about a word that is no size.
    pub(super) fn no_size(&mut self, written: &Text, words: &[(&str, Size)]) {
        let sizes: Vec<String> =
            words.iter().map(|(word, size)| format!("'{word}' ({})", slots(*size))).collect();
        let message = format!("there is no size '{}'", shortened(&written.value));
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        let complaint = complaint.expected(sizes.join(", "));
        let meant = nearest(&written.value, words.iter().map(|(word, _)| *word));
        self.complain(match meant {
            Some(meant) => complaint.help(format!("did you mean '{meant}'?")),
            None => complaint,
        });
    }
}

fn slots(size: Size) -> String {
    match size.slots() {
        1 => "1 slot".to_owned(),
        many => format!("{many} slots"),
    }
}
