//! The page's own example, word for word: data in Swift, results in Swift, as in 2017.
//!
//! Only the placeholders of the connections are replaced. The framework has the page's name
//! and version and is the stories' plain Python, and the program counts instead of training.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use anyhow::{Context as _, Result, ensure};
use trainyard_testkit::home::{Home, finish};
use trainyard_testkit::swift::SwiftServer;
use trainyard_testkit::{binary, zip};

use crate::harness::{Configuration, SOON, Scene, Told};

/// The page's example: keys and values are facts of the interface.
const JOB: &str = r#"{
  "model_definition": {
    "framework": {
      "name": "tensorflow",
      "version": "1.2-py3"
    },
    "name": "tf-mnist",
    "author": "Ann Other",
    "description": "Simple MNIST model implemented in TF",
    "execution": {
      "command": "python3 convolutional_network.py --trainImagesFile ${DATA_DIR}/train-images-idx3-ubyte.gz --trainLabelsFile ${DATA_DIR}/train-labels-idx1-ubyte.gz --testImagesFile ${DATA_DIR}/t10k-images-idx3-ubyte.gz --testLabelsFile ${DATA_DIR}/t10k-labels-idx1-ubyte.gz --learningRate 0.001 --trainingIters 20000",
      "resourceType": "small"
    }
  },
  "training_data": [
    {
      "connection": {
        "auth_url": "<url>",
        "userId": "<username>",
        "password": "<password>"
      },
      "source": {
        "container": "tf_training_data",
        "type": "softlayer_objectstore"
      }
    }
  ],
  "training_results":
    {
      "connection": {
         "auth_url": "<url>",
         "userId": "<username>",
         "password": "<password>"
      },
      "target": {
        "container": "tf_training_results",
        "type": "softlayer_objectstore"
      }
    }
}
"#;

/// Reads what the page's program reads, and writes one result that goes in one request and
/// one that does not.
const PROGRAM: &str = r#"
import gzip, os, sys

words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
for name in ("train", "test"):
    for kind in ("Images", "Labels"):
        with gzip.open(words[f"--{name}{kind}File"]) as file:
            print(name, kind, len(file.read()))
print("iterations", words["--trainingIters"])
results = os.environ["RESULT_DIR"]
os.mkdir(f"{results}/model")
with open(f"{results}/model/saved_model.pb", "wb") as file:
    file.write(b"weights " * (9 << 17))
with open(f"{results}/evaluation.json", "w") as file:
    file.write('{"test_accuracy": 0.99}')
"#;

const FILES: [(&str, usize); 4] = [
    ("train-images-idx3-ubyte.gz", 700_000),
    ("train-labels-idx1-ubyte.gz", 1_000),
    ("t10k-images-idx3-ubyte.gz", 70_000),
    ("t10k-labels-idx1-ubyte.gz", 100),
];

/// A server whose catalogue has the page's framework.
fn scene() -> Result<(Scene, tempfile::TempDir)> {
    let plain = binary::repository().join("tests/catalogue");
    let catalogue = tempfile::tempdir()?;
    fs::create_dir(catalogue.path().join("locks"))?;
    let lock = "locks/plain-1-py3.txt";
    fs::copy(plain.join(lock), catalogue.path().join(lock))?;
    let release = fs::read_to_string(plain.join("plain.toml"))?
        .replace("name = \"plain\"", "name = \"tensorflow\"")
        .replace("version = \"1-py3\"", "version = \"1.2-py3\"");
    ensure!(release.contains("\"1.2-py3\"") && release.contains("\"tensorflow\""), "{release}");
    fs::write(catalogue.path().join("tensorflow.toml"), release)?;

    let configuration = Configuration::default().text();
    let from = plain.display().to_string();
    let home = Home::new(&configuration.replace(&from, &catalogue.path().display().to_string()))?;
    let store = tempfile::tempdir()?;
    Ok((Scene { server: home.serve()?, home, store }, catalogue))
}

fn gzipped(length: usize) -> Result<Vec<u8>> {
    let python =
        "import gzip, sys; sys.stdout.buffer.write(gzip.compress(bytes(int(sys.argv[1]))))";
    let done =
        std::process::Command::new("python3").args(["-c", python, &length.to_string()]).output()?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(done.stdout)
}

#[test]
fn the_seeds_example_trains_from_swift_word_for_word() -> Told {
    let swift = SwiftServer::start()?;
    let client = swift.client();
    for container in ["tf_training_data", "tf_training_results"] {
        client.create_container(container)?;
    }
    for (name, length) in FILES {
        client.put("tf_training_data", name, &gzipped(length)?)?;
    }
    let (scene, _catalogue) = scene()?;
    let desk = tempfile::tempdir()?;
    let job = JOB
        .replace("<url>", &swift.auth_url())
        .replace("<username>", &swift.user())
        .replace("<password>", swift.password());
    fs::File::create(desk.path().join("job.json"))?.write_all(job.as_bytes())?;
    fs::write(desk.path().join("tf-model.zip"), zip::of(&[("convolutional_network.py", PROGRAM)]))?;
    symlink(scene.home.binary(), desk.path().join("bx"))?;
    let bx = |words: &[&str]| {
        let mut command = scene.home.command_as(&desk.path().join("bx"), words);
        finish(command.current_dir(desk.path()))
    };

    let trained = bx(&["ml", "train", "tf-model.zip", "job.json"])?.expect_code(0)?;
    let id = trained.stdout.split('\'').nth(1).context("an id in quotes")?.to_owned();
    scene.server.until_settled(&id, "completed", SOON)?;
    let shown = bx(&["ml", "show", "trained-models", &id])?.expect_code(0)?;
    ensure!(shown.stdout.contains("completed"), "{}", shown.stdout);

    // Another client finds it all where the page says, in its own containers.
    let read = |key: &str| client.get("tf_training_results", &format!("{id}/{key}"));
    let log = read("learner-1/training-log.txt")?;
    ensure!(log == scene.server.log(&id)?, "the stored log is the log");
    let log = String::from_utf8(log)?;
    for line in ["train Images 700000\n", "test Labels 100\n", "iterations 20000\n"] {
        ensure!(log.contains(line), "{log}");
    }
    ensure!(read("evaluation.json")? == br#"{"test_accuracy": 0.99}"#);
    ensure!(read("model/saved_model.pb")? == b"weights ".repeat(9 << 17));
    let large = client.head("tf_training_results", &format!("{id}/model/saved_model.pb"))?;
    ensure!(large["x-static-large-object"] == "True", "{large}");
    // What a submission tries out leaves nothing behind, and data stays as it was.
    let stored = client.list("tf_training_results")?;
    ensure!(stored.iter().all(|(key, _)| key.starts_with(&format!("{id}/"))), "{stored:?}");
    ensure!(client.list("tf_training_data")?.len() == FILES.len());

    // Deleting the history touches no container.
    bx(&["ml", "delete", "trained-models", &id])?.expect_code(0)?;
    ensure!(client.list("tf_training_results")? == stored);
    Ok(())
}
