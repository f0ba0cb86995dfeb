//! Experiments and hyperparameter optimization of the clients 1.0.x.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use trainyard_testkit::official_client::{Generation, Judge, Step};

use super::training::{deleted, guids, is_guid, is_run_id};
use super::{Office, known};
use crate::harness::Told;

pub(super) fn judge(judge: &mut Judge<'_>, office: &Office, generation: Generation) -> Told {
    stored(judge, office, generation)?;
    live(judge, office)?;
    questions(judge, generation);
    trial(judge, office);
    let experiment = known(judge.telling, "store_experiment_by_model", "/uid");
    judge.expect("run_experiment_and_wait", |step| {
        let run = step.text("/metadata/guid")?;
        step.printed(&[
            &format!("Running '{experiment}' experiment"),
            &format!("Experiment run uid: {run}"),
            "100% - Finished processing training runs: experiment_state=completed",
            &format!("Run of '{experiment}' finished successfully."),
        ])?;
        trials(step, "digits of a user")
    });
    repositories(judge, generation);
    judge.expect("delete_experiment_run", |step| deleted(step, generation));
    judge.expect("details_of_a_deleted_experiment_run", |step| step.raised(&["Status code: 404"]));
    judge.expect("delete_experiment", |step| deleted(step, generation));
    judge.expect("details_of_a_deleted_experiment", |step| step.raised(&["Status code: 404"]));
    Ok(())
}

fn stored(judge: &mut Judge<'_>, office: &Office, generation: Generation) -> Told {
    let url = office.url()?;
    let random = known(judge.telling, "store_experiment", "/uid");
    let by_model = known(judge.telling, "store_experiment_by_model", "/uid");
    let definition = known(judge.telling, "store_definition", "/url");
    for (name, method, reference) in [
        ("store_experiment", "random", "by-chance"),
        // Named by the training definition, for the reference has no name.
        ("store_experiment_by_model", "rbfopt", "digits of a user"),
    ] {
        judge.expect(name, |step| {
            let id = step.text("/uid")?;
            ensure!(is_guid(id), "{id:?} is not an id that the client takes");
            step.gave("/url", format!("{url}/v3/experiments/{id}"))?;
            step.gave("/details/entity/settings/name", format!("digits by {method}"))?;
            step.gave("/details/entity/settings/evaluation_definition/method", "multiclass")?;
            let first = "/details/entity/training_references/0";
            step.gave(&format!("{first}/name"), reference)?;
            step.gave(&format!("{first}/training_definition_url"), definition)?;
            let search = format!("{first}/hyper_parameters_optimization");
            step.gave(&format!("{search}/method/name"), method)?;
            step.gave(
                &format!("{search}/hyper_parameters/0"),
                json!({"name": "alpha", "double_range": {"min_value": 0.001, "max_value": 0.005, "step": 0.001}}),
            )
        });
    }
    judge.expect("update_experiment", |step| changed(step, generation));
    judge.expect("get_experiment", |step| {
        step.gave("/metadata/guid", random)?;
        step.gave("/metadata/url", format!("{url}/v3/experiments/{random}"))?;
        changed(step, generation)
    });
    judge.expect("get_experiments", |step| {
        ensure!(guids(step)? == [by_model, random], "not both, the newest first");
        Ok(())
    });
    judge.expect("list_experiments", |step| {
        step.printed(&["GUID", "NAME", "CREATED", random, by_model])?;
        step.printed(&["digits by chance", "digits by rbfopt"])
    });
    Ok(())
}

/// The experiment after the update; what was not named has stayed.
fn changed(step: &Step, generation: Generation) -> Result<()> {
    step.gave("/entity/settings/name", "digits by chance")?;
    step.gave("/entity/settings/description", "which learns best of three")?;
    step.gave("/entity/settings/author/name", "Ann Other")?;
    step.gave("/entity/training_references/0/name", "by-chance")?;
    // The client of 2018 does not send them.
    if generation == Generation::Last {
        step.gave("/entity/tags", json!([{"value": "digits", "description": "what they are"}]))?;
    }
    Ok(())
}

fn live(judge: &mut Judge<'_>, office: &Office) -> Told {
    let url = office.url()?;
    let experiment = known(judge.telling, "store_experiment", "/uid");
    let run = known(judge.telling, "run_experiment", "/uid");
    judge.expect("run_experiment", |step| {
        ensure!(is_guid(run), "{run:?} is not an id that the client takes");
        step.gave("/url", format!("{url}/v3/experiments/{experiment}/runs/{run}"))?;
        step.gave("/details/experiment/guid", experiment)?;
        let parent = step.text("/details/entity/training_statuses/0/training_guid")?;
        ensure!(is_run_id(parent), "{parent:?} is not a run");
        Ok(())
    });
    judge.expect("live_experiment_monitors", |step| {
        step.gave("/early/state", "running")?;
        ensure!(!step.text("/early/metrics")?.contains("iteration:2"), "it knows the future");
        let metrics = step.text("/metrics")?;
        ensure!(
            metrics.contains(&format!("Metric monitor started for experiment run: {run}"))
                && metrics.contains(" (by-chance)")
                && metrics.contains("Metric monitor done."),
            "a monitor's head, a trial's, and an end"
        );
        for epoch in [1, 2] {
            // What the parent reports is the objective alone.
            let told = format!(" iteration:{epoch} phase:test accuracy:");
            let told =
                metrics.lines().filter(|line| line.contains(&told) && line.contains(" loss:"));
            ensure!(told.count() == 3, "not three trials told of epoch {epoch}");
        }
        let logs = step.text("/logs")?;
        for text in
            ["Monitor started for experiment run: ", "epoch 2: accuracy ", "Log monitor done."]
        {
            ensure!(logs.contains(text), "no {text:?} in the logs");
        }
        step.gave("/state", "completed")
    });
    Ok(())
}

/// One search of three trials that are over: the parent, and its children with their values.
fn trials(step: &Step, reference: &str) -> Result<()> {
    step.gave("/entity/experiment_run_status/state", "completed")?;
    let statuses = step.list("/entity/training_statuses")?;
    ensure!(statuses.len() == 4, "a parent and three trials are not {}", statuses.len());
    let parent = statuses[0]["training_guid"].as_str().context("a parent")?;
    ensure!(is_run_id(parent), "{parent:?} is not a run");
    let mut seen = Vec::new();
    for status in statuses {
        ensure!(status["state"] == "completed", "{status}");
        ensure!(status["training_reference_name"] == reference, "{status}");
        for time in ["submitted_at", "finished_at"] {
            status[time].as_str().context("a time")?.parse::<jiff::Timestamp>()?;
        }
        seen.push(status["training_guid"].as_str().context("an id")?.to_owned());
    }
    let children: Vec<String> = (0..3).map(|number| format!("{parent}_{number}")).collect();
    ensure!(seen[1..] == children, "{seen:?} are not {children:?}");
    statuses[1..].iter().try_for_each(within)
}

/// A trial's values are of the space that was asked for.
fn within(status: &Value) -> Result<()> {
    let value = |name: &str| {
        let mut all = status["hyper_parameters"].as_array().into_iter().flatten();
        let found = all.find(|one| one["name"] == name).map(|one| one["value"].clone());
        found.with_context(|| format!("no {name} in {status}"))
    };
    let alpha = value("alpha")?.as_f64().context("a number")?;
    let steps = alpha / 0.001;
    ensure!(
        (1.0..=5.0).contains(&steps.round()) && (steps - steps.round()).abs() < 1e-6,
        "{alpha}"
    );
    ensure!([500, 1000].map(Value::from).contains(&value("examples")?), "{status}");
    ensure!(["l1", "l2"].map(Value::from).contains(&value("penalty")?), "{status}");
    Ok(())
}

fn questions(judge: &mut Judge<'_>, generation: Generation) {
    let run = known(judge.telling, "run_experiment", "/uid");
    let experiment = known(judge.telling, "store_experiment", "/uid");
    judge.expect("get_experiment_run", |step| {
        step.gave("/experiment/guid", experiment)?;
        trials(step, "by-chance")
    });
    judge.expect("get_experiment_status", |step| {
        step.gave("/state", "completed")?;
        step.text("/finished_at").map(drop)
    });
    let uids: Vec<&str> = judge
        .telling
        .step("get_trainings")
        .and_then(|step| step.list("/uids"))
        .map(|uids| uids.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    judge.expect("get_trainings", |step| {
        let runs = step.list("/runs")?.iter().map(|run| run["training_guid"].as_str());
        ensure!(uids.len() == 4 && runs.eq(uids.iter().map(|uid| Some(*uid))), "{uids:?}");
        Ok(())
    });
    judge.expect("list_trainings", |step| {
        step.printed(&[
            "GUID (training)",
            "NAME",
            "STATE",
            "SUBMITTED",
            "FINISHED",
            "PERFORMANCE",
        ])?;
        step.printed(&uids)?;
        step.printed(&["by-chance", "completed", "test:accuracy=0."])
    });
    for list in ["list_experiment_runs", "list_all_experiment_runs"] {
        judge.expect(list, |step| {
            step.printed(&["GUID (experiment)", "GUID (run)", "NAME (experiment)", "STATE"])?;
            step.printed(&[experiment, run, "digits by chance", "completed"])
        });
    }
    for list in ["get_experiment_runs", "get_all_experiment_runs"] {
        judge.expect(list, |step| {
            ensure!(guids(step)? == [run], "not the one");
            Ok(())
        });
    }
    for name in ["get_experiment_metrics", "get_latest_experiment_metrics"] {
        judge.expect(name, |step| {
            let list = step.list("")?;
            for child in uids.iter().skip(1) {
                let one = list.iter().find(|one| one["training_guid"] == *child);
                let one = one.with_context(|| format!("nothing of {child}"))?;
                ensure!(one["training_reference_name"] == "by-chance", "{one}");
                // All of them, two epochs in two groups; or the latest of one group.
                let (count, last) = match &one["metrics"] {
                    Value::Array(all) => (all.len(), all.last()),
                    latest => (4, Some(latest)),
                };
                let last = last.with_context(|| one.to_string())?;
                ensure!(count == 4 && last["iteration"] == 2, "{one}");
            }
            Ok(())
        });
    }
    judge.expect("logs_of_a_finished_experiment", |step| {
        step.printed(&[&format!("Monitor started for experiment run: {run}")])?;
        // The search's own log; those of its trials have been asked for one by one.
        step.printed(&["trial 0: accuracy = ", "the best is trial ", "Log monitor done."])?;
        ensure!(!step.output()?.contains("ERROR"), "an error");
        Ok(())
    });
    judge.expect("metrics_of_a_finished_experiment", |step| {
        step.printed(&[&format!("Metric monitor started for experiment run: {run}")])?;
        ensure!(!step.output()?.contains("ERROR"), "an error");
        if generation == Generation::Last {
            step.printed(&["\"grouplabel\"", "\"accuracy\""])
        } else {
            step.printed(&[
                " (by-chance)",
                " iteration:2 phase:test accuracy:",
                "Metric monitor done.",
            ])
        }
    });
}

/// The first trial: its log tells the values that it was given, and its model is its own.
fn trial(judge: &mut Judge<'_>, office: &Office) {
    let id = known(judge.telling, "store_model_of_a_trial", "/trial");
    let statuses = judge
        .telling
        .step("get_experiment_run")
        .and_then(|step| step.list("/entity/training_statuses"))
        .unwrap_or_default();
    let status = statuses.iter().find(|status| status["training_guid"] == id);
    let given: serde_json::Map<String, Value> = status
        .and_then(|status| status["hyper_parameters"].as_array())
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["name"].as_str()?.to_owned(), one["value"].clone())))
        .collect();
    judge.expect("logs_of_a_trial", |step| {
        let line = step.output()?.lines().find_map(|line| line.split_once("learning with "));
        let (_, learned) = line.context("no values in its log")?;
        let learned: Value = serde_json::from_str(learned)?;
        ensure!(
            learned == Value::Object(given.clone()),
            "it learned with {learned}, given {given:?}"
        );
        Ok(())
    });
    judge.expect("store_model_of_a_trial", |step| {
        let (parent, number) = id.split_once('_').context("a parent and a number")?;
        ensure!(is_run_id(parent) && number == "0", "{id} is not the first");
        ensure!(is_guid(step.text("/uid")?), "not an id that the client takes");
        Ok(())
    });
    judge.expect("download_model_of_a_trial", |step| {
        step.gave("/about/with", Value::Object(given.clone()))?;
        let folder = id.replace('_', "/learner-1/");
        let key = format!("{folder}/model/digits.joblib");
        super::models::same_content(step, office, &[("digits.joblib", &key)])
    });
}

fn repositories(judge: &mut Judge<'_>, generation: Generation) {
    let experiment = known(judge.telling, "store_experiment", "/uid");
    let model = known(judge.telling, "store_trained_model", "/uid");
    let definition = known(judge.telling, "store_definition", "/uid");
    judge.expect("repository_list", |step| {
        step.printed(&["GUID", "NAME", "CREATED", "FRAMEWORK", "TYPE"])?;
        for (id, kind) in [(experiment, "experiment"), (model, "model"), (definition, "definition")]
        {
            let line = step.output()?.lines().find(|line| line.starts_with(id) && !id.is_empty());
            let line = line.with_context(|| format!("no {kind} {id}"))?;
            ensure!(line.trim_end().ends_with(kind), "{line:?} is not of a {kind}");
        }
        Ok(())
    });
    judge.expect("repository_details", |step| {
        for (kind, count) in [("models", 2), ("definitions", 2), ("experiments", 2)] {
            let found = step.list(&format!("/{kind}/resources"))?.len();
            ensure!(found == count, "{found} {kind}");
        }
        // What this service does not have is empty, not an error.
        if generation == Generation::Last {
            for kind in ["runtimes", "libraries", "deployments", "functions"] {
                step.gave(&format!("/{kind}/resources"), json!([]))?;
            }
        }
        Ok(())
    });
    judge.expect("repository_details_of_one", |step| step.gave("/metadata/guid", experiment));
}
