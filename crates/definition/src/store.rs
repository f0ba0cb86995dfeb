//! One store, read from a JSON document whose other keys are another's business.

use serde_json::Value;
use trainyard_model::definition::StoreRef;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::secret::Credentials;

use crate::dialect::{self, Desk};
use crate::premises::Anywhere;
use crate::text::{Kind, Node, Pair, Scalar};

/// Reads a store reference as API clients send it: `connection`, the bucket in `source`,
/// `target` or `location`, and `type` beside them or in the same object. Where in the bucket
/// (`path`, `model_location`) may be said there too; that is the caller's to read.
///
/// `at` is the path of the value in its document (`content_location`); the paths of all
/// complaints begin with it. They have no places: a JSON value knows none.
///
/// # Errors
/// Every complaint at once.
pub fn read_store(
    value: &Value,
    at: &str,
) -> Result<(StoreRef, Option<Credentials>), Vec<Diagnostic>> {
    let mut desk = Desk::new("", &Anywhere);
    let store = dialect::store(&mut desk, &node(value), at);
    let complaints: Vec<Diagnostic> =
        desk.complaints.into_iter().map(|told| Diagnostic { span: None, ..told }).collect();
    match store {
        Some(store) if complaints.is_empty() => Ok(store),
        _ => Err(complaints),
    }
}

fn node(value: &Value) -> Node {
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(word) => Kind::Scalar(Scalar::Bool, word.to_string()),
        Value::Number(number) => Kind::Scalar(Scalar::Number, number.to_string()),
        Value::String(text) => Kind::Scalar(Scalar::Text, text.clone()),
        Value::Array(items) => Kind::List(items.iter().map(node).collect()),
        Value::Object(pairs) => Kind::Object(
            pairs
                .iter()
                .map(|(key, value)| Pair { key: key.clone(), key_span: 0..0, value: node(value) })
                .collect(),
        ),
    };
    Node::new(kind, 0..0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trainyard_model::definition::{Addressing, StoreKind};

    use super::*;

    fn told(value: &Value) -> Vec<(String, String)> {
        let complaints = read_store(value, "content_location").expect_err("it is wrong");
        assert!(complaints.iter().all(|told| told.span.is_none()), "{complaints:?}");
        complaints.into_iter().map(|told| (told.path, told.message)).collect()
    }

    #[test]
    fn a_store_is_read_as_clients_of_all_years_send_it() {
        let connection = json!({
            "endpoint_url": "http://127.0.0.1:9000", "access_key_id": "AK", "secret_access_key": "SK",
        });
        for value in [
            json!({ "connection": connection, "source": { "bucket": "b", "path": "training-1" }, "type": "s3" }),
            json!({ "connection": connection, "target": { "bucket": "b", "type": "s3" } }),
            json!({ "connection": connection, "location": { "container": "b", "model_location": "x" }, "type": "s3", "name": "mine" }),
        ] {
            let (store, keys) = read_store(&value, "x").expect("it is right");
            assert_eq!((store.kind, store.kind_word.as_str()), (StoreKind::S3, "s3"));
            assert_eq!(
                (store.endpoint.as_str(), store.container.as_str()),
                ("http://127.0.0.1:9000", "b")
            );
            assert_eq!(store.addressing, Addressing::Path);
            let keys = keys.expect("an S3 store has keys").expose();
            assert_eq!((keys.user.as_str(), keys.secret.as_str()), ("AK", "SK"));
        }
        let directory = json!({ "connection": { "root": "/data" }, "source": { "bucket": "b" }, "type": "directory" });
        assert!(read_store(&directory, "x").expect("it is right").1.is_none());
    }

    #[test]
    fn complaints_are_at_the_place_of_the_document_that_the_store_stands_at() {
        let pair = |path: &str, message: &str| (path.to_owned(), message.to_owned());
        assert_eq!(
            told(
                &json!({ "connection": { "endpoint_url": "x y", "access_key_id": "AK" }, "source": { "bucket": "a/b" }, "type": "s3" })
            ),
            [
                pair("content_location.source.bucket", "this is not the name of a container"),
                pair("content_location.connection.endpoint_url", "this is not a URL"),
                pair(
                    "content_location.connection.secret_access_key",
                    "the key 'secret_access_key' is missing"
                ),
            ]
        );
        assert_eq!(
            told(&json!("s3://bucket")),
            [pair("content_location", "expected an object, found a text")]
        );
        assert_eq!(
            told(&json!({}))[0],
            pair("content_location.source", "the key 'source' is missing")
        );
    }
}
