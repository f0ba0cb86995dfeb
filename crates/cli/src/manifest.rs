//! A manifest of the user's: read as a document, sent as JSON, and what the server finds
//! wrong with it drawn in the text that the user wrote.

use std::path::Path;

use serde_json::{Map, Value};
use trainyard_api::error::ApiError;
use trainyard_client::ClientError;
use trainyard_definition::{Syntax, document, locate};
use trainyard_model::diagnostic::Span;

use crate::draw::Source;
use crate::failure::Failure;
use crate::submission::read_definition;

/// A manifest, read and not yet checked: its keys are the server's business.
#[derive(Debug)]
pub(crate) struct Manifest {
    source: Source,
    syntax: Syntax,
    /// What it says.
    pub(crate) document: Map<String, Value>,
}

impl Manifest {
    /// Reads a file, JSON or YAML.
    pub(crate) fn read(path: &str) -> Result<Self, Failure> {
        let source = read_definition(Path::new(path))?;
        let syntax = Syntax::guess(Some(&source.name), &source.text);
        match document(&source.text, syntax) {
            Ok(document) => Ok(Self { source, syntax, document }),
            Err(complaints) => Err(Failure::Manifest { complaints, source_text: source }),
        }
    }

    /// What the server said of the document, at its places in the user's text. The places
    /// that the server names are those of the JSON that was sent.
    pub(crate) fn failure(&self, error: ClientError) -> Failure {
        let error = match error {
            ClientError::Api { status, mut body, retry_after } => {
                for complaint in &mut body.errors {
                    complaint.span = self.place(complaint);
                }
                ClientError::Api { status, body, retry_after }
            }
            other => other,
        };
        Failure::from(error).about(self.source.clone())
    }

    /// Where what is meant stands, or else what should hold it.
    fn place(&self, complaint: &ApiError) -> Option<Span> {
        let target = complaint.target.as_ref().filter(|target| target.kind == "field")?;
        let mut path = target.name.as_str();
        loop {
            if let Some(span) = locate(&self.source.text, self.syntax, path) {
                return Some(span);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn complaints_of_the_server_are_drawn_in_the_users_own_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("e.yml");
        std::fs::write(&path, "settings:\n  name: x\ntraining_references:\n- name: one\n")
            .expect("written");
        let manifest = Manifest::read(path.to_str().expect("text")).expect("read");
        let complaint = |path: &str, message: &str| {
            json!({
                "code": "TY0102", "message": message, "more_info": "", "severity": "error",
                "target": { "type": "field", "name": path },
                "span": { "start": 1, "end": 2, "line": 1, "column": 2 },
            })
        };
        let body = json!({ "trace": "t", "errors": [
            complaint("training_references[0].training_definition_url", "the key is missing"),
            complaint("settings.name", "the name is odd"),
            complaint("training_results_reference", "it is nowhere"),
        ]});
        let body = serde_json::from_value(body).expect("a body");
        let error = ClientError::Api { status: 400, body: Box::new(body), retry_after: None };
        let drawn = manifest.failure(error).draw(80);
        let drawn = anstream::adapter::strip_str(&drawn).to_string();
        let at = |text: &str| drawn.find(text).unwrap_or_else(|| panic!("{text} in {drawn}"));
        assert!(at("e.yml:3:1") < at("e.yml:2:9"), "{drawn}");
        assert!(drawn.contains("error: it is nowhere\n  at training_results_reference"), "{drawn}");
    }
}
