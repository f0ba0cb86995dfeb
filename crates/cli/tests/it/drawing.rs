//! Complaints under the user's own text.

use trainyard_cli::draw::{Source, complaints};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::{Diagnostic, Span};

use crate::samples::plain;

const TEXT: &str = r#"{
  "model_definition": {
    "framwork": { "name": "tensorflow", "version": "9.9" },
    "name": "tf-mnist"
  },
  "training_data": [
    { "connection": { "userId": "ann", "pasword": "hunter2" } }
  ]
}
"#;

fn source() -> Source {
    Source { name: "job.json".to_owned(), text: TEXT.to_owned() }
}

fn at(what: &str) -> Span {
    let start = TEXT.find(what).expect("it is there");
    Span::of(TEXT, start, start + what.len())
}

#[test]
fn spans_are_drawn_under_the_text() {
    let all = [
        Diagnostic::error(Code::UnknownKey, "unknown key `framwork`")
            .at("model_definition.framwork")
            .span(at("\"framwork\""))
            .expected("one of `framework`, `name`, `author`, `description`, `execution`")
            .help("did you mean `framework`?"),
        Diagnostic::error(Code::UnknownKey, "unknown key `pasword`")
            .span(at("\"pasword\""))
            .help("did you mean `password`?"),
        Diagnostic::warning(Code::SkippedEntry, "`.DS_Store` was left out"),
    ];
    insta::assert_snapshot!(plain(&complaints(&all, Some(&source()), 100)));
}

#[test]
fn a_secret_is_never_drawn() {
    let one = [Diagnostic::error(Code::WrongType, "empty").span(at("\"userId\""))];
    let drawn = complaints(&one, Some(&source()), 100);
    assert!(drawn.contains("userId") && !drawn.contains("hunter2"), "{drawn}");
}

#[test]
fn a_long_line_is_cut_to_the_terminal() {
    let text = format!("{{\"command\": \"{}\", \"nmae\": 1}}", "x ".repeat(400));
    let start = text.find("\"nmae\"").expect("it is there");
    let one = [Diagnostic::error(Code::UnknownKey, "unknown key `nmae`").span(Span::of(
        &text,
        start,
        start + 6,
    ))];
    let source = Source { name: "job.json".to_owned(), text };
    let drawn = plain(&complaints(&one, Some(&source), 80));
    assert!(drawn.contains("nmae\""), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
}

#[test]
fn without_a_span_it_is_said_plainly() {
    let all = [
        Diagnostic::error(Code::NestedEntry, "`code/train.py` lies in a folder")
            .at("code/train.py")
            .help("pack from inside the folder:\ncd code && zip ../model.zip *"),
        Diagnostic::error(Code::MissingKey, "a key is missing")
            .at("model_definition.framework.version")
            .expected("a version"),
    ];
    insta::assert_snapshot!(plain(&complaints(&all, None, 80)));
}

#[test]
fn a_span_beyond_the_text_does_no_harm() {
    let wild = Span { start: 5, end: 9_999, line: 1, column: 6 };
    let wilder = Span { start: 7_777, end: 9_999, line: 1, column: 6 };
    for span in [wild, wilder] {
        let one = [Diagnostic::error(Code::WrongType, "odd").span(span)];
        assert!(complaints(&one, Some(&source()), 80).contains("odd"));
    }
    let inside = Span { start: 2, end: 3, line: 1, column: 1 };
    let source = Source { name: "x".to_owned(), text: "aäöü".to_owned() };
    let one = [Diagnostic::error(Code::WrongType, "odd").span(inside)];
    assert!(complaints(&one, Some(&source), 80).contains("odd"), "in the middle of a character");
}
