//! Documents of users as they are shown again: without what opens their stores.
//!
//! Of a `connection`, wherever it stands, only what is known to be no secret is kept. The
//! one place where v3's clients need their keys back is a single run, and `control` puts
//! them there itself.

use serde_json::Value;

/// What of a connection may be told.
const OPEN: [&str; 7] =
    ["endpoint_url", "auth_url", "region", "root", "addressing_style", "domain_name", "project_id"];

/// The document without keys.
pub(crate) fn document(mut document: Value) -> Value {
    cut(&mut document);
    document
}

fn cut(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                if key != "connection" {
                    cut(value);
                } else if let Value::Object(connection) = value {
                    connection
                        .retain(|key, value| OPEN.contains(&key.as_str()) && value.is_string());
                } else {
                    *value = Value::Null;
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(cut),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_key_of_a_store_is_left() {
        let store = json!({
            "connection": {"endpoint_url": "http://s3", "access_key_id": "A", "secret_access_key": "B",
                "token": {"deep": "C"}, "region": {"secret": "D"}},
            "source": {"bucket": "b"},
        });
        let cut = document(json!({"a": [store, {"connection": "E"}], "name": "n"}));
        assert_eq!(
            cut,
            json!({"a": [
                {"connection": {"endpoint_url": "http://s3"}, "source": {"bucket": "b"}},
                {"connection": null},
            ], "name": "n"})
        );
    }
}
