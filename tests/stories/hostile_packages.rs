//! Packages that somebody asks for and that mean harm: nothing of them runs but in the runs that
//! asked, and no run of others is touched.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::home::Home;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::zip;

use crate::harness::{Configuration, SOON, Scene, Told, left_out};

/// A wheel of one version of `harm`, with these files in it.
fn put_wheel(folder: &Path, version: &str, files: &[(&str, &str)]) -> Told {
    let info = format!("harm-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: harm\nVersion: {version}\n");
    let wheel = "Wheel-Version: 1.0\nGenerator: story\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let mut files: Vec<(String, String)> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    files.push((format!("{info}/METADATA"), metadata));
    files.push((format!("{info}/WHEEL"), wheel.to_owned()));
    let names: Vec<String> = files.iter().map(|(name, _)| format!("{name},,\n")).collect();
    files.push((format!("{info}/RECORD"), format!("{}{info}/RECORD,,\n", names.concat())));
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let path = folder.join(format!("harm-{version}-py3-none-any.whl"));
    Ok(fs::write(path, zip::of(&files))?)
}

/// A Python program that says where it runs: in which run, or in none.
fn confession(marks: &Path) -> String {
    format!(
        "import os; open({:?}, 'a').write(os.environ.get('TRAINING_ID', 'outside') + '\\n')\n",
        marks.display().to_string()
    )
}

#[test]
fn a_package_runs_in_the_runs_that_asked_for_it_and_nowhere_else() -> Told {
    let desk = tempfile::tempdir()?;
    let (wheels, marks) = (desk.path().join("wheels"), desk.path().join("marks"));
    fs::create_dir(&wheels)?;
    let confession = confession(&marks);
    // Lines of a .pth file run whenever Python starts in the environment.
    put_wheel(
        &wheels,
        "1.0",
        &[
            ("harm.pth", &confession),
            ("harm.py", &confession),
            ("sitecustomize.py", &confession),
            ("usercustomize.py", &confession),
        ],
    )?;
    // This one brings a Python, which is not ours. A current uv refuses that by itself.
    let script = format!("#!/bin/sh\necho \"${{TRAINING_ID:-outside}}\" >>{}\n", marks.display());
    put_wheel(&wheels, "2.0", &[("harm-2.0.data/data/bin/python3", &script)])?;

    let cache = desk.path().join("cache").display().to_string();
    let home = Home::new(&Configuration::default().text())?
        .with_variable("TRAINYARD_CACHE", &cache)
        .with_variable("UV_FIND_LINKS", &wheels.display().to_string());
    let scene = Scene::at(home)?;
    let list = scene.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
    let releases = list["resources"].as_array().context("resources")?;
    let mut usable = releases.iter().map(|release| &release["entity"]).filter(|release| {
        release["name"] == "python"
            && release["status"] == "current"
            && release["availability"] != "unavailable"
    });
    let Some(version) = usable.next_back().and_then(|release| release["version"].as_str()) else {
        left_out("no current CPython can be had on this machine");
        return Ok(());
    };
    let submit = |requirements: &str| -> anyhow::Result<String> {
        let mut page: Value = serde_json::from_str(&scene.job("python3 -c 'import harm'").text())?;
        page["model_definition"]["framework"] =
            serde_json::json!({ "name": "python", "version": version });
        let code = zip::of(&[("requirements.txt", requirements)]);
        scene.server.submit(&page.to_string(), &code)
    };

    let id = submit("harm==1.0\n")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    // Its bytecode is made when it is ready already.
    let environments = Path::new(&cache).join("environments");
    eventually("the end of what is done afterwards", SOON, || {
        let mut marks = fs::read_dir(&environments).ok()?.flatten();
        marks.find_map(|one| {
            let text = fs::read(one.path().join(".ready.json")).ok()?;
            serde_json::from_slice::<Value>(&text).ok()?["bytes"].as_u64()
        })
    })?;
    let told = fs::read_to_string(&marks)?;
    ensure!(told.lines().count() >= 2, "it ran in the run: {told}");
    ensure!(told.lines().all(|run| run == id), "it ran elsewhere: {told}");

    fs::remove_file(&marks)?;
    let id = submit("harm==2.0\n")?;
    let status = scene.server.until_settled(&id, "error", SOON)?;
    ensure!(status["cause"].to_string().contains("python3`"), "{status}");
    ensure!(!marks.exists(), "it ran: {:?}", fs::read_to_string(&marks));
    drop(scene);
    // Environments are read-only, and would not go by themselves.
    let status = std::process::Command::new("chmod").args(["-R", "u+w"]).arg(&cache).status()?;
    ensure!(status.success(), "chmod: {status}");
    Ok(())
}
