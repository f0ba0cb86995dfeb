//! Every framework of the catalogue trains: the examples, as they are, on real digits in a
//! real S3.
//!
//! Each builds an environment of hundreds of megabytes once for the machine, so all but
//! the smallest are left to `cargo xtask test frameworks`.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::home::finish;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::{binary, mnist, zip};

use crate::harness::{Scene, Told, left_out};

/// An environment may have to be fetched over a slow line first.
const LIMIT: Duration = Duration::from_mins(20);

/// An example, and what is to come of it.
struct Example {
    folder: &'static str,
    framework: &'static str,
    version: &'static str,
    /// What the program says first, after the framework's name: the version that really runs.
    runs: &'static str,
    /// What it leaves beside its evaluation.
    model: &'static str,
    /// The least part of the test digits that are read right.
    accuracy: f64,
}

impl Example {
    fn trains(&self) -> Told {
        let scene = Scene::start()?;
        if let Some(why) = self.unavailable(&scene)? {
            left_out(&format!("{} {} cannot be had here: {why}", self.framework, self.version));
            return Ok(());
        }
        let s3 = S3Server::start()?;
        let example = binary::repository().join("examples").join(self.folder);
        let page = std::fs::read_to_string(example.join("job.yaml"))?;
        // The containers have the names that the example gives them.
        let data = between(&page, "source: {container: ", ",")?;
        let results = between(&page, "target: {container: ", ",")?;
        for bucket in [data, results] {
            s3.create_bucket(bucket)?;
        }
        put_digits(&s3, data)?;
        let version = between(&page, "version: ", "}")?;
        // Programs of old Pythons are started as they were then.
        let python = if self.version.ends_with("-py2") { "python " } else { "python3 " };
        let job = page
            .replace("python3 ", python)
            .replace(&format!("version: {version}}}"), &format!("version: {}}}", self.version))
            .replace("<url>", &s3.endpoint())
            .replace("<username>", s3.access_key())
            .replace("<password>", s3.secret_key());
        // What a folder does not bring itself is what they have in common.
        let mut files = vec![example.with_file_name("digits.py")];
        for entry in std::fs::read_dir(&example)? {
            files.push(entry?.path());
        }
        files.retain(|path| {
            let is = |known: &str| path.extension().is_some_and(|extension| extension == known);
            is("py") || is("prototxt") || is("lua")
        });
        let mut code = Vec::new();
        for path in &files {
            let name = path.file_name().and_then(|name| name.to_str()).context("a file name")?;
            code.push((name, std::fs::read_to_string(path)?));
        }
        let code: Vec<_> = code.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let desk = tempfile::tempdir()?;
        std::fs::write(desk.path().join("job.yaml"), job)?;
        std::fs::write(desk.path().join("model.zip"), zip::of(&code))?;
        let mut train = scene.home.command(["train", "model.zip", "job.yaml"]);
        let told = finish(train.current_dir(desk.path()))?.expect_code(0)?;
        let id = told.stdout.trim().to_owned();
        scene.server.until_settled(&id, "completed", LIMIT)?;
        let log = String::from_utf8(scene.server.log(&id)?)?;
        ensure!(log.contains(&format!("{} on ", self.runs)), "{log}");
        let stored: Vec<String> = s3.list(results)?.into_iter().map(|(key, _)| key).collect();
        ensure!(stored.contains(&format!("{id}/{}", self.model)), "no model in {stored:?}");
        let evaluation = s3.get(results, &format!("{id}/evaluation.json"))?;
        let evaluation: Value = serde_json::from_slice(&evaluation)?;
        let accuracy = evaluation["test_accuracy"].as_f64().context("an accuracy")?;
        ensure!(log.contains(&format!("test accuracy: {accuracy:.4}")), "{log}");
        ensure!(accuracy >= self.accuracy, "{evaluation}");
        Ok(())
    }

    /// Why this machine cannot have the framework.
    fn unavailable(&self, scene: &Scene) -> anyhow::Result<Option<String>> {
        let list = scene.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
        let releases = list["resources"].as_array().context("resources")?;
        let release = releases
            .iter()
            .map(|release| &release["entity"])
            .find(|one| one["name"] == self.framework && one["version"] == self.version)
            .with_context(|| format!("{} {} is not in the list", self.framework, self.version))?;
        let is_unavailable = release["availability"] == "unavailable";
        Ok(is_unavailable.then(|| release["reason"].as_str().unwrap_or_default().to_owned()))
    }
}

/// Puts the four files of MNIST into a bucket.
pub(super) fn put_digits(s3: &S3Server, bucket: &str) -> Told {
    for entry in std::fs::read_dir(mnist::mnist()?)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a file name")?;
        s3.put(bucket, name, &std::fs::read(&path)?)?;
    }
    Ok(())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> anyhow::Result<&'a str> {
    let (_, rest) = text.split_once(before).with_context(|| format!("no `{before}`"))?;
    Ok(rest.split_once(after).with_context(|| format!("no `{after}`"))?.0)
}

macro_rules! examples {
    ($($(#[$attribute:meta])* $name:ident: $folder:literal, $framework:literal, $version:literal, $runs:literal, $model:literal, $accuracy:literal;)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() -> Told {
                Example {
                    folder: $folder,
                    framework: $framework,
                    version: $version,
                    runs: $runs,
                    model: $model,
                    accuracy: $accuracy,
                }
                .trains()
            }
        )*
    };
}

examples! {
    s3_scikit_learn_trains_on_digits:
        "scikit-learn-mnist", "scikit-learn", "1.9-py3", "scikit-learn 1.9.1", "model.joblib", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_scikit_learn_of_2016_trains_on_digits:
        "scikit-learn-mnist", "scikit-learn", "0.17-py2", "scikit-learn 0.17.1", "model.joblib", 0.85;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_tensorflow_1_2_on_python_2_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "1.2-py2", "tensorflow 1.2.0", "model/saved_model.pb", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_tensorflow_1_3_on_python_2_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "1.3-py2", "tensorflow 1.3.0", "model/saved_model.pb", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_tensorflow_1_2_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "1.2-py3", "tensorflow 1.2.0", "model/saved_model.pb", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_tensorflow_1_3_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "1.3-py3", "tensorflow 1.3.0", "model/saved_model.pb", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_tensorflow_1_5_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "1.5-py3", "tensorflow 1.5.0", "model/saved_model.pb", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_tensorflow_1_15_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "1.15-py3", "tensorflow 1.15.5", "model/saved_model.pb", 0.93;
    #[ignore = "gigabytes: cargo xtask test frameworks"]
    s3_tensorflow_2_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "2.21-py3", "tensorflow 2.21.0", "model/saved_model.pb", 0.93;
    #[ignore = "gigabytes: cargo xtask test frameworks"]
    s3_tensorflow_2_in_the_manner_of_1_trains_on_digits:
        "tensorflow-mnist", "tensorflow", "2.21-compat.v1-py3", "tensorflow 2.21.0", "model/saved_model.pb", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_xgboost_trains_on_digits:
        "xgboost-mnist", "xgboost", "3.2-py3", "xgboost 3.2.0", "model.json", 0.9;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_lightgbm_trains_on_digits:
        "lightgbm-mnist", "lightgbm", "4.7-py3", "lightgbm 4.7.0", "model.txt", 0.9;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_jax_trains_on_digits:
        "jax-mnist", "jax", "0.10-py3", "jax 0.10.2", "model.npz", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_keras_of_2018_trains_on_digits:
        "keras-mnist", "keras", "2.1-py3", "keras 2.1.6", "model.h5", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_keras_trains_on_digits:
        "keras-mnist", "keras", "3.15-py3", "keras 3.15.1", "model.keras", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_pytorch_of_2018_trains_on_digits:
        "pytorch-mnist", "pytorch", "1.0-py3", "torch 1.0.0", "model.pt", 0.93;
    #[ignore = "gigabytes: cargo xtask test frameworks"]
    s3_pytorch_trains_on_digits:
        "pytorch-mnist", "pytorch", "2.15-py3", "torch 2.15.0+cu132", "model.pt", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_pytorch_of_debian_trains_on_digits:
        "pytorch-mnist", "pytorch", "1.13-py3", "torch 1.13.0a0", "model.pt", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_caffe_trains_on_digits:
        "caffe-lenet", "caffe", "1.0", "caffe 1.0.0", "lenet_iter_600.caffemodel", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_torch_trains_on_digits:
        "torch7-lenet", "torch", "luajit", "torch7", "model.t7", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_theano_of_2017_trains_on_digits:
        "theano-mnist", "theano", "0.9-py3", "theano 0.9.0", "model.npz", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_theano_trains_on_digits:
        "theano-mnist", "theano", "1.0-py3", "theano 1.0.5", "model.npz", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_caffe2_trains_on_digits:
        "caffe2-mnist", "caffe2", "1.0-py3", "caffe2 1.0.0", "model.npz", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_mxnet_of_2017_trains_on_digits:
        "mxnet-mnist", "mxnet", "0.10-py3", "mxnet 0.10.0", "model-symbol.json", 0.93;
    #[ignore = "hundreds of megabytes: cargo xtask test frameworks"]
    s3_mxnet_trains_on_digits:
        "mxnet-mnist", "mxnet", "1.9-py3", "mxnet 1.9.1", "model-symbol.json", 0.93;
}
