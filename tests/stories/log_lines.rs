//! Looking for something in logs: since when, how much, which lines, whose.

use anyhow::{Context as _, Result, ensure};
use trainyard_testkit::wait::eventually;

use crate::harness::{SOON, Scene, Told};

fn logs(scene: &Scene, id: &str, options: &[&str]) -> Result<String> {
    let mut args = vec!["logs", id];
    args.extend(options);
    Ok(scene.home.call(args)?.expect_code(0)?.stdout)
}

#[test]
fn parts_of_a_log_are_found_while_it_grows_and_afterwards() -> Told {
    let scene = Scene::start()?;
    let gate = scene.store.path().join("gate");
    let id = scene.run(format!(
        "for i in $(seq 100); do echo early $i; done; sleep 3; for i in $(seq 100); do echo late $i; done; \
         until [ -e {} ]; do sleep 0.02; done; echo at last",
        gate.display()
    ))?;
    scene.until_logged(&id, "late 100\n")?;
    let look = |options: &[&str]| logs(&scene, &id, options);
    let late: String = crate::harness::numbered(100, |i| format!("late {i}\n"));
    let since = |seconds: u64| format!("{seconds}s");
    let began = std::time::Instant::now();
    for _ in 0..2 {
        ensure!(
            look(&["--tail", "2"])?.starts_with("late 99\n")
                || look(&["--tail", "2"])?.starts_with("late 100\n")
        );
        ensure!(look(&["--grep", "^(early|late) 42$"])? == "early 42\nlate 42\n");
        ensure!(look(&["--grep", "^early", "--tail", "2"])? == "early 99\nearly 100\n");
        ensure!(look(&["--grep", "nowhere"])?.is_empty());
        let recent = look(&["--since", &since(began.elapsed().as_secs() + 2)])?;
        ensure!(recent.starts_with(&late), "{recent}");
        ensure!(look(&["--since", "1h"])? == look(&[])?);
        let both = look(&["--since", &since(began.elapsed().as_secs() + 2), "--grep", "y 1|e 1$"])?;
        ensure!(both == "late 1\n", "{both}");
        ensure!(look(&["--attempt", "1", "--learner", "1"])? == look(&[])?);
        std::fs::write(&gate, "")?;
        scene.server.until_settled(&id, "completed", SOON)?;
    }
    ensure!(look(&["--tail", "1"])? == "at last\n");

    let refused = scene.home.call(["logs", &id, "--attempt", "2"])?;
    ensure!(refused.code != 0 && refused.stderr.contains("the latest is 1"), "{refused:?}");
    let refused = scene.home.call(["logs", &id, "--grep", "a(b"])?;
    ensure!(refused.code != 0 && refused.stderr.contains("regular expression"), "{refused:?}");
    let refused = scene.home.call(["logs", &id, "--since", "soon"])?;
    ensure!(refused.code == 2 && refused.stderr.contains("`soon` is no time"), "{refused:?}");
    Ok(())
}

#[test]
fn lines_that_match_are_followed_to_the_end() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("for i in $(seq 200); do echo step $i; sleep 0.005; done; exit 3")?;
    let done = scene.home.call(["logs", "-f", &id, "--grep", "0$", "--tail", "1000"])?;
    let expected: String = crate::harness::numbered(20, |i| format!("step {i}0\n"));
    // The head of the log may have a line that matches, too.
    ensure!(done.stdout.ends_with(&expected), "{done:?}");
    ensure!(done.code == 3, "the program's own code is passed on: {done:?}");
    Ok(())
}

/// What tqdm prints: a bar that is drawn over and over in one line.
#[test]
fn a_progress_bar_is_one_line_and_stored_as_it_was_printed() -> Told {
    let scene = Scene::start()?;
    let id = scene.run(
        r"printf 'begin\n'; for i in $(seq 0 50); do printf '\r%3d%%|####      | %d/50 [00:00<00:00, 99.1it/s]' $((i*2)) $i; done; printf '\nepoch 1 done\r\n'",
    )?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let last = "100%|####      | 50/50 [00:00<00:00, 99.1it/s]";
    let shown = logs(&scene, &id, &[])?;
    ensure!(shown.ends_with(&format!("begin\n{last}\nepoch 1 done\r\n")), "{shown:?}");
    ensure!(logs(&scene, &id, &["--tail", "2"])? == format!("{last}\nepoch 1 done\r\n"));
    ensure!(logs(&scene, &id, &["--grep", "^ *[0-9]+%"])? == format!("{last}\n"));
    ensure!(logs(&scene, &id, &["--grep", "^ 50%"])?.is_empty());
    let raw = logs(&scene, &id, &["--raw"])?;
    ensure!(raw.as_bytes() == scene.server.log(&id)?, "--raw is not the log");
    ensure!(raw.contains("begin\n\r  0%|####") && raw == scene.stored_log(&id)?);
    Ok(())
}

#[test]
fn tqdm_itself_is_readable_too() -> Told {
    let python = trainyard_testkit::tools::python_tools(&["tqdm==4.67.1"])?.join("python3");
    let scene = Scene::start()?;
    let id = scene.run(format!(
        "{} -c 'import sys, time, tqdm\nfor i in tqdm.tqdm(range(300), \"epoch 1\", mininterval=0, file=sys.stdout): time.sleep(0.001)'; echo done",
        python.display()
    ))?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let shown = logs(&scene, &id, &["--grep", "^epoch 1"])?;
    ensure!(shown.starts_with("epoch 1: 100%") && shown.lines().count() == 1, "{shown:?}");
    ensure!(shown.contains("300/300"), "{shown:?}");
    let raw = logs(&scene, &id, &["--raw"])?;
    ensure!(raw.matches("\repoch 1:").count() > 100, "{raw:?}");
    Ok(())
}

/// Runs have one learner today; the log's routes know of more.
#[test]
fn learners_are_told_apart() -> Told {
    let scene = Scene::start()?;
    let gate = scene.store.path().join("gate");
    let id = scene.run(format!(
        "echo of the first; until [ -e {} ]; do sleep 0.02; done; echo the end",
        gate.display()
    ))?;
    scene.until_logged(&id, "of the first\n")?;
    // Another learner of the attempt, which has its token.
    let folder = scene.home.path().join("attempts").join(&id).join("1");
    let ticket =
        eventually("the ticket", SOON, || std::fs::read(folder.join("assignment.json")).ok())?;
    let ticket: serde_json::Value = serde_json::from_slice(&ticket)?;
    let token = format!("Bearer {}", ticket["token"].as_str().context("a token")?);
    let client = scene.server.client().with_token(None);
    let path = format!("/v3/models/{id}/attempts/1/log?learner=2&offset=0");
    let headers = [("Authorization", token.as_str())];
    client.request("PUT", &path, &headers, b"of the second\n")?.expect_status(200)?;
    let damaged = [headers[0], ("X-Trainyard-Log-Checksum", "00000000")];
    let answer = client.request("PUT", &path, &damaged, b"of the second\nbut damaged\n")?;
    ensure!(answer.status == 400 && answer.text().contains("checksum"), "{}", answer.text());

    let both = logs(&scene, &id, &[])?;
    ensure!(both.contains("learner-1 | of the first\n"), "{both}");
    ensure!(both.contains("learner-2 | of the second\n"), "{both}");
    ensure!(logs(&scene, &id, &["--learner", "2"])? == "of the second\n");
    std::fs::write(gate, "")?;
    let followed = logs(&scene, &id, &["-f", "--grep", "of the|the end"])?;
    ensure!(followed.ends_with("learner-1 | the end\n"), "{followed}");
    Ok(())
}
