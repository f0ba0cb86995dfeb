//! The manifests of 2017, as they were printed, and what is wrong with them.

use trainyard_definition::{Submission, Syntax, read};
use trainyard_model::definition::StoreKind;
use trainyard_model::size::Size;

use crate::told::{drawn, refused, told};

/// The example of the page of 2017-11-03: keys and values are facts of the interface.
pub(crate) const SEED: &str = r#"{
  "model_definition": {
    "framework": {
      "name": "tensorflow",
      "version": "1.2-py3"
    },
    "name": "tf-mnist",
    "author": "Ann Other",
    "description": "Simple MNIST model implemented in TF",
    "execution": {
      "command": "python3 convolutional_network.py --trainImagesFile ${DATA_DIR}/train-images-idx3-ubyte.gz --trainingIters 20000",
      "resourceType": "small"
    }
  },
  "training_data": [
    {
      "connection": {
        "auth_url": "<url>",
        "userId": "<username>",
        "password": "<password>"
      },
      "source": {
        "container": "tf_training_data",
        "type": "softlayer_objectstore"
      }
    }
  ],
  "training_results":
    {
      "connection": {
         "auth_url": "<url>",
         "userId": "<username>",
         "password": "<password>"
      },
      "target": {
        "container": "tf_training_results",
        "type": "softlayer_objectstore"
      }
    }
}
"#;

/// The same with the placeholders replaced, as its reader would: the store is Swift.
pub(crate) fn swift() -> String {
    SEED.replace("<url>", "http://127.0.0.1:9000")
        .replace("<username>", "the-user")
        .replace("<password>", "the-secret")
}

/// The same with the type that the page's text names.
pub(crate) fn filled() -> String {
    swift().replace("softlayer_objectstore", "s3_datastore")
}

pub(crate) const TWIN: &str = r"# the YAML of 2017-11-16
model_definition:
  framework: {name: tensorflow, version: 1.2-py3}
  name: tf-mnist
  author: Ann Other
  description: Simple MNIST model implemented in TF
  execution:
    command: python3 convolutional_network.py --trainImagesFile ${DATA_DIR}/train-images-idx3-ubyte.gz
      --trainingIters 20000     # folded
    resourceType: small
training_data:
- connection: {auth_url: http://127.0.0.1:9000, userId: the-user, password: the-secret}
  source: {container: tf_training_data, type: s3_datastore}
training_results:
  connection: {auth_url: http://127.0.0.1:9000, userId: the-user, password: the-secret}
  target: {container: tf_training_results, type: s3_datastore}
";

fn accepted(text: &str, syntax: Syntax) -> Submission {
    crate::seeds::keep("manifests", text.as_bytes());
    read(text, syntax).unwrap_or_else(|complaints| panic!("{}", told(&complaints)))
}

#[test]
fn the_seeds_definition_is_read() {
    let submission = accepted(&filled(), Syntax::Json);
    let definition = &submission.definition;
    assert_eq!(definition.name, "tf-mnist");
    assert_eq!(definition.framework.to_string(), "tensorflow 1.2-py3");
    assert_eq!(definition.author.as_deref(), Some("Ann Other"));
    assert_eq!(definition.size, Size::Small);
    assert!(definition.command.ends_with("--trainingIters 20000"), "{}", definition.command);
    let data = definition.data.as_ref().expect("the seed names data");
    assert_eq!((data.kind, data.kind_word.as_str()), (StoreKind::S3, "s3_datastore"));
    assert_eq!(
        (data.endpoint.as_str(), data.container.as_str()),
        ("http://127.0.0.1:9000", "tf_training_data")
    );
    assert_eq!(definition.results.container, "tf_training_results");
    let secrets = submission.secrets.expose();
    assert_eq!(secrets.data.expect("sealed").secret, "the-secret");
    assert_eq!(secrets.results.expect("sealed").user, "the-user");
    assert_eq!(submission.stored_definition, None);
}

#[test]
fn the_yaml_twin_is_the_same_definition() {
    let (json, yaml) = (accepted(&filled(), Syntax::Json), accepted(TWIN, Syntax::Yaml));
    assert_eq!(yaml.definition, json.definition);
}

#[test]
fn the_example_as_printed_is_told_all_its_placeholders() {
    assert_eq!(
        refused(SEED, Syntax::Json),
        "\
18:21 TY0107 training_data[0].connection.auth_url: a placeholder of the documentation was left in (put your own auth_url here)
19:19 TY0107 training_data[0].connection.userId: a placeholder of the documentation was left in (put your own userId here)
20:21 TY0107 training_data[0].connection.password: a placeholder of the documentation was left in (put your own password here)
31:22 TY0107 training_results.connection.auth_url: a placeholder of the documentation was left in (put your own auth_url here)
32:20 TY0107 training_results.connection.userId: a placeholder of the documentation was left in (put your own userId here)
33:22 TY0107 training_results.connection.password: a placeholder of the documentation was left in (put your own password here)"
    );
}

#[test]
fn five_errors_are_told_at_once_each_with_its_place() {
    let text = filled()
        .replace("\"framework\"", "\"framwork\"")
        .replace("\"command\"", "\"comand\"")
        .replace("\"small\"", "\"huge\"")
        .replace("\"name\": \"tf-mnist\"", "\"name\": \"\"")
        .replacen("\"type\": \"s3_datastore\"", "\"type\": \"s3_datastor\"", 1);
    assert_eq!(
        refused(&text, Syntax::Json),
        "\
3:5 TY0103 model_definition.framwork: there is no key 'framwork' here (did you mean 'framework'?)
7:13 TY0104 model_definition.name: this text is empty [a text that says something]
11:7 TY0103 model_definition.execution.comand: there is no key 'comand' here (did you mean 'command'?)
12:23 TY0105 model_definition.execution.resourceType: there is no size 'huge' ['small' (1 slot), 'medium' (2 slots), 'large' (4 slots)]
24:17 TY0105 training_data[0].source.type: there is no store of the type 's3_datastor' ['s3_datastore', 's3', 'softlayer_objectstore', 'swift_datastore', 'bluemix_objectstore' or 'directory'] (did you mean 's3_datastore'?)"
    );
}

#[test]
fn complaints_point_at_the_offending_text() {
    let text = filled().replace("\"small\"", "\"smal\"").replace("tf_training_results", "a/b");
    let complaints = read(&text, Syntax::Json).expect_err("two slips");
    assert_eq!(drawn(&text, &complaints), ["\"smal\"", "\"a/b\""]);
    assert!(complaints[0].help.as_deref().expect("a word").contains("'small'"));
}

#[test]
fn missing_keys_are_told_where_they_should_stand() {
    let told = refused("{\"model_definition\": {\"framework\": {}}}", Syntax::Json);
    assert_eq!(
        told,
        "\
1:1 TY0102 training_results: the key 'training_results' is missing
1:2 TY0102 model_definition.name: the key 'name' is missing
1:2 TY0102 model_definition.execution: the key 'execution' is missing
1:23 TY0102 model_definition.framework.name: the key 'name' is missing
1:23 TY0102 model_definition.framework.version: the key 'version' is missing"
    );
}

#[test]
fn wrong_types_are_told_as_what_they_are() {
    let text = filled()
        .replace("\"tf-mnist\"", "[1, 2]")
        .replace("\"small\"", "null")
        .replace("\"Ann Other\"", "true");
    assert_eq!(
        refused(&text, Syntax::Json),
        "\
7:13 TY0104 model_definition.name: expected a text, found a list [a text]
8:15 TY0104 model_definition.author: expected a text, found true or false [a text] (put it in quotes if it is meant so)
12:7 TY0104 model_definition.execution.resourceType: this key has no value [a text]"
    );
    assert_eq!(
        refused("[]", Syntax::Json),
        "1:1 TY0104: expected an object, found a list \
         [an object with 'model_definition', 'training_data', 'training_results' or 'evaluation_metrics']"
    );
}

#[test]
fn a_key_given_twice_is_told_once() {
    let text = filled().replace(
        "\"resourceType\": \"small\"",
        "\"resourceType\": \"small\", \"resourceType\": \"large\"",
    );
    assert_eq!(
        refused(&text, Syntax::Json),
        "12:32 TY0106 model_definition.execution.resourceType: \
         the key 'resourceType' is here twice (keep one of them)"
    );
}

#[test]
fn numbers_keep_the_text_they_are_written_as() {
    for (written, read) in [("1.10", "1.10"), ("1.2", "1.2"), ("\"1.2\"", "1.2"), ("2", "2")] {
        let yaml = TWIN.replace("1.2-py3", written);
        assert_eq!(accepted(&yaml, Syntax::Yaml).definition.framework.version, read);
        let json = filled().replace("\"1.2-py3\"", written);
        assert_eq!(accepted(&json, Syntax::Json).definition.framework.version, read);
    }
}

#[test]
fn clients_of_the_api_name_a_stored_definition_and_an_author_of_parts() {
    for key in ["definition_location", "definition_href"] {
        let text = filled().replace(
            "\"author\": \"Ann Other\"",
            &format!(
                "\"author\": {{\"name\": \"Ann\", \"email\": \"a@b.c\"}}, \"{key}\": \"/v3/x\""
            ),
        );
        let submission = accepted(&text, Syntax::Json);
        assert_eq!(submission.stored_definition.as_deref(), Some("/v3/x"));
        assert_eq!(submission.definition.author.as_deref(), Some("Ann <a@b.c>"));
    }
    let text = filled().replace("\"Ann Other\"", "{}");
    assert_eq!(accepted(&text, Syntax::Json).definition.author, None);
}

#[test]
fn a_command_that_linux_cannot_pass_is_told_and_a_script_of_lines_is_taken() {
    let text = filled().replace("python3 ", &"x".repeat(128 * 1024));
    assert!(refused(&text, Syntax::Json).contains("TY0108 model_definition.execution.command"));
    let text =
        TWIN.replace("python3 convolutional_network.py", "|\n      set -e\n      python3 a.py");
    let text = text.replace("      --trainingIters 20000     # folded\n", "");
    let command = accepted(&text, Syntax::Yaml).definition.command;
    assert!(command.starts_with("set -e\npython3 a.py --train"), "{command}");
}

#[test]
fn no_secret_is_repeated_in_a_complaint() {
    for secret in ["hunter2\\u0007", "hun\\nter2", ""] {
        let text = filled()
            .replace("\"the-secret\"", &format!("\"{secret}\""))
            .replace("http://127.0.0.1:9000", "https://u:hunter2@host");
        let told = refused(&text, Syntax::Json);
        assert!(told.contains("TY0409") && !told.contains("hunter2"), "{told}");
    }
}
