//! More than a server takes on at a time: it says so, says when to come again, and goes on
//! answering everybody else.

use anyhow::{Context as _, ensure};
use trainyard_testkit::http::Answer;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::{multipart, zip};

use crate::harness::{Configuration, SOON, Scene, Told};

const KIND: &str = "Content-Type";

/// How many logs a user may follow at a time.
const FOLLOWERS: usize = 256;

/// How many large uploads a user may have under way.
const SPOOLS: usize = 4;

fn with_limits(limits: &'static str) -> anyhow::Result<Scene> {
    Scene::with(Configuration { slots: 1, limits, ..Configuration::default() })
}

/// The seconds after which it is worth asking again.
fn retry_after(answer: &Answer) -> anyhow::Result<u64> {
    let told = answer.header("retry-after").context("an answer without Retry-After")?;
    Ok(told.parse()?)
}

fn submit(scene: &Scene) -> anyhow::Result<Answer> {
    scene.server.post(&scene.job("true").text(), &zip::of(&[("readme.txt", "a model\n")]))
}

#[test]
fn who_submits_too_fast_waits_as_told_and_others_notice_nothing() -> Told {
    let scene = with_limits("submissions_per_second = 1\nsubmission_burst = 3")?;
    // A second may pass, and with it one more.
    let put_off = eventually("a submission that is put off", SOON, || {
        submit(&scene).ok().filter(|answer| answer.status != 202)
    })?;
    let put_off = put_off.expect_status(429)?;
    ensure!(put_off.codes()? == ["TY0620"], "{}", put_off.text());
    ensure!(retry_after(&put_off)? == 1, "{:?}", put_off.headers);
    ensure!(put_off.text().contains("more than 3 submissions at once"), "{}", put_off.text());
    scene.server.client().get("/v3/models")?.expect_status(200)?;

    // The same run once more is a submission like any other.
    let runs = scene.server.client().get("/v3/models")?.json()?;
    let first = runs["resources"][0]["metadata"]["guid"].as_str().context("a run")?;
    let again = format!("/v3/models/{first}/rerun");
    let put_off = eventually("a rerun that is put off", SOON, || {
        let answer = scene.server.client().request("POST", &again, &[], b"").ok()?;
        (answer.status != 202).then_some(answer)
    })?;
    ensure!(put_off.expect_status(429)?.codes()? == ["TY0620"]);

    // The command waits, and says so.
    std::fs::write(scene.home.path().join("job.json"), scene.job("true").text())?;
    std::fs::write(scene.home.path().join("model.zip"), zip::of(&[("readme.txt", "a model\n")]))?;
    for _ in 0..20 {
        let mut train = scene.home.command(["train", "model.zip", "job.json"]);
        train.current_dir(scene.home.path());
        let done = trainyard_testkit::home::finish(&mut train)?.expect_code(0)?;
        if done.stderr.contains("trying again in") {
            ensure!(done.stderr.contains("submissions at once"), "{}", done.stderr);
            return Ok(());
        }
    }
    anyhow::bail!("twenty commands in a row, and none was put off")
}

#[test]
fn there_are_so_many_runs_and_no_more_until_one_ends() -> Told {
    let scene = with_limits("runs_per_user = 3")?;
    let blocker = scene.run("sleep 600")?;
    for _ in 0..2 {
        submit(&scene)?.expect_status(202)?;
    }
    let refused = submit(&scene)?.expect_status(429)?;
    ensure!(refused.codes()? == ["TY0621"], "{}", refused.text());
    ensure!(refused.text().contains("3 of your runs have not ended"), "{}", refused.text());
    ensure!(retry_after(&refused)? > 0);

    scene.server.cancel(&blocker)?;
    eventually("room for another", SOON, || {
        submit(&scene).ok().filter(|answer| answer.status == 202)
    })?;
    Ok(())
}

#[test]
fn all_users_together_have_a_bound_too() -> Told {
    let scene = with_limits("runs = 1")?;
    scene.run("sleep 600")?;
    let refused = submit(&scene)?.expect_status(429)?;
    ensure!(refused.codes()? == ["TY0621"], "{}", refused.text());
    ensure!(refused.text().contains("1 runs on this server have not ended"), "{}", refused.text());
    Ok(())
}

#[test]
fn uploads_that_stand_still_keep_only_large_ones_waiting() -> Told {
    let scene = Scene::start()?;
    let model = zip::write(&[zip::Entry::stored("data.bin", &noise(3 << 20))]);
    let command = "test $(wc -c < data.bin) -eq 3145728 && echo all of it is here";
    let (kind, body) = multipart::submission(&scene.job(command).text(), &model);
    let mut standing = Vec::new();
    for _ in 0..SPOOLS {
        let mut connection = scene.server.client().connect()?;
        let headers = [(KIND, kind.as_str())];
        connection.send("POST", "/v3/models", &headers, Some(body.len()), &body[..2 << 20])?;
        standing.push(connection);
    }
    let large = || scene.server.client().request("POST", "/v3/models", &[(KIND, &kind)], &body);
    // They may not have come to their places yet: then this one gets one, and they wait.
    let refused = eventually("a large upload that is put off", SOON, || {
        large().ok().filter(|answer| answer.status != 202)
    })?;
    let refused = refused.expect_status(503)?;
    ensure!(refused.codes()? == ["TY0622"], "{}", refused.text());
    ensure!(retry_after(&refused)? > 0);
    // Nobody else notices.
    submit(&scene)?.expect_status(202)?;
    scene.server.client().get("/v3/models")?.expect_status(200)?;

    // When they are gone, what they had written is, too; and a large zip arrives whole.
    drop(standing);
    let answer = eventually("the large upload", SOON, || {
        large().ok().filter(|answer| answer.status == 202)
    })?;
    let run = answer.json()?["metadata"]["guid"].as_str().context("an id")?.to_owned();
    scene.server.until_settled(&run, "completed", SOON)?;
    let log = scene.server.log(&run)?;
    ensure!(String::from_utf8_lossy(&log).contains("all of it is here"));
    eventually("the halves to be gone", SOON, || {
        let names = std::fs::read_dir(scene.home.path().join("blobs")).ok()?.flatten();
        let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        (!names.any(|name| name.starts_with(".incoming"))).then_some(())
    })
}

#[test]
fn a_log_has_so_many_followers_and_the_next_is_told() -> Told {
    let scene = Scene::start()?;
    let run = scene.run("sleep 600")?;
    let path = format!("/v3/models/{run}/stream");
    let client = scene.server.client();
    let mut followers = Vec::new();
    for _ in 0..FOLLOWERS {
        followers.push(client.stream(&path, &[])?);
    }
    let refused = client.get(&path)?.expect_status(503)?;
    ensure!(refused.codes()? == ["TY0622"], "{}", refused.text());
    ensure!(retry_after(&refused)? > 0);
    ensure!(refused.text().contains("you follow 256 logs already"), "{}", refused.text());
    client.get(&format!("/v3/models/{run}"))?.expect_status(200)?;
    followers.pop();
    eventually("a place", SOON, || client.stream(&path, &[]).ok())?;
    Ok(())
}

/// Bytes that do not get smaller.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(count).collect()
}
