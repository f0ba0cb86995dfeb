//! The client of December 2017, which has no experiments: login, a training definition (an
//! "experiment" then), runs in the manifest of the page, their monitor, and stored models.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::official_client::Judge;

use super::training::{guids, is_guid, is_run_id};
use super::{Office, known};
use crate::harness::Told;

pub(super) fn judge(judge: &mut Judge<'_>, office: &Office) -> Told {
    let url = office.url()?;
    // Whatever the answer was, the old client says so.
    judge.expect("wrong_password", |step| step.raised(&["Invalid credentials"]));
    judge.expect("login", |step| {
        step.gave("/instance/metadata/guid", office.instance.as_str())?;
        let models = format!("{url}/v3/wml_instances/{}/published_models", office.instance);
        step.gave("/instance/entity/published_models/url", models)
    });
    judge.expect("store_definition", |step| {
        let version = step.text("")?;
        let rest = version.strip_prefix(&format!("{url}/v3/ml_assets/"));
        ensure!(rest.is_some(), "{version} is not the address of a version");
        Ok(())
    });
    runs(judge, office);
    models(judge);
    judge.expect("delete_run", |step| step.gave("", true));
    judge.expect("status_of_a_deleted_run", |step| {
        // This client raises nothing: it prints, and gives nothing.
        step.gave("", Value::Null)?;
        step.printed(&["Getting trained model details failed.", "\"errors\""])
    });
    judge.expect("delete_run_again", |step| {
        step.gave("", false)?;
        step.printed(&["Trained model deletion failed.", "\"errors\""])
    });
    Ok(())
}

fn runs(judge: &mut Judge<'_>, office: &Office) {
    let id = known(judge.telling, "run_and_wait", "");
    let log = office.stored(&format!("{id}/learner-1/training-log.txt")).unwrap_or_default();
    judge.expect("run_and_wait", |step| {
        ensure!(is_run_id(id), "{id:?} is not a run");
        step.printed(&["Training started ...", "Training DONE."])
    });
    judge.expect("get_status", |step| step.gave("/state", "completed"));
    judge.expect("get_details", |step| {
        step.gave("/metadata/guid", id)?;
        step.gave("/entity/model_definition/name", "Hand-written Digit Recognition")?;
        step.gave("/entity/model_definition/framework/name", office.framework.0.as_str())?;
        step.gave("/entity/model_definition/execution/command", "python3 train.py --epochs 3")
    });
    judge.expect("logs_of_a_finished_run", |step| {
        step.printed(&["Log monitor started.", "Log monitor done.", "trained: accuracy "])?;
        for line in log.lines().filter(|line| !line.is_empty()) {
            step.printed(&[line])?;
        }
        Ok(())
    });
    judge.expect("live_monitor", |step| {
        step.gave("/early/state", "running")?;
        ensure!(!step.text("/early/logs")?.contains("epoch 2: "), "it knows the future");
        let logs = step.text("/logs")?;
        for text in ["epoch 3: accuracy ", "trained: accuracy ", "Log monitor done."] {
            ensure!(logs.matches(text).count() == 1, "{text:?} is not there once");
        }
        step.gave("/state", "completed")
    });
    judge.expect("cancel", |step| {
        step.gave("/answer", true)?;
        step.gave("/state", "canceled")?;
        ensure!(step.text("/logs")?.contains("Log monitor done."), "no end");
        Ok(())
    });
    judge.expect("failing_run", |step| {
        step.gave("/state", "error")?;
        step.gave("/status/error_cause", "user")
    });
    judge.expect("run_without_data", |step| {
        step.gave("", Value::Null)?;
        step.printed(&["Training failed.\nError msg: ", "no-such-bucket"])
    });
    judge.expect("get_all_details", |step| {
        let all = guids(step)?;
        ensure!(all.len() == 4 && all.last() == Some(&id), "not four, the newest first");
        Ok(())
    });
    judge.expect("list_runs", |step| {
        step.printed(&["GUID (training)", "STATE", "CREATED", "FRAMEWORK", id])?;
        step.printed(&["completed", "error", "canceled", "scikit-learn"])
    });
}

fn models(judge: &mut Judge<'_>) {
    let model = known(judge.telling, "store_trained_model", "/entity/ml_asset_guid");
    judge.expect("store_trained_model", |_| {
        ensure!(is_guid(model), "{model:?} is not an id");
        Ok(())
    });
    judge.expect("get_model_details", |step| {
        step.gave("/metadata/guid", model)?;
        step.gave("/entity/name", "digits that were trained")
    });
    judge.expect("get_all_model_details", |step| {
        let all = guids(step)?;
        ensure!(all == [model], "not the one: {all:?}");
        Ok(())
    });
    judge.expect("list_models", |step| {
        step.printed(&["GUID", "NAME", "FRAMEWORK", model])?;
        step.printed(&["digits that were trained"])
    });
    judge.expect("delete_model", |step| step.value().map(drop));
    judge.expect("details_of_a_deleted_model", |step| {
        step.gave("", Value::Null).context("nothing comes of what is not there")?;
        step.printed(&["Getting model details failed.", "\"errors\""])
    });
}
