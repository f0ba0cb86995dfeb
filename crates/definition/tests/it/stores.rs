//! `training_data` and `training_results` in their spellings.

use trainyard_definition::{Syntax, read};
use trainyard_model::definition::{Addressing, StoreKind};

use crate::seed::{filled, swift};
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
        .replacen("\"type\": \"s3_datastore\"", "\"type\": \"S3\"", 1);
    assert_eq!(
        refused(&text, Syntax::Json),
        "\
12:7 TY0103 model_definition.execution.resource: there is no key 'resource' here (did you mean 'resourceType'?)
23:9 TY0103 training_data[0].source.bucket: there is no key 'bucket' here (did you mean 'container'?)
24:17 TY0105 training_data[0].source.type: there is no store of the type 'S3' ['s3_datastore', 's3', 'softlayer_objectstore', 'swift_datastore', 'bluemix_objectstore' or 'directory'] (did you mean 's3'?)"
    );
}

#[test]
fn the_seeds_own_store_is_swift_with_auth_v1() {
    for (word, user) in [("softlayer_objectstore", "userId"), ("swift_datastore", "user_name")] {
        let text = swift().replace("softlayer_objectstore", word).replace("userId", user);
        let submission = read(&text, Syntax::Json).unwrap_or_else(|all| panic!("{}", told(&all)));
        let data = submission.definition.data.expect("the seed names data");
        assert_eq!((data.kind, data.kind_word.as_str()), (StoreKind::Swift, word));
        assert_eq!((data.endpoint.as_str(), data.keystone), ("http://127.0.0.1:9000", None));
        let keys = submission.secrets.expose().data.expect("sealed");
        assert_eq!((keys.user.as_str(), keys.secret.as_str()), ("the-user", "the-secret"));
    }
}

const KEYSTONE: &str = r"
model_definition:
  framework: {name: tensorflow, version: 1.2-py3}
  name: translated
  execution: {command: python3 train.py, resourceType: small}
training_results:
  connection:
    auth_url: https://identity.example.com/v3
    user_name: ann
    password: hunter2
    region: dallas
    domain_name: '1234'
    project_id: 0ff1ce
  target: {container: training results, type: bluemix_objectstore}
";

#[test]
fn the_translated_pages_store_is_swift_behind_keystone() {
    for text in [KEYSTONE.to_owned(), KEYSTONE.replace("user_name", "userId")] {
        let submission = read(&text, Syntax::Yaml).unwrap_or_else(|all| panic!("{}", told(&all)));
        let results = submission.definition.results;
        assert_eq!((results.kind, results.region.as_deref()), (StoreKind::Swift, Some("dallas")));
        assert_eq!(results.container, "training results");
        let scope = results.keystone.expect("a scope");
        assert_eq!((scope.domain_name.as_str(), scope.project_id.as_str()), ("1234", "0ff1ce"));
        assert_eq!(submission.secrets.expose().results.expect("sealed").user, "ann");
    }
}

#[test]
fn each_type_has_its_own_keys() {
    // A project beside auth v1, and none beside Keystone.
    let text = KEYSTONE.replace("bluemix_objectstore", "softlayer_objectstore");
    assert_eq!(
        refused(&text, Syntax::Yaml),
        "\
11:5 TY0103 training_results.connection.region: there is no key 'region' here (the 'auth_url' stands for the region; take the key out)
12:5 TY0103 training_results.connection.domain_name: there is no key 'domain_name' here (it belongs to a store of the type 'bluemix_objectstore' (Swift behind Keystone v3))
13:5 TY0103 training_results.connection.project_id: there is no key 'project_id' here (it belongs to a store of the type 'bluemix_objectstore' (Swift behind Keystone v3))"
    );
    let text = KEYSTONE.replace("    project_id: 0ff1ce\n", "").replace("domain_name", "domainId");
    assert_eq!(
        refused(&text, Syntax::Yaml),
        "\
7:3 TY0102 training_results.connection.domain_name: the key 'domain_name' is missing
7:3 TY0102 training_results.connection.project_id: the key 'project_id' is missing
12:5 TY0103 training_results.connection.domainId: there is no key 'domainId' here (name the domain by its name: 'domain_name')"
    );
    let text = KEYSTONE.replace("bluemix_objectstore", "s3").replace("    region: dallas\n", "");
    assert_eq!(
        refused(&text, Syntax::Yaml),
        "\
9:5 TY0103 training_results.connection.user_name: there is no key 'user_name' here (did you mean 'userId'?)
11:5 TY0103 training_results.connection.domain_name: there is no key 'domain_name' here (it belongs to a store of the type 'bluemix_objectstore' (Swift behind Keystone v3))
12:5 TY0103 training_results.connection.project_id: there is no key 'project_id' here (it belongs to a store of the type 'bluemix_objectstore' (Swift behind Keystone v3))
13:23 TY0105 training_results.target.container: this is not the name of a container [a name of letters, digits, '-', '.' and '_']"
    );
}

#[test]
fn swift_takes_names_of_containers_that_s3_does_not() {
    let named = |name: &str| KEYSTONE.replace("training results", name);
    for name in ["ümläut & more", "back\\slash", &"x".repeat(256)] {
        let read = read(&named(name), Syntax::Yaml).unwrap_or_else(|all| panic!("{}", told(&all)));
        assert_eq!(read.definition.results.container, name);
    }
    for name in ["a/b", "..", &"ä".repeat(129)] {
        let told = refused(&named(name), Syntax::Yaml);
        assert!(told.contains("a name without slashes, of at most 256 bytes"), "{told}");
    }
}

#[test]
fn s3_may_be_opened_with_keys_for_some_hours() {
    for key in ["session_token", "aws_session_token"] {
        let text = filled().replacen(
            "\"password\"",
            &format!("\"{key}\": \"for an hour\", \"password\""),
            1,
        );
        let secrets = read(&text, Syntax::Json).expect("it is right").secrets.expose();
        assert_eq!(secrets.data.expect("sealed").session.as_deref(), Some("for an hour"));
        assert_eq!(secrets.results.expect("sealed").session, None);
    }
}

#[test]
fn a_bucket_may_stand_in_the_hosts_name() {
    let styled = |style: &str| {
        filled()
            .replace("http://127.0.0.1:9000", "https://s3.example.com")
            .replace("\"password\"", &format!("\"addressing_style\": \"{style}\", \"password\""))
    };
    for (style, meant) in [
        ("virtual", Addressing::VirtualHost),
        ("path", Addressing::Path),
        ("auto", Addressing::Path),
    ] {
        let definition = read(&styled(style), Syntax::Json).expect("it is right").definition;
        assert_eq!(definition.results.addressing, meant);
    }
    let told = refused(&styled("virtual_host"), Syntax::Json);
    assert!(
        told.contains("'virtual_host' ['path', 'virtual' or 'auto'] (did you mean 'virtual'?)"),
        "{told}"
    );
    let told = refused(&styled("virtual").replace("s3.example.com", "[::1]:9000"), Syntax::Json);
    assert!(told.contains("a bucket's name cannot stand before an IP address"), "{told}");
}
