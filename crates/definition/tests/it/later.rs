//! The manifests of 2018 and what API clients send: keys and values are facts of the interface.

use trainyard_definition::{Dialect, Submission, Syntax, dialect_of, read};
use trainyard_model::definition::{Runtimes, StoreKind};
use trainyard_model::size::Size;

use crate::told::{refused, told};

pub(crate) fn accepted(text: &str, syntax: Syntax) -> Submission {
    let read = read(text, syntax).unwrap_or_else(|all| panic!("{}\nin\n{text}", told(&all)));
    assert_eq!(read.dialect, Dialect::Later, "{text}");
    assert!(read.warnings.is_empty(), "{}", told(&read.warnings));
    read
}

/// The YAML of 2018-02-05, with its reader's own store.
pub(crate) const FEBRUARY: &str = r#"model_definition:
  framework:
    name: tensorflow
    version: "1.2"
    runtimes:                   # optional
    - {name: python, version: "3.5"}
  name: tf-mnist
  author: {name: WML User, email: wmluser@ibm.com}
  description: Simple MNIST model implemented in TF
  execution:
    command: python3 convolutional_network.py --trainImagesFile ${DATA_DIR}/train-images-idx3-ubyte.gz
      --trainingIters 20000
    compute_configuration: {name: small}
training_data_reference:
  name: MNIST image data files
  connection:
    endpoint_url: https://s3.example.com
    access_key_id: the-user
    secret_access_key: the-secret
  source: {bucket: mnist-training-data}
  type: s3
training_results_reference:
  name: DL Model Storage
  connection:
    endpoint_url: https://s3.example.com
    access_key_id: the-user
    secret_access_key: the-secret
  target: {bucket: mnist-training-models}
  type: s3
"#;

/// The same in JSON.
const FEBRUARY_JSON: &str = r#"{
  "model_definition": {
    "framework": {
      "name": "tensorflow", "version": "1.2", "runtimes": [{"name": "python", "version": "3.5"}]
    },
    "name": "tf-mnist",
    "author": {"name": "WML User", "email": "wmluser@ibm.com"},
    "description": "Simple MNIST model implemented in TF",
    "execution": {
      "command": "python3 convolutional_network.py --trainImagesFile ${DATA_DIR}/train-images-idx3-ubyte.gz --trainingIters 20000",
      "compute_configuration": {"name": "small"}
    }
  },
  "training_data_reference": {
    "name": "MNIST image data files",
    "connection": {
      "endpoint_url": "https://s3.example.com",
      "access_key_id": "the-user", "secret_access_key": "the-secret"
    },
    "source": {"bucket": "mnist-training-data"},
    "type": "s3"
  },
  "training_results_reference": {
    "name": "DL Model Storage",
    "connection": {
      "endpoint_url": "https://s3.example.com",
      "access_key_id": "the-user", "secret_access_key": "the-secret"
    },
    "target": {"bucket": "mnist-training-models"},
    "type": "s3"
  }
}
"#;

#[test]
fn the_manifest_of_february_2018_is_read() {
    let submission = accepted(FEBRUARY, Syntax::Yaml);
    let definition = &submission.definition;
    assert_eq!(definition.name, "tf-mnist");
    assert_eq!(definition.framework.to_string(), "tensorflow 1.2");
    let runtimes = definition.as_written.runtimes.as_ref();
    assert_eq!(runtimes.and_then(Runtimes::python), Some("3.5"));
    assert_eq!(definition.author.as_deref(), Some("WML User <wmluser@ibm.com>"));
    assert!(definition.command.ends_with("ubyte.gz --trainingIters 20000"));
    assert_eq!((definition.size, definition.size_word()), (Size::Small, "small"));
    let data = definition.data.as_ref().expect("it names data");
    assert_eq!((data.kind, data.kind_word.as_str()), (StoreKind::S3, "s3"));
    assert_eq!(
        (data.endpoint.as_str(), data.container.as_str()),
        ("https://s3.example.com", "mnist-training-data")
    );
    assert_eq!(definition.results.container, "mnist-training-models");
    let secrets = submission.secrets.expose();
    assert_eq!(secrets.data.expect("sealed").secret, "the-secret");
    assert_eq!(secrets.results.expect("sealed").user, "the-user");
}

#[test]
fn its_json_twin_is_the_same_definition() {
    let (json, yaml) = (accepted(FEBRUARY_JSON, Syntax::Json), accepted(FEBRUARY, Syntax::Yaml));
    assert_eq!(json.definition, yaml.definition);
}

#[test]
fn the_manifest_of_march_2018_has_words_of_gpus_and_a_runtime_alone() {
    for (word, size) in [
        ("k80", Size::Small),
        ("k80x2", Size::Medium),
        ("k80x4", Size::Large),
        ("p100", Size::Small),
        ("p100x2", Size::Medium),
        ("v100", Size::Small),
        ("v100x2", Size::Medium),
        ("medium", Size::Medium),
        ("large", Size::Large),
    ] {
        let text = FEBRUARY
            .replace("  author: {name: WML User, email: wmluser@ibm.com}\n", "")
            .replace(
                "    - {name: python, version: \"3.5\"}\n",
                "      {name: python, version: 3.10}\n",
            )
            .replace("\"1.2\"", "1.50")
            .replace("{name: small}", &format!("{{name: {word}, nodes: 1}}"));
        let definition = accepted(&text, Syntax::Yaml).definition;
        assert_eq!((definition.size, definition.size_word()), (size, word));
        assert_eq!(definition.framework.version, "1.50", "numbers are texts");
        let runtimes = definition.as_written.runtimes.expect("one runtime");
        assert!(matches!(&runtimes, Runtimes::One(one) if one.version == "3.10"), "{runtimes:?}");
        assert_eq!(definition.author, None);
    }
}

#[test]
fn who_says_no_size_gets_the_clients_default_and_who_says_two_is_told() {
    for absent in
        ["", "    compute_configuration: {}\n", "    compute_configuration:\n", "    resource: ~\n"]
    {
        let text = FEBRUARY.replace("    compute_configuration: {name: small}\n", absent);
        let definition = accepted(&text, Syntax::Yaml).definition;
        assert_eq!((definition.size, definition.size_word()), (Size::Small, "k80"), "{absent}");
    }
    let size = |text: &str| FEBRUARY.replace("compute_configuration: {name: small}", text);
    for (text, word) in [
        ("resource: medium", "medium"),
        ("resourceType: large", "large"),
        ("resource: {}", ""),
        ("{compute_configuration: {name: small}}", ""),
    ] {
        if word.is_empty() {
            assert!(read(&size(text), Syntax::Yaml).is_err(), "{text}");
        } else {
            assert_eq!(accepted(&size(text), Syntax::Yaml).definition.size_word(), word);
        }
    }
    assert_eq!(
        refused(&size("compute_configuration: {name: k80}\n    resource: p100"), Syntax::Yaml),
        "14:15 TY0106 model_definition.execution.resource: 'k80' and 'p100' are two sizes (keep one of them)"
    );
    assert_eq!(
        refused(&size("compute_configuration: {name: k80x8, nodes: 2}"), Syntax::Yaml),
        "\
13:35 TY0105 model_definition.execution.compute_configuration.name: there is no size 'k80x8' ['small' (1 slot), 'medium' (2 slots), 'large' (4 slots), 'k80' (1 slot), 'k80x2' (2 slots), 'k80x4' (4 slots), 'p100' (1 slot), 'p100x2' (2 slots), 'v100' (1 slot), 'v100x2' (2 slots)] (did you mean 'k80x2'?)
13:49 TY0507 model_definition.execution.compute_configuration.nodes: 2 nodes are asked for, and a run has one in this version [1] (take 'nodes' out; a larger size has more slots on the one node: 'v100x2', 'k80x4')"
    );
    for nodes in ["0", "two", "-1", "1.5"] {
        let text = size(&format!("compute_configuration: {{name: k80, nodes: {nodes}}}"));
        assert!(refused(&text, Syntax::Yaml).contains("TY0105"), "{nodes}");
    }
}

/// The translated pages of about 2018-01, both of their forms of top keys.
fn january(data: &str, results: &str, list: bool) -> String {
    let dash = if list { "-" } else { " " };
    format!(
        "\
model_definition:
  framework: {{name: tensorflow, version: 1.2-py3}}
  name: tf-mnist
  author: {{}}
  execution:
    command: python3 convolutional_network.py
    resource: small
{data}:
{dash} connection:
    endpoint_url: s3-api.us-geo.objectstorage.softlayer.net
    aws_access_key_id: the-user
    aws_secret_access_key: the-secret
  source: {{bucket: mnist-training-data, type: s3}}
{results}:
  connection:
    endpoint_url: s3-api.us-geo.objectstorage.softlayer.net
    aws_access_key_id: the-user
    aws_secret_access_key: the-secret
  target: {{bucket: mnist-training-models, type: s3}}
"
    )
}

#[test]
fn the_translated_pages_of_january_2018_are_read_under_both_names() {
    let mut read = Vec::new();
    for data in ["training_data", "training_data_reference"] {
        for results in ["training_results", "training_results_reference"] {
            for list in [true, false] {
                read.push(accepted(&january(data, results, list), Syntax::Yaml).definition);
            }
        }
    }
    assert!(read.windows(2).all(|pair| pair[0] == pair[1]));
    let data = read[0].data.as_ref().expect("it names data");
    assert_eq!(data.endpoint, "https://s3-api.us-geo.objectstorage.softlayer.net");
    assert_eq!((read[0].size_word(), read[0].author.as_deref()), ("small", None));
    // The size of 2017 as well.
    let text = january("training_data", "training_results", true);
    accepted(&text.replace("resource:", "resourceType:"), Syntax::Yaml);
}

#[test]
fn swift_behind_keystone_is_read_as_the_translated_pages_have_it() {
    let text = january("training_data_reference", "training_results_reference", true)
        .replace("endpoint_url: s3-api.us-geo.objectstorage.softlayer.net", "auth_url: https://identity.example.com/v3")
        .replace("aws_access_key_id", "user_name")
        .replace("    aws_secret_access_key: the-secret", "    password: the-secret\n    region: dallas\n    domain_name: '1234'\n    project_id: 0ff1ce")
        .replace("type: s3", "type: bluemix_objectstore");
    let definition = accepted(&text, Syntax::Yaml).definition;
    let scope = definition.results.keystone.as_ref().expect("a scope");
    assert_eq!((scope.domain_name.as_str(), scope.project_id.as_str()), ("1234", "0ff1ce"));
    assert_eq!(definition.results.region.as_deref(), Some("dallas"));
}

/// The body that the official client 1.0.391 sends.
pub(crate) const CLIENT: &str = r#"{
 "model_definition": {
  "framework": {"name": "tensorflow", "version": "1.5"},
  "name": "Hand-written Digit Recognition",
  "author": {"name": "John Smith"},
  "definition_href": "http://127.0.0.1:1/v3/ml_assets/training_definitions/4c5f386a-df1d-408d-b455-04c3fce32fdf",
  "execution": {"command": "python3 train.py --trainingIters 20", "compute_configuration": {"name": "p100"}},
  "description": "dd"
 },
 "training_data_reference": {
  "connection": {"endpoint_url": "http://127.0.0.1:1", "access_key_id": "AK", "secret_access_key": "SK"},
  "source": {"bucket": "train-data"},
  "type": "s3"
 },
 "training_results_reference": {
  "connection": {"endpoint_url": "http://127.0.0.1:1", "access_key_id": "AK", "secret_access_key": "SK"},
  "target": {"bucket": "train-results"},
  "type": "s3"
 }
}"#;

#[test]
fn the_official_client_s_body_is_read() {
    let submission = accepted(CLIENT, Syntax::Json);
    let href = submission.stored_definition.as_deref().expect("it names one");
    assert!(href.ends_with("/4c5f386a-df1d-408d-b455-04c3fce32fdf"), "{href}");
    let definition = submission.definition;
    assert_eq!(definition.author.as_deref(), Some("John Smith"));
    assert_eq!((definition.size, definition.size_word()), (Size::Small, "p100"));
    assert_eq!(definition.as_written.runtimes, None);
    // Of 0.3.323: `container` in a reference, `aws_` keys, the size under `resource`.
    let older = CLIENT
        .replace("\"bucket\"", "\"container\"")
        .replace("\"access_key_id\"", "\"aws_access_key_id\"")
        .replace("\"secret_access_key\"", "\"aws_secret_access_key\"")
        .replace("\"compute_configuration\": {\"name\": \"p100\"}", "\"resource\": \"small\"")
        .replace(
            "{\"name\": \"John Smith\"}",
            "{\"name\": \"John Smith\", \"email\": \"j@example.com\"}",
        );
    let older = accepted(&older, Syntax::Json).definition;
    assert_eq!((&older.data, &older.results), (&definition.data, &definition.results));
    assert_eq!(older.author.as_deref(), Some("John Smith <j@example.com>"));
}

#[test]
fn our_own_answer_is_taken_back() {
    // The entity of an answer: `location` for `source` and `target`, both keys of the size.
    let answer = CLIENT
        .replace("\"source\": {\"bucket\": \"train-data\"}", "\"location\": {\"bucket\": \"train-data\"}")
        .replace(
            "\"target\": {\"bucket\": \"train-results\"}",
            "\"location\": {\"bucket\": \"train-results\", \"model_location\": \"training-PAqRD5JMU\"}",
        )
        .replace("{\"name\": \"p100\"}", "{\"name\": \"p100\"}, \"resourceType\": \"p100\"")
        .replace("\n}", ",\n \"status\": {\"state\": \"pending\", \"metrics\": []}\n}");
    let (back, sent) = (accepted(&answer, Syntax::Json), accepted(CLIENT, Syntax::Json));
    assert_eq!(back.definition, sent.definition);
    // Without its keys it opens nothing, and that is told.
    let answer = answer.replace(", \"access_key_id\": \"AK\", \"secret_access_key\": \"SK\"", "");
    assert!(
        refused(&answer, Syntax::Json)
            .contains("TY0102 training_data_reference.connection.access_key_id")
    );
    let whole = format!(
        "{{\"metadata\": {{}}, \"entity\": {CLIENT}, \"training_results_reference\": {{}}}}"
    );
    assert!(refused(&whole, Syntax::Json).contains("give what is in 'entity'"));
}

#[test]
fn the_example_as_printed_is_told_all_its_placeholders() {
    let printed = FEBRUARY
        .replace("https://s3.example.com", "<auth-url>")
        .replace("the-user", "<username>")
        .replace("the-secret", "<INSERT YOUR KEY>");
    assert_eq!(
        refused(&printed, Syntax::Yaml),
        "\
17:19 TY0107 training_data_reference.connection.endpoint_url: a placeholder of the documentation was left in (put your own endpoint_url here)
18:20 TY0107 training_data_reference.connection.access_key_id: a placeholder of the documentation was left in (put your own access_key_id here)
19:24 TY0107 training_data_reference.connection.secret_access_key: a placeholder of the documentation was left in (put your own secret_access_key here)
25:19 TY0107 training_results_reference.connection.endpoint_url: a placeholder of the documentation was left in (put your own endpoint_url here)
26:20 TY0107 training_results_reference.connection.access_key_id: a placeholder of the documentation was left in (put your own access_key_id here)
27:24 TY0107 training_results_reference.connection.secret_access_key: a placeholder of the documentation was left in (put your own secret_access_key here)"
    );
}

#[test]
fn a_quote_that_slipped_into_a_key_is_read_over() {
    let text = FEBRUARY.replace("  type: s3\n", "  type\": s3\n").replace("bucket:", "bucket\":");
    assert_eq!(
        accepted(&text, Syntax::Yaml).definition,
        accepted(FEBRUARY, Syntax::Yaml).definition
    );
}

#[test]
fn misspelt_and_misplaced_keys_are_told_with_their_places() {
    let text = FEBRUARY
        .replace("training_data_reference", "training_data_refrence")
        .replace("    runtimes:", "    runtime:")
        .replace("compute_configuration: {name: small}", "compute_configuration: {nmae: small}")
        .replace("  target: {bucket: mnist-training-models}\n", "  bucket: mnist-training-models\n")
        .replace("  name: tf-mnist\n", "  name: tf-mnist\n  command: x\n");
    assert_eq!(
        refused(&text, Syntax::Yaml),
        "\
5:5 TY0103 model_definition.framework.runtime: there is no key 'runtime' here (did you mean 'runtimes'?)
8:3 TY0103 model_definition.command: there is no key 'command' here (it belongs into 'execution')
14:29 TY0103 model_definition.execution.compute_configuration.nmae: there is no key 'nmae' here (did you mean 'name'?)
15:1 TY0103 training_data_refrence: there is no key 'training_data_refrence' here (did you mean 'training_data_reference'?)
23:1 TY0102 training_results_reference.target: the key 'target' is missing
29:3 TY0103 training_results_reference.bucket: there is no key 'bucket' here (it belongs into 'target')"
    );
}

#[test]
fn what_is_said_twice_or_not_at_all_is_told() {
    let text = FEBRUARY
        .replace(
            "{bucket: mnist-training-data}",
            "{bucket: mnist-training-data, container: x, type: s3}",
        )
        .replace("{bucket: mnist-training-models}\n  type: s3\n", "{bucket: a/b}\n")
        .replace("version: \"3.5\"", "version: three");
    assert_eq!(
        refused(&text, Syntax::Yaml),
        "\
6:31 TY0105 model_definition.framework.runtimes[0].version: there is no Python 'three' [a version such as '3.6']
20:41 TY0106 training_data_reference.source.container: 'bucket' and 'container' say the same (keep one of them)
20:55 TY0106 training_data_reference.source.type: the type of the store is here twice (keep the one beside 'connection')
22:1 TY0102 training_results_reference.type: the key 'type' is missing
28:20 TY0105 training_results_reference.target.bucket: this is not the name of a container [a name without slashes]"
    );
    let both = format!("{FEBRUARY}training_results: {{}}\n");
    assert!(
        refused(&both, Syntax::Yaml)
            .contains("'training_results_reference' and 'training_results' say the same")
    );
    let two = january("training_data_reference", "training_results_reference", true)
        .replace("training_results_reference", "- {}\ntraining_results_reference");
    assert!(
        refused(&two, Syntax::Yaml).contains(
            "TY0104 training_data_reference[1]: a run has one store here, and these are 2"
        )
    );
    let none = FEBRUARY_JSON.replace(
        "\"training_results_reference\": {",
        "\"training_results_reference\": [], \"x\": {",
    );
    assert!(refused(&none, Syntax::Json).contains("the list of stores is empty"));
}

#[test]
fn data_may_be_absent() {
    let start = FEBRUARY.find("training_data_reference").expect("there");
    let end = FEBRUARY.find("training_results_reference").expect("there");
    for data in ["", "training_data_reference:\n"] {
        let text = format!("{}{data}{}", &FEBRUARY[..start], &FEBRUARY[end..]);
        assert!(accepted(&text, Syntax::Yaml).definition.data.is_none());
    }
}

#[test]
fn one_store_of_the_seed_makes_a_document_of_the_seed() {
    let seed = january("training_data", "training_results", true).replace("bucket", "container");
    assert_eq!(
        refused(&seed, Syntax::Yaml),
        "7:5 TY0103 model_definition.execution.resource: there is no key 'resource' here (did you mean 'resourceType'?)"
    );
    let mixed = seed.replacen("container", "bucket", 1);
    assert!(refused(&mixed, Syntax::Yaml).contains("did you mean 'container'?"));
    let mixed = seed.replacen("training_data", "training_data_reference", 1);
    assert!(
        refused(&mixed, Syntax::Yaml).contains("this is the form of 2018; write 'training_data'")
    );
}

#[test]
fn the_dialect_of_a_text_is_known_whatever_else_is_wrong_with_it() {
    for (text, dialect) in [
        ("training_data: [{source: {container: x}}]\nmodel_definition: 1", Dialect::Seed),
        ("training_results: {target: {container: x, bucket: y}, type: s3}", Dialect::Seed),
        ("training_results: {target: {bucket: x}}", Dialect::Later),
        ("training_data: {type: s3}", Dialect::Later),
        ("model_definition: {execution: {compute_configuration: }}", Dialect::Later),
        ("model_definition: {framework: {runtimes: []}}", Dialect::Later),
        ("model_definition: {framework: {name: x}}", Dialect::Seed),
        // The manifest of a stored definition.
        ("name: x\nframework: {name: y}\ncommand: z", Dialect::Later),
        ("{}", Dialect::Seed),
        ("[: this is nothing", Dialect::Later),
    ] {
        assert_eq!(dialect_of(text, Syntax::Yaml), dialect, "{text}");
    }
}
