//! A manifest whose keys are the server's business: JSON or YAML in, a document out.
//!
//! The later commands of 2018 take manifests of several kinds (experiments, models, stored
//! training definitions) that travel as JSON whatever they were written in. What can be said
//! without knowing a key is said here, with its place: broken syntax, a key that is there
//! twice, a number that JSON has no word for, a placeholder that was left in.

use serde_json::{Map, Number, Value};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::{Diagnostic, Span};

use crate::dialect::{COMPLAINTS, is_placeholder};
use crate::submission::MAX_DEFINITION_BYTES;
use crate::text::{self, Kind, Node, Parsed, Scalar, Syntax};

/// What is written under these keys is a text, however much it looks like a number:
/// `version: 1.10` is not `1.1`.
const TEXTS: [&str; 1] = ["version"];

/// Reads a manifest as a document of JSON. An object is all that a manifest can be.
///
/// # Errors
/// Every complaint at once, in the order of the text, each with its place (at most 50).
pub fn document(text: &str, syntax: Syntax) -> Result<Map<String, Value>, Vec<Diagnostic>> {
    if text.len() > MAX_DEFINITION_BYTES {
        let message = format!(
            "the manifest has {} bytes, more than the {MAX_DEFINITION_BYTES} that are read",
            text.len()
        );
        return Err(vec![Diagnostic::error(Code::DefinitionTooLarge, message)]);
    }
    if text.starts_with("PK\u{3}\u{4}") {
        let complaint = Diagnostic::error(Code::DefinitionSyntax, "this is a zip, not a manifest");
        return Err(vec![complaint.span(Span::of(text, 0, 2))]);
    }
    let Parsed { root, mut complaints } = text::parse(text, syntax);
    complaints.truncate(COMPLAINTS);
    let mut reader = Reader { text, complaints };
    let value = root.as_ref().map(|root| (reader.value(root, "", ""), root));
    match value {
        Some((Value::Object(object), _)) if reader.complaints.is_empty() => Ok(object),
        Some((value, root)) => {
            if !value.is_object() {
                let message = format!("expected an object, found {}", root.what());
                let complaint = Diagnostic::error(Code::WrongType, message);
                reader.complain(complaint.expected("keys with their values"), "", root);
            }
            Err(reader.complaints)
        }
        None => Err(reader.complaints),
    }
}

struct Reader<'t> {
    text: &'t str,
    complaints: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn value(&mut self, node: &Node, key: &str, path: &str) -> Value {
        match &node.kind {
            Kind::Null => Value::Null,
            Kind::Scalar(Scalar::Bool, word) => Value::Bool(word.eq_ignore_ascii_case("true")),
            Kind::Scalar(Scalar::Number, word) if !TEXTS.contains(&key) => {
                self.number(node, word, path)
            }
            Kind::Scalar(_, word) => {
                if is_placeholder(word) && key != "description" {
                    let message = "a placeholder of the documentation was left in";
                    let complaint = Diagnostic::error(Code::Placeholder, message);
                    self.complain(complaint.help("put your own value here"), path, node);
                }
                Value::String(word.clone())
            }
            Kind::List(items) => {
                let item = |(index, item)| self.value(item, "", &format!("{path}[{index}]"));
                Value::Array(items.iter().enumerate().map(item).collect())
            }
            Kind::Object(pairs) => {
                let mut object = Map::new();
                for pair in pairs {
                    let key = meant(&pair.key);
                    let path = match path {
                        "" => key.to_owned(),
                        path => format!("{path}.{key}"),
                    };
                    let value = self.value(&pair.value, key, &path);
                    if object.insert(key.to_owned(), value).is_some() {
                        let message = format!("the key '{}' is here twice", key.escape_debug());
                        let span = Span::of(self.text, pair.key_span.start, pair.key_span.end);
                        let complaint = Diagnostic::error(Code::DuplicateKey, message);
                        self.add(complaint.at(path).span(span).help("keep one of them"));
                    }
                }
                Value::Object(object)
            }
        }
    }

    fn number(&mut self, node: &Node, word: &str, path: &str) -> Value {
        let plain = word.strip_prefix('+').unwrap_or(word);
        let radix = |prefix: &str, base| {
            plain.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, base).ok())
        };
        let whole =
            || plain.parse::<i64>().ok().or_else(|| radix("0x", 16)).or_else(|| radix("0o", 8));
        let number = whole()
            .map(Number::from)
            .or_else(|| plain.parse::<u64>().ok().map(Number::from))
            .or_else(|| plain.parse::<f64>().ok().and_then(Number::from_f64));
        number.map_or_else(
            || {
                let message = format!("`{word}` is a number that cannot be sent");
                let complaint = Diagnostic::error(Code::WrongType, message);
                self.complain(complaint.expected("a number that is finite"), path, node);
                Value::Null
            },
            Value::Number,
        )
    }

    fn complain(&mut self, complaint: Diagnostic, path: &str, node: &Node) {
        let span = Span::of(self.text, node.span.start, node.span.end);
        self.add(complaint.at(path).span(span));
    }

    fn add(&mut self, complaint: Diagnostic) {
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(complaint);
        }
    }
}

/// A page of 2018 has `step": 0.001` in its example, and people copied it: YAML reads the
/// quote as a part of the key.
fn meant(key: &str) -> &str {
    match key.strip_suffix('"') {
        Some(bare) if !bare.is_empty() && !bare.contains('"') => bare,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_and_json_give_the_same_document() {
        let yaml = "\
settings: {name: my experiment}   # a comment
training_references:
  - framework: {name: tensorflow, version: 1.10}
    command: python3 a.py
      --more
    steps: [1, -2, 0.5, 1e-3, 0x10]
    on: true
    step\": 2
    none: ~
";
        let expected = json!({
            "settings": { "name": "my experiment" },
            "training_references": [{
                "framework": { "name": "tensorflow", "version": "1.10" },
                "command": "python3 a.py --more",
                "steps": [1, -2, 0.5, 0.001, 16],
                "on": true,
                "step": 2,
                "none": null,
            }],
        });
        let read = document(yaml, Syntax::Yaml).expect("a document");
        assert_eq!(Value::Object(read), expected);
        let read = document(&expected.to_string(), Syntax::Json).expect("a document");
        assert_eq!(Value::Object(read), expected);
    }

    #[test]
    fn slips_are_told_with_their_places() {
        let told = |text: &str| {
            let told = document(text, Syntax::Yaml).expect_err(text);
            told.into_iter()
                .map(|one| (one.code, one.span.map(|span| text[span.start..span.end].to_owned())))
                .collect::<Vec<_>>()
        };
        let at = |code, place: &str| (code, Some(place.to_owned()));
        assert_eq!(told("a: 1\na: 2\n"), [at(Code::DuplicateKey, "a")]);
        assert_eq!(told("a:\n  b: .inf\n"), [at(Code::WrongType, ".inf")]);
        assert_eq!(told("- a\n- b\n"), [at(Code::WrongType, "- a\n- b")]);
        assert_eq!(told("a: <auth-url>\n"), [at(Code::Placeholder, "<auth-url>")]);
        assert_eq!(told("")[0].0, Code::DefinitionSyntax);
    }
}
