//! The OpenAPI document tells all that the server answers: schemathesis asks what it allows
//! and what it does not, of things that are on record and of things that are not.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use trainyard_testkit::home::finish;
use trainyard_testkit::http::Answer;
use trainyard_testkit::schemathesis::{Questions, command, with_known};
use trainyard_testkit::{binary, zip};

use crate::harness::{SOON, Scene, Told};

/// What `cargo xtask test api` says.
const MINUTES: &str = "TRAINYARD_API_MINUTES";
const SEED: &str = "TRAINYARD_API_SEED";

const USER: &str = "ann";
const PASSWORD: &str = "a password of eight words that nobody guesses";

/// The framework's environment is made in a cache of this story's own, for the questions
/// remove environments, too.
const MADE: Duration = Duration::from_mins(4);

/// How many of its last lines sum up what was asked.
const SUMMARY: usize = 24;

fn told_number(variable: &str, otherwise: u64) -> Result<u64> {
    match std::env::var(variable) {
        Ok(text) => text.parse().with_context(|| format!("{variable}={text}")),
        Err(_) => Ok(otherwise),
    }
}

/// A server with something of everything on record.
struct Archive {
    scene: Scene,
}

impl Archive {
    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let headers = [("Content-Type", "application/json")];
        let body = body.to_string();
        self.scene.server.client().request(method, path, &headers, body.as_bytes())
    }

    /// Sends a document that is taken; gives the new thing's id.
    fn made(&self, path: &str, body: &Value, status: u16) -> Result<String> {
        let made = self.send("POST", path, body)?.expect_status(status)?.json()?;
        Ok(made["metadata"]["guid"].as_str().with_context(|| format!("no id: {made}"))?.to_owned())
    }

    fn definition(&self) -> Result<String> {
        let path = "/v3/ml_assets/training_definitions";
        let id = self.made(
            path,
            &json!({"name": "stored", "framework": {"name": "plain", "version": "1-py3"}, "command": "echo epoch 1/1 - loss: 0.5"}),
            201,
        )?;
        self.content(&format!("{path}/{id}/content"), &zip::of(&[("readme.txt", "A model.\n")]))?;
        Ok(id)
    }

    fn content(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let headers = [("Content-Type", "application/octet-stream")];
        self.scene.server.client().request("PUT", path, &headers, bytes)?.expect_status(200)?;
        Ok(())
    }

    fn version(&self, definition: &str) -> Result<String> {
        let path = format!("/v3/ml_assets/training_definitions/{definition}");
        let told = self.scene.server.client().get(&path)?.expect_status(200)?.json()?;
        let url = told["entity"]["training_definition_version"]["url"].as_str().context("a url")?;
        Ok(url.rsplit('/').next().context("an id")?.to_owned())
    }

    fn model(&self) -> Result<String> {
        let path = "/v3/ml_assets/models";
        let framework = json!({"name": "plain", "version": "1-py3"});
        let id = self.made(path, &json!({"name": "kept", "framework": framework}), 201)?;
        // A gzip of nothing: what is kept is not looked into.
        self.content(&format!("{path}/{id}/content"), EMPTY_GZIP)?;
        Ok(id)
    }

    fn experiment(&self, definition: &str) -> Result<String> {
        let url = format!("http://localhost/v3/ml_assets/training_definitions/{definition}");
        let results = self.scene.job("").json()["training_results"].clone();
        let document = json!({
            "settings": {"name": "kept"},
            "training_references": [
                {"name": "plain", "training_definition_url": url},
                {"name": "search", "training_definition_url": url,
                    "hyper_parameters_optimization": {
                        "method": {"name": "random", "parameters": [
                            {"name": "objective", "string_value": "loss"},
                            {"name": "maximize_or_minimize", "string_value": "minimize"},
                            {"name": "num_optimizer_steps", "int_value": 2},
                        ]},
                        "hyper_parameters": [
                            {"name": "kind", "string_values": ["a", "b"]},
                            {"name": "rate", "double_range": {"min_value": 0.1, "max_value": 0.9}},
                        ],
                    }},
            ],
            "training_results_reference": results,
        });
        self.made("/v3/experiments", &document, 201)
    }

    /// Runs an experiment to its end; gives the run's id and that of the search in it.
    fn experiment_run(&self, experiment: &str) -> Result<(String, String)> {
        let path = format!("/v3/experiments/{experiment}/runs");
        let run = self.made(&path, &Value::Null, 200)?;
        trainyard_testkit::wait::eventually("the experiment's end", SOON, || {
            let run = self.scene.server.client().get(&format!("{path}/{run}")).ok()?.json().ok()?;
            (run["entity"]["experiment_run_status"]["state"] == "completed").then_some(())
        })?;
        let told = self.scene.server.client().get(&format!("{path}/{run}"))?.json()?;
        let trainings = told["entity"]["training_statuses"].as_array().context("its trainings")?;
        let mut ids = trainings.iter().filter_map(|one| one["training_guid"].as_str());
        let search = ids.find_map(|id| id.strip_suffix("_0")).context("a search")?;
        Ok((run, search.to_owned()))
    }

    /// A run that has settled as `state`.
    fn run(&self, command: &str, state: &str) -> Result<String> {
        let id = self.scene.run(command)?;
        self.scene.server.until_settled(&id, state, MADE)?;
        Ok(id)
    }
}

/// RFC 1952: the header, deflate's empty block, checksum and length of nothing.
const EMPTY_GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
#[ignore = "minutes of requests: cargo xtask test api"]
fn nothing_is_answered_that_the_document_does_not_tell() -> Told {
    let (minutes, seed) = (told_number(MINUTES, 3)?, told_number(SEED, 1)?);
    let cache = tempfile::tempdir()?;
    let path = cache.path().to_str().context("a path")?;
    let archive = Archive { scene: Scene::with_variable("TRAINYARD_CACHE", path)? };
    let home = &archive.scene.home;
    let mut add = home.command(["user", "add", USER, "--password-stdin"]);
    let mut add = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    writeln!(add.stdin.take().context("stdin was asked for")?, "{PASSWORD}")?;
    ensure!(add.wait()?.success(), "user add failed");
    let instance = home.call(["instance", "create", "all", "--member", USER])?.expect_code(0)?;
    let instance = instance.stdout.trim().to_owned();

    let mut runs = vec![archive.run("echo done", "completed")?, archive.run("exit 3", "error")?];
    let spare_runs = vec![archive.run("echo one", "completed")?, archive.run("exit 4", "error")?];
    let (definition, spare_definition) = (archive.definition()?, archive.definition()?);
    let version = archive.version(&definition)?;
    let (model, spare_model) = (archive.model()?, archive.model()?);
    let (experiment, spare_experiment) =
        (archive.experiment(&definition)?, archive.experiment(&definition)?);
    let ((run, search), (spare_run, _)) =
        (archive.experiment_run(&experiment)?, archive.experiment_run(&experiment)?);
    // A trial, and what clients take for a run and is none.
    runs.extend([format!("{search}_0"), search]);
    let one = |id: &str| vec![id.to_owned()];
    let known = [
        ("/v3/models/", runs),
        ("/v3/ml_assets/training_definitions/", one(&definition)),
        ("/v3/ml_assets/training_definitions/{id}/versions/", one(&version)),
        ("/v3/ml_assets/models/", one(&model)),
        ("/v3/wml_instances/", one(&instance)),
        ("/v3/wml_instances/{id}/published_models/", one(&model)),
        ("/v3/wml_instances/{id}/members/", one(USER)),
        ("/v3/users/", one(USER)),
        ("/v3/experiments/", one(&experiment)),
        ("/v3/experiments/{id}/runs/", one(&run)),
    ];
    let spare = [
        ("/v3/models/", spare_runs),
        ("/v3/ml_assets/training_definitions/", one(&spare_definition)),
        ("/v3/ml_assets/models/", one(&spare_model)),
        ("/v3/experiments/", vec![spare_experiment, experiment]),
        ("/v3/experiments/{id}/runs/", one(&spare_run)),
    ];
    let document = std::fs::read(binary::repository().join("openapi.json"))?;
    let document = with_known(serde_json::from_slice(&document)?, &known, &spare);

    let file: Value = serde_json::from_slice(&std::fs::read(home.path().join("server.json"))?)?;
    let questions = Questions {
        url: file["url"].as_str().context("the server's address")?,
        token: file["token"].as_str().context("the operator's token")?,
        login: (USER, PASSWORD),
        seed,
        time: Duration::from_secs(minutes * 60),
    };
    let desk = tempfile::tempdir()?;
    let asked = finish(&mut command(&document, &questions, desk.path())?)?;
    let log = std::fs::read_to_string(home.path().with_extension("serve.log"))?;
    ensure!(
        asked.code == 0,
        "schemathesis ended with {}\n{}\n{}\nthe server's log:\n{log}",
        asked.code,
        asked.stdout,
        asked.stderr
    );
    ensure!(!log.contains("panicked"), "{log}");
    let summary = asked.stdout.lines().rev().take(SUMMARY).collect::<Vec<_>>();
    say(&summary.into_iter().rev().collect::<Vec<_>>().join("\n"));
    // It is there, and in its right mind.
    archive.run("echo still here", "completed")?;
    drop(archive);
    // Environments are read-only, and would not go by themselves.
    let status =
        std::process::Command::new("chmod").args(["-R", "u+w"]).arg(cache.path()).status()?;
    ensure!(status.success(), "chmod: {status}");
    Ok(())
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs it by hand")]
fn say(what: &str) {
    eprintln!("{what}");
}
