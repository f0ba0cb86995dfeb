//! Experiments with the commands of 2018, and with Trainyard's own.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use trainyard_testkit::wait::eventually;
use trainyard_testkit::zip;

use crate::harness::{Bx, SOON, Scene, Told, quoted};

/// Trains nothing: the accuracy is the rate that it was given.
const PROGRAM: &str = r#"
import json, os
rate = json.load(open("config.json"))["rate"] if os.path.exists("config.json") else 0.5
print("the rate is", rate, flush=True)
with open(os.path.join(os.environ["RESULT_DIR"], "val_dict_list.json"), "w") as file:
    json.dump([{"steps": 1, "accuracy": rate}], file)
"#;

/// Stores the program's definition; gives its address.
fn stored_definition(bx: &Bx<'_>) -> Result<String> {
    bx.write("model.zip", zip::of(&[("main.py", PROGRAM)]))?;
    bx.write(
        "definition.yml",
        "name: rates\nframework: {name: plain, version: 1-py3}\ncommand: python3 main.py\n",
    )?;
    let words = ["store", "training-definitions", "model.zip", "definition.yml"];
    let id = quoted(&bx.ml(&words)?.expect_code(0)?.stdout, 0)?;
    let shown = bx.ml(&["show", "training-definitions", &id])?.expect_code(0)?.stdout;
    let url = shown.lines().find_map(|line| line.strip_prefix("url ")).context("a url")?;
    Ok(url.trim().to_owned())
}

/// An experiment with a training and a search of three trials.
fn experiment(scene: &Scene, definition: &str) -> Value {
    let job = scene.job("").json();
    json!({
        "settings": { "name": "rates", "description": "which rate is best" },
        "training_references": [
            { "name": "plain", "training_definition_url": definition },
            {
                "name": "search", "training_definition_url": definition,
                "hyper_parameters_optimization": {
                    "method": { "name": "random", "parameters": [
                        { "name": "objective", "string_value": "accuracy" },
                        { "name": "maximize_or_minimize", "string_value": "maximize" },
                        { "name": "num_optimizer_steps", "int_value": 3 },
                    ]},
                    "hyper_parameters": [{
                        "name": "rate",
                        "double_range": { "min_value": 0.1, "max_value": 0.9, "step": 0.1 },
                    }],
                },
            },
        ],
        "training_results_reference": job["training_results"],
    })
}

#[test]
fn an_experiment_is_stored_run_watched_changed_and_deleted() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let definition = stored_definition(&bx)?;
    bx.write("experiment.yml", experiment(&scene, &definition).to_string())?;

    let stored = bx.ml(&["store", "experiments", "experiment.yml"])?.expect_code(0)?.stdout;
    let id = quoted(&stored, 0)?;
    let expected = format!("Creating experiment ...\nOK\nExperiment created with ID '{id}'\n");
    ensure!(stored == expected, "{stored}");
    let listed = bx.ml(&["list", "experiments"])?.expect_code(0)?.stdout;
    ensure!(listed.contains(&format!("1       rates   {id}   ")), "{listed}");
    ensure!(listed.ends_with("1 records found.\nOK\nList all experiments successful\n"));

    let started = bx.ml(&["experiments", "run", &id])?.expect_code(0)?.stdout;
    let run = quoted(&started, 1)?;
    let expected = format!(
        "Starting to run the experiment with ID '{id}' ...\nOK\nExperiment-run created with ID '{run}'\n"
    );
    ensure!(started == expected, "{started}");
    let watched = bx.ml(&["monitor", "experiments", &id, &run])?.expect_code(0)?.stdout;
    let first = format!(
        "Starting to fetch status messages and metrics for experiment id '{id}' and experiment-run id '{run}'\n"
    );
    ensure!(watched.starts_with(&first), "{watched}");
    ensure!(watched.ends_with("\nStatus: COMPLETED\n"), "{watched}");
    // The training and the three trials have each said what they were given.
    let said = watched.lines().filter(|line| line.contains(": the rate is ")).count();
    ensure!(said == 4, "{watched}");
    ensure!(
        watched.lines().skip(1).all(|line| line.starts_with("[--") || line.starts_with("Status"))
    );
    let metrics = bx.ml(&["monitor", "experiments", &id, &run, "metrics"])?.expect_code(0)?.stdout;
    ensure!(!metrics.contains("[--LOGS]"), "{metrics}");
    let logs = bx.ml(&["monitor", "experiments", &id, &run, "logs"])?.expect_code(0)?.stdout;
    ensure!(logs.lines().skip(1).all(|line| line.starts_with("[--LOGS]      ")), "{logs}");

    let trainings = bx.ml(&["list", "training-runs", &id, &run])?.expect_code(0)?.stdout;
    ensure!(
        trainings.contains("\n5 records found.\nOK\nList training-runs successful\n"),
        "{trainings}"
    );
    let runs = bx.ml(&["list", "experiment-runs", &id])?.expect_code(0)?.stdout;
    ensure!(runs.contains(&format!("1       {run}   completed   ")), "{runs}");

    bx.write("changes.yml", "settings: {name: rates of today}\n")?;
    bx.ml(&["experiments", "update", &id, "changes.yml"])?.expect_code(0)?;
    let shown = bx.ml(&["show", "experiments", &id])?.expect_code(0)?.stdout;
    ensure!(shown.contains("name           rates of today\n"), "{shown}");
    bx.write("wrong.yml", "settings:\n  name: 7\n")?;
    let wrong = bx.ml(&["experiments", "update", &id, "wrong.yml"])?.expect_code(1)?;
    ensure!(wrong.stderr.starts_with("FAILED\n"), "{wrong:?}");

    let deleted = bx.ml(&["delete", "experiment-runs", &id, &run])?.expect_code(0)?.stdout;
    ensure!(deleted.ends_with("OK\nDelete experiment-run successful\n"), "{deleted}");
    let deleted = bx.ml(&["delete", "experiments", &id])?.expect_code(0)?.stdout;
    ensure!(deleted.ends_with("OK\nDelete experiment successful\n"), "{deleted}");
    let gone = bx.ml(&["show", "experiments", &id])?.expect_code(1)?;
    ensure!(gone.stderr.starts_with("FAILED\n"), "{gone:?}");
    // The training runs went with the run of the experiment.
    let runs = bx.ml(&["list", "training-runs"])?.expect_code(0)?.stdout;
    ensure!(runs.contains("\n0 records found.\n"), "{runs}");
    Ok(())
}

#[test]
fn what_is_wrong_with_an_experiment_is_told_at_its_place() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    bx.write(
        "experiment.yml",
        "settings:\n  name: rates\ntraining_references:\n- name: one\n  training_definition_url: http://127.0.0.1/v3/ml_assets/training_definitions/4c5f386a-df1d-408d-b455-04c3fce32fdf\n\
         training_results_reference:\n  type: nowhere\n  connection: {endpoint_url: \"http://127.0.0.1:9\", access_key_id: a, secret_access_key: s}\n  target: {bucket: b}\n",
    )?;
    let refused = bx.ml(&["store", "experiments", "experiment.yml"])?.expect_code(1)?;
    ensure!(refused.stderr.starts_with("FAILED\n"), "{refused:?}");
    ensure!(refused.stderr.contains("--> experiment.yml:"), "{}", refused.stderr);
    ensure!(!refused.stderr.contains("secret_access_key: s"), "{}", refused.stderr);
    Ok(())
}

#[test]
fn trainyards_own_command_shows_the_trials_and_the_best() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let definition = stored_definition(&bx)?;
    let manifest = bx.write("experiment.json", experiment(&scene, &definition).to_string())?;
    let manifest = manifest.to_str().context("text")?;
    let followed = scene.home.call(["experiments", "submit", manifest, "--follow"])?;
    let told = followed.expect_code(0)?.stdout;
    let best = told.lines().find(|line| line.starts_with("best of search: training-"));
    let best = best.with_context(|| told.clone())?;
    // The best is the one with the highest rate, and it is marked in the table.
    let rate = |line: &str| -> Option<f64> { line.split("rate=").nth(1)?.trim().parse().ok() };
    let rates: Vec<f64> =
        told.lines().filter(|line| line.contains(" search ")).filter_map(rate).collect();
    ensure!(rates.len() == 3, "{told}");
    let highest = rates.iter().copied().fold(f64::MIN, f64::max);
    ensure!(rate(best) == Some(highest), "{told}");
    ensure!(told.lines().filter(|line| line.contains(" * ")).count() == 1, "{told}");

    let listed = scene.home.call(["experiments"])?.expect_code(0)?.stdout;
    ensure!(listed.contains("rates") && listed.contains("plain, search (random)"), "{listed}");
    let shown = scene.home.call(["experiments", "show", "last"])?.expect_code(0)?.stdout;
    ensure!(shown.contains("completed, 5 of 5 ended") || shown.contains("completed"), "{shown}");
    ensure!(shown.contains(best), "{shown}");
    let json =
        scene.home.call(["experiments", "show", "last", "--json"])?.expect_code(0)?.json()?;
    ensure!(json["run"]["entity"]["training_statuses"].as_array().is_some(), "{json}");
    let ids = scene.home.call(["experiments", "-q"])?.expect_code(0)?.stdout;
    scene.home.call(["experiments", "delete", ids.trim()])?.expect_code(0)?;
    let none = scene.home.call(["experiments"])?.expect_code(0)?;
    ensure!(none.stderr.contains("no experiments yet"), "{none:?}");
    Ok(())
}

/// What a search prints of itself, beginning before it ends.
#[test]
fn a_search_has_a_log_and_a_state_as_a_run_has() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let definition = stored_definition(&bx)?;
    let manifest = bx.write("experiment.json", experiment(&scene, &definition).to_string())?;
    let manifest = manifest.to_str().context("text")?;
    scene.home.call(["experiments", "submit", manifest, "--run"])?.expect_code(0)?;
    let search = eventually("the search to begin", SOON, || {
        let shown = scene.home.call(["experiments", "show", "last", "--json"]).ok()?.json().ok()?;
        let trainings = shown["run"]["entity"]["training_statuses"].as_array()?.clone();
        let trial =
            trainings.iter().find_map(|one| one["training_guid"].as_str()?.strip_suffix("_0"));
        trial.map(str::to_owned)
    })?;
    let call = |words: &[&str]| scene.home.call(words.iter().chain(&[search.as_str()]));

    let followed = call(&["logs", "-f"])?.expect_code(0)?;
    let lines: Vec<&str> = followed.stdout.lines().collect();
    ensure!(lines[0].starts_with("searching for the largest `accuracy` with random"), "{lines:?}");
    ensure!(lines[lines.len() - 1].starts_with("the best is trial "), "{lines:?}");
    ensure!(lines.len() == 8, "one line, three beginnings, three ends, the best: {lines:?}");
    ensure!(followed.stderr.contains(&format!("{search} completed")), "{followed:?}");
    let stored =
        scene.store.path().join("results").join(&search).join("learner-1/training-log.txt");
    ensure!(std::fs::read_to_string(stored)? == followed.stdout);

    ensure!(call(&["logs"])?.expect_code(0)?.stdout == followed.stdout);
    let last = call(&["logs", "--tail", "1"])?.expect_code(0)?.stdout;
    ensure!(last.trim_end() == lines[7], "{last}");
    let found = call(&["logs", "--grep", "accuracy =", "--tail", "2"])?.expect_code(0)?.stdout;
    let expected: Vec<&str> =
        lines.iter().copied().filter(|line| line.contains("accuracy =")).collect();
    ensure!(found.lines().eq(expected[expected.len() - 2..].iter().copied()), "{found}");
    let nothing = call(&["logs", "--since", "2100-01-01T00:00:00Z"])?;
    ensure!(nothing.expect_code(0)?.stdout.is_empty());
    let refused = call(&["logs", "--attempt", "2"])?;
    ensure!(refused.stderr.contains("a search has but one"), "{refused:?}");

    call(&["wait"])?.expect_code(0)?;
    let shown = call(&["show"])?.expect_code(0)?.stdout;
    ensure!(shown.contains("state      completed"), "{shown}");
    ensure!(call(&["events"])?.expect_code(0)?.stdout.is_empty());
    // What it has not, it says where to find.
    for verb in ["why", "metrics", "rerun", "halt", "delete"] {
        let refused = call(&[verb])?;
        ensure!(refused.code == 102, "{verb}: {refused:?}");
        ensure!(
            refused.stderr.contains(&format!("its trials are runs: {search}_0")),
            "{refused:?}"
        );
    }
    Ok(())
}
