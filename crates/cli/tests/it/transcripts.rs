//! The transcripts of the page "Working with new deep learning models", to the letter.

use serde_json::json;
use trainyard_api::framework::FrameworkList;
use trainyard_cli::bx::transcript::frameworks;
use trainyard_cli::bx::transcript::runs::{self, Naming};

use crate::samples::run;

#[test]
fn train() {
    let page = "\
Starting to train ...
OK
Model-ID is 'training-DOl4q2LkR'
";
    assert_eq!(runs::TRAINING.to_owned() + &runs::train(&run(&json!({}))), page);
}

#[test]
fn list() {
    let page = "\
Fetching the list of trained models ...
SI No   Name                       guid                 status    submitted-at
1       tf-mnist                   training-DOl4q2LkR   pending   2017-10-26T11:16:51Z

1 records found.
OK
List all trained-models successful
";
    assert_eq!(
        Naming::TrainedModels.listing().to_owned()
            + &Naming::TrainedModels.list(&[run(&json!({}))]),
        page
    );
}

#[test]
fn an_empty_list() {
    let page = "\
SI No   Name                       guid   status   submitted-at

0 records found.
OK
List all trained-models successful
";
    assert_eq!(Naming::TrainedModels.list(&[]), page);
}

#[test]
fn show() {
    let page = "\
Fetching the trained model details with MODEL-ID 'training-DOl4q2LkR' ...
ModelId        training-DOl4q2LkR
url            /v3/models/training-DOl4q2LkR
Name           tf-mnist
State          running
Submitted_at   2017-10-26T11:10:37Z
OK
Show trained-models details successful

";
    let run = run(&json!({
        "state": "running", "room": "run", "submitted_at": "2017-10-26T11:10:37.000Z",
    }));
    assert_eq!(
        Naming::TrainedModels.showing(&run.metadata.guid) + &Naming::TrainedModels.show(&run),
        page
    );
}

#[test]
fn delete() {
    let page = "\
Deleting the trained model 'training-DOl4q2LkR' ...
OK
Delete trained-models successful
";
    assert_eq!(
        Naming::TrainedModels.deleting("training-DOl4q2LkR") + Naming::TrainedModels.deleted(),
        page
    );
}

#[test]
fn the_list_of_frameworks() {
    let page = "\
Fetching the list of frameworks ...
SI No   Name           Version
1       scikit-learn   0.17
2       tensorflow     1.2-py2
3       tensorflow     1.2-py3
4       tensorflow     1.3-py2
5       tensorflow     1.3-py3
6       caffe          1.0-py2
7       torch          luajit
8       torch          lua52
9       mxnet          0.10
10      theano         0.10
11      caffe2         0.8
OK
List frameworks successful
";
    let rows = page.lines().skip(2).take(11).map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        json!({ "entity": {
            "name": words[1], "version": words[2], "status": "legacy", "availability": "buildable",
        } })
    });
    let list: FrameworkList =
        serde_json::from_value(json!({ "resources": rows.collect::<Vec<_>>() })).expect("a list");
    assert_eq!(frameworks::LISTING.to_owned() + &frameworks::list(&list), page);
}
