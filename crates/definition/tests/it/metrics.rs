//! `evaluation_metrics`, as FfDL's manifests have it.

use trainyard_definition::{Syntax, read};
use trainyard_model::evaluation::MetricsKind;

use crate::seed::filled;
use crate::told::{drawn, told};

/// The seed's definition with `metrics` at its top.
fn with(metrics: &str) -> String {
    filled().trim_end().strip_suffix('}').expect("an object").to_owned()
        + &format!(", \"evaluation_metrics\": {metrics}}}")
}

fn complaints(metrics: &str) -> String {
    let complaints = read(&with(metrics), Syntax::Json).expect_err("it is wrong");
    let lines: Vec<String> = told(&complaints)
        .lines()
        .map(|line| line.split_once(' ').map_or(line, |(_, rest)| rest).to_owned())
        .collect();
    lines.join("\n")
}

#[test]
fn the_kinds_of_ffdl_are_read() {
    for (text, kind) in [
        (r#"{"type": "tensorboard", "in": "$JOB_STATE_DIR/logs/tb"}"#, MetricsKind::TensorBoard),
        (r#"{"type": "optivist", "image_tag": "x"}"#, MetricsKind::File),
        (r#"{"type": "emetrics_file"}"#, MetricsKind::File),
        (r#"{"type": null}"#, MetricsKind::Everything),
        (r#"{"type": ""}"#, MetricsKind::Everything),
        (r#"{"type": "none"}"#, MetricsKind::Nothing),
        (r#"{"type": "logger", "eventTypes": ["scalar"]}"#, MetricsKind::Everything),
    ] {
        let submission = read(&with(text), Syntax::Json).expect(text);
        let metrics = submission.definition.evaluation_metrics.expect(text);
        assert_eq!(metrics.kind, kind, "{text}");
    }
    let none = read(&filled(), Syntax::Json).expect("the seed").definition;
    assert_eq!(none.evaluation_metrics, None);
}

const YAML: &str = r"
evaluation_metrics:
  type: regex_extractor
  in: $JOB_STATE_DIR/logs/training-log.txt
  line_lookahead: 4
  groups:
    train:
      regex: '%{TIMESTAMP:timestamp} step %{INT:step}.*loss %{FLOAT:loss}'
      meta: {time: $timestamp}
      etimes:  {iteration: {type: INT, value: $step}}
      scalars: {loss: {type: FLOAT, value: $loss}}
    test:
      regex: 'accuracy (?P<accuracy>[0-9.]+)'
";

#[test]
fn groups_of_expressions_are_read_in_their_order() {
    let text = crate::seed::TWIN.to_owned() + YAML;
    let submission = read(&text, Syntax::Yaml).unwrap_or_else(|found| panic!("{}", told(&found)));
    let metrics = submission.definition.evaluation_metrics.expect("they are there");
    assert_eq!((metrics.kind, metrics.line_lookahead), (MetricsKind::Patterns, Some(4)));
    let names: Vec<&str> = metrics.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["train", "test"]);
    let train = &metrics.groups[0];
    assert_eq!(train.time.as_deref(), Some("$timestamp"));
    assert_eq!((train.scalars[0].name.as_str(), train.etimes[0].value.as_str()), ("loss", "$step"));
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let group = |regex: &str, rest: &str| {
        format!(
            r#"{{"type": "regex_extractor", "groups": {{"train": {{"regex": {regex}{rest}}}}}}}"#
        )
    };
    assert_eq!(
        complaints(r#"{"type": "tensorbord"}"#),
        "TY0105 evaluation_metrics.type: there is no kind of metrics 'tensorbord' ['tensorboard', 'regex_extractor', 'emetrics_file', 'optivist', 'logger', 'null', 'nil' or 'none'] (did you mean 'tensorboard'?)"
    );
    assert_eq!(
        complaints(r#"{"type": "regex_extractor"}"#),
        "TY0102 evaluation_metrics.groups: the key 'groups' is missing"
    );
    let unclosed = complaints(&group(r#""a(b""#, ""));
    assert!(
        unclosed.contains(
            "groups.train.regex: this is no regular expression that can be used: unclosed group"
        ),
        "{unclosed}"
    );
    let ahead = complaints(&group(r#""a(?=b)""#, ""));
    assert!(ahead.contains("look-around") && ahead.contains("linear time"), "{ahead}");
    let large = complaints(&group(r#""((a{1000}){1000}){1000}""#, ""));
    assert!(large.contains("too much memory"), "{large}");
    assert!(
        complaints(&group(r#""%{FLOT:x}""#, ""))
            .contains("there is no macro %{FLOT} ['GLOG_STAMP'")
    );
    assert_eq!(
        complaints(&group(
            r#""%{FLOAT:loss}""#,
            r#", "scalars": {"loss": {"type": "FLOAT", "value": "$los"}}"#
        )),
        "TY0105 evaluation_metrics.groups.train.scalars.loss.value: the expression has no group 'los' (did you mean '$loss'?)"
    );
    assert_eq!(
        complaints(r#"{"line_lookahead": 0}"#),
        "TY0105 evaluation_metrics.line_lookahead: '0' is not a number of lines [a whole number from 1 to 64]"
    );
    let text = with(&group(r#""a(b""#, ""));
    let found = read(&text, Syntax::Json).expect_err("it is wrong");
    assert_eq!(drawn(&text, &found), ["\"a(b\""]);
}
