//! The main job: TensorFlow code and the seed's definition go in, a trained model comes out.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::lenient_s3::{self, LenientS3};
use trainyard_testkit::{binary, mnist, s3::S3Server, zip};

use crate::harness::{Scene, Told, left_out};

/// The containers that the example names.
const DATA: &str = "tf-training-data";
const RESULTS: &str = "tf-training-results";

/// A training of this size takes seconds; the environment, where it has to be built first, most of a minute.
const LIMIT: std::time::Duration = std::time::Duration::from_mins(8);

/// The seed's version where the machine has a CPython 3.6, else one that can be had.
fn version(scene: &Scene) -> anyhow::Result<Option<String>> {
    let list = scene.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
    let releases = list["resources"].as_array().context("resources")?;
    let usable = releases.iter().map(|release| &release["entity"]).filter(|release| {
        release["name"] == "tensorflow" && release["availability"] != "unavailable"
    });
    let versions: Vec<&str> = usable.filter_map(|release| release["version"].as_str()).collect();
    let seeds = versions.iter().find(|version| **version == "1.2-py3");
    Ok(seeds.or(versions.first()).map(|version| (*version).to_owned()))
}

#[test]
fn s3_the_seeds_job_trains_on_mnist() -> Told {
    let scene = Scene::start()?;
    let Some(version) = version(&scene)? else {
        left_out("no TensorFlow can be had on this machine");
        return Ok(());
    };
    let s3 = S3Server::start()?;
    for bucket in [DATA, RESULTS] {
        s3.create_bucket(bucket)?;
    }
    for entry in std::fs::read_dir(mnist::mnist_subset(5_000, 1_000)?)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a file name")?;
        s3.put(DATA, name, &std::fs::read(&path)?)?;
    }

    // The definition as the example has it, the placeholders replaced.
    let example = binary::repository().join("examples/tensorflow-mnist");
    let mut job: Value = serde_json::from_slice(&std::fs::read(example.join("job.json"))?)?;
    job["model_definition"]["framework"]["version"] = version.into();
    // A fifth of the page's examples: enough to learn, and ten seconds of work.
    let command = &mut job["model_definition"]["execution"]["command"];
    let shorter = command
        .as_str()
        .context("a command")?
        .replace("--trainingIters 20000", "--trainingIters 4000");
    *command = shorter.into();
    for pointer in ["/training_data/0/connection", "/training_results/connection"] {
        let connection = job.pointer_mut(pointer).context("a connection")?;
        connection["auth_url"] = s3.endpoint().into();
        connection["userId"] = s3.access_key().into();
        connection["password"] = s3.secret_key().into();
    }
    let read = |name: &str| std::fs::read_to_string(example.join(name));
    let (program, input) = (read("convolutional_network.py")?, read("input_data.py")?);
    let model =
        zip::of(&[("convolutional_network.py", program.as_str()), ("input_data.py", &input)]);

    let id = scene.server.submit(&job.to_string(), &model)?;
    scene.server.until_settled(&id, "completed", LIMIT)?;

    let stored: Vec<String> = s3.list(RESULTS)?.into_iter().map(|(key, _)| key).collect();
    for name in ["learner-1/training-log.txt", "model/saved_model.pb", "evaluation.json"] {
        ensure!(stored.contains(&format!("{id}/{name}")), "{name} is not among {stored:?}");
    }
    let evaluation = s3.get(RESULTS, &format!("{id}/evaluation.json"))?;
    let evaluation: Value = serde_json::from_slice(&evaluation)?;
    let accuracy = evaluation["test_accuracy"].as_f64().context("an accuracy")?;
    ensure!(accuracy > 0.8, "{evaluation}");
    ensure!(
        scene.server.log(&id)? == s3.get(RESULTS, &format!("{id}/learner-1/training-log.txt"))?
    );
    Ok(())
}

/// The definition of the page itself: its containers have the names that it gives
/// them, and the store is an S3 server of another make.
#[test]
fn s3_the_pages_own_containers_train_on_mnist() -> Told {
    let scene = Scene::start()?;
    let Some(version) = version(&scene)? else {
        left_out("no TensorFlow can be had on this machine");
        return Ok(());
    };
    let s3 = LenientS3::start()?;
    let data = s3.container("tf_training_data")?;
    let results = s3.container("tf_training_results")?;
    for entry in std::fs::read_dir(mnist::mnist_subset(2_000, 500)?)? {
        let path = entry?.path();
        std::fs::copy(&path, data.join(path.file_name().context("a file name")?))?;
    }
    let example = binary::repository().join("examples/tensorflow-mnist");
    let text = std::fs::read_to_string(example.join("job.json"))?
        .replace("\"tf-training-data\"", "\"tf_training_data\"")
        .replace("\"tf-training-results\"", "\"tf_training_results\"")
        .replace("\"1.2-py3\"", &format!("\"{version}\""))
        .replace("--trainingIters 20000", "--trainingIters 2000")
        .replace("<url>", &s3.endpoint())
        .replace("<username>", lenient_s3::ACCESS_KEY)
        .replace("<password>", lenient_s3::SECRET_KEY);
    ensure!(text.contains("tf_training_data"), "the example has other containers: {text}");
    let read = |name: &str| std::fs::read_to_string(example.join(name));
    let (program, input) = (read("convolutional_network.py")?, read("input_data.py")?);
    let model =
        zip::of(&[("convolutional_network.py", program.as_str()), ("input_data.py", &input)]);

    let id = scene.server.submit(&text, &model)?;
    scene.server.until_settled(&id, "completed", LIMIT)?;
    let stored = results.join(&id);
    for name in ["learner-1/training-log.txt", "model/saved_model.pb", "evaluation.json"] {
        ensure!(stored.join(name).is_file(), "{name} is not stored");
    }
    ensure!(scene.server.log(&id)? == std::fs::read(stored.join("learner-1/training-log.txt"))?);
    Ok(())
}
