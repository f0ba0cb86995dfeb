//! `--name`: another name for a run, written into the user's own text.
//!
//! The text must stay as it is everywhere else (a version `1.10` must not
//! become `1.1`, and complaints point into it), so it is not parsed and written
//! again: the name is replaced where it stands, and the result is read to see
//! that nothing but the name has changed.

use trainyard_definition::{Syntax, read};

/// The definition under another name; `None` when it cannot be read as it is
/// (then the server has complaints about it anyway).
pub(crate) fn rename(file_name: &str, text: &str, name: &str) -> Option<String> {
    let syntax = Syntax::guess(Some(file_name), text);
    let mut wanted = read(text, syntax).ok()?.definition;
    let old = std::mem::replace(&mut wanted.name, name.to_owned());
    if old == name {
        return Some(text.to_owned());
    }
    // As JSON writes it, which YAML reads too; with its quotes where there are none.
    let quoted = serde_json::to_string(name).ok()?;
    let old_quoted = serde_json::to_string(&old).ok()?;
    for old in [old_quoted, format!("'{old}'"), old] {
        for (at, found) in text.match_indices(&old) {
            let renamed = format!("{}{quoted}{}", &text[..at], &text[at + found.len()..]);
            if read(&renamed, syntax).is_ok_and(|submission| submission.definition == wanted) {
                return Some(renamed);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{ "model_definition": {
        "name": "tensorflow", "framework": { "name": "tensorflow", "version": "1.2-py3" },
        "execution": { "command": "python3 x.py", "resourceType": "small" } },
      "training_results": { "connection": { "root": "/results" },
        "target": { "container": "out", "type": "directory" } } }"#;

    const YAML: &str = "\
model_definition:
  framework: {name: tensorflow, version: 1.10}
  name: tf-mnist   # of 2017
  execution: {command: python3 x.py, resourceType: small}
training_results:
  connection: {root: /results}
  target: {container: out, type: directory}
";

    #[test]
    fn only_the_name_changes() {
        let renamed = rename("job.json", JSON, "say \"hi\"").expect("it can be read");
        assert_eq!(renamed, JSON.replacen("\"tensorflow\"", r#""say \"hi\"""#, 1));
        let renamed = rename("job.yml", YAML, "x: y").expect("it can be read");
        assert_eq!(renamed, YAML.replace("name: tf-mnist", "name: \"x: y\""));
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        assert_eq!(rename("job.json", "{ \"name\": ", "x"), None);
        assert_eq!(rename("job.json", JSON, "tensorflow").as_deref(), Some(JSON));
    }
}
