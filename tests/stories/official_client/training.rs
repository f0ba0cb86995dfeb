//! Login, training definitions and training runs of the clients 1.0.x.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use trainyard_testkit::official_client::{Generation, Judge, Step};

use super::{DATA, Office, RESULTS, known};
use crate::harness::Told;

pub(super) fn judge(judge: &mut Judge<'_>, office: &Office, generation: Generation) -> Told {
    login(judge, office, generation)?;
    definitions(judge, office, generation)?;
    finished(judge, office, generation)?;
    live(judge, office)?;
    lists(judge, office)?;
    ends(judge, office, generation);
    Ok(())
}

/// 36 of `[0-9a-z-]`: what the client checks of ids.
pub(super) fn is_guid(id: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-';
    id.len() == 36 && id.bytes().all(known)
}

/// `training-` and nine letters and digits.
pub(super) fn is_run_id(id: &str) -> bool {
    id.strip_prefix("training-").is_some_and(|rest| {
        rest.len() == 9 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The ids of a list's resources, in its order.
pub(super) fn guids(step: &Step) -> Result<Vec<&str>> {
    let resources = step.list("/resources")?.iter();
    let guids = resources.map(|resource| resource["metadata"]["guid"].as_str());
    guids.collect::<Option<_>>().context("a resource without id")
}

/// One resource, and the absolute address of the rest.
pub(super) fn one_of_more(step: &Step, url: &str) -> Result<()> {
    ensure!(guids(step)?.len() == 1, "not one");
    let next = step.text("/next/url")?;
    ensure!(next.starts_with(&format!("{url}/v3/")), "{next} is not absolute");
    Ok(())
}

/// It is gone. The last client has a word for it.
pub(super) fn deleted(step: &Step, generation: Generation) -> Result<()> {
    match generation {
        Generation::Last => step.gave("", "SUCCESS"),
        Generation::Of2018 | Generation::Of2017 => step.gave("", Value::Null),
    }
}

fn login(judge: &mut Judge<'_>, office: &Office, generation: Generation) -> Told {
    let (url, id) = (office.url()?, office.instance.as_str());
    judge.expect("wrong_password", |step| {
        let request = format!("(GET {url}/v3/identity/token)\nStatus code: 401, body: ");
        step.raised(&["ApiRequestFailure: Error during getting ML Token.", &request, "\"errors\""])
    });
    judge.expect("unknown_instance", |step| {
        step.raised(&["Getting instance details failed.", "Status code: 404"])
    });
    judge.expect("login", |step| {
        step.gave("/version", generation.version())?;
        step.gave("/instance/metadata/guid", id)?;
        let instance = format!("{url}/v3/wml_instances/{id}");
        step.gave("/instance/metadata/url", instance.as_str())?;
        step.gave("/instance/entity/published_models/url", format!("{instance}/published_models"))?;
        step.gave("/instance/entity/status", "Active")
    });
    judge.expect("login_with_a_slash", |step| {
        step.gave("/runs/resources", json!([]))?;
        ensure!(!step.list("/frameworks/resources")?.is_empty(), "no framework");
        Ok(())
    });
    judge.expect("get_frameworks", |step| {
        let known = step.list("/resources")?.iter().any(|one| {
            one["entity"]["name"] == office.framework.0.as_str()
                && one["entity"]["version"] == office.framework.1.as_str()
        });
        ensure!(known, "{:?} is not among them", office.framework);
        Ok(())
    });
    judge.expect("token_renewal", |step| {
        step.gave("/renewed", true)?;
        step.gave("/parts", 3)?;
        step.gave("/runs/resources", json!([]))
    });
    Ok(())
}

fn definitions(judge: &mut Judge<'_>, office: &Office, generation: Generation) -> Told {
    let url = office.url()?;
    let (first, second) = (
        known(judge.telling, "store_definition", "/uid"),
        known(judge.telling, "store_another_definition", "/uid"),
    );
    for name in ["store_definition", "store_another_definition"] {
        judge.expect(name, |step| {
            let id = step.text("/uid")?;
            ensure!(is_guid(id), "{id:?} is not an id that the client takes");
            let own = format!("{url}/v3/ml_assets/training_definitions/{id}");
            step.gave("/url", own.as_str())?;
            let entity = "/details/entity";
            step.gave(&format!("{entity}/name"), "digits of a user")?;
            step.gave(&format!("{entity}/description"), "a linear model")?;
            // The client of 2018 does not send it.
            if generation == Generation::Last {
                step.gave(&format!("{entity}/author"), json!({"name": "Ann Other"}))?;
            }
            step.gave(&format!("{entity}/command"), "python3 train.py --epochs 3")?;
            step.gave(
                &format!("{entity}/framework"),
                json!({
                    "name": office.framework.0, "version": office.framework.1,
                    "runtimes": [{"name": "python", "version": "3.5"}],
                }),
            )?;
            let version = step.text(&format!("{entity}/training_definition_version/url"))?;
            ensure!(version.starts_with(&own), "{version} is not of {own}");
            let content =
                step.text(&format!("{entity}/training_definition_version/content_url"))?;
            ensure!(content.starts_with(&own) && content.ends_with("/content"), "{content}");
            Ok(())
        });
    }
    judge.expect("get_definition", |step| {
        step.gave("/metadata/guid", first)?;
        step.gave("/entity/command", "python3 train.py --epochs 3")?;
        step.gave("/entity/training_definition_version/content_status/state", "persisted")
    });
    judge.expect("get_definitions", |step| {
        ensure!(guids(step)? == [second, first], "not both, the newest first");
        Ok(())
    });
    judge.expect("get_one_definition", |step| one_of_more(step, &url));
    judge.expect("list_definitions", |step| {
        step.printed(&["GUID", "NAME", "CREATED", "FRAMEWORK", first, second, "digits of a user"])?;
        step.printed(&["scikit-learn"])
    });
    Ok(())
}

/// The entries of an `evaluation-metrics.txt`: group, iteration, and values by name.
fn entries(file: &str) -> Result<Vec<(String, u64, Value)>> {
    let entry = |line: &str| -> Result<_> {
        let line: Value = serde_json::from_str(line)?;
        let number = |one: &Value| one["value"].as_str().and_then(|text| text.parse::<f64>().ok());
        let iteration =
            line["etimes"]["iteration"]["value"].as_str().and_then(|at| at.parse().ok());
        let values = line["values"].as_object().context("values")?.iter();
        let values = values.map(|(name, one)| Some((name.clone(), json!(number(one)?))));
        let values: Option<serde_json::Map<_, _>> = values.collect();
        Ok((
            line["grouplabel"].as_str().context("a group")?.to_owned(),
            iteration.context("an iteration")?,
            Value::Object(values.context("a number")?),
        ))
    };
    file.lines().map(|line| entry(line).with_context(|| line.to_owned())).collect()
}

/// The same of what the API gives.
fn reported(metrics: &[Value]) -> Result<Vec<(String, u64, Value)>> {
    let entry = |one: &Value| -> Option<_> {
        one["timestamp"].as_str()?.parse::<jiff::Timestamp>().ok()?;
        let values = one["values"].as_array()?.iter();
        let values =
            values.map(|value| Some((value["name"].as_str()?.to_owned(), value["value"].clone())));
        let values: serde_json::Map<_, _> = values.collect::<Option<_>>()?;
        Some((one["phase"].as_str()?.to_owned(), one["iteration"].as_u64()?, Value::Object(values)))
    };
    let entries = metrics.iter().map(|one| entry(one).with_context(|| one.to_string()));
    entries.collect()
}

/// Metrics as the client prints those that come over the socket.
pub(super) fn lines_of(metrics: &[(String, u64, Value)]) -> Vec<String> {
    let line = |(phase, iteration, values): &(String, u64, Value)| {
        let values = values.as_object().into_iter().flatten();
        let values: Vec<String> = values.map(|(name, value)| format!("{name}:{value} ")).collect();
        format!(" iteration:{iteration} phase:{phase} {}", values.concat())
    };
    metrics.iter().map(line).collect()
}

fn finished(judge: &mut Judge<'_>, office: &Office, generation: Generation) -> Told {
    let url = office.url()?;
    let id = known(judge.telling, "run_and_wait", "/uid");
    let definition = known(judge.telling, "store_definition", "/url");
    judge.expect("run_and_wait", |step| {
        ensure!(is_run_id(id), "{id:?} is not an id that all clients take");
        step.gave("/url", format!("/v3/models/{id}"))?;
        step.printed(&[
            &format!("Running '{id}'"),
            &format!("Training of '{id}' finished successfully."),
        ])
    });
    judge.expect("get_details", |step| {
        step.gave("/metadata/guid", id)?;
        step.gave("/entity/status/state", "completed")?;
        for time in ["submitted_at", "running_at", "finished_at", "current_at"] {
            let text = step.text(&format!("/entity/status/{time}"))?;
            text.parse::<jiff::Timestamp>().with_context(|| time.to_owned())?;
        }
        let model = "/entity/model_definition";
        step.gave(&format!("{model}/name"), "digits")?;
        step.gave(&format!("{model}/description"), "handwritten digits")?;
        step.gave(&format!("{model}/author/name"), "Ann Other")?;
        step.gave(&format!("{model}/framework/name"), office.framework.0.as_str())?;
        step.gave(&format!("{model}/framework/version"), office.framework.1.as_str())?;
        step.gave(&format!("{model}/definition_href"), definition)?;
        // The training definition's, for none was given.
        step.gave(&format!("{model}/execution/command"), "python3 train.py --epochs 3")?;
        for (key, bucket) in [("data", DATA), ("results", RESULTS)] {
            let store = format!("/entity/training_{key}_reference");
            step.gave(&format!("{store}/type"), "s3")?;
            step.gave(&format!("{store}/location/bucket"), bucket)?;
            // The client reads logs and stores models with what it is given back.
            let connection = format!("{store}/connection");
            step.gave(&format!("{connection}/endpoint_url"), office.s3.endpoint())?;
            step.gave(&format!("{connection}/access_key_id"), office.s3.access_key())?;
            step.gave(&format!("{connection}/secret_access_key"), office.s3.secret_key())?;
        }
        step.gave("/entity/training_results_reference/location/model_location", id)
    });
    judge.expect("get_status", |step| {
        step.gave("/state", "completed")?;
        ensure!(step.text("/message")?.starts_with(id), "a message begins with the run");
        Ok(())
    });

    let log = office.stored(&format!("{id}/learner-1/training-log.txt")).unwrap_or_default();
    let file = office.stored(&format!("{id}/learner-1/evaluation-metrics.txt")).unwrap_or_default();
    let measured = entries(&file)?;
    judge.expect("get_metrics", |step| {
        ensure!(measured.len() == 6, "three epochs in two groups are not {}", measured.len());
        let found = reported(step.list("")?)?;
        // In the order of iterations; two groups of one instant have no order.
        ensure!(found.is_sorted_by_key(|(_, iteration, _)| *iteration), "out of order");
        let same = measured.iter().all(|one| found.contains(one)) && found.len() == measured.len();
        ensure!(same, "not what the program wrote: {measured:?}");
        Ok(())
    });
    judge.expect("get_latest_metrics", |step| {
        // The client gives the latest of one phase alone.
        let found = reported(step.list("")?)?;
        ensure!(
            found.len() == 1 && measured.iter().skip(4).any(|one| *one == found[0]),
            "{found:?}"
        );
        Ok(())
    });
    judge.expect("logs_of_a_finished_run", |step| {
        let begun = format!("Log monitor started for training run: {id}");
        step.printed(&[&begun, "Log monitor done.", "trained: accuracy "])?;
        // The last client reads the object, those before it hear each line on the socket.
        if generation == Generation::Last {
            return step.printed(&[&log]);
        }
        for line in log.lines().filter(|line| !line.is_empty()) {
            step.printed(&[line])?;
        }
        step.printed(&[&format!("{id}: epoch 3: accuracy ")])
    });
    judge.expect("metrics_of_a_finished_run", |step| {
        let begun = format!("Metric monitor started for training run: {id}");
        step.printed(&[&begun, "Metric monitor done."])?;
        if generation == Generation::Last {
            return step.printed(&[&file]);
        }
        lines_of(&measured).iter().try_for_each(|line| step.printed(&[line]))
    });
    judge.expect("failing_run", |step| {
        let id = step.text("/metadata/guid")?;
        step.printed(&[&format!("Training of '{id}' failed with status:")])?;
        step.gave("/entity/status/state", "error")?;
        step.gave("/entity/status/error_cause", "user")?;
        // The client shows this text of a run that stored nothing.
        let told = step.text("/entity/status/error/errors/0/message")?;
        ensure!(told.contains('3'), "{told:?} does not tell the exit code");
        step.text("/entity/status/error/errors/0/code").map(drop)
    });
    judge.expect("logs_of_a_failed_run", |step| step.printed(&["this user's program gives up"]));
    judge.expect("run_without_data", |step| {
        let request =
            format!("Failure during training. (POST {url}/v3/models)\nStatus code: 400, body: ");
        step.raised(&["ApiRequestFailure: ", &request, "no-such-bucket"])
    });
    judge.expect("run_of_no_definition", |step| step.raised(&["Status code: 404"]));
    Ok(())
}

fn live(judge: &mut Judge<'_>, office: &Office) -> Told {
    judge.expect("run", |step| {
        let id = step.text("/metadata/guid")?;
        step.gave("/metadata/url", format!("/v3/models/{id}"))?;
        let state = step.text("/entity/status/state")?;
        ensure!(["pending", "running"].contains(&state), "{state} at once");
        Ok(())
    });
    let id = known(judge.telling, "live_monitors", "/run");
    let log = office.stored(&format!("{id}/learner-1/training-log.txt")).unwrap_or_default();
    let file = office.stored(&format!("{id}/learner-1/evaluation-metrics.txt")).unwrap_or_default();
    let measured = entries(&file)?;
    judge.expect("live_monitors", |step| {
        step.gave("/early/state", "running")?;
        for (monitor, other) in [("/early/logs", "epoch 2: "), ("/early/metrics", "iteration:2")] {
            ensure!(!step.text(monitor)?.contains(other), "{monitor} knows the future");
        }
        let logs = step.text("/logs")?;
        for line in log.lines().filter(|line| !line.is_empty()) {
            let times = logs.matches(&format!("{id}: {line}\n")).count();
            ensure!(times == 1, "{line:?} was shown {times} times");
        }
        ensure!(
            logs.contains("trained: accuracy ") && logs.contains("Log monitor done."),
            "no end"
        );
        let metrics = step.text("/metrics")?;
        ensure!(measured.len() == 8, "four epochs in two groups are not {}", measured.len());
        for line in lines_of(&measured) {
            ensure!(metrics.matches(&line).count() == 1, "not once: {line:?}");
        }
        ensure!(metrics.contains("Metric monitor done."), "no end");
        step.gave("/state", "completed")
    });
    judge.expect("cancel", |step| {
        step.gave("/answer", Value::Null)?;
        step.gave("/state", "canceled")?;
        step.gave("/status/state", "canceled")?;
        let logs = step.text("/logs")?;
        ensure!(logs.contains("epoch 1: ") && logs.contains("Log monitor done."), "no end");
        Ok(())
    });
    judge
        .expect("logs_of_a_canceled_run", |step| step.printed(&["epoch 1: ", "Log monitor done."]));
    judge.expect("cancel_at_once", |step| step.gave("/state", "canceled"));
    Ok(())
}

fn lists(judge: &mut Judge<'_>, office: &Office) -> Told {
    let url = office.url()?;
    let all = judge.telling.step("get_all_details").and_then(guids).unwrap_or_default();
    let finished = known(judge.telling, "run_and_wait", "/uid");
    judge.expect("get_all_details", |step| {
        // The one that was refused is not on record.
        ensure!(all.len() == 5 && all.last() == Some(&finished), "not five, the newest first");
        ensure!(step.at("/next").is_err(), "the last page names a next one");
        Ok(())
    });
    judge.expect("get_one_of_all_details", |step| one_of_more(step, &url));
    judge.expect("pages_of_one", |step| {
        ensure!(guids(step)? == all, "pages give something else than the whole");
        Ok(())
    });
    judge.expect("list_runs", |step| {
        step.printed(&["GUID (training)", "NAME", "STATE", "CREATED", "FRAMEWORK"])?;
        step.printed(&all)?;
        step.printed(&["completed", "error", "canceled", "digits", "scikit-learn"])
    });
    judge.expect("status_of_no_run", |step| step.raised(&["Status code: 404"]));
    Ok(())
}

fn ends(judge: &mut Judge<'_>, office: &Office, generation: Generation) {
    let id = known(judge.telling, "run_and_wait", "/uid");
    for gone in ["status_of_a_deleted_run", "details_of_a_deleted_run", "model_of_a_deleted_run"] {
        judge.expect(gone, |step| step.raised(&["ApiRequestFailure: ", "Status code: 404"]));
    }
    judge.expect("delete_run_again", |step| {
        if generation == Generation::Of2018 {
            return step.raised(&["ApiRequestFailure: ", "Status code: 404"]);
        }
        step.gave("", "FAILED")?;
        step.printed(&["\"errors\""])
    });
    // The service forgets; the store keeps.
    let kept = office.stored(&format!("{id}/learner-1/training-log.txt"));
    judge.expect("delete_run", |step| {
        deleted(step, generation)?;
        kept.map(drop).context("the run's log went from the store")
    });
    judge.expect("delete_definition", |step| deleted(step, generation));
    judge.expect("details_of_a_deleted_definition", |step| step.raised(&["Status code: 404"]));
    judge.expect("delete_definition_again", |step| step.raised(&["does not exist"]));
}
