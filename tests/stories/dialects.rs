//! Definitions of 2018: what the pages and the clients of that year write is trained, and what
//! the server answers can be sent again.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use trainyard_testkit::zip::{self, Entry};

use crate::harness::{SOON, Scene, Store, Told};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const DEFINITIONS: &str = "/v3/ml_assets/training_definitions";

/// A definition of 2018-03, with a store of ours.
fn march(scene: &Scene, command: &str) -> anyhow::Result<Value> {
    let Store::Directory { root, container } = scene.results() else {
        anyhow::bail!("the scene's results are a folder")
    };
    Ok(json!({
        "model_definition": {
            "framework": {
                "name": "plain", "version": "1", "runtimes": { "name": "python", "version": "3.5" }
            },
            "name": "of 2018",
            "author": { "name": "WML User", "email": "wmluser@example.com" },
            "execution": {
                "command": command, "compute_configuration": { "name": "k80", "nodes": 1 }
            },
        },
        "training_results_reference": {
            "name": "DL Model Storage",
            "connection": { "root": root },
            "target": { "bucket": container },
            "type": "directory",
        },
    }))
}

fn nested() -> Vec<u8> {
    let folder = Entry { mode: 0o040_755, ..Entry::stored("empty/", b"") };
    zip::write(&[
        Entry::deflated("main.py", b"import models.net\nmodels.net.train()\n"),
        Entry::stored("models/__init__.py", b""),
        Entry::deflated("models/net.py", b"def train():\n    print('from a folder of the zip')\n"),
        folder,
    ])
}

const TRAIN: &str = "test -d empty && python3 main.py";

#[test]
fn a_zip_with_folders_trains_and_the_answer_trains_once_more() -> Told {
    let scene = Scene::start()?;
    let definition = march(&scene, TRAIN)?;
    let answer = scene.server.post(&definition.to_string(), &nested())?.expect_status(202)?;
    let answer = answer.json()?;
    let warnings = answer["warnings"].to_string();
    ensure!(warnings.contains("TY0306") && warnings.contains("not 3.5"), "{answer:#}");
    let id = answer["metadata"]["guid"].as_str().context("a guid")?;
    scene.server.until_settled(id, "completed", SOON)?;
    ensure!(scene.stored_log(id)?.ends_with("from a folder of the zip\n"));

    let shown = scene.server.client().get(&format!("/v3/models/{id}"))?.json()?;
    let entity = &shown["entity"];
    let model = &entity["model_definition"];
    ensure!(model["framework"] == definition["model_definition"]["framework"], "{model:#}");
    ensure!(model["execution"]["compute_configuration"]["name"] == "k80", "{model:#}");
    ensure!(model["execution"]["resourceType"] == "k80", "{model:#}");
    let location = &entity["training_results_reference"]["location"];
    ensure!(location["model_location"] == id, "{entity:#}");

    // All of it is a definition again.
    let again = scene.server.submit(&entity.to_string(), &nested())?;
    scene.server.until_settled(&again, "completed", SOON)?;
    let once_more = scene.server.client().get(&format!("/v3/models/{again}"))?.json()?;
    ensure!(once_more["entity"]["model_definition"] == *model, "{once_more:#}");
    Ok(())
}

#[test]
fn a_stored_zip_with_folders_trains_on_the_python_that_is_stored_with_it() -> Told {
    let scene = Scene::start()?;
    let client = scene.server.client();
    let body = json!({
        "name": "stored", "command": TRAIN,
        "framework": {
            "name": "plain", "version": "1", "runtimes": [{ "name": "python", "version": "3.5" }]
        },
    });
    let made = client.request("POST", DEFINITIONS, &[JSON], body.to_string().as_bytes())?;
    let made = made.expect_status(201)?.json()?;
    let id = made["metadata"]["guid"].as_str().context("a guid")?;
    let version = &made["entity"]["training_definition_version"]["guid"];
    let version = version.as_str().context("a version")?;
    let content = format!("{DEFINITIONS}/{id}/versions/{version}/content");
    client.request("PUT", &content, &[], &nested())?.expect_status(200)?;

    // As the official client sends it: the version alone, and where the rest is.
    let mut definition = march(&scene, TRAIN)?;
    let model = &mut definition["model_definition"];
    model["framework"] = json!({ "name": "plain", "version": "1" });
    model["definition_href"] = made["metadata"]["url"].clone();
    model["execution"]["compute_configuration"] = json!({ "name": "p100" });
    let run = client.request("POST", "/v3/models", &[JSON], definition.to_string().as_bytes())?;
    let run = run.expect_status(202)?.json()?;
    ensure!(run["warnings"].to_string().contains("not 3.5"), "{run:#}");
    let run = run["metadata"]["guid"].as_str().context("a guid")?;
    scene.server.until_settled(run, "completed", SOON)?;
    ensure!(scene.stored_log(run)?.ends_with("from a folder of the zip\n"));
    Ok(())
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_the_year() -> Told {
    let scene = Scene::start()?;
    let mut definition = march(&scene, "true")?;
    definition["model_definition"]["execution"]["compute_configuration"] =
        json!({ "name": "k80x4", "nodes": 2 });
    definition["training_results_reference"]["target"] = json!({ "buckte": "x" });
    let evil = zip::write(&[Entry::stored("a", b""), Entry::stored("a/b", b"")]);
    let refused = scene.server.post(&definition.to_string(), &evil)?.expect_status(400)?;
    let told = refused.text();
    for word in [
        "TY0507",
        "2 nodes are asked for",
        "did you mean 'bucket'?",
        "TY0206",
        "'a/b' needs a folder where 'a' is a file",
    ] {
        ensure!(told.contains(word), "no {word} in {told}");
    }
    // A folder that nothing says to go into.
    let wrapped = zip::of(&[("code/main.py", "print(1)\n"), ("code/net.py", "")]);
    let definition = march(&scene, "python3 main.py")?;
    let run = scene.server.post(&definition.to_string(), &wrapped)?.expect_status(202)?.json()?;
    ensure!(run["warnings"].to_string().contains("all files lie in the folder 'code'"), "{run:#}");
    Ok(())
}
