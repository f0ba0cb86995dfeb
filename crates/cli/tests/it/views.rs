//! Tables and pages for people.

use serde_json::json;
use trainyard_cli::views;

use crate::samples::{at, failed, plain, run};

#[test]
fn runs_at_80_columns() {
    let mut long = run(&json!({
        "state": "running", "room": "prepare", "submitted_at": "2017-10-26T11:16:58.000Z",
    }));
    long.entity.model_definition.name =
        "a name of forty characters, or even more \u{1b}[2J".to_owned();
    let done = run(&json!({
        "state": "completed", "room": "settle",
        "submitted_at": "2017-10-25T11:16:51.000Z",
        "running_at": "2017-10-25T11:16:55.000Z", "finished_at": "2017-10-25T11:21:00.000Z",
    }));
    let canceling = run(&json!({ "state": "running", "room": "run", "canceling": true }));
    let mut missing = failed();
    let cause = missing.entity.status.cause.as_mut().expect("it failed");
    cause.short = "no module a_name_of_more_than_thirty_letters".to_owned();
    let canceled = run(&json!({
        "state": "canceled", "room": "settle", "canceled_by": "ann \u{1b}[2J",
    }));
    let all = [run(&json!({})), long, canceling, failed(), missing, canceled, done];
    let text = plain(&views::runs(&all, at("2017-10-26T11:20:00.000Z"), Some(80)));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_failed_run_says_why() {
    let text = plain(&views::run(&failed(), &[], at("2017-10-26T11:20:00.000Z")));
    assert!(!text.contains('\u{1b}'), "evidence must not speak to the terminal");
    insta::assert_snapshot!(text);
}

#[test]
fn a_waiting_run_says_for_what() {
    let run = run(&json!({ "waiting_for": ["1 of 4 CPU slots is free, 2 are needed"] }));
    insta::assert_snapshot!(plain(&views::run(&run, &[], at("2017-10-26T11:17:10.000Z"))));
}
