//! What pages and captures of 2018 show of `bx ml`, to the letter.

use serde_json::{Value, json};
use trainyard_api::experiment::{ExperimentResource, ExperimentRunResource};
use trainyard_api::stored_model::ModelResource;
use trainyard_api::training_definition::TrainingDefinitionResource;
use trainyard_cli::bx::transcript::monitor::{self, Show};
use trainyard_cli::bx::transcript::runs::{self, Naming};
use trainyard_cli::bx::transcript::{definitions, experiments, frameworks, generated, models};

use crate::samples::run;

const LATER: Naming = Naming::TrainingRuns;
const ID: &str = "bf33fe31-7e1d-4e1b-8aea-b0d3de4c0485";
const RUN: &str = "3edb23b3-c1cf-498f-86c0-0a49b3e5ba99";

fn metadata(id: &str, path: &str) -> Value {
    let (url, at) = (format!("http://127.0.0.1:8080{path}/{id}"), "2018-03-17T11:16:51.123Z");
    json!({ "guid": id, "url": url, "created_at": at, "modified_at": at })
}

fn read<T: serde::de::DeserializeOwned>(document: Value) -> T {
    serde_json::from_value(document).expect("a document of the API")
}

#[test]
fn the_list_of_training_runs() {
    let page = "\
Fetching the list of training runs ...
SI No   Name                       guid                 status    submitted-at
1       tf-mnist                   training-DOl4q2LkR   pending   2017-10-26T11:16:51Z

1 records found.
OK
List all training-runs successful
";
    assert_eq!(LATER.listing().to_owned() + &LATER.list(&[run(&json!({}))]), page);
    let empty = "\
SI No   Name                       guid   status   submitted-at

0 records found.
OK
List all trained-runs successful
";
    assert_eq!(LATER.list(&[]), empty);
}

#[test]
fn the_details_of_a_training_run() {
    let page = format!(
        "\
Fetching the training run details with MODEL-ID 'training-DOl4q2LkR' ...
ModelId                  training-DOl4q2LkR
url                      /v3/models/training-DOl4q2LkR
Name                     tf-mnist
Training definition ID   {ID}
Command                  python3 convolutional_network.py
Source bucket            tf_training_data
Target bucket            tf_training_results
Framework name           tensorflow
Framework version        1.2-py3
State                    running
Submitted_at             2017-10-26T11:16:51Z
OK
Show training-runs details successful
"
    );
    let mut run = run(&json!({ "state": "running", "room": "run" }));
    let definition = &mut run.entity.model_definition;
    definition.definition_href = Some(format!("http://x/v3/ml_assets/training_definitions/{ID}"));
    assert_eq!(LATER.showing(&run.metadata.guid) + &LATER.show(&run), page);
    run.entity.model_definition.definition_href = None;
    run.entity.training_data_reference = None;
    let shown = LATER.show(&run);
    assert!(shown.contains("Training definition ID   -\n"), "{shown}");
    assert!(shown.contains("Source bucket            -\n"), "{shown}");
}

#[test]
fn canceling_and_deleting_a_training_run() {
    assert_eq!(
        runs::canceling("training-DOl4q2LkR") + runs::CANCELED,
        "Canceling training for MODEL-ID 'training-DOl4q2LkR'...\nOK\nCancel training successful\n"
    );
    assert_eq!(
        LATER.deleting("training-DOl4q2LkR") + LATER.deleted(),
        "Deleting the training run 'training-DOl4q2LkR' ...\nOK\nDelete training-runs successful\n"
    );
}

#[test]
fn a_monitor() {
    let id = "training-kHC1ACgmg";
    assert_eq!(
        monitor::starting(LATER, Show::All, id),
        "Starting to fetch status and metrics messages for model-id 'training-kHC1ACgmg'\n"
    );
    assert_eq!(
        monitor::starting(Naming::TrainedModels, Show::All, id),
        "Starting to fetch status messages for model-id 'training-kHC1ACgmg'\n"
    );
    let log = ["Training with training/test data at:", "  DATA_DIR: /mnt/data/x"];
    let lines: Vec<_> = log
        .iter()
        .map(|line| monitor::log_line(LATER, None, line.as_bytes()))
        .map(|line| String::from_utf8(line).expect("text"))
        .collect();
    assert_eq!(
        lines.concat(),
        "[--LOGS]      Training with training/test data at:\n[--LOGS]        DATA_DIR: /mnt/data/x\n"
    );
    assert_eq!(monitor::log_line(Naming::TrainedModels, None, b"bare"), b"bare\n");
    let words = [
        (json!({ "state": "pending", "room": "queue" }), "PENDING"),
        (json!({ "state": "pending", "room": "place" }), "DOWNLOADING"),
        (json!({ "state": "running", "room": "run" }), "PROCESSING"),
        (json!({ "state": "running", "room": "store" }), "STORING"),
        (json!({ "state": "completed", "room": "settle" }), "COMPLETED"),
        (json!({ "state": "error", "room": "settle" }), "FAILED"),
    ];
    for (status, word) in words {
        let line = monitor::status_line(&run(&status).entity.status);
        assert_eq!(line, format!("Status: {word}\n"));
    }
}

#[test]
fn metrics_of_a_monitor() {
    let metric = read(json!({
        "timestamp": "2018-03-17T11:16:51.123Z", "phase": "test", "iteration": 100,
        "values": [{ "name": "accuracy", "value": 0.93 }, { "name": "loss", "value": 0.25 }],
    }));
    assert_eq!(
        monitor::metric_line(None, &metric),
        "[--METRICS]   test iteration 100: accuracy 0.93, loss 0.25\n"
    );
    let line = monitor::metric_line(Some("training-a_1"), &metric);
    assert!(line.starts_with("[--METRICS]   training-a_1: test iteration 100: "), "{line}");
}

#[test]
fn the_monitor_of_an_experiment() {
    assert_eq!(
        monitor::starting_experiment(Show::All, ID, RUN),
        format!(
            "Starting to fetch status messages and metrics for experiment id '{ID}' and experiment-run id '{RUN}'\n"
        )
    );
}

fn definition() -> TrainingDefinitionResource {
    let path = "/v3/ml_assets/training_definitions";
    let url = format!("http://127.0.0.1:8080{path}/{ID}/versions/{RUN}");
    let version = json!({
        "url": url, "content_url": format!("{url}/content"), "guid": RUN,
        "created_at": "2018-03-17T11:16:51.123Z",
        "content_status": { "state": "persisted" },
    });
    read(json!({
        "metadata": metadata(ID, path),
        "entity": {
            "name": "tf-mnist", "framework": { "name": "tensorflow", "version": "1.5" },
            "training_definition_version": version, "experiment_version": version,
        },
    }))
}

#[test]
fn training_definitions() {
    assert_eq!(
        definitions::CREATING.to_owned() + &definitions::created(&definition()),
        format!(
            "Creating training-definition ...\nOK\ntraining-definition ID is '{ID}' and version ID is '{RUN}'\n"
        )
    );
    assert_eq!(
        definitions::LISTING.to_owned() + &definitions::list(&[definition(), definition()]),
        format!(
            "\
Fetching the list of training-definitions ...
SI No   Name       guid                                   framework        created-at
1       tf-mnist   {ID}   tensorflow-1.5   2018-03-17T11:16:51Z
2       tf-mnist   {ID}   tensorflow-1.5   2018-03-17T11:16:51Z

2 records found.
OK
List all training-definitions successful
"
        )
    );
    assert_eq!(
        definitions::showing(ID) + &definitions::show(&definition()),
        format!(
            "\
Fetching the training-definition details with ID '{ID}' ...
TrainingDefinitiontId   {ID}
name                    tf-mnist
framework               tensorflow-1.5
url                     http://127.0.0.1:8080/v3/ml_assets/training_definitions/{ID}
created_at              2018-03-17T11:16:51Z
OK
"
        )
    );
    assert_eq!(
        definitions::deleting(ID) + definitions::DELETED,
        format!(
            "Deleting the training-definition '{ID}' ...\nOK\nDelete training-definition successful\n"
        )
    );
}

#[test]
fn experiments_and_their_runs() {
    let experiment: ExperimentResource = read(json!({
        "metadata": metadata(ID, "/v3/experiments"),
        "entity": {
            "settings": { "name": "MNIST" }, "training_references": [],
            "training_results_reference": {},
        },
    }));
    let status = |id: &str| {
        json!({
            "training_guid": id, "training_url": format!("/v3/models/{id}"),
            "training_reference_name": "one", "training_definition_url": "http://x",
            "state": "running", "submitted_at": "2018-03-17T11:16:51.123Z",
            "current_at": "2018-03-17T11:16:51.123Z", "message": "", "metrics": [],
        })
    };
    let run: ExperimentRunResource = read(json!({
        "metadata": metadata(RUN, "/v3/experiments/x/runs"),
        "entity": {
            "experiment_run_status": {
                "state": "running", "submitted_at": "2018-03-17T11:16:51.123Z",
                "current_at": "2018-03-17T11:16:51.123Z", "current_iteration": 0,
                "total_iterations": 1, "message": "",
            },
            "training_statuses": [status("training-DOl4q2LkR")],
        },
        "experiment": { "guid": ID, "url": "http://x" },
    }));
    let page = format!(
        "\
Creating experiment ...
OK
Experiment created with ID '{ID}'
Fetching the list of experiments ...
SI No   Name    guid                                   created-at
1       MNIST   {ID}   2018-03-17T11:16:51Z

1 records found.
OK
List all experiments successful
Fetching the experiment details with ID '{ID}' ...
ExperimentId   {ID}
name           MNIST
url            http://127.0.0.1:8080/v3/experiments/{ID}
created_at     2018-03-17T11:16:51Z
OK
Starting to run the experiment with ID '{ID}' ...
OK
Experiment-run created with ID '{RUN}'
Fetching the list of experiment-runs ...
SI No   guid                                   state     created-at
1       {RUN}   running   2018-03-17T11:16:51Z

1 records found.
OK
List all experiment-runs successful
Fetching the list of training-runs in experiment-run with ID '{RUN}' ...
SI No   Name   guid                 state     submitted_at
1       one    training-DOl4q2LkR   running   2018-03-17T11:16:51Z

1 records found.
OK
List training-runs successful
Deleting the experiment-run '{RUN}' ...
OK
Delete experiment-run successful
Deleting the experiment '{ID}' ...
OK
Delete experiment successful
"
    );
    let told = [
        experiments::CREATING.to_owned(),
        experiments::created(&experiment),
        experiments::LISTING.to_owned(),
        experiments::list(std::slice::from_ref(&experiment)),
        experiments::showing(ID),
        experiments::show(&experiment),
        experiments::running(ID),
        experiments::run(&run),
        experiments::LISTING_RUNS.to_owned(),
        experiments::list_runs(std::slice::from_ref(&run)),
        runs::listing_of(RUN),
        runs::list_of(&run.entity.training_statuses),
        experiments::deleting_run(RUN),
        experiments::DELETED_RUN.to_owned(),
        experiments::deleting(ID),
        experiments::DELETED.to_owned(),
    ];
    assert_eq!(told.concat(), page);
}

#[test]
fn stored_models() {
    let model: ModelResource = read(json!({
        "metadata": metadata(ID, "/v3/ml_assets/models"),
        "entity": {
            "name": models::default_name("training-HrlzIHskg"),
            "framework": { "name": "tensorflow", "version": "1.5" },
            "model_version": {
                "guid": RUN, "url": "http://x", "created_at": "2018-03-17T11:16:51.123Z",
                "content_url": "http://x/content",
                "content_status": { "state": "persisted", "bytes": 1234 },
            },
        },
    }));
    assert_eq!(
        runs::CHECKING.to_owned() + &models::stored(ID),
        format!(
            "Checking if content upload is complete ...\nOK\nModel store successful. Model-ID is '{ID}'.\n"
        )
    );
    assert_eq!(
        models::LISTING.to_owned() + &models::list(&[model]),
        format!(
            "\
Fetching the list of models ...
SI No   Model Id                               Model Type       Model Name
1       {ID}   tensorflow-1.5   training-HrlzIHskg model saved from CLI

1 records found.
OK
List models successful
"
        )
    );
}

#[test]
fn manifests_and_what_there_is_none_of() {
    assert_eq!(
        generated("training-runs.yml"),
        "OK\nA sample manifest file is generated under training-runs.yml\n"
    );
    let none = frameworks::none_of("deployments");
    assert!(none.starts_with("Fetching the list of deployments ...\nSI No   Name"), "{none}");
    assert!(none.ends_with("\n0 records found.\nOK\nList all deployments successful\n"), "{none}");
}
