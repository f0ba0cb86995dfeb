//! Each face that tells a cause tells the same, and none tells what nobody should read.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::zip;

use crate::harness::{Job, SOON, Scene, Store, Told};

const PROGRAM: &str = r#"import os
url = "https://ann:s3same@weights.example/x"
print("fetching from", url)
os.environ["API_TOKEN"] = "abcdef012345"
raise ValueError(f"cannot use {url} with token=abcdef012345 and " + open("key").read())
"#;

#[test]
fn s3_a_cause_is_the_same_on_every_face_and_tells_no_secret() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("results")?;
    let scene = Scene::start()?;
    let job = Job::new("python3 train.py", Store::s3(&s3, "results"));
    let zip = zip::of(&[("train.py", PROGRAM), ("key", s3.secret_key())]);
    let id = scene.server.submit(&job.text(), &zip)?;
    let status = scene.server.until_settled(&id, "error", SOON)?;
    let cause = &status["cause"];
    let message = cause["message"].as_str().context("a message")?;
    ensure!(message.starts_with("ValueError: cannot use https://[hidden]@weights"), "{message}");
    ensure!(cause["code"] == "TY0510" && cause["short"] == "ValueError", "{cause:#}");

    // The API, in its own shape and in v3's.
    ensure!(status["error_cause"] == "user", "{status:#}");
    let error = &status["error"]["errors"][0];
    ensure!(error["code"] == "TY0510" && error["message"] == message, "{error:#}");
    ensure!(status["message"] == format!("{id}: {message}"), "{status:#}");
    // The command line: page, list, end of a follower.
    let show = scene.home.call(["show", &id])?.expect_code(0)?.stdout;
    for words in [message, "Traceback (most recent call last):", "help: ", "TY0510"] {
        ensure!(show.contains(words), "{words} is missing: {show}");
    }
    let list = scene.home.call(["runs"])?.expect_code(0)?.stdout;
    ensure!(list.contains("error: ValueError"), "{list}");
    let followed = scene.home.call(["logs", "-f", &id])?.expect_code(1)?;
    ensure!(followed.stderr.contains(message), "{followed:?}");
    // Events, and the index beside the results.
    let events = scene.server.events(&id)?;
    let told = format!("failed: {message}");
    ensure!(events.iter().any(|event| event["message"] == told.as_str()), "{events:#?}");
    let index: Value =
        serde_json::from_slice(&s3.get("results", &format!("{id}/_trainyard.json"))?)?;
    ensure!(index["outcome"] == "failed" && index["cause"]["message"] == message, "{index:#}");
    ensure!(index["cause"]["kind"]["cause"] == "exception", "{index:#}");

    let faces = format!("{status}{show}{list}{events:?}{index}");
    for secret in [s3.secret_key(), "s3same", "abcdef012345"] {
        ensure!(!faces.contains(secret), "{secret} is told: {faces}");
    }
    Ok(())
}
