//! The manifests after 2017: the turn of the year, February and March 2018, and what the
//! API's clients send. Keys and values are facts of the interface.

use trainyard_definition::{Submission, Syntax, read};
use trainyard_model::size::Size;

use crate::seed::filled;
use crate::told::{refused, told};

/// Around the turn of the year.
const TURN: &str = r"
model_definition:
  framework: {name: tensorflow, version: 1.2-py3}
  name: tf-mnist
  author: {name: WML User, email: wmluser@example.com}
  description: Simple MNIST model implemented in TF
  execution:
    command: python3 convolutional_network.py
    resource: small
training_data:
- connection: {endpoint_url: http://127.0.0.1:9000, aws_access_key_id: the-user, aws_secret_access_key: the-secret}
  source: {bucket: mnist-training-data, type: s3}
training_results_reference:
  connection: {endpoint_url: http://127.0.0.1:9000, aws_access_key_id: the-user, aws_secret_access_key: the-secret}
  target: {bucket: mnist-training-models, type: s3}
";

/// March 2018, with the mapping and the bare number that real manifests have.
const MARCH: &str = r#"
model_definition:
  framework:
    name: tensorflow
    version: 1.5
    runtimes: {name: python, version: "3.5"}   # a list on the page
  name: tf-mnist
  description: Simple MNIST model implemented in TF
  execution:
    command: python3 convolutional_network.py
    compute_configuration: {name: k80x2, nodes: 1}
training_data_reference:
  name: MNIST image data files
  connection: {endpoint_url: s3-api.us-geo.example.com, access_key_id: the-user, secret_access_key: the-secret}
  source: {bucket: mnist-training-data}
  type: s3
training_results_reference:
  name: DL Model Storage
  connection: {endpoint_url: s3-api.us-geo.example.com, access_key_id: the-user, secret_access_key: the-secret}
  target: {bucket: mnist-training-models}
  type: s3
"#;

/// What a client of 2018 to 2021 posts.
const CLIENT: &str = r#"{"model_definition": {"framework": {"name": "tensorflow", "version": "1.5"},
  "name": "Hand-written Digit Recognition", "author": {},
  "definition_href": "http://127.0.0.1:1/v3/ml_assets/training_definitions/4c5f386a-df1d-408d-b455-04c3fce32fdf",
  "execution": {"command": "python3 train.py --trainingIters 20", "compute_configuration": {"name": "p100"}}},
 "training_data_reference": {"connection": {"endpoint_url": "http://127.0.0.1:9000", "access_key_id": "AK", "secret_access_key": "SK"},
  "source": {"bucket": "train-data"}, "type": "s3"},
 "training_results_reference": {"connection": {"endpoint_url": "http://127.0.0.1:9000", "access_key_id": "AK", "secret_access_key": "SK"},
  "target": {"bucket": "train-results"}, "type": "s3"}}"#;

fn accepted(text: &str, syntax: Syntax) -> Submission {
    crate::seeds::keep("manifests", text.as_bytes());
    read(text, syntax).unwrap_or_else(|complaints| panic!("{}", told(&complaints)))
}

#[test]
fn each_year_s_manifest_is_the_same_definition() {
    let turn = accepted(TURN, Syntax::Yaml);
    assert_eq!(turn.definition.size, Size::Small);
    assert_eq!(turn.definition.author.as_deref(), Some("WML User <wmluser@example.com>"));
    assert_eq!(
        turn.definition.data.map(|data| data.container).as_deref(),
        Some("mnist-training-data")
    );
    assert_eq!(turn.secrets.expose().results.expect("sealed").user, "the-user");

    let march = accepted(MARCH, Syntax::Yaml).definition;
    assert_eq!(march.framework.to_string(), "tensorflow 1.5");
    assert_eq!((march.size, march.plan.as_deref()), (Size::Medium, Some("k80x2")));
    let data = march.data.expect("it names data");
    assert_eq!((data.kind_word.as_str(), data.container.as_str()), ("s3", "mnist-training-data"));
    assert_eq!(march.results.endpoint, "https://s3-api.us-geo.example.com");

    let client = accepted(CLIENT, Syntax::Json);
    assert_eq!(client.definition.plan.as_deref(), Some("p100"));
    assert_eq!((client.definition.size, client.definition.author), (Size::Small, None));
    assert!(client.stored_definition.is_some_and(|href| href.ends_with("-04c3fce32fdf")));
}

#[test]
fn the_data_of_2018_is_an_object_or_a_list_of_one() {
    let object = accepted(CLIENT, Syntax::Json).definition;
    let list = CLIENT
        .replacen("\"training_data_reference\": {", "\"training_data_reference\": [{", 1)
        .replacen(
            "\"type\": \"s3\"},\n \"training_results",
            "\"type\": \"s3\"}],\n \"training_results",
            1,
        );
    assert_eq!(accepted(&list, Syntax::Json).definition, object);
}

#[test]
fn a_plan_is_a_number_of_slots() {
    for (plan, size) in [
        ("k80", Size::Small),
        ("k80x4", Size::Large),
        ("v100x2", Size::Medium),
        ("small", Size::Small),
    ] {
        let text = CLIENT.replace("p100", plan);
        assert_eq!(accepted(&text, Syntax::Json).definition.size, size, "{plan}");
    }
    let told = refused(&CLIENT.replace("p100", "k800"), Syntax::Json);
    assert!(
        told.contains("there is no size 'k800'") && told.contains("'v100x2' (2 slots)"),
        "{told}"
    );
    let told = refused(&CLIENT.replace("\"p100\"", "\"p100\", \"nodes\": 2"), Syntax::Json);
    assert!(told.contains("compute_configuration.nodes: a run has one node here"), "{told}");
}

#[test]
fn the_python_of_a_bare_version_is_the_runtime_s() {
    let with = |runtimes: &str| {
        let framework = format!("\"version\": \"1.5\", \"runtimes\": {runtimes}");
        CLIENT.replacen("\"version\": \"1.5\"", &framework, 1)
    };
    for (runtimes, version) in [
        ("[{\"name\": \"python\", \"version\": \"3.5\"}]", "1.5"),
        ("{\"name\": \"python\", \"version\": \"2.7\"}", "1.5-py2"),
        ("[{\"name\": \"python\"}]", "1.5"),
        ("[]", "1.5"),
    ] {
        let read = accepted(&with(runtimes), Syntax::Json).definition.framework.version;
        assert_eq!(read, version, "{runtimes}");
    }
    let told = refused(&with("[{\"name\": \"lua\"}]"), Syntax::Json);
    assert!(told.contains("runtimes[0].name: programs run on Python here"), "{told}");
}

#[test]
fn the_same_thing_under_two_years_names_is_told() {
    let text = filled().replace("\"resourceType\"", "\"resource\": \"large\", \"resourceType\"");
    assert!(refused(&text, Syntax::Json).contains("'resourceType' and 'resource' say the same"));
    let text = filled().replacen("\"connection\": {", "\"type\": \"s3\", \"connection\": {", 1);
    assert!(refused(&text, Syntax::Json).contains("training_data[0].type: the type is here twice"));
    let text = filled().replace(
        "\"training_results\":",
        "\"training_results_reference\": null, \"training_results\":",
    );
    assert!(refused(&text, Syntax::Json).contains("TY0106 training_results_reference"));
}

#[test]
fn what_is_missing_is_named_as_its_year_has_it() {
    let text = CLIENT.replace("\"training_results_reference\"", "\"unknown_thing\"");
    let told = refused(&text, Syntax::Json);
    assert!(told.contains("the key 'training_results_reference' is missing"), "{told}");
}
