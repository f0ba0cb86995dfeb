//! Servers and learners die in the middle of a search for hyperparameters: its results are
//! those that it would have had.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use trainyard_optimizer::{Next, Outcome, Study, Trial};
use trainyard_testkit::home::Home;
use trainyard_testkit::http::Client;
use trainyard_testkit::server::Server;
use trainyard_testkit::{binary, chaos, processes, zip};

use crate::harness::{Configuration, Told};

/// What each trial computes from its parameters, and tells as a metric. Now and then one
/// fails, always the same ones.
const PROGRAM: &str = r#"
import json, os, sys, time
given = json.load(open("config.json"))
x, units, kind = given["x"], given["units"], given["kind"]
assert os.environ["SUBID"] == os.environ["TRAINING_ID"].rsplit("_", 1)[1]
time.sleep(0.3)
if units == 7:
    sys.exit(3)
value = (x - 0.3) ** 2 + (units - 4) ** 2 / 10 + (0.5 if kind == "b" else 0)
line = {"meta": {"training_id": os.environ["TRAINING_ID"], "time": int(time.time() * 1000), "rindex": 1},
        "grouplabel": "test", "etimes": {"iteration": {"type": 2, "value": "1"}},
        "values": {"loss": {"type": 3, "value": repr(value)}}}
with open(os.path.join(os.environ["LOG_DIR"], "evaluation-metrics.txt"), "a") as out:
    out.write(json.dumps(line) + "\n")
"#;

/// The same, as a judge computes it.
fn objective(parameters: &[(String, Value)]) -> Outcome {
    let given = |name: &str| parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let number = |name: &str| given(name).and_then(Value::as_f64).unwrap_or_default();
    if given("units").and_then(Value::as_i64) == Some(7) {
        return Outcome::Failed;
    }
    let penalty = if given("kind").and_then(Value::as_str) == Some("b") { 0.5 } else { 0.0 };
    Outcome::Value((number("x") - 0.3).powi(2) + (number("units") - 4.0).powi(2) / 10.0 + penalty)
}

fn search() -> Value {
    json!({
        "method": {"name": "rbfopt", "parameters": [
            {"name": "objective", "string_value": "loss"},
            {"name": "maximize_or_minimize", "string_value": "minimize"},
            {"name": "num_optimizer_steps", "int_value": 16},
        ]},
        "hyper_parameters": [
            {"name": "x", "double_range": {"min_value": 0.0, "max_value": 1.0}},
            {"name": "units", "int_range": {"min_value": 1, "max_value": 8}},
            {"name": "kind", "string_values": ["a", "b"]},
        ],
    })
}

const DEADLINE: Duration = Duration::from_mins(5);

fn begin(client: &Client, store: &std::path::Path) -> Result<String> {
    let send = |method: &str, path: &str, body: &[u8]| {
        client.request(method, path, &[("content-type", "application/json")], body)
    };
    let definition = json!({"name": "search", "command": "python3 objective.py",
        "framework": {"name": "plain", "version": "1-py3"}});
    let path = "/v3/ml_assets/training_definitions";
    let made = send("POST", path, definition.to_string().as_bytes())?.expect_status(201)?.json()?;
    let guid = made["metadata"]["guid"].as_str().context("an id")?.to_owned();
    let content = zip::of(&[("objective.py", PROGRAM)]);
    send("PUT", &format!("{path}/{guid}/content"), &content)?.expect_status(200)?;
    let experiment = json!({
        "settings": {"name": "killed again and again"},
        "training_references": [{
            "name": "searched",
            "training_definition_url": format!("{path}/{guid}"),
            "hyper_parameters_optimization": search(),
        }],
        "training_results_reference": {
            "type": "directory", "connection": {"root": store}, "target": {"bucket": "results"},
        },
    });
    let experiment = experiment.to_string();
    let made =
        send("POST", "/v3/experiments", experiment.as_bytes())?.expect_status(201)?.json()?;
    let experiment = made["metadata"]["guid"].as_str().context("an id")?;
    let begun = send("POST", &format!("/v3/experiments/{experiment}/runs"), b"")?;
    let begun = begun.expect_status(200)?.json()?;
    let run = begun["metadata"]["guid"].as_str().context("an id")?;
    Ok(format!("/v3/experiments/{experiment}/runs/{run}"))
}

/// Looks until the run has ended. A server that has died at a point is started again; a
/// learner is killed whenever three more trials have ended.
fn until_ended(mut server: Server, home: &Home, path: &str) -> Result<(Server, Value, u32)> {
    let began = Instant::now();
    let (mut deaths, mut next_victim) = (0, 2);
    loop {
        ensure!(began.elapsed() < DEADLINE, "the experiment has not ended");
        if server.has_ended() {
            deaths += 1;
            // It may come to the next point before it answers.
            match home.serve() {
                Ok(anew) => server = anew,
                Err(error) if deaths > 20 => return Err(error),
                Err(_) => continue,
            }
        }
        let looked = server.client().get(path).and_then(|answer| answer.expect_status(200)?.json());
        let Ok(run) = looked else {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        let status = &run["entity"]["experiment_run_status"];
        if matches!(status["state"].as_str(), Some("completed" | "error" | "canceled")) {
            return Ok((server, run, deaths));
        }
        let ended = status["current_iteration"].as_u64().unwrap_or_default();
        if ended >= next_victim
            && let Some(victim) = processes::mentioning(home.path())
                .iter()
                .find(|one| one.command.contains(" learner "))
        {
            processes::kill(victim.pid);
            next_victim = ended + 3;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_search_that_is_killed_again_and_again_finds_what_it_would_have_found() -> Told {
    let built = std::env::var_os(binary::CHAOS_VARIABLE).map(std::path::PathBuf::from);
    let built = built.map_or_else(binary::build_with_crash_points, Ok)?;
    let (store, points) = (tempfile::tempdir()?, tempfile::tempdir()?);
    std::fs::create_dir(store.path().join("results"))?;
    let home = Home::with_binary(built, &Configuration::default().text())?
        .with_variable("TRAINYARD_CRASH_POINTS", &points.path().display().to_string());
    // Each point once, each at another time.
    for (times, point) in (1..).zip(chaos::EXPERIMENT) {
        let times = if point.contains("end") || point.contains("story") { 1 } else { times };
        std::fs::write(points.path().join(point), format!("{times} kill"))?;
    }
    let server = home.serve()?;
    let path = begin(server.client(), store.path())?;
    let (server, run, deaths) = until_ended(server, &home, &path)?;
    ensure!(deaths as usize >= chaos::EXPERIMENT.len(), "the server died only {deaths} times");
    ensure!(run["entity"]["experiment_run_status"]["state"] == "completed", "{run}");

    let statuses = run["entity"]["training_statuses"].as_array().context("statuses")?;
    let parent = &statuses[0];
    let id = parent["training_guid"].as_str().context("an id")?;
    let log = std::fs::read_to_string(
        store.path().join("results").join(id).join("learner-1/training-log.txt"),
    )?;
    let number_before = |word: &str| -> Result<u64> {
        let before = log.split(word).next().context("the first line tells it")?;
        Ok(before.rsplit([' ', ',']).find(|part| !part.is_empty()).context("a number")?.parse()?)
    };
    let seed = log.lines().next().and_then(|line| line.rsplit(' ').next()).context("a seed")?;
    let (seed, parallel) = (seed.parse::<u64>()?, number_before(" at a time")?);
    let study = Study::read(&search()).ok().context("it was accepted")?;
    let study = study.with_parallel(u32::try_from(parallel)?);

    // What it would have done is computed here; what it did is the answer.
    let mut history: Vec<Trial> = Vec::new();
    for (number, status) in statuses.iter().skip(1).enumerate() {
        ensure!(status["training_guid"] == format!("{id}_{number}"), "{status}");
        let Next::Propose(expected) = study.next(seed, &history) else {
            anyhow::bail!("trial {number} should not be there: {status}");
        };
        let given: Vec<(String, Value)> = status["hyper_parameters"]
            .as_array()
            .context("parameters")?
            .iter()
            .map(|one| (one["name"].as_str().unwrap_or_default().to_owned(), one["value"].clone()))
            .collect();
        ensure!(given == expected, "trial {number} was given {given:?}, not {expected:?}");
        let outcome = match objective(&given) {
            Outcome::Value(value) => {
                let told = status["objective"].as_f64().context("an objective")?;
                ensure!((told - value).abs() < 1e-12, "trial {number}: {told}, not {value}");
                // To the last bit as it was told: the search goes by that.
                Outcome::Value(told)
            }
            outcome => {
                ensure!(status["state"] == "error", "{status}");
                outcome
            }
        };
        history.push(Trial { parameters: given, outcome });
    }
    ensure!(history.len() == 16, "{} trials", history.len());
    let best = study.best(&history).context("there is a best")?;
    ensure!(parent["best"] == format!("{id}_{best}"), "{parent}");
    ensure!(
        log.lines()
            .last()
            .is_some_and(|line| line.starts_with(&format!("the best is trial {best} "))),
        "{log}"
    );
    drop(server);
    Ok(())
}
