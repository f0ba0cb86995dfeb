//! Definitions with mistakes: refused, with all of them told at once, each at its place.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use trainyard_testkit::http::Answer;
use trainyard_testkit::zip;

use crate::harness::{Scene, Told};

fn refused(scene: &Scene, text: &str) -> anyhow::Result<Answer> {
    let model = zip::of(&[("main.py", "print('never')\n")]);
    scene.server.post(text, &model)?.expect_status(400)
}

/// The complaint with this code, which must be there.
fn complaint(answer: &Answer, code: &str) -> anyhow::Result<Value> {
    let body = answer.json()?;
    let errors = body["errors"].as_array().context("errors")?;
    let found = errors.iter().find(|error| error["code"] == code);
    found.cloned().with_context(|| format!("no {code} in {body:#}"))
}

#[test]
fn five_errors_are_all_told_in_the_order_of_the_text() -> Told {
    let scene = Scene::start()?;
    let mut job = scene.job("true").json();
    let definition = &mut job["model_definition"];
    definition["framwork"] = definition["framework"].take();
    definition.as_object_mut().context("an object")?.remove("framework");
    definition["name"] = json!(["tf-mnist"]);
    definition["execution"] = json!({ "resourceType": "huge" });
    job["training_results"]["target"]["type"] = json!("floppy");
    let text = serde_json::to_string_pretty(&job)?;

    let answer = refused(&scene, &text)?;
    let body = answer.json()?;
    let errors = body["errors"].as_array().context("errors")?;
    // A misspelt key, a wrong type, a missing key, an unknown size, an unknown store.
    ensure!(errors.len() == 5, "{} told: {body:#}", errors.len());
    for code in ["TY0102", "TY0103", "TY0104", "TY0105"] {
        complaint(&answer, code)?;
    }
    let misspelt = complaint(&answer, "TY0103")?;
    ensure!(misspelt["help"].as_str().is_some_and(|help| help.contains("framework")), "{misspelt}");

    // In the order of the text, each where it says it is.
    let starts: Vec<u64> =
        errors.iter().filter_map(|error| error["span"]["start"].as_u64()).collect();
    ensure!(starts.is_sorted() && starts.len() >= 5, "{starts:?}");
    let line = misspelt["span"]["line"].as_u64().context("a line")?;
    let line = text.lines().nth(usize::try_from(line)? - 1).context("the line is in the text")?;
    ensure!(line.contains("framwork"), "points at: {line}");
    Ok(())
}

#[test]
fn a_trailing_comma_is_pointed_at() -> Told {
    let scene = Scene::start()?;
    let text = scene.job("true").text();
    let end = text.rfind('}').context("ends with a brace")?;
    let text = format!("{},\n{}", text[..end].trim_end(), &text[end..]);

    let answer = refused(&scene, &text)?;
    let syntax = complaint(&answer, "TY0101")?;
    let start = usize::try_from(syntax["span"]["start"].as_u64().context("a place")?)?;
    let comma = text.rfind(',').context("written above")?;
    ensure!(start.abs_diff(comma) <= 4, "the comma is at {comma}, pointed at {start}: {syntax}");
    Ok(())
}

#[test]
fn an_unknown_size_gets_the_sizes_there_are() -> Told {
    let scene = Scene::start()?;
    let mut job = scene.job("true");
    job.size = "huge".to_owned();
    let complaint = complaint(&refused(&scene, &job.text())?, "TY0105")?;
    let told = complaint.to_string();
    ensure!(["small", "medium", "large"].iter().all(|size| told.contains(size)), "{told}");
    ensure!(complaint["target"]["name"] == "model_definition.execution.resourceType", "{told}");
    Ok(())
}

#[test]
fn an_unknown_version_gets_the_list_that_exists() -> Told {
    let scene = Scene::start()?;
    let mut job = scene.job("true");
    job.framework = ("tensorflow".to_owned(), "9.9".to_owned());
    let told = complaint(&refused(&scene, &job.text())?, "TY0302")?.to_string();
    ensure!(told.contains("1.2-py3"), "{told}");

    job.framework = ("tensorflaw".to_owned(), "1.2-py3".to_owned());
    let told = complaint(&refused(&scene, &job.text())?, "TY0301")?.to_string();
    ensure!(told.contains("tensorflow") && told.contains("plain"), "{told}");
    Ok(())
}

#[test]
fn definition_and_zip_are_complained_about_in_one_round() -> Told {
    let scene = Scene::start()?;
    let mut job = scene.job("true");
    job.size = "huge".to_owned();
    let model = zip::of(&[("deep/main.py", "")]);
    let codes = scene.server.post(&job.text(), &model)?.expect_status(400)?.codes()?;
    ensure!(
        codes.contains(&"TY0105".to_owned()) && codes.contains(&"TY0203".to_owned()),
        "{codes:?}"
    );
    Ok(())
}

#[test]
fn the_placeholders_of_the_page_are_recognized() -> Told {
    let scene = Scene::start()?;
    let page = include_str!("../../examples/tensorflow-mnist/job.json");
    let codes = refused(&scene, page)?.codes()?;
    ensure!(codes.contains(&"TY0107".to_owned()), "{codes:?}");
    Ok(())
}

#[test]
fn a_size_that_can_never_fit_is_refused_with_the_nearest_that_does() -> Told {
    use crate::harness::Configuration;
    let scene = Scene::with(Configuration { slots: 2, ..Configuration::default() })?;
    let mut job = scene.job("true");
    job.size = "large".to_owned();
    let told = complaint(&refused(&scene, &job.text())?, "TY0507")?.to_string();
    ensure!(told.contains("medium"), "{told}");
    Ok(())
}
