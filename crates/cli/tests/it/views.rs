//! Tables and pages for people.

use serde_json::json;
use trainyard_api::framework::Pruned;
use trainyard_api::metrics::MetricCurves;
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

#[test]
fn what_goes_and_what_cannot_is_told_and_what_need_not_is_counted() {
    let one = |hash: &str, release: &str, bytes: u64| {
        json!({ "hash": hash, "release": release, "bytes": bytes, "build_seconds": 1.5,
            "last_used": "2017-10-24T11:20:00.000Z", "in_use": false })
    };
    let kept = |entity, reason: &str| json!({ "entity": entity, "reason": reason });
    let pruned: Pruned = serde_json::from_value(json!({
        "removed": [{ "entity": one("0123456789abcdef", "tensorflow 1.2-py3\u{1b}[2J", 3 << 30) }],
        "kept": [
            kept(one("1f", "keras 2.1-py3", 1 << 20), "in_use"),
            kept(one("2f", "jax 0.10-py3", 1 << 20), "needed"),
            kept(one("3f", "python 3.12", 1 << 20), "recent"),
        ],
        "freed_bytes": 2_u64 << 30,
        "packages_left": true,
    }))
    .expect("a document");
    let now = at("2017-10-26T11:20:00.000Z");
    let lines = |dry_run| {
        let text = plain(&views::pruned(&pruned, dry_run, now, Some(100)));
        assert!(!text.contains('\u{1b}'));
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let told: Vec<String> = lines(false);
    assert_eq!(
        told,
        [
            "ENVIRONMENT FOR DISK LAST USED WHAT",
            "01234567 tensorflow 1.2-py3\\u{1b}[2J 3.0 GiB 2 days ago removed",
            "1f keras 2.1-py3 1.0 MiB 2 days ago stays: it is in use",
            "2f jax 0.10-py3 1.0 MiB 2 days ago stays: a run waits for it",
        ]
    );
    assert!(lines(true)[1].ends_with("would go"));
    assert_eq!(
        views::freed(&pruned, false),
        "removed 1 environment, 2.0 GiB are free again; 3 environments (3.0 MiB) stay\n\
         packages that none of them has any more go later: an environment is being built"
    );
    let would = "1 environment (2.0 GiB) would go, 3 environments (3.0 MiB) stay";
    assert_eq!(views::freed(&pruned, true), would);
}

#[test]
fn curves_are_drawn_in_panels() {
    let point = |iteration: i64, value: f64| json!({ "iteration": iteration, "timestamp": "2017-10-26T11:16:51.000Z", "value": value });
    let series = |phase: &str, name: &str, value: fn(f64) -> f64| {
        let points: Vec<_> = (1..=100)
            .map(|step| point(step, value(f64::from(i32::try_from(step).expect("small")))))
            .collect();
        json!({
            "phase": phase, "name": name, "count": 100, "points": points,
            "last": points[99], "min": points[99], "max": points[0],
        })
    };
    let curves: MetricCurves = serde_json::from_value(json!({
        "attempt": 1,
        "series": [
            series("test", "accuracy\u{1b}[2J", |step| 1.0 - 1.0 / step),
            series("train", "loss", |step| 2.0 / step),
            series("validation", "loss", |step| 2.5 / step + 0.3),
        ],
    }))
    .expect("curves");
    let text = views::curves(&curves, 60);
    assert!(!plain(&text).contains('\u{1b}'));
    insta::assert_snapshot!(plain(&text));
    let table = plain(&views::metrics_table(&curves, None));
    insta::assert_snapshot!("metrics_without_a_terminal", table);
}
