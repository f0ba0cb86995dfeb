//! A machine with GPUs: slots are GPUs, by their UUIDs, and their driver decides which builds can
//! be had. Left out where there is none.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::{binary, mnist, zip};

use crate::harness::{Configuration, Job, Scene, Store, Told, left_out};

/// Loading CUDA and PyTorch takes a while.
const LIMIT: Duration = Duration::from_mins(5);

/// The GPUs of this machine by NVIDIA's own tool, which has nothing to do with ours.
fn gpus() -> Vec<String> {
    let Ok(told) = Command::new("nvidia-smi").arg("-L").output() else { return Vec::new() };
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let uuids = told.lines().filter_map(|line| line.split_once("UUID: ")?.1.strip_suffix(')'));
    uuids.map(str::to_owned).collect()
}

fn scene() -> anyhow::Result<Option<(Scene, Vec<String>)>> {
    let gpus = gpus();
    if gpus.is_empty() {
        left_out("this machine has no GPU");
        return Ok(None);
    }
    Ok(Some((Scene::with(Configuration { slots: 0, ..Configuration::default() })?, gpus)))
}

fn job(scene: &Scene, version: &str, command: &str) -> Job {
    Job { framework: ("gpu".to_owned(), version.to_owned()), ..scene.job(command) }
}

#[test]
fn a_run_is_given_its_gpu_by_uuid() -> Told {
    let Some((scene, gpus)) = scene()? else { return Ok(()) };
    let id =
        scene.submit(&job(&scene, "shell", "echo \"given $GPU_COUNT: $CUDA_VISIBLE_DEVICES\""))?;
    scene.server.until_settled(&id, "completed", LIMIT)?;
    let log = String::from_utf8(scene.server.log(&id)?)?;
    ensure!(gpus.iter().any(|gpu| log.contains(&format!("given 1: {gpu}\n"))), "{gpus:?}\n{log}");
    let shown = scene.home.call(["show", &id])?.expect_code(0)?.stdout;
    ensure!(!shown.contains("CPU slot"), "{shown}");
    Ok(())
}

#[test]
fn a_driver_that_is_too_old_is_told_before_and_a_build_that_fails_on_the_gpu_after() -> Told {
    let Some((scene, _)) = scene()? else { return Ok(()) };
    let code = zip::of(&[("readme.txt", "")]);
    let refused =
        scene.server.post(&job(&scene, "future", "true").text(), &code)?.expect_status(400)?;
    ensure!(refused.codes()? == ["TY0303"], "{}", refused.text());
    for word in ["carries CUDA 99.0", "and the driver ", "serves CUDA "] {
        ensure!(refused.text().contains(word), "{word}: {}", refused.text());
    }

    let id = scene.submit(&job(&scene, "faulty", "true"))?;
    let status = scene.server.until_settled(&id, "error", LIMIT)?;
    ensure!(status["cause"]["code"] == "TY0304", "{status}");
    ensure!(status["cause"].to_string().contains("no kernel image is available"), "{status}");
    Ok(())
}

#[test]
fn pytorch_trains_on_the_gpu() -> Told {
    let Some((scene, _)) = scene()? else { return Ok(()) };
    let list = scene.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
    let releases = list["resources"].as_array().context("resources")?;
    let torch = releases.iter().map(|release| &release["entity"]).find(|one| {
        one["name"] == "gpu" && one["version"] == "torch" && one["availability"] != "unavailable"
    });
    if torch.is_none() {
        left_out("the Python on the PATH has no PyTorch");
        return Ok(());
    }
    let data = scene.store.path().join("mnist");
    std::fs::create_dir(&data)?;
    for entry in std::fs::read_dir(mnist::mnist()?)? {
        let path = entry?.path();
        std::fs::copy(&path, data.join(path.file_name().context("a file name")?))?;
    }
    let example = binary::repository().join("examples/pytorch-mnist/train.py");
    let common = binary::repository().join("examples/digits.py");
    let code = zip::of(&[
        ("train.py", std::fs::read_to_string(example)?.as_str()),
        ("digits.py", std::fs::read_to_string(common)?.as_str()),
    ]);
    let command = "python3 train.py --examples 60000 --epochs 2";
    let data = Some(Store::directory(scene.store.path(), "mnist"));
    let job = Job { data, ..job(&scene, "torch", command) };
    let id = scene.server.submit(&job.text(), &code)?;
    scene.server.until_settled(&id, "completed", LIMIT)?;
    let log = String::from_utf8(scene.server.log(&id)?)?;
    ensure!(log.contains("computing on the cuda"), "{log}");
    let evaluation: Value = serde_json::from_slice(&scene.stored(&id, "evaluation.json")?)?;
    ensure!(evaluation["test_accuracy"].as_f64().is_some_and(|is| is > 0.97), "{evaluation}");
    Ok(())
}
