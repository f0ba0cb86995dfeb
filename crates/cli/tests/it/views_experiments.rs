//! How experiments, trials and models look in Trainyard's own commands.

use serde_json::{Value, json};
use trainyard_api::experiment::{ExperimentResource, ExperimentRunResource};
use trainyard_api::stored_model::ModelResource;
use trainyard_cli::views;

use crate::samples::{at, plain};

const ID: &str = "bf33fe31-7e1d-4e1b-8aea-b0d3de4c0485";
const RUN: &str = "3edb23b3-c1cf-498f-86c0-0a49b3e5ba99";
const MADE: &str = "2026-11-27T07:00:00.000Z";

fn metadata(id: &str) -> Value {
    json!({ "guid": id, "url": "http://x", "created_at": MADE, "modified_at": MADE })
}

fn experiment() -> ExperimentResource {
    let search = json!({ "method": { "name": "random" } });
    serde_json::from_value(json!({
        "metadata": metadata(ID),
        "entity": {
            "settings": { "name": "MNIST", "description": "which rate" },
            "training_references": [
                { "name": "plain", "training_definition_url": "http://x" },
                { "name": "search", "training_definition_url": "http://x",
                  "hyper_parameters_optimization": search },
            ],
            "training_results_reference": {},
        },
    }))
    .expect("an experiment")
}

fn training(id: &str, own: &Value) -> Value {
    let mut training = json!({
        "training_guid": id, "training_url": "x", "training_reference_name": "search",
        "training_definition_url": "http://x", "state": "completed", "submitted_at": MADE,
        "current_at": MADE, "message": "", "metrics": [],
    });
    let fields = training.as_object_mut().expect("an object");
    fields.extend(own.as_object().expect("an object").clone());
    training
}

fn run() -> ExperimentRunResource {
    let with = |rate: f64, layers: u32| json!([{ "name": "rate", "value": rate }, { "name": "layers", "value": layers }]);
    let best = "training-DOl4q2LkR_1";
    serde_json::from_value(json!({
        "metadata": metadata(RUN),
        "entity": {
            "experiment_run_status": {
                "state": "running", "submitted_at": MADE, "current_at": MADE,
                "current_iteration": 2, "total_iterations": 4, "message": "",
            },
            "training_statuses": [
                training("training-DOl4q2LkR", &json!({
                    "state": "running", "current_iteration": 2, "total_iterations": 3, "best": best,
                })),
                training("training-DOl4q2LkR_0", &json!({
                    "hyper_parameters": with(0.01, 3), "objective": 0.91,
                })),
                training(best, &json!({
                    "hyper_parameters": with(0.001, 2), "objective": 0.97,
                })),
                training("training-DOl4q2LkR_2", &json!({
                    "state": "running", "hyper_parameters": with(0.1, 1),
                })),
            ],
        },
        "experiment": { "guid": ID, "url": "http://x" },
    }))
    .expect("a run")
}

#[test]
fn the_best_of_the_trials_stands_out() {
    let expected = "\
TRAINING              OF      STATE             OBJECTIVE  WITH
training-DOl4q2LkR    search  running (2 of 3)
training-DOl4q2LkR_0  search  completed         0.91       rate=0.01 layers=3
training-DOl4q2LkR_1  search  completed         0.97 *     rate=0.001 layers=2
training-DOl4q2LkR_2  search  running                      rate=0.1 layers=1
best of search: training-DOl4q2LkR_1 with rate=0.001 layers=2
";
    assert_eq!(plain(&views::trials(&run().entity, None)), expected);
    let line = views::training_line(&run().entity.training_statuses[1]);
    assert_eq!(line, "training-DOl4q2LkR_0  completed  rate=0.01 layers=3  objective 0.91");
}

#[test]
fn an_experiment_says_what_it_trains_and_how_its_runs_stand() {
    let now = at("2026-11-27T07:03:00.000Z");
    let list = format!(
        "\
EXPERIMENT                            NAME   TRAINS                  MADE
{ID}  MNIST  plain, search (random)  3 min ago
"
    );
    assert_eq!(plain(&views::experiments(&[experiment()], now, None)), list);
    let one = format!(
        "\
experiment  {ID}
name        MNIST
what for    which rate
trains      plain, search (random)
made        3 min ago
run         {RUN}  running, 2 of 4 ended, 3 min ago
"
    );
    assert_eq!(plain(&views::experiment(&experiment(), &[run()], now)), one);
}

fn model(status: &Value) -> ModelResource {
    serde_json::from_value(json!({
        "metadata": metadata(ID),
        "entity": {
            "name": "mine", "description": "the \u{1b}[31mbest",
            "framework": { "name": "tensorflow", "version": "1.5" },
            "model_version": {
                "guid": RUN, "url": "http://x", "created_at": MADE, "content_url": "http://x",
                "content_status": status,
            },
        },
    }))
    .expect("a model")
}

#[test]
fn a_model_says_whether_its_content_is_there() {
    let now = at("2026-11-27T07:03:00.000Z");
    let persisted = model(&json!({ "state": "persisted", "bytes": 2048, "sha256": "abc" }));
    let list = format!(
        "\
MODEL                                 NAME  OF              CONTENT    MADE
{ID}  mine  tensorflow-1.5  2.0 KiB    3 min ago
{ID}  mine  tensorflow-1.5  on its way  3 min ago
"
    );
    let coming = model(&json!({ "state": "persisting" }));
    let listed = plain(&views::models(&[persisted.clone(), coming], now, None));
    assert_eq!(listed.replace(' ', ""), list.replace(' ', ""));
    let one = format!(
        "\
model     {ID}
name      mine
what for  the \\u{{1b}}[31mbest
of        tensorflow-1.5
content   2.0 KiB
sha256    abc
made      3 min ago
"
    );
    assert_eq!(plain(&views::model(&persisted, now)), one);
    let error = json!({ "trace": "t", "errors": [{
        "code": "TY0404", "message": "nothing is there", "more_info": "", "severity": "error",
    }]});
    let failed = model(&json!({ "state": "persisting_failed", "error": error }));
    let told = plain(&views::model(&failed, now));
    assert!(told.contains("content   failed\nbecause   nothing is there\n"), "{told}");
}
