//! YAML: places, aliases and their bombs, and what is no YAML.

use std::time::Instant;

use trainyard_definition::{Syntax, read};

use crate::told::{refused, told};

fn yaml(text: &str) -> String {
    refused(text, Syntax::Yaml)
}

const RIGHT: &str = r"---
# comments are fine
model_definition:
  framework:
    name: tensorflow   # here too
    version: 1.10
  name: 'it''s fine'
  execution:
    command: >
      python3 train.py
      --epochs 2
    resourceType: medium
training_results: &store
  connection:
    endpoint_url: localhost:9000
    access_key_id: 12345
    secret_access_key: 'p: w'
  target:
    container: results
    type: s3_datastore
...
";

#[test]
fn block_scalars_comments_quotes_and_document_marks_are_read() {
    let submission =
        read(RIGHT, Syntax::Yaml).unwrap_or_else(|complaints| panic!("{}", told(&complaints)));
    let definition = submission.definition;
    assert_eq!(definition.command, "python3 train.py --epochs 2");
    assert_eq!(definition.name, "it's fine");
    assert_eq!(definition.framework.version, "1.10");
    let secrets = submission.secrets.expose().results.expect("there");
    assert_eq!((secrets.user.as_str(), secrets.secret.as_str()), ("12345", "p: w"));
}

#[test]
fn complaints_in_yaml_have_places_too() {
    let text = RIGHT
        .replace("    resourceType: medium", "    resourceType: Mediun")
        .replace("    container: results\n", "    container:\n")
        .replace("  name: 'it''s fine'", "  näme: x");
    assert_eq!(
        yaml(&text),
        "\
7:3 TY0103 model_definition.näme: there is no key 'näme' here (did you mean 'name'?)
12:19 TY0105 model_definition.execution.resourceType: there is no size 'Mediun' ['small' (1 slot), 'medium' (2 slots), 'large' (4 slots)] (did you mean 'medium'?)
19:5 TY0104 training_results.target.container: this key has no value [a text]"
    );
}

#[test]
fn aliases_are_copied() {
    let text = RIGHT.replace("  connection:\n", "  connection: &there\n").replace(
        "...\n",
        "training_data:\n- connection: *there\n  source: {container: data, type: s3_datastore}\n",
    );
    let submission =
        read(&text, Syntax::Yaml).unwrap_or_else(|complaints| panic!("{}", told(&complaints)));
    let data = submission.definition.data.expect("it is there");
    assert_eq!(data.endpoint, submission.definition.results.endpoint);
}

#[test]
fn bombs_of_aliases_end_at_once() {
    let level = |level: usize| {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        format!("a{level}: &a{level} [{items}]\n")
    };
    let levels: Vec<String> = (1..30).map(level).collect();
    let text = format!("a0: &a0 [x, x, x, x, x, x, x, x, x]\n{}", levels.concat());
    let began = Instant::now();
    let told = yaml(&text);
    assert!(told.contains("TY0108: the definition holds more than 10000 values"), "{told}");
    assert!(began.elapsed().as_secs() < 2, "took {:?}", began.elapsed());
}

#[test]
fn chains_of_aliases_do_not_nest_without_end() {
    let level = |level: usize| format!("a{level}: &a{level} [*a{}]\n", level - 1);
    let levels: Vec<String> = (1..60).map(level).collect();
    let text = format!("a0: &a0 [x]\n{}", levels.concat());
    assert!(yaml(&text).contains("TY0108: the definition is nested more than 32"));
    assert!(yaml("a: &a [*a]").contains("1:8 TY0101: this alias stands inside what it means"));
}

#[test]
fn broken_yaml_is_one_complaint_with_its_place() {
    for (text, complaint) in [
        ("", "1:1 TY0101: the definition is empty"),
        ("# nothing\n", "1:1 TY0101: the definition is empty"),
        ("---\n", "1:1 TY0101: the definition is empty"),
        ("a: [1, 2", "TY0101: this is not YAML: "),
        ("a:\n\t- b", "2:2 TY0101: YAML does not indent with tabs (use spaces)"),
        ("a: *nowhere", "1:4 TY0101: this alias has no anchor before it"),
        ("? [a, b]\n: c", "1:3 TY0101: a key must be a text"),
        ("a: 'x", "TY0101: this is not YAML: "),
    ] {
        let told = yaml(text);
        assert!(told.contains(complaint) && told.lines().count() == 1, "{text:?}: {told}");
    }
}

#[test]
fn second_documents_and_tags_of_ones_own_are_told() {
    let two = format!("{RIGHT}---\nb: 2\n");
    assert_eq!(
        yaml(&two),
        "22:1 TY0101: a second document begins here (one file holds one definition)"
    );
    let tagged = RIGHT.replace("'it''s fine'", "!mine x");
    assert!(yaml(&tagged).contains("the tag '!mine' means nothing here"), "{}", yaml(&tagged));
    let text = RIGHT.replace("'it''s fine'", "!!str true");
    assert_eq!(read(&text, Syntax::Yaml).expect("a text by its tag").definition.name, "true");
}

#[test]
fn nesting_ends_somewhere() {
    assert!(yaml(&"[".repeat(5_000)).contains("TY0108"), "{}", yaml(&"[".repeat(50)));
    assert!(yaml(&"- ".repeat(5_000)).contains("TY0108"));
}
