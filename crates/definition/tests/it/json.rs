//! Slips in JSON: told with the exact place, and got over where that is possible.

use trainyard_definition::Syntax;

use crate::seed::filled;
use crate::told::refused;

fn json(text: &str) -> String {
    refused(text, Syntax::Json)
}

#[test]
fn a_trailing_comma_is_pointed_at_and_the_rest_is_read_on() {
    let text = filled().replace("\"small\"", "\"smal\",");
    assert_eq!(
        json(&text),
        "\
12:23 TY0105 model_definition.execution.resourceType: there is no size 'smal' ['small' (1 slot), 'medium' (2 slots), 'large' (4 slots)] (did you mean 'small'?)
12:29 TY0101: JSON allows no comma after the last entry (take this comma out)"
    );
    let list = filled().replace("    }\n  ],", "    },\n  ],");
    assert_eq!(
        json(&list),
        "26:6 TY0101: JSON allows no comma after the last entry (take this comma out)"
    );
}

#[test]
fn comments_wrong_quotes_and_missing_commas_are_told_together() {
    let text = filled()
        .replace("{\n  \"model", "{\n  // mine\n  \"model")
        .replace("\"tf-mnist\"", "'tf-mnist'")
        .replace("\"Ann Other\",", "\"Ann Other\"")
        .replace("\"execution\"", "execution");
    assert_eq!(
        json(&text),
        "\
2:3 TY0101: JSON has no comments (take the comments out, or write the definition in YAML)
8:13 TY0101: JSON wants double quotes around texts (write \" in place of ')
9:26 TY0101: a ',' is missing between two entries (put one here)
11:5 TY0101: JSON wants double quotes around keys (put the key in double quotes)"
    );
}

#[test]
fn texts_that_break_off_are_told_where() {
    for (text, complaint) in [
        ("", "1:1 TY0101: the definition is empty"),
        ("  \n", "1:1 TY0101: the definition is empty"),
        ("{", "1:1 TY0101: this '{' is never closed"),
        ("{\"a\": [1, 2", "1:7 TY0101: this '[' is never closed"),
        ("{\"a\": [1}", "1:9 TY0101: '[' is closed by '}'"),
        ("{\"a\" 1}", "1:6 TY0101: a ':' was expected between key and value"),
        ("{\"a\": }", "1:7 TY0101: a value was expected, not '}'"),
        ("{\"a\": \"b", "1:7 TY0101: this text is never closed"),
        (
            "{\"a\": \"b\n\"}",
            "1:7 TY0101: this text is not closed on its line (a text of several lines is written with \\n in JSON)",
        ),
        ("{} x", "1:4 TY0101: the definition ended before this"),
        (
            "model_definition:\n  name: x",
            "1:1 TY0101: a definition in JSON opens with '{' (if it is YAML, let its file's name end in .yml)",
        ),
    ] {
        assert_eq!(json(text), complaint, "{text}");
    }
}

#[test]
fn what_json_does_not_know_is_told() {
    for (value, complaint) in [
        ("\"\\x\"", "JSON does not know the escape \\x"),
        ("\"\\ud800\"", "this is not a character"),
        ("\"\\u12\"", "this is not a character"),
        ("\"a\tb\"", "a control character stands in a text"),
        ("01", "this is not a number of JSON"),
        ("1.", "this is not a number of JSON"),
        ("None", "JSON writes nothing as null"),
        ("mnist", "a text stands without quotes"),
    ] {
        let text = filled().replace("\"Ann Other\"", value);
        assert!(json(&text).contains(complaint), "{value}: {}", json(&text));
    }
}

#[test]
fn escapes_become_what_they_mean() {
    let text = filled().replace("Ann Other", "\\u0041\\ud83d\\ude80\\n\\\"\\/");
    let submission = trainyard_definition::read(&text, Syntax::Json).expect("it is right");
    assert_eq!(submission.definition.author.as_deref(), Some("A🚀\n\"/"));
}

#[test]
fn depth_and_size_are_bounded() {
    assert!(json(&"[".repeat(100_000)).contains("TY0108: the definition is nested more than 32"));
    let many = format!("[{}1]", "1,".repeat(10_001));
    assert!(json(&many).contains("TY0108: the definition holds more than 10000 values"));
    let big = " ".repeat(1024 * 1024 + 1);
    assert!(json(&big).starts_with("TY0108: the definition has 1048577 bytes"));
    let keys = (0..9_000).map(|n| format!("\"k{n}\": 1")).collect::<Vec<_>>().join(",");
    assert_eq!(json(&format!("{{{keys}}}")).lines().count(), 50);
}

#[test]
fn a_zip_in_the_place_of_the_definition_is_recognised() {
    assert!(json("PK\u{3}\u{4}…").contains("the zip comes first"));
}
