//! Trainyard's own commands: what they print where, and how they exit.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use trainyard_testkit::home::{Home, finish};
use trainyard_testkit::wait::eventually;
use trainyard_testkit::{processes, zip};

use crate::harness::{Configuration, Job, SOON, Scene, Store, Told};

/// A folder with a zip and a definition.
fn files(job: &str, zip: &[u8]) -> anyhow::Result<(tempfile::TempDir, PathBuf, PathBuf)> {
    let dir = tempfile::tempdir()?;
    let (model, definition) = (dir.path().join("model.zip"), dir.path().join("job.json"));
    std::fs::write(&model, zip)?;
    std::fs::write(&definition, job)?;
    Ok((dir, model, definition))
}

#[test]
fn the_first_command_starts_a_server_and_stop_ends_it() -> Told {
    let home = Home::new(&Configuration::default().text())?;
    let store = tempfile::tempdir()?;
    std::fs::create_dir(store.path().join("results"))?;
    let job = Job::new("echo the first run", Store::directory(store.path(), "results"));
    let (_dir, model, definition) = files(&job.text(), &zip::of(&[("a.txt", "")]))?;

    let args = ["train".as_ref(), model.as_os_str(), definition.as_os_str(), "--follow".as_ref()];
    let done = home.call(args)?.expect_code(0)?;
    ensure!(done.stdout.ends_with("the first run\n"), "{done:?}");
    let (_, pid) = home.running().context("a server runs now")?;
    ensure!(done.stderr.contains("server"), "it is said that one was started: {}", done.stderr);

    // The next command uses the same one.
    home.call(["runs"])?.expect_code(0)?;
    ensure!(home.running().map(|(_, pid)| pid) == Some(pid));
    home.call(["serve", "--stop"])?.expect_code(0)?;
    ensure!(home.running().is_none());
    // An interpreter that was being asked for its version ends by itself a moment later.
    let mut left = Vec::new();
    eventually("an end of all processes", SOON, || {
        left = processes::mentioning(home.path());
        left.is_empty().then_some(())
    })
    .with_context(|| format!("{left:#?}"))?;
    // Stopping what does not run is no mistake.
    home.call(["serve", "--stop"])?.expect_code(0)?;
    Ok(())
}

#[test]
fn mistakes_are_drawn_under_the_text_they_are_in() -> Told {
    let scene = Scene::start()?;
    let text =
        scene.job("true").text().replace("resourceType\": \"small", "resourceType\": \"smal");
    let (_dir, model, definition) = files(&text, &zip::of(&[("a.txt", "")]))?;
    let done = scene.home.call(["train".as_ref(), model.as_os_str(), definition.as_os_str()])?;
    let done = done.expect_code(65)?;
    ensure!(done.stdout.is_empty(), "talk goes to stderr: {}", done.stdout);
    let lines: Vec<&str> = done.stderr.lines().collect();
    let at = lines.iter().position(|line| line.contains("\"smal\"")).context("the line")?;
    let column = lines[at].find("\"smal\"").context("the column")?;
    let carets = lines.get(at + 1).and_then(|line| line.find('^')).context("carets below")?;
    ensure!(carets.abs_diff(column) <= 1, "{}", done.stderr);
    ensure!(done.stderr.contains("TY0105") && done.stderr.contains("'small'"), "{}", done.stderr);
    ensure!(done.stderr.contains("job.json"), "the file is named: {}", done.stderr);
    Ok(())
}

#[test]
fn a_tar_gz_is_refused_with_the_way_out() -> Told {
    let scene = Scene::start()?;
    let (dir, _, definition) = files(&scene.job("true").text(), b"")?;
    std::fs::write(dir.path().join("main.py"), "print()\n")?;
    let archive = dir.path().join("model.tar.gz");
    let packed = std::process::Command::new("tar")
        .args(["-czf".as_ref(), archive.as_os_str(), "-C".as_ref(), dir.path().as_os_str()])
        .arg("main.py")
        .status()?;
    ensure!(packed.success());
    let done = scene.home.call(["train".as_ref(), archive.as_os_str(), definition.as_os_str()])?;
    let done = done.expect_code(65)?;
    ensure!(done.stderr.contains("TY0201") && done.stderr.contains("zip"), "{}", done.stderr);
    Ok(())
}

#[test]
fn a_directory_is_packed_and_what_was_packed_is_told() -> Told {
    let scene = Scene::start()?;
    let dir = tempfile::tempdir()?;
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text);
    put("main.sh", "echo packed; ls -A\n")?;
    put("secret.env", "PASSWORD=x\n")?;
    put("notes.tmp", "x\n")?;
    put(".trainyardignore", "*.env\n*.tmp\n")?;
    let definitions = tempfile::tempdir()?;
    let definition = definitions.path().join("job.json");
    std::fs::write(&definition, scene.job("sh main.sh").text())?;
    let args = ["train".as_ref(), dir.path().as_os_str(), definition.as_os_str(), "-f".as_ref()];
    let done = scene.home.call(args)?.expect_code(0)?;
    ensure!(done.stdout.contains("packed\n") && done.stdout.contains("main.sh\n"), "{done:?}");
    ensure!(!done.stdout.contains("secret.env"), "{}", done.stdout);
    ensure!(done.stderr.contains("1 file") || done.stderr.contains("main.sh"), "{}", done.stderr);
    Ok(())
}

#[test]
fn documents_go_to_stdout_and_exit_codes_are_those_written_down() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("echo out; exit 7")?;
    scene.server.until_settled(&id, "error", SOON)?;

    let runs = scene.home.call(["runs", "--json"])?.expect_code(0)?.json()?;
    ensure!(runs.to_string().contains(&id), "{runs}");
    let run = scene.home.call(["show", &id, "--json"])?.expect_code(0)?.json()?;
    ensure!(run["entity"]["status"]["cause"]["kind"]["code"] == 7, "{run}");
    scene.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
    let shown = scene.home.call(["frameworks", "show", "jax", "0.10"])?.expect_code(0)?.stdout;
    ensure!(shown.starts_with("jax 0.10-py3\n") && shown.contains("jax==0.10.2\n"), "{shown}");
    let unknown = scene.home.call(["frameworks", "show", "jaxx"])?;
    ensure!(unknown.code == 2 && unknown.stderr.contains("did you mean `jax`?"), "{unknown:?}");
    scene.home.call(["events", &id, "--json"])?.expect_code(0)?;

    let waited = scene.home.call(["wait", &id])?;
    ensure!(waited.code == 7, "{waited:?}");
    let unknown = scene.home.call(["show", "training-000000000"])?;
    ensure!(unknown.code == 102 && unknown.stderr.contains("TY0601"), "{unknown:?}");
    let usage = scene.home.call(["shwo"])?;
    ensure!(usage.code == 2 && usage.stderr.contains("show"), "{usage:?}");
    let missing = scene.home.call(["train", "/does/not/exist.zip", "/does/not/exist.json"])?;
    ensure!(missing.code == 66 && missing.stderr.contains("/does/not/exist"), "{missing:?}");

    let port = trainyard_testkit::ports::free_port()?;
    let server = format!("http://127.0.0.1:{port}");
    let mut command = scene.home.command(["--server", &server, "runs"]);
    let nobody = finish(command.env("TRAINYARD_TOKEN", "any"))?;
    ensure!(nobody.code == 69 && nobody.stderr.contains("TY0602"), "{nobody:?}");
    Ok(())
}

#[test]
fn deleting_removes_the_history_and_nothing_that_was_stored() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("echo m > $RESULT_DIR/m")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    scene.home.call(["delete", &id])?.expect_code(0)?;
    let shown = scene.home.call(["show", &id])?;
    ensure!(shown.code == 102, "{shown:?}");
    ensure!(scene.stored(&id, "m")? == b"m\n");
    scene.stored_log(&id)?;
    Ok(())
}

#[test]
fn every_code_is_explained_and_the_doctor_knows_the_machine() -> Told {
    let scene = Scene::start()?;
    let page = scene.home.call(["explain", "ty0203"])?.expect_code(0)?;
    ensure!(page.stdout.contains("TY0203"), "{}", page.stdout);
    let unknown = scene.home.call(["explain", "TY9999"])?;
    ensure!(unknown.code != 0 && unknown.stderr.contains("TY9999"), "{unknown:?}");
    let doctor = scene.home.call(["doctor"])?.expect_code(0)?;
    for word in ["uv", "GPU", "tensorflow", "data view"] {
        ensure!(doctor.stdout.contains(word), "{word}: {}", doctor.stdout);
    }
    let script = scene.home.call(["completions", "bash"])?.expect_code(0)?;
    ensure!(script.stdout.contains("trainyard"), "{}", script.stdout);
    Ok(())
}

#[test]
fn the_yaml_of_two_weeks_later_does_the_same() -> Told {
    let scene = Scene::start()?;
    let root = scene.store.path().display();
    let yaml = format!(
        "# as the page of 2017-11-16 has it\n\
         model_definition:\n\
         \x20 framework: {{name: plain, version: 1-py3}}\n\
         \x20 name: tf-mnist-yaml\n\
         \x20 execution:\n\
         \x20   command: echo folded over\n\
         \x20     two lines\n\
         \x20   resourceType: small\n\
         training_results:\n\
         \x20 connection: {{root: {root}}}\n\
         \x20 target: {{container: results, type: directory}}\n"
    );
    let (dir, model, _) = files("", &zip::of(&[("a.txt", "")]))?;
    let definition = dir.path().join("job.yml");
    std::fs::write(&definition, yaml)?;
    let args = ["train".as_ref(), model.as_os_str(), definition.as_os_str(), "-f".as_ref()];
    let done = scene.home.call(args)?.expect_code(0)?;
    ensure!(done.stdout.ends_with("folded over two lines\n"), "{done:?}");
    Ok(())
}
