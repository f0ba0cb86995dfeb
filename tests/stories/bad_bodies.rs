//! Uploads that break off, are too large, or are no uploads at all.

use anyhow::ensure;
use trainyard_testkit::{multipart, zip};

use crate::harness::{Configuration, Scene, Told};

const MULTIPART: &str = "Content-Type";

#[test]
fn a_truncated_upload_leaves_no_run() -> Told {
    let scene = Scene::start()?;
    let model = zip::of(&[("main.py", "print('never')\n")]);
    let (kind, body) = multipart::submission(&scene.job("true").text(), &model);

    // Cut at each kind of place: in the definition, in the zip, before the last boundary.
    for cut in [body.len() / 4, body.len() - 120, body.len() - 4] {
        let mut connection = scene.server.client().connect()?;
        let headers = [(MULTIPART, kind.as_str())];
        connection.send("POST", "/v3/models", &headers, Some(body.len()), &body[..cut])?;
        connection.finish_sending()?;
        // Nobody may be left to answer to; if there is an answer, it is a refusal.
        if let Ok(answer) = connection.answer("POST") {
            ensure!(answer.status == 400, "cut at {cut}: {} {}", answer.status, answer.text());
        }
    }

    let list = scene.server.client().get("/v3/models")?.expect_status(200)?.json()?;
    ensure!(list["total_count"] == 0, "{list}");
    Ok(())
}

#[test]
fn a_body_without_its_end_is_refused_with_its_reason() -> Told {
    let scene = Scene::start()?;
    let model = zip::of(&[("main.py", "")]);
    let (kind, body) = multipart::submission(&scene.job("true").text(), &model);
    let cut = &body[..body.len() - 40];
    let headers = [(MULTIPART, kind.as_str())];
    let answer = scene.server.client().request("POST", "/v3/models", &headers, cut)?;
    let codes = answer.expect_status(400)?.codes()?;
    ensure!(codes == ["TY0607"], "{codes:?}");
    Ok(())
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() -> Told {
    let scene = Scene::with(Configuration { upload: 1 << 20, ..Configuration::default() })?;
    let model = zip::write(&[zip::Entry::stored("data.bin", &vec![7; 3 << 20])]);
    let answer = scene.server.post(&scene.job("true").text(), &model)?.expect_status(413)?;
    ensure!(answer.codes()? == ["TY0606"], "{}", answer.text());
    // How much is allowed stands in the answer.
    ensure!(
        answer.text().contains("1 MiB") || answer.text().contains("1048576"),
        "{}",
        answer.text()
    );
    Ok(())
}

#[test]
fn a_length_that_is_too_large_is_refused_though_no_byte_follows() -> Told {
    let scene = Scene::with(Configuration { upload: 1 << 20, ..Configuration::default() })?;
    let mut connection = scene.server.client().connect()?;
    let headers = [(MULTIPART, "multipart/form-data; boundary=x")];
    connection.send("POST", "/v3/models", &headers, Some(1 << 40), b"")?;
    let answer = connection.answer("POST")?.expect_status(413)?;
    ensure!(answer.codes()? == ["TY0606"], "{}", answer.text());
    Ok(())
}

#[test]
fn a_form_without_its_parts_says_which_is_missing() -> Told {
    let scene = Scene::start()?;
    let job = scene.job("true").text();
    let part = |name, bytes| multipart::Part { name, file_name: "f", bytes };
    for (parts, missing) in [
        (vec![part("training_definition", job.as_bytes())], "model_definition"),
        (vec![part("model_definition", b"PK")], "training_definition"),
    ] {
        let (kind, body) = multipart::form(&parts);
        let headers = [(MULTIPART, kind.as_str())];
        let answer = scene.server.client().request("POST", "/v3/models", &headers, &body)?;
        let answer = answer.expect_status(400)?;
        ensure!(answer.text().contains(missing), "{missing}: {}", answer.text());
    }
    Ok(())
}
