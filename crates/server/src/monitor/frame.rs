//! The text frames of monitors, as v3 sends them: each has `status`, and in it a line of the
//! log (`message`, with the run's id before it), one metric, or the run's state.

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use trainyard_api::Time;
use trainyard_api::metrics::Metric;
use trainyard_api::run::Status;
use trainyard_model::ids::RunId;

/// Before and after what a frame of a run's monitor says.
const BEFORE: &str = "{\"status\":";
const AFTER: &str = "}";

#[derive(Serialize)]
struct Frame<T> {
    status: T,
}

#[derive(Serialize)]
struct Line<'a> {
    message: &'a str,
}

/// A line of the log. What is no UTF-8 in it is shown as such; the log itself keeps it.
pub(crate) fn line(run: &RunId, text: &[u8]) -> Utf8Bytes {
    let message = format!("{run}: {}", String::from_utf8_lossy(text));
    of(&Line { message: &message })
}

/// One metric: clients print the first of a frame and no other.
pub(crate) fn metric(metric: &Metric) -> Utf8Bytes {
    of(&json!({ "metrics": [metric] }))
}

/// How the run stands.
pub(crate) fn state(status: &Status) -> Utf8Bytes {
    #[derive(Serialize)]
    struct Standing<'a> {
        state: &'a str,
        submitted_at: Time,
        current_at: Time,
        message: &'static str,
    }
    let Status { state, submitted_at, current_at, .. } = status;
    of(&Standing { state, submitted_at: *submitted_at, current_at: *current_at, message: "" })
}

fn of<T: Serialize>(status: &T) -> Utf8Bytes {
    serde_json::to_string(&Frame { status }).expect("it is plain data").into()
}

/// The same in the words of an experiment run's monitor: whose it is stands beside it.
pub(crate) fn of_training(frame: &Utf8Bytes, run: &RunId, reference: &str) -> Utf8Bytes {
    let inner = frame.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER));
    let fields = inner.and_then(|object| object.strip_prefix('{')).unwrap_or("}");
    let reference = Value::from(reference);
    let whose = format!("\"training_guid\":\"{run}\",\"training_reference_name\":{reference}");
    let comma = if fields == "}" { "" } else { "," };
    format!("{{\"entity\":{{\"training_statuses\":[{{{whose}{comma}{fields}]}}}}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_v3() {
        let run: RunId = "training-DOl4q2LkR".parse().expect("it is right");
        let told = line(&run, b"step \"1\"\x1b[0m \xff");
        let value: Value = serde_json::from_str(&told).expect("it is right");
        assert_eq!(
            value,
            json!({"status": {"message": "training-DOl4q2LkR: step \"1\"\u{1b}[0m \u{fffd}"}})
        );
        let point = json!({"timestamp": "2017-10-26T11:16:51.000Z", "phase": "test",
            "iteration": 1, "values": [{"name": "accuracy", "value": 0.93}]});
        let measured: Metric = serde_json::from_value(point.clone()).expect("it is right");
        let metric: Value = serde_json::from_str(&metric(&measured)).expect("it is right");
        assert_eq!(metric, json!({"status": {"metrics": [point]}}));
        let inside: Value = serde_json::from_str(&of_training(&told, &run, "a \"reference\""))
            .expect("it is right");
        let status = &inside["entity"]["training_statuses"][0];
        assert_eq!(status["training_guid"], "training-DOl4q2LkR");
        assert_eq!(status["training_reference_name"], "a \"reference\"");
        assert_eq!(status["message"], value["status"]["message"]);
    }
}
