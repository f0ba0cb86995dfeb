//! `training_data` and `training_results` in their spellings.

use trainyard_definition::{Syntax, read};
use trainyard_model::definition::StoreKind;

use crate::seed::filled;
use crate::told::{refused, told};

const DIRECTORIES: &str = r"
model_definition:
  framework: {name: tensorflow, version: 1.2-py3}
  name: local
  execution: {command: python3 train.py, resourceType: large}
training_data:
- connection: {root: /data}
  source: {container: mnist, type: directory}
training_results:
  connection: {root: /data}
  target: {container: results, type: directory}
";

#[test]
fn a_directory_needs_no_credentials() {
    let submission = read(DIRECTORIES, Syntax::Yaml).expect("it is right");
    let results = &submission.definition.results;
    assert_eq!((results.kind, results.endpoint.as_str()), (StoreKind::Directory, "/data"));
    assert!(submission.secrets.results.is_none() && submission.secrets.data.is_none());
}

#[test]
fn a_directory_with_credentials_or_a_relative_root_is_told() {
    let text = DIRECTORIES
        .replacen("{root: /data}", "{root: data, userId: u, password: p}", 1)
        .replace("{root: /data}", "{root: /a/../../etc}");
    assert_eq!(
        refused(&text, Syntax::Yaml),
        "\
7:22 TY0409 training_data[0].connection.root: this is not an absolute path [a path that begins with '/' and has no '..']
7:28 TY0103 training_data[0].connection.userId: there is no key 'userId' here (a directory needs no user; take the key out)
7:39 TY0103 training_data[0].connection.password: there is no key 'password' here (a directory needs no password; take the key out)
10:22 TY0409 training_results.connection.root: this is not an absolute path [a path that begins with '/' and has no '..']"
    );
}

#[test]
fn data_may_be_absent_but_not_two() {
    let without = DIRECTORIES.replace(
        "training_data:\n- connection: {root: /data}\n  source: {container: mnist, type: directory}\n",
        "",
    );
    let submission = read(&without, Syntax::Yaml).expect("a program may need no data");
    assert!(submission.definition.data.is_none());
    let twice = DIRECTORIES.replace(
        "training_results",
        "- connection: {root: /b}\n  source: {container: x, type: directory}\ntraining_results",
    );
    assert_eq!(
        refused(&twice, Syntax::Yaml),
        "9:3 TY0104 training_data[1]: a run has one store of data, here are 2 \
         [a list of one store] (put all data into one container)"
    );
    let none = without.replace("training_results", "training_data: []\ntraining_results");
    assert!(refused(&none, Syntax::Yaml).contains("the list of stores is empty"));
    let object = DIRECTORIES.replace("- connection", "  connection");
    assert_eq!(
        refused(&object, Syntax::Yaml),
        "6:1 TY0104 training_data: expected a list of one store, found an object \
         [a list] (put the store in brackets: [ … ])"
    );
}

#[test]
fn later_spellings_of_keys_are_taken_but_not_two_for_one() {
    for (user, password) in
        [("access_key_id", "secret_access_key"), ("aws_access_key_id", "aws_secret_access_key")]
    {
        let text = filled()
            .replace("auth_url", "endpoint_url")
            .replace("userId", user)
            .replace("password", password);
        let submission = read(&text, Syntax::Json).unwrap_or_else(|all| panic!("{}", told(&all)));
        let secrets = submission.secrets.expose();
        assert_eq!(secrets.data.expect("there").secret, "the-secret");
    }
    let text = filled().replacen("\"userId\"", "\"access_key_id\": \"x\", \"userId\"", 1);
    assert_eq!(
        refused(&text, Syntax::Json),
        "19:9 TY0106 training_data[0].connection.access_key_id: \
         'userId' and 'access_key_id' say the same (keep one of them)"
    );
}

#[test]
fn a_source_in_the_place_of_the_target_is_taken_and_regions_are_kept() {
    let text = filled()
        .replace("\"target\"", "\"source\"")
        .replace("\"password\"", "\"region\": \"eu-de\", \"password\"");
    let definition = read(&text, Syntax::Json).expect("an old client writes this").definition;
    assert_eq!(definition.results.region.as_deref(), Some("eu-de"));
}

#[test]
fn endpoints_without_a_scheme_are_https() {
    let text = filled().replace("http://127.0.0.1:9000", "s3.example.com");
    let definition = read(&text, Syntax::Json).expect("old manifests write this").definition;
    assert_eq!(definition.results.endpoint, "https://s3.example.com");
}

#[test]
fn keys_from_elsewhere_are_told_where_they_belong() {
    let text = filled()
        .replace("\"container\": \"tf_training_data\"", "\"bucket\": \"tf_training_data\"")
        .replace("\"resourceType\": \"small\"", "\"resource\": \"small\"")
        .replacen("\"type\": \"s3_datastore\"", "\"type\": \"s3\"", 1);
    assert_eq!(
        refused(&text, Syntax::Json),
        "\
12:7 TY0103 model_definition.execution.resource: there is no key 'resource' here (did you mean 'resourceType'?)
23:9 TY0103 training_data[0].source.bucket: there is no key 'bucket' here (did you mean 'container'?)
24:17 TY0105 training_data[0].source.type: there is no store of the type 's3' ['s3_datastore' or 'directory'] (did you mean 's3_datastore'?)"
    );
}
