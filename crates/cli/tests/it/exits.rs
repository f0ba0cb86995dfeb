//! How a run's end becomes an exit code.

use serde_json::{Value, json};
use trainyard_cli::exit::{Exit, HELP, of_http_status, of_run};

use crate::samples::run;

fn of(status: &Value) -> Exit {
    of_run(&run(status).entity.status)
}

fn failed_with(exit_status: &Value) -> Exit {
    let mut cause = json!({ "code": "TY0501", "kind": {}, "message": "it failed" });
    cause["exit_status"] = exit_status.clone();
    of(&json!({ "state": "error", "cause": cause }))
}

#[test]
fn the_programs_own_code_passes_through() {
    assert_eq!(failed_with(&json!(3)), Exit(3));
    assert_eq!(failed_with(&json!(127)), Exit(127));
    assert_eq!(failed_with(&json!(137)), Exit(137), "128 + SIGKILL");
}

#[test]
fn a_run_without_a_code_of_its_own_never_looks_well() {
    for odd in [json!(null), json!(0), json!(-1), json!(256)] {
        assert_eq!(failed_with(&odd), Exit::RUN_FAILED, "{odd}");
    }
    assert_eq!(of(&json!({ "state": "error" })), Exit::RUN_FAILED);
}

#[test]
fn other_ends_have_codes_too() {
    assert_eq!(of(&json!({ "state": "completed" })), Exit::OK);
    assert_eq!(of(&json!({ "state": "canceled" })), Exit::CANCELED);
    assert_eq!(of(&json!({ "state": "running" })), Exit::NOT_FINISHED);
}

#[test]
fn refusals_have_codes() {
    let codes =
        [400, 401, 403, 404, 409, 413, 429, 500, 503].map(|status| of_http_status(status).0);
    assert_eq!(codes, [65, 77, 77, 102, 1, 65, 75, 70, 75]);
}

#[test]
fn every_code_is_in_the_help() {
    let all = [
        Exit::OK,
        Exit::FAILED,
        Exit::USAGE,
        Exit::INVALID,
        Exit::NO_INPUT,
        Exit::UNREACHABLE,
        Exit::SERVER_FAILED,
        Exit::TRY_AGAIN,
        Exit::DENIED,
        Exit::NOT_FINISHED,
        Exit::NOT_FOUND,
        Exit::CANCELED,
        Exit::TIMED_OUT,
        Exit::RUN_FAILED,
    ];
    for Exit(code) in all {
        let told = HELP.lines().any(|line| line.starts_with(&format!("  {code} ")));
        assert!(told, "{code} is not documented");
    }
}
