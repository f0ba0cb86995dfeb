//! The official Python client of 2017 to 2021, unmodified, in three generations: each does
//! its whole workflow against a server that trains a small model on real digits in a real S3,
//! and every step gives what is documented of it.
//!
//! The steps are `tests/testkit/src/official_client/*.py`; what has to come of them is here.

mod experiments;
mod models;
mod seed_era;
mod training;

use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use trainyard_testkit::official_client::{Generation, Judge, PROGRAM, Telling};
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::{binary, mnist, zip};

use crate::harness::{Scene, Told, left_out};

const DATA: &str = "train-data";
const RESULTS: &str = "train-results";
const USER: &str = "ann";
const PASSWORD: &str = "a password of eight words that nobody guesses";

/// A server with a user and an instance, digits in an S3, and the user's desk.
struct Office {
    scene: Scene,
    s3: S3Server,
    desk: TempDir,
    instance: String,
    framework: (String, String),
}

impl Office {
    /// None where no scikit-learn can be had.
    fn open() -> Result<Option<Self>> {
        let scene = Scene::start()?;
        let Some(version) = scikit_learn(&scene)? else { return Ok(None) };
        let instance = instance(&scene)?;
        let s3 = S3Server::start()?;
        for bucket in [DATA, RESULTS] {
            s3.create_bucket(bucket)?;
        }
        for entry in std::fs::read_dir(mnist::mnist_subset(2_000, 500)?)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).context("a file name")?;
            s3.put(DATA, name, &std::fs::read(&path)?)?;
        }
        let desk = tempfile::Builder::new().prefix("trainyard-desk-").tempdir()?;
        let digits = std::fs::read_to_string(binary::repository().join("examples/digits.py"))?;
        let model = zip::of(&[PROGRAM, ("digits.py", &digits)]);
        std::fs::write(desk.path().join("model.zip"), model)?;
        let framework = ("scikit-learn".to_owned(), version);
        Ok(Some(Self { scene, s3, desk, instance, framework }))
    }

    fn url(&self) -> Result<String> {
        let file = std::fs::read(self.scene.home.path().join("server.json"))?;
        let file: Value = serde_json::from_slice(&file)?;
        Ok(file["url"].as_str().context("the server's address")?.to_owned())
    }

    fn settings(&self) -> Result<Value> {
        Ok(json!({
            "url": self.url()?,
            "username": USER,
            "password": PASSWORD,
            "instance_id": self.instance,
            "endpoint": self.s3.endpoint(),
            "access_key": self.s3.access_key(),
            "secret_key": self.s3.secret_key(),
            "data": DATA,
            "results": RESULTS,
            "framework": [self.framework.0, self.framework.1],
            "model_zip": self.desk.path().join("model.zip"),
            "desk": self.desk.path(),
        }))
    }

    /// What the server said since it started.
    fn server_log(&self) -> String {
        let log = self.scene.home.path().with_extension("serve.log");
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// A text that a run stored.
    fn stored(&self, key: &str) -> Result<String> {
        Ok(String::from_utf8(self.s3.get(RESULTS, key)?)?)
    }
}

/// The usable scikit-learn of the catalogue.
fn scikit_learn(scene: &Scene) -> Result<Option<String>> {
    let list = scene.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
    let releases = list["resources"].as_array().context("resources")?;
    let mut usable = releases.iter().map(|release| &release["entity"]).filter(|release| {
        release["name"] == "scikit-learn"
            && release["status"] == "current"
            && release["availability"] != "unavailable"
    });
    Ok(usable.next_back().and_then(|release| release["version"].as_str()).map(str::to_owned))
}

/// Makes the user and an instance with that member, as an operator does; gives its id.
fn instance(scene: &Scene) -> Result<String> {
    let mut add = scene.home.command(["user", "add", USER, "--password-stdin"]);
    let mut add = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("user add")?;
    writeln!(add.stdin.take().context("stdin was asked for")?, "{PASSWORD}")?;
    ensure!(add.wait()?.success(), "user add failed");
    let made =
        scene.home.call(["instance", "create", "digits", "--member", USER])?.expect_code(0)?;
    Ok(made.stdout.trim().to_owned())
}

/// Tells a generation's workflow and has it judged.
fn workflow(generation: Generation, judge: impl FnOnce(&mut Judge<'_>, &Office) -> Told) -> Told {
    let Some(python) = generation.installed()? else {
        left_out(&format!(
            "client {} needs CPython {}, which this machine has not",
            generation.version(),
            generation.python()
        ));
        return Ok(());
    };
    let Some(office) = Office::open()? else {
        left_out("no scikit-learn can be had on this machine");
        return Ok(());
    };
    let telling = generation.workflow(&python, &office.settings()?, office.desk.path())?;
    let mut all = Judge::new(&telling);
    judge(&mut all, &office)?;
    all.verdict(&office.server_log())
}

/// The id that a step gave, for the steps after it; empty when the step failed, so that they
/// are judged, and fail, as well.
fn known<'a>(telling: &'a Telling, step: &str, pointer: &str) -> &'a str {
    telling.step(step).and_then(|step| step.text(pointer)).unwrap_or_default()
}

#[test]
fn s3_the_last_client_does_its_whole_workflow() -> Told {
    modern(Generation::Last)
}

#[test]
fn s3_the_client_of_2018_does_its_whole_workflow() -> Told {
    modern(Generation::Of2018)
}

fn modern(generation: Generation) -> Told {
    workflow(generation, |judge, office| {
        training::judge(judge, office, generation)?;
        models::judge(judge, office, generation)?;
        experiments::judge(judge, office, generation)
    })
}

#[test]
fn s3_the_client_of_2017_does_its_whole_workflow() -> Told {
    workflow(Generation::Of2017, seed_era::judge)
}
