//! schemathesis: requests made from an OpenAPI document, and answers held against it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::tools;

/// The version that the tests were written with, and all that it needs.
const PACKAGES: &str = include_str!("schemathesis.txt");

/// No 5xx, and nothing that the document does not say: status, content type, headers, schema.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// An answer that takes longer is a finding.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked, of whom, and for how long.
#[derive(Debug)]
pub struct Questions<'a> {
    /// The server's address.
    pub url: &'a str,
    /// For the scheme `token`.
    pub token: &'a str,
    /// For the scheme `password`: name and password.
    pub login: (&'a str, &'a str),
    /// The same questions for the same seed.
    pub seed: u64,
    /// How long.
    pub time: Duration,
}

/// The command that asks; run in `desk`, where its files are. Ends well when nothing is found.
///
/// # Errors
/// When its packages cannot be had.
pub fn command(document: &Value, questions: &Questions<'_>, desk: &Path) -> Result<Command> {
    let packages: Vec<&str> = PACKAGES.lines().filter(|line| !line.is_empty()).collect();
    let bin = tools::python_tools(&packages)?;
    std::fs::write(desk.join("openapi.json"), document.to_string())?;
    let (user, password) = questions.login;
    std::fs::write(
        desk.join("schemathesis.toml"),
        format!(
            "[auth.openapi.token]\nbearer = {:?}\n\
             [auth.openapi.password]\nusername = {user:?}\npassword = {password:?}\n",
            questions.token
        ),
    )?;
    let mut command = Command::new(bin.join("python"));
    command
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(desk.join("schemathesis.toml"))
        .arg("run")
        .arg(desk.join("openapi.json"))
        .args(["--url", questions.url, "--checks", CHECKS])
        .args(["--seed", &questions.seed.to_string()])
        .args(["--max-time", &questions.time.as_secs().to_string()])
        .args(["--request-timeout", &PATIENCE.as_secs().to_string()])
        .args(["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"])
        .current_dir(desk)
        .env_clear()
        .env("HOME", desk)
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    Ok(command)
}

/// The document with ids that are on record beside all that its path parameters may be, so
/// that questions reach what lies behind a 404. `known` gives the ids by what stands before
/// the parameter (`/v3/models/`); `spare`, those that may be deleted.
#[must_use]
pub fn with_known(
    mut document: Value,
    known: &[(&str, Vec<String>)],
    spare: &[(&str, Vec<String>)],
) -> Value {
    for (path, operations) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            let whose = if method == "delete" { spare } else { known };
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap_or_default().to_owned();
                let Some((before, _)) = path.split_once(&format!("{{{name}}}")) else { continue };
                let Some((_, ids)) = whose.iter().find(|(prefix, _)| *prefix == before) else {
                    continue;
                };
                let any = parameter["schema"].take();
                parameter["schema"] = json!({ "anyOf": [{ "enum": ids }, any] });
            }
        }
    }
    document
}
