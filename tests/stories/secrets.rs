//! A secret in a connection is found nowhere but where it has to be.

use std::path::Path;

use anyhow::{Result, ensure};
use base64::Engine as _;
use serde_json::json;
use trainyard_testkit::processes;
use trainyard_testkit::s3::{ROLE, S3Server};

use crate::harness::{Job, SOON, Scene, Store, Told};

/// A text that must not be found, as it is and as it is often written.
struct Canary {
    forms: Vec<Vec<u8>>,
}

impl Canary {
    fn of(secret: &str) -> Self {
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
        // The last character depends on what follows the secret.
        let base64 = base64.as_bytes()[..base64.len() - 1].to_vec();
        Self { forms: vec![secret.as_bytes().to_vec(), base64] }
    }

    fn absent(&self, place: &str, bytes: &[u8]) -> Result<()> {
        let found =
            self.forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form));
        ensure!(!found, "the secret is in {place}");
        Ok(())
    }
}

/// Every file below `dir`, with its bytes.
fn files(dir: &Path, visit: &mut dyn FnMut(&Path, &[u8]) -> Result<()>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            files(&path, visit)?;
        } else if let Ok(bytes) = std::fs::read(&path) {
            visit(&path, &bytes)?;
        }
    }
    Ok(())
}

/// Looks at everything that exists on behalf of the server at this moment.
fn look_everywhere(scene: &Scene, canary: &Canary, ids: &[&str]) -> Result<()> {
    files(scene.home.path(), &mut |path, bytes| canary.absent(&path.display().to_string(), bytes))?;
    let serve = scene.home.path().with_extension("serve.log");
    canary.absent("what the server printed", &std::fs::read(serve)?)?;
    for process in processes::mentioning(scene.home.path()) {
        for file in ["cmdline", "environ"] {
            let path = format!("/proc/{}/{file}", process.pid);
            // It may have ended meanwhile.
            if let Ok(bytes) = std::fs::read(&path) {
                canary.absent(&format!("{file} of {}", process.command), &bytes)?;
            }
        }
    }
    let client = scene.server.client();
    for path in ["/v3/models", "/v3/models/frameworks", "/v3/service"] {
        canary.absent(path, &client.get(path)?.body)?;
    }
    for id in ids {
        for what in ["log", "events"] {
            canary.absent(what, &client.get(&format!("/v3/models/{id}/{what}"))?.body)?;
        }
        for command in [&["show", id][..], &["events", id], &["runs", "--json"], &["logs", id]] {
            let done = scene.home.call(command)?;
            let place = format!("{command:?}");
            canary.absent(&place, done.stdout.as_bytes())?;
            canary.absent(&place, done.stderr.as_bytes())?;
        }
    }
    Ok(())
}

#[test]
fn s3_secrets_are_found_nowhere_while_a_run_lives_and_after() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("data")?;
    s3.create_bucket("results")?;
    s3.put("data", "x", b"x")?;
    // Libraries that are asked for everything tell their keys; ours must not let them.
    let scene = Scene::with_variable("RUST_LOG", "trace")?;
    let canary = Canary::of(s3.secret_key());

    // The program looks for itself, too: its environment, its parents', the arguments of all.
    let job = Job {
        data: Some(Store::s3(&s3, "data")),
        ..Job::new(
            "env; cat /proc/self/environ /proc/$PPID/environ /proc/[0-9]*/cmdline; set; \
             echo; echo looked; sleep 600",
            Store::s3(&s3, "results"),
        )
    };
    let id = scene.submit(&job)?;
    scene.until_logged(&id, "looked\n")?;
    look_everywhere(&scene, &canary, &[&id])?;
    // The program's environment has not even the user.
    let log = scene.server.log(&id)?;
    Canary::of(s3.access_key()).absent("the program's surroundings", &log)?;

    scene.server.cancel(&id)?;
    scene.server.until_settled(&id, "canceled", SOON)?;
    look_everywhere(&scene, &canary, &[&id])?;
    for (key, _) in s3.list("results")? {
        canary.absent(&key, &s3.get("results", &key)?)?;
    }
    Ok(())
}

/// The keys are good for an hour, the bucket is a host; what the server tells of the
/// connection is good for another run.
#[test]
fn s3_keys_for_an_hour_are_kept_as_well_and_can_be_submitted_again() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("rented")?;
    let (user, secret, token) = s3.temporary_keys(ROLE)?;
    let scene = Scene::with_variable("RUST_LOG", "trace")?;
    let mut connection = json!({
        "endpoint_url": s3.host_endpoint(),
        "aws_access_key_id": user,
        "aws_secret_access_key": secret,
        "aws_session_token": token,
        "addressing_style": "virtual",
    });
    // The second run has the connection as the first one's is told.
    for _ in 0..2 {
        let place = json!({ "container": "rented", "type": "s3" });
        let store = Store::Written { connection: connection.clone(), place };
        let id = scene.submit(&Job::new("echo x > $RESULT_DIR/x", store))?;
        scene.server.until_settled(&id, "completed", SOON)?;
        ensure!(s3.get("rented", &format!("{id}/x"))? == b"x\n");
        for hidden in [&secret, &token] {
            look_everywhere(&scene, &Canary::of(hidden), &[&id])?;
        }
        let run = scene.server.client().get(&format!("/v3/models/{id}"))?.json()?;
        let told = &run["entity"]["training_results_reference"];
        ensure!(told["type"] == "s3", "{told}");
        connection = told["connection"].clone();
    }
    Ok(())
}

#[test]
fn s3_secrets_are_in_no_error() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("data")?;
    let scene = Scene::start()?;
    let secret = "canary-7Jq2-xW9d-secret";
    let canary = Canary::of(secret);
    let refused = Store::s3(&s3, "data").with_keys(s3.access_key(), secret);
    let nowhere = Store::nobody(trainyard_testkit::ports::free_port()?).with_keys("user", secret);
    let dir = tempfile::tempdir()?;
    let (zip, definition) = (dir.path().join("model.zip"), dir.path().join("job.json"));
    let model = trainyard_testkit::zip::of(&[("a", "")]);
    std::fs::write(&zip, &model)?;
    for store in [refused, nowhere] {
        let text = Job { data: Some(store), ..scene.job("true") }.text();
        let answer = scene.server.post(&text, &model)?.expect_status(400)?;
        canary.absent("the refusal", &answer.body)?;
        // Drawn under the definition's text, the secret stands right beside it.
        std::fs::write(&definition, &text)?;
        for word in ["train", "check"] {
            let done = scene.home.call([word.as_ref(), zip.as_os_str(), definition.as_os_str()])?;
            let done = done.expect_code(65)?;
            canary.absent(word, done.stdout.as_bytes())?;
            canary.absent(word, done.stderr.as_bytes())?;
        }
    }

    // A definition that is refused: the secret stands right beside the mistakes.
    let store = Store::s3(&s3, "data").with_keys("user", secret);
    let mut broken = Job { data: Some(store), ..scene.job("true") }.json();
    broken["training_data"][0]["connection"]["pasword"] = secret.into();
    broken["training_data"][0]["connection"]["auth_url"] = format!("ftp://u:{secret}@host").into();
    for text in [broken.to_string(), broken.to_string().replacen('{', "{{", 2)] {
        let answer = scene.server.post(&text, &trainyard_testkit::zip::of(&[("a", "")]))?;
        ensure!(answer.status == 400, "{}", answer.text());
        canary.absent("a refusal", &answer.body)?;
    }
    look_everywhere(&scene, &canary, &[])
}

#[test]
fn a_canary_is_found_where_there_is_one() {
    let canary = Canary::of("canary-7Jq2");
    assert!(canary.absent("here", b"a canary-7Jq2 b").is_err());
    let encoded = base64::engine::general_purpose::STANDARD.encode("canary-7Jq2:more");
    assert!(canary.absent("here", encoded.as_bytes()).is_err());
    assert!(canary.absent("here", b"nothing").is_ok());
}
