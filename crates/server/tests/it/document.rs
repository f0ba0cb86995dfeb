//! The OpenAPI document says what is true.

use trainyard_server::openapi;

#[test]
fn every_route_but_one_names_its_credential() {
    let document = serde_json::to_value(openapi()).expect("a document");
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let guarded = operation["security"].as_array().is_some_and(|all| !all.is_empty());
            assert_eq!(guarded, path != "/health", "{method} {path}");
        }
    }
}

/// `cargo xtask openapi` sets this to have the document written instead of compared.
const BLESS: &str = "TRAINYARD_BLESS";

#[test]
fn the_document_that_is_checked_in_is_the_one_that_is_generated() {
    let generated = openapi().to_pretty_json().expect("a document") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(path, &generated).expect("the repository can be written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == generated, "openapi.json is not up to date: run `cargo xtask openapi`");
}
