//! A store's connection, echoed in the spelling of its kind.
//!
//! For S3 these are the keys that the official client reads. Whatever is echoed is
//! a connection that a definition may have: the test reads it back.

use trainyard_api::run::ConnectionView;
use trainyard_model::definition::{Addressing, StoreKind, StoreRef};
use trainyard_model::secret::Credentials;

/// The connection, with the keys where they are given.
pub(super) fn view(store: &StoreRef, credentials: Option<&Credentials>) -> ConnectionView {
    let address = Some(store.endpoint.clone());
    let keys = credentials.map(Credentials::expose);
    let (user, secret, session) =
        keys.map_or((None, None, None), |keys| (Some(keys.user), Some(keys.secret), keys.session));
    match (store.kind, &store.keystone) {
        (StoreKind::S3, _) => ConnectionView {
            endpoint_url: address,
            access_key_id: user,
            secret_access_key: secret,
            session_token: session,
            addressing_style: match store.addressing {
                Addressing::Path => None,
                Addressing::VirtualHost => Some("virtual".to_owned()),
            },
            region: store.region.clone(),
            ..ConnectionView::default()
        },
        (StoreKind::Swift, None) => ConnectionView {
            auth_url: address,
            user_id: user,
            password: secret,
            ..ConnectionView::default()
        },
        (StoreKind::Swift, Some(scope)) => ConnectionView {
            auth_url: address,
            user_name: user,
            password: secret,
            region: store.region.clone(),
            domain_name: Some(scope.domain_name.clone()),
            project_id: Some(scope.project_id.clone()),
            ..ConnectionView::default()
        },
        (StoreKind::Directory, _) => ConnectionView { root: address, ..ConnectionView::default() },
    }
}

#[cfg(test)]
mod tests {
    use trainyard_definition::{Syntax, read};

    use super::view;

    #[test]
    fn what_is_echoed_can_be_submitted_again() {
        for (word, connection) in [
            ("s3_datastore", r#"{"auth_url": "s3.example.com", "userId": "u", "password": "p"}"#),
            (
                "s3",
                r#"{"endpoint_url": "https://s3.example.com", "aws_access_key_id": "u",
                    "aws_secret_access_key": "p", "aws_session_token": "t", "region": "eu-de",
                    "addressing_style": "virtual"}"#,
            ),
            (
                "softlayer_objectstore",
                r#"{"auth_url": "https://x/auth/v1.0/", "user_name": "a:u", "password": "p"}"#,
            ),
            (
                "bluemix_objectstore",
                r#"{"auth_url": "https://x/v3", "userId": "u", "password": "p",
                    "region": "dallas", "domain_name": "1", "project_id": "2"}"#,
            ),
            ("directory", r#"{"root": "/data"}"#),
        ] {
            let written = |connection: &str| {
                format!(
                    r#"{{"model_definition": {{"framework": {{"name": "a", "version": "1"}},
                         "name": "n", "execution": {{"command": "c", "resourceType": "small"}}}},
                         "training_results": {{"connection": {connection},
                         "target": {{"container": "c", "type": "{word}"}}}}}}"#
                )
            };
            let first = read(&written(connection), Syntax::Json).expect("it is right");
            let keys = first.secrets.results.clone();
            let echo = view(&first.definition.results, keys.as_ref());
            let text = serde_json::to_string(&echo).expect("it is JSON");
            let again = read(&written(&text), Syntax::Json).expect("what was echoed is right");
            assert_eq!(again.definition, first.definition);
            let exposed = |secrets: trainyard_model::secret::Secrets| {
                serde_json::to_value(secrets.expose()).expect("it is JSON")
            };
            assert_eq!(exposed(again.secrets), exposed(first.secrets));
            // Nothing that opens a store is left for others to see.
            let others = serde_json::to_string(&echo.without_keys()).expect("it is JSON");
            let mine = serde_json::to_string(&view(&first.definition.results, None));
            assert_eq!(others, mine.expect("it is JSON"));
        }
    }
}
