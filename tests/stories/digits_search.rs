//! The example of a search, as it is: boosted trees on real digits in a real S3.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::home::finish;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::{binary, zip};

use super::frameworks::put_digits;
use crate::harness::{Bx, Scene, Told, quoted};

const TRIALS: usize = 12;

#[test]
fn s3_a_search_finds_trees_that_read_digits_well() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let s3 = S3Server::start()?;
    for bucket in ["mnist", "results"] {
        s3.create_bucket(bucket)?;
    }
    put_digits(&s3, "mnist")?;
    let examples = binary::repository().join("examples");
    let read = |path: &str| std::fs::read_to_string(examples.join(path));
    let (program, common) = (read("lightgbm-search/train.py")?, read("digits.py")?);
    bx.write("model.zip", zip::of(&[("train.py", &program), ("digits.py", &common)]))?;
    bx.write("definition.yaml", read("lightgbm-search/definition.yaml")?)?;
    let stored = ["store", "training-definitions", "model.zip", "definition.yaml"];
    let definition = quoted(&bx.ml(&stored)?.expect_code(0)?.stdout, 0)?;
    let experiment = read("lightgbm-search/experiment.yaml")?
        .replace("<definition>", &format!("/v3/ml_assets/training_definitions/{definition}"))
        .replace("<url>", &s3.endpoint())
        .replace("<username>", s3.access_key())
        .replace("<password>", s3.secret_key());
    let manifest = bx.write("experiment.yaml", experiment)?;

    let manifest = manifest.to_str().context("text")?;
    let submit = ["experiments", "submit", manifest, "--follow"];
    let told = finish(&mut scene.home.command(submit))?.expect_code(0)?.stdout;
    let best = told.lines().find_map(|line| line.strip_prefix("best of trees: "));
    let best = best.and_then(|rest| rest.split_whitespace().next()).context(told.clone())?;
    let (search, number) = best.rsplit_once('_').context("a trial")?;
    let table = told.lines().filter(|line| line.starts_with(&format!("{search}_")));
    ensure!(table.filter(|line| line.contains("learning_rate=")).count() >= TRIALS, "{told}");

    // The best has the smallest loss of all, and reads most of the digits that nobody looked at.
    let losses = s3.get("results", &format!("{search}/learner-1/evaluation-metrics.txt"))?;
    let losses: Vec<f64> = std::str::from_utf8(&losses)?
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line)?;
            line["values"]["val_loss"]["value"].as_str().context("a loss")?.parse().context("loss")
        })
        .collect::<anyhow::Result<_>>()?;
    ensure!(losses.len() == TRIALS, "{losses:?}");
    let smallest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let written = s3.get("results", &format!("{search}/best.json"))?;
    let written: Value = serde_json::from_slice(&written)?;
    ensure!(written["trial"] == best, "{written} is not {best}");
    ensure!(written["val_loss"] == smallest, "{written} of {losses:?}");
    let folder = format!("{search}/learner-1/{number}");
    let evaluation = s3.get("results", &format!("{folder}/evaluation.json"))?;
    let evaluation: Value = serde_json::from_slice(&evaluation)?;
    let accuracy = evaluation["test_accuracy"].as_f64().context("an accuracy")?;
    ensure!(accuracy > 0.88, "{evaluation}");
    ensure!(!s3.get("results", &format!("{folder}/model.txt"))?.is_empty());
    Ok(())
}
