//! Documents of the API.

use serde_json::{Value, json};
use trainyard_api::Time;
use trainyard_api::run::RunResource;

/// The run of the page of 2017, with `status` laid over its own.
pub(crate) fn run(status: &Value) -> RunResource {
    let mut document = json!({
        "metadata": {
            "guid": "training-DOl4q2LkR",
            "url": "/v3/models/training-DOl4q2LkR",
            "created_at": "2017-10-26T11:16:51.000Z",
            "modified_at": "2017-10-26T11:16:51.000Z",
        },
        "entity": {
            "model_definition": {
                "name": "tf-mnist",
                "framework": { "name": "tensorflow", "version": "1.2-py3" },
                "execution": {
                    "command": "python3 convolutional_network.py",
                    "compute_configuration": { "name": "small" },
                    "resourceType": "small",
                },
            },
            "training_data_reference": {
                "type": "s3_datastore",
                "connection": { "endpoint_url": "http://127.0.0.1:9000" },
                "location": { "bucket": "tf_training_data" },
            },
            "training_results_reference": {
                "type": "s3_datastore",
                "connection": { "endpoint_url": "http://127.0.0.1:9000" },
                "location": { "bucket": "tf_training_results" },
            },
            "status": {
                "state": "pending",
                "submitted_at": "2017-10-26T11:16:51.000Z",
                "current_at": "2017-10-26T11:17:00.000Z",
                "message": "training-DOl4q2LkR: waits",
                "metrics": [],
                "room": "queue",
                "log_bytes": 0,
            },
        },
    });
    let own = document["entity"]["status"].as_object_mut().expect("an object");
    own.extend(status.as_object().expect("an object").clone());
    serde_json::from_value(document).expect("a run")
}

/// It failed: exit code 3, after a minute.
pub(crate) fn failed() -> RunResource {
    let mut run = run(&json!({
        "state": "error",
        "room": "settle",
        "running_at": "2017-10-26T11:16:53.500Z",
        "finished_at": "2017-10-26T11:17:53.900Z",
        "log_bytes": 5120,
        "cause": {
            "code": "TY0501",
            "kind": { "cause": "exit", "code": 3 },
            "message": "the program ended with exit code 3",
            "short": "exit 3",
            "evidence": ["Traceback (most recent call last):", "ValueError: \u{1b}[31mno\u{1b}[0m"],
            "hint": "`trainyard logs training-DOl4q2LkR --tail 100` shows more",
            "exit_status": 3,
        },
    }));
    let results = &mut run.entity.training_results_reference;
    results.location.model_location = Some("training-DOl4q2LkR".to_owned());
    run
}

/// A point in time.
pub(crate) fn at(text: &str) -> jiff::Timestamp {
    Time::try_from(text.to_owned()).expect("a time").0
}

/// Without paint.
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
