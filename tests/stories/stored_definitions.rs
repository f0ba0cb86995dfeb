//! Training definitions that are stored first and trained later, as v3's clients do it.

use anyhow::{Context as _, ensure};
use serde_json::json;
use trainyard_testkit::zip;

use crate::harness::{SOON, Scene, Told};

const DEFINITIONS: &str = "/v3/ml_assets/training_definitions";
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// The path of an absolute address.
fn path_of(url: &str) -> anyhow::Result<&str> {
    let rest = url.split_once("://").context("absolute")?.1;
    Ok(&rest[rest.find('/').context("a path")?..])
}

#[test]
fn a_stored_definition_is_filled_trained_and_deleted() -> Told {
    let scene = Scene::start()?;
    let client = scene.server.client();
    let body = json!({
        "name": "stored", "framework": { "name": "plain", "version": "1-py3" },
        "command": "sh main.sh"
    });
    let made = client.request("POST", DEFINITIONS, &[JSON], body.to_string().as_bytes())?;
    let made = made.expect_status(201)?.json()?;
    let id = made["metadata"]["guid"].as_str().context("a guid")?.to_owned();
    let version = &made["entity"]["training_definition_version"];
    ensure!(version["content_status"]["state"] == "awaiting_content", "{made}");

    let content = path_of(version["content_url"].as_str().context("content_url")?)?.to_owned();
    let model = zip::of(&[("main.sh", "echo from the stored zip\n")]);
    // A zip that must not be unpacked is refused here already.
    let evil = zip::write(&[zip::Entry::stored("../evil.sh", b"")]);
    let zipped = [("Content-Type", "application/zip")];
    let refused = client.request("PUT", &content, &zipped, &evil)?.expect_status(400)?;
    ensure!(refused.codes()? == ["TY0204"], "{}", refused.text());
    client.request("PUT", &content, &zipped, &model)?.expect_status(200)?;
    ensure!(client.get(&content)?.expect_status(200)?.body == model);

    let mut job = scene.job("sh main.sh").json();
    job["model_definition"]["definition_href"] = format!("{DEFINITIONS}/{id}").into();
    let run = client.request("POST", "/v3/models", &[JSON], job.to_string().as_bytes())?;
    let run = run.expect_status(202)?.json()?;
    let run = run["metadata"]["guid"].as_str().context("a guid")?;
    scene.server.until_settled(run, "completed", SOON)?;
    ensure!(scene.stored_log(run)?.ends_with("from the stored zip\n"));

    let own = format!("{DEFINITIONS}/{id}");
    client.request("DELETE", &own, &[], b"")?.expect_status(204)?;
    ensure!(client.get(&own)?.expect_status(404)?.codes()? == ["TY0610"]);
    Ok(())
}
