//! Documents of the API as they are printed.

use serde_json::Value;
use trainyard_api::run::RunResource;

/// The API echoes the keys of the stores to whoever submitted the run, because
/// the official client needs them; in an output that is kept and passed on,
/// nobody does.
pub(crate) fn without_keys(mut run: RunResource) -> RunResource {
    let entity = &mut run.entity;
    let stores =
        entity.training_data_reference.iter_mut().chain([&mut entity.training_results_reference]);
    for store in stores {
        store.connection = std::mem::take(&mut store.connection).without_keys();
    }
    run
}

/// What opens a store, in all the spellings of the API.
const KEYS: [&str; 9] = [
    "access_key_id",
    "secret_access_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "session_token",
    "userId",
    "user_name",
    "password",
    "access_key",
];

/// The same for a document whose stores are wherever it has a `connection`.
pub(crate) fn without_connection_keys(document: &mut Value) {
    match document {
        Value::Object(object) => {
            if let Some(Value::Object(connection)) = object.get_mut("connection") {
                connection.retain(|key, _| !KEYS.contains(&key.as_str()));
            }
            object.values_mut().for_each(without_connection_keys);
        }
        Value::Array(items) => items.iter_mut().for_each(without_connection_keys),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_go_wherever_the_connection_stands() {
        let mut document = json!({ "a": [{ "connection": {
            "endpoint_url": "http://x", "access_key_id": "k", "secret_access_key": "s",
            "password": "p",
        }}], "password": "a word of the user's" });
        without_connection_keys(&mut document);
        let left = json!({
            "a": [{ "connection": { "endpoint_url": "http://x" } }],
            "password": "a word of the user's",
        });
        assert_eq!(document, left);
    }
}
