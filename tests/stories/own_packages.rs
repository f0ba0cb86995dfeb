//! A zip brings a `requirements.txt`, and its program finds the packages.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde_json::Value;
use trainyard_testkit::http::Answer;
use trainyard_testkit::zip;

use crate::harness::{SOON, Scene, Told, left_out};

/// uv has to be fetched before the packages are.
const LIMIT: Duration = Duration::from_mins(3);

const PROGRAM: &str =
    "import six, sys\nprint('six', six.__version__, 'on', sys.version_info[:2])\n";

/// A definition for a Python that this machine has.
fn definition(scene: &Scene, version: &str) -> anyhow::Result<String> {
    let mut definition: Value = serde_json::from_str(&scene.job("python3 train.py").text())?;
    definition["model_definition"]["framework"] =
        serde_json::json!({ "name": "python", "version": version });
    Ok(definition.to_string())
}

/// The newest Python that can be had here.
pub(crate) fn version(scene: &Scene) -> anyhow::Result<Option<String>> {
    let list = scene.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
    let releases = list["resources"].as_array().context("resources")?;
    let mut usable = releases.iter().map(|release| &release["entity"]).filter(|release| {
        release["name"] == "python"
            && release["status"] == "current"
            && release["availability"] != "unavailable"
    });
    Ok(usable.next_back().and_then(|release| release["version"].as_str()).map(str::to_owned))
}

fn post(scene: &Scene, version: &str, requirements: &str) -> anyhow::Result<Answer> {
    post_files(scene, version, &[("train.py", PROGRAM), ("requirements.txt", requirements)])
}

fn post_files(scene: &Scene, version: &str, files: &[(&str, &str)]) -> anyhow::Result<Answer> {
    scene.server.post(&definition(scene, version)?, &zip::of(files))
}

pub(crate) fn submit(scene: &Scene, version: &str, requirements: &str) -> anyhow::Result<String> {
    let answer = post(scene, version, requirements)?.expect_status(202)?.json()?;
    Ok(answer["metadata"]["guid"].as_str().context("an id")?.to_owned())
}

/// How long the run waited for its environment, in seconds.
fn prepared_after(scene: &Scene, id: &str) -> anyhow::Result<f64> {
    let events = trainyard_testkit::server::events_of(scene.server.client(), id)?;
    let at = |kind: &str| -> anyhow::Result<Timestamp> {
        let event = events.iter().find(|event| event["kind"] == kind).context("no such event")?;
        Ok(event["at"].as_str().context("a time")?.parse()?)
    };
    Ok(at("prepared")?.duration_since(at("submitted")?).as_secs_f64())
}

#[test]
fn packages_of_the_zip_are_installed_once_for_all_who_ask_for_them() -> Told {
    let cache = tempfile::tempdir()?;
    let path = cache.path().to_str().context("a path")?;
    let scene = Scene::with_variable("TRAINYARD_CACHE", path)?;
    let Some(version) = version(&scene)? else {
        left_out("no current CPython can be had on this machine");
        return Ok(());
    };
    let requirements = "# what it needs\nsix==1.17.0\n";
    let ids: Vec<String> =
        (0..10).map(|_| submit(&scene, &version, requirements)).collect::<Result<_, _>>()?;
    for id in &ids {
        scene.server.until_settled(id, "completed", LIMIT)?;
        let log = String::from_utf8(scene.server.log(id)?)?;
        ensure!(log.contains("six 1.17.0 on (3, "), "{log}");
    }
    let made = |folder: &str| -> anyhow::Result<usize> {
        let entries = std::fs::read_dir(cache.path().join(folder))?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        let is_made = |path: &Path| path.is_dir() || path.extension().is_some_and(|is| is == "txt");
        Ok(paths.iter().filter(|path| is_made(path)).count())
    };
    ensure!((made("locks")?, made("environments")?) == (1, 1));

    let again = submit(&scene, &version, requirements)?;
    scene.server.until_settled(&again, "completed", SOON)?;
    let seconds = prepared_after(&scene, &again)?;
    ensure!(seconds < 0.5, "prepared after {seconds} s");

    // The lock is the run's own: it stands in the index, and others get another.
    let bare = submit(&scene, &version, "# nothing\n")?;
    let status = scene.server.until_settled(&bare, "error", LIMIT)?;
    ensure!(status["cause"]["kind"]["cause"] == "import_error", "{status}");
    ensure!((made("locks")?, made("environments")?) == (1, 2));
    drop(scene);
    // Environments are read-only, and would not go by themselves.
    let status = Command::new("chmod").args(["-R", "u+w"]).arg(cache.path()).status()?;
    ensure!(status.success(), "chmod: {status}");
    Ok(())
}

#[test]
fn requirements_that_lead_elsewhere_are_refused_and_those_that_do_not_fit_are_told() -> Told {
    let scene = Scene::start()?;
    let Some(version) = version(&scene)? else {
        left_out("no current CPython can be had on this machine");
        return Ok(());
    };
    let refused = post(&scene, &version, "six\n--index-url https://example.org\n")?;
    let refused = refused.expect_status(400)?;
    ensure!(refused.codes()? == ["TY0305"], "{}", refused.text());
    ensure!(refused.text().contains("line 2 of requirements.txt"), "{}", refused.text());

    let id = submit(&scene, &version, "six==1.17.0\nsix==1.16.0\n")?;
    let status = scene.server.until_settled(&id, "error", LIMIT)?;
    ensure!(status["cause"]["code"] == "TY0304", "{status}");
    let told = status["cause"].to_string();
    ensure!(told.contains("unsatisfiable") && told.contains("requirements.txt"), "{told}");
    Ok(())
}

#[test]
fn a_project_its_lock_and_a_program_s_header_ask_for_packages_as_well() -> Told {
    let cache = tempfile::tempdir()?;
    let path = cache.path().to_str().context("a path")?;
    let scene = Scene::with_variable("TRAINYARD_CACHE", path)?;
    let Some(version) = version(&scene)? else {
        left_out("no current CPython can be had on this machine");
        return Ok(());
    };
    let trains = |files: &[(&str, &str)]| -> Told {
        let answer = post_files(&scene, &version, files)?.expect_status(202)?.json()?;
        let id = answer["metadata"]["guid"].as_str().context("an id")?;
        scene.server.until_settled(id, "completed", LIMIT)?;
        let log = String::from_utf8(scene.server.log(id)?)?;
        ensure!(log.contains("six 1.16.0 on (3, "), "{log}");
        Ok(())
    };
    let header =
        "# /// script\n# dependencies = [\"six==1.16.0\"]\n# requires-python = \">=3.8\"\n# ///\n";
    trains(&[("train.py", &format!("{header}{PROGRAM}"))])?;
    let project = "[project]\nname = \"mine\"\nversion = \"1\"\nrequires-python = \">=3.8\"\ndependencies = [\"six<1.17\"]\n";
    trains(&[("train.py", PROGRAM), ("pyproject.toml", project)])?;

    // What the project would get today is not what its lock says.
    let desk = tempfile::tempdir()?;
    std::fs::write(desk.path().join("pyproject.toml"), project.replace("<1.17", "==1.16.0"))?;
    let mut versions = std::fs::read_dir(cache.path().join("uv"))?.flatten();
    let uv = versions.find_map(|version| Some(version.path().join("uv")).filter(|uv| uv.is_file()));
    let locked = Command::new(uv.context("the service has got itself a uv")?)
        .args(["lock", "--quiet", "--no-config"])
        .current_dir(desk.path())
        .status()?;
    ensure!(locked.success(), "uv lock: {locked}");
    let lock = std::fs::read_to_string(desk.path().join("uv.lock"))?;
    let free = project.replace("six<1.17", "six");
    trains(&[("train.py", PROGRAM), ("pyproject.toml", &free), ("uv.lock", &lock)])?;

    // A Python that the project does not take, and a lock that leads elsewhere.
    let never = project.replace(">=3.8", "<3.8");
    let answer =
        post_files(&scene, &version, &[("train.py", PROGRAM), ("pyproject.toml", &never)])?;
    let id = answer.expect_status(202)?.json()?["metadata"]["guid"].to_string();
    let status = scene.server.until_settled(id.trim_matches('"'), "error", LIMIT)?;
    ensure!(status["cause"].to_string().contains("<3.8"), "{status}");
    let dynamic = "[project]\nname = \"mine\"\ndynamic = [\"version\", \"dependencies\"]\n";
    let refused =
        post_files(&scene, &version, &[("train.py", PROGRAM), ("pyproject.toml", dynamic)])?;
    let refused = refused.expect_status(400)?;
    ensure!(refused.codes()? == ["TY0305"], "{}", refused.text());
    ensure!(refused.text().contains("line 3 of pyproject.toml"), "{}", refused.text());
    let elsewhere = lock.replace(
        "name = \"six\"\nversion = \"1.16.0\"\nsource = { registry",
        "name = \"six\"\nversion = \"1.16.0\"\nsource = { url",
    );
    ensure!(elsewhere != lock, "{lock}");
    let files = [("train.py", PROGRAM), ("pyproject.toml", &free), ("uv.lock", &elsewhere)];
    let id = post_files(&scene, &version, &files)?.expect_status(202)?.json()?["metadata"]["guid"]
        .to_string();
    let status = scene.server.until_settled(id.trim_matches('"'), "error", LIMIT)?;
    ensure!(status["cause"]["code"] == "TY0304", "{status}");
    drop(scene);
    // Environments are read-only, and would not go by themselves.
    let status = Command::new("chmod").args(["-R", "u+w"]).arg(cache.path()).status()?;
    ensure!(status.success(), "chmod: {status}");
    Ok(())
}
