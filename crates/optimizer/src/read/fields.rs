//! JSON objects with known keys, and the complaints about the others.

use serde_json::{Map, Value};
use trainyard_definition::nearest;

use crate::complaint::Complaint;

/// Collects complaints while an object is read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) complaints: Vec<Complaint>,
}

/// The keys of an object that mean something, cleaned, with their values.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) path: String,
    entries: Vec<(&'a str, &'a Value)>,
}

impl<'a> Fields<'a> {
    /// The value of a key, unless it is missing or null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.entries.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    /// The path of a key in here.
    pub(super) fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

/// The path of a key below a path.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Reader {
    /// Remembers a complaint.
    pub(super) fn complain(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let (path, message, help) = (path.into(), message.into(), help.into());
        self.complaints.push(Complaint { path, message, help });
    }

    /// The object with its known keys; complains about other keys and other values.
    pub(super) fn object<'a>(
        &mut self,
        value: &'a Value,
        path: &str,
        known: &[&str],
    ) -> Option<Fields<'a>> {
        let Value::Object(map) = value else {
            let message = format!("{} stands where an object is needed", kind(value));
            self.complain(
                path,
                message,
                format!("write an object with the keys {}", listed(known)),
            );
            return None;
        };
        Some(self.fields(map, path, known))
    }

    fn fields<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        path: &str,
        known: &[&str],
    ) -> Fields<'a> {
        let mut entries: Vec<(&str, &Value)> = Vec::new();
        for (written, value) in map {
            let key = clean(written);
            if value.is_null() {
                continue;
            }
            if !known.contains(&key) {
                let help = match nearest(key, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("known here: {}", listed(known)),
                };
                self.complain(join(path, written), format!("there is no key `{key}` here"), help);
            } else if entries.iter().any(|(other, _)| *other == key) {
                let message = format!("`{key}` stands here twice");
                self.complain(join(path, written), message, "leave one of them out");
            } else {
                entries.push((key, value));
            }
        }
        Fields { path: path.to_owned(), entries }
    }

    /// The value of a key that must be there.
    pub(super) fn needed(&mut self, fields: &Fields<'_>, key: &str, help: &str) -> Option<Value> {
        let value = fields.get(key);
        if value.is_none() {
            self.complain(fields.path.clone(), format!("`{key}` is missing"), help);
        }
        value.cloned()
    }

    /// A text that is not empty.
    pub(super) fn text<'a>(&mut self, value: &'a Value, path: &str) -> Option<&'a str> {
        match value.as_str().map(str::trim) {
            Some(text) if !text.is_empty() => Some(text),
            Some(_) => {
                self.complain(path, "the text is empty", "write something between the quotes");
                None
            }
            None => {
                let message = format!("{} stands where a text is needed", kind(value));
                self.complain(path, message, "write a text between quotes");
                None
            }
        }
    }

    /// A list that is not empty.
    pub(super) fn list<'a>(&mut self, value: &'a Value, path: &str) -> Option<&'a Vec<Value>> {
        match value {
            Value::Array(list) if !list.is_empty() => Some(list),
            Value::Array(_) => {
                self.complain(path, "the list is empty", "write at least one entry");
                None
            }
            _ => {
                let message = format!("{} stands where a list is needed", kind(value));
                self.complain(path, message, "write a list between [ and ]");
                None
            }
        }
    }
}

/// A key without the quotes and blanks that a slip has left at its ends: YAML reads `step":` as the key `step"`.
fn clean(key: &str) -> &str {
    key.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''))
}

/// The kind of a value, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Names in a row, as part of a sentence.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
