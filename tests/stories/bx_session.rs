//! A whole session with the commands of 2018, as a person with the manifests and scripts of
//! then has it: definitions are stored and trained, runs are watched, canceled and deleted.

use anyhow::{Context as _, ensure};
use trainyard_testkit::home::finish;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::zip;

use crate::harness::{Bx, Job, SOON, Scene, Told, quoted};

/// The manifest of a job without what names the code, in YAML.
fn manifest(job: &Job) -> String {
    // JSON is YAML; what makes it one here is a comment and the file's ending.
    format!("# a training run\n{}\n", job.text())
}

fn zipped() -> Vec<u8> {
    zip::of(&[("main.sh", "echo one\necho two\necho three\n")])
}

#[test]
fn a_definition_is_stored_trained_watched_and_deleted() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    bx.write("model.zip", zipped())?;
    bx.write(
        "definition.yml",
        "name: stored\nframework: {name: plain, version: 1-py3}\ncommand: sh main.sh\n",
    )?;

    let stored = bx.ml(&["store", "training-definitions", "model.zip", "definition.yml"])?;
    let stored = stored.expect_code(0)?.stdout;
    let (id, version) = (quoted(&stored, 0)?, quoted(&stored, 1)?);
    let expected = format!(
        "Creating training-definition ...\nOK\ntraining-definition ID is '{id}' and version ID is '{version}'\n"
    );
    ensure!(stored == expected, "{stored}");
    let listed = bx.ml(&["list", "training-definitions"])?.expect_code(0)?.stdout;
    ensure!(listed.contains(&format!("1       stored   {id}   plain-1-py3   ")), "{listed}");
    ensure!(listed.contains("\n1 records found.\nOK\nList all training-def"), "{listed}");
    let shown = bx.ml(&["show", "training-definitions", &id])?.expect_code(0)?.stdout;
    ensure!(shown.contains(&format!("TrainingDefinitiontId   {id}\n")), "{shown}");

    // The manifest names no framework and no command: they are the definition's.
    let mut job = scene.job("").json();
    let model = job["model_definition"].as_object_mut().context("an object")?;
    model.remove("framework");
    model["execution"].as_object_mut().context("an object")?.remove("command");
    bx.write("run.yml", job.to_string())?;
    let train = ["train", "training-definitions", &id, &version, "run.yml"];
    let trained = bx.ml(&train)?.expect_code(0)?.stdout;
    let run = quoted(&trained, 0)?;
    ensure!(trained == format!("Starting to train ...\nOK\nModel-ID is '{run}'\n"), "{trained}");

    let watched = bx.ml(&["monitor", "training-runs", &run])?.expect_code(0)?.stdout;
    let lines: Vec<&str> = watched.lines().collect();
    let first = format!("Starting to fetch status and metrics messages for model-id '{run}'");
    ensure!(lines.first() == Some(&first.as_str()), "{watched}");
    ensure!(lines.last() == Some(&"Status: COMPLETED"), "{watched}");
    // How the run stands is told between the lines of its log, wherever that was.
    let log: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("[--LOGS]      ")).collect();
    ensure!(log.ends_with(&["one", "two", "three"]), "{watched}");
    // The same again of a run that has ended, and of it only what was asked for.
    let again = bx.ml(&["monitor", "training-runs", &run, "logs"])?.expect_code(0)?.stdout;
    ensure!(again.lines().skip(1).count() == log.len(), "{again}");
    let last = bx.ml(&["monitor", "training-runs", &run, "logs", "last", "2"])?;
    let last = last.expect_code(0)?.stdout;
    ensure!(last.ends_with("[--LOGS]      two\n[--LOGS]      three\n"), "{last}");
    ensure!(last.lines().count() == 3, "{last}");

    let shown = bx.ml(&["show", "training-runs", &run])?.expect_code(0)?.stdout;
    ensure!(shown.contains(&format!("Training definition ID   {id}\n")), "{shown}");
    ensure!(shown.contains("Command                  sh main.sh\n"), "{shown}");
    let listed = bx.ml(&["list", "training-runs"])?.expect_code(0)?.stdout;
    ensure!(listed.contains(&run) && listed.contains("   completed   "), "{listed}");

    let deleted = bx.ml(&["delete", "training-runs", &run])?.expect_code(0)?.stdout;
    ensure!(deleted.ends_with("OK\nDelete training-runs successful\n"), "{deleted}");
    let deleted = bx.ml(&["delete", "training-definitions", &id])?.expect_code(0)?.stdout;
    ensure!(deleted.ends_with("OK\nDelete training-definition successful\n"), "{deleted}");
    let none = bx.ml(&["list", "training-runs"])?.expect_code(0)?.stdout;
    ensure!(none.ends_with("0 records found.\nOK\nList all trained-runs successful\n"), "{none}");
    let gone = bx.ml(&["show", "training-definitions", &id])?.expect_code(1)?;
    ensure!(gone.stderr.starts_with("FAILED\n") && gone.stderr.contains("TY0610"), "{gone:?}");
    Ok(())
}

#[test]
fn a_run_is_watched_while_it_goes_on_and_canceled() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    bx.write("model.zip", zipped())?;
    bx.write("job.yml", manifest(&scene.job("echo before; sleep 600")))?;
    let trained = bx.ml(&["train", "model.zip", "job.yml"])?.expect_code(0)?.stdout;
    let run = quoted(&trained, 0)?;
    scene.until_logged(&run, "before")?;
    let watching = bx
        .command(&["monitor", "training-runs", &run])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    let canceled = bx.ml(&["cancel", "training-runs", &run])?.expect_code(0)?.stdout;
    let expected =
        format!("Canceling training for MODEL-ID '{run}'...\nOK\nCancel training successful\n");
    ensure!(canceled == expected, "{canceled}");
    scene.server.until_settled(&run, "canceled", SOON)?;
    let watched = watching.wait_with_output()?;
    let told = String::from_utf8(watched.stdout)?;
    ensure!(watched.status.success(), "{told}");
    ensure!(told.contains("[--LOGS]      before\n"), "{told}");
    ensure!(told.ends_with("Status: CANCELED\n"), "{told}");
    // The older name still has its older words.
    let older = bx.ml(&["monitor", "trained-models", &run])?.expect_code(0)?.stdout;
    ensure!(older.starts_with("Starting to fetch status messages for model-id '"), "{older}");
    ensure!(older.contains("\nbefore\n") && !older.contains("[--LOGS]"), "{older}");
    Ok(())
}

#[test]
fn a_run_that_fails_is_monitored_to_its_end_with_its_cause() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let run = scene.run("echo words; exit 3")?;
    let watched = bx.ml(&["monitor", "training-runs", &run])?.expect_code(0)?;
    ensure!(watched.stdout.contains("\n[--LOGS]      words\n"), "{watched:?}");
    ensure!(watched.stdout.ends_with("\nStatus: FAILED\n"), "{watched:?}");
    ensure!(watched.stderr.contains("exit code 3"), "{watched:?}");
    Ok(())
}

/// More records than the service tells about a run's status.
const RECORDS: u32 = 1200;

const MEASURES: &str = r#"
import json, os, sys, time
with open(os.path.join(os.environ["LOG_DIR"], "evaluation-metrics.txt"), "a") as file:
    for step in range(int(sys.argv[1])):
        steps = {"type": 2, "value": str(step)}
        json.dump({"meta": {"time": 1521285411000 + step}, "grouplabel": "test",
                   "etimes": {"iteration": steps},
                   "values": {"accuracy": {"type": 3, "value": str(step / 4)}}}, file)
        file.write("\n")
        if step % 100 == 0:
            file.flush(); time.sleep(0.1)
print("measured", flush=True)
"#;

#[test]
fn every_metric_is_told_once_and_in_order() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    bx.write("model.zip", zip::of(&[("main.py", MEASURES)]))?;
    bx.write("job.yml", manifest(&scene.job(format!("python3 main.py {RECORDS}"))))?;
    let trained = bx.ml(&["train", "model.zip", "job.yml"])?.expect_code(0)?.stdout;
    let run = quoted(&trained, 0)?;
    let expected: Vec<String> = (0..RECORDS)
        .map(|step| {
            let accuracy = f64::from(step) / 4.0;
            format!("[--METRICS]   test iteration {step}: accuracy {accuracy}")
        })
        .collect();
    // While it goes on, and again when it has ended.
    for turn in ["live", "ended"] {
        let told = bx.ml(&["monitor", "training-runs", &run, "metrics"])?.expect_code(0)?.stdout;
        let (first, rest) = told.split_once('\n').context("a first line")?;
        ensure!(first.starts_with("Starting to fetch metrics messages for model-id '"), "{told}");
        let lines: Vec<&str> = rest.lines().collect();
        ensure!(lines == expected, "{turn}: {} lines: {:?}", lines.len(), lines.first());
    }
    let all = bx.ml(&["monitor", "training-runs", &run])?.expect_code(0)?.stdout;
    let told = all.lines().filter(|line| line.starts_with("[--METRICS]")).count();
    ensure!(told == expected.len(), "{told}");
    ensure!(all.contains("[--LOGS]      measured\n") && all.ends_with("Status: COMPLETED\n"));
    Ok(())
}

#[test]
fn a_named_user_logs_in_with_the_variables_of_then() -> Told {
    let scene = Scene::start()?;
    let add = ["user", "add", "ann", "--password-stdin"];
    let mut command = scene.home.command(add);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    std::io::Write::write_all(
        &mut child.stdin.take().context("a pipe")?,
        b"correct horse battery\n",
    )?;
    let added = child.wait_with_output()?;
    ensure!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));

    let own = scene.run("true")?;
    let file = std::fs::read(scene.home.path().join("server.json"))?;
    let file: serde_json::Value = serde_json::from_slice(&file)?;
    let url = file["url"].as_str().context("a URL")?.to_owned();
    let logged_in = |password: &str| {
        let bx = Bx::called(&scene.home, "ibmcloud")?
            .with_variable("ML_ENV", &url)
            .with_variable("ML_USERNAME", "ann")
            .with_variable("ML_PASSWORD", password)
            .with_variable("ML_INSTANCE", "11111111-aaaa-2222-bbbb-333333333333");
        anyhow::Ok(bx)
    };
    let ann = logged_in("correct horse battery")?;
    let listed = ann.ml(&["list", "training-runs"])?.expect_code(0)?.stdout;
    ensure!(listed.contains("\n0 records found.\n"), "others' runs are not hers: {listed}");
    ann.write("model.zip", zipped())?;
    ann.write("job.json", scene.job("true").text())?;
    let trained = ann.ml(&["train", "model.zip", "job.json"])?.expect_code(0)?.stdout;
    let run = quoted(&trained, 0)?;
    ann.ml(&["show", "training-runs", &run])?.expect_code(0)?;
    let foreign = ann.ml(&["show", "training-runs", &own])?.expect_code(1)?;
    ensure!(foreign.stderr.contains("TY0601"), "{foreign:?}");
    let wrong = logged_in("wrong")?.ml(&["list", "training-runs"])?.expect_code(1)?;
    ensure!(wrong.stderr.contains("wrong name or password"), "{wrong:?}");
    // The program speaks of itself as it was called.
    let usage = ann.ml(&["show", "training-runs"])?.expect_code(1)?;
    ensure!(usage.stderr.contains("ibmcloud ml show training-runs MODEL-ID"), "{usage:?}");
    let spelled = finish(&mut scene.home.command(["ibmcloud", "ml", "help", "cancel"]))?;
    ensure!(spelled.stdout.contains("ibmcloud ml cancel training-runs"), "{spelled:?}");
    Ok(())
}

#[test]
fn samples_are_written_and_never_over_what_is_there() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    for kind in [
        "training-definitions",
        "training-runs",
        "store-training-runs",
        "experiments",
        "update-experiments",
    ] {
        let file = format!("{kind}.yml");
        let done = bx.ml(&["generate-manifest", kind])?.expect_code(0)?.stdout;
        let expected = format!("OK\nA sample manifest file is generated under {file}\n");
        ensure!(done == expected, "{done}");
        bx.write(&file, "mine")?;
        let again = bx.ml(&["generate-manifest", kind])?.expect_code(1)?;
        ensure!(again.stderr.contains("nothing is overwritten"), "{again:?}");
        ensure!(bx.read(&file)? == b"mine");
    }
    // Left as it is, it is told all that is to be filled in, at its place.
    std::fs::remove_file(bx.path().join("experiments.yml"))?;
    bx.ml(&["generate-manifest", "experiments"])?.expect_code(0)?;
    let left = bx.ml(&["store", "experiments", "experiments.yml"])?.expect_code(1)?;
    ensure!(left.stderr.contains("TY0107"), "{left:?}");
    ensure!(left.stderr.contains("experiments.yml:8:28"), "{}", left.stderr);
    Ok(())
}

#[test]
fn wrong_manifests_and_ids_are_told_with_the_way_out() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    bx.write("model.zip", zipped())?;
    bx.write("twice.yml", "name: a\nname: b\n")?;
    bx.write("unnamed.yml", "framework: {name: plain, version: 1-py3}\n")?;
    bx.write("model.tar.gz", "no gzip")?;
    for (words, told) in [
        (&["store", "training-definitions", "model.zip", "twice.yml"][..], "twice.yml:2:1"),
        (&["store", "training-definitions", "model.zip", "unnamed.yml"], "name"),
        (&["store", "training-definitions", "modle.zip", "twice.yml"], "did you mean `model.zip`?"),
        (&["store", "model.tar.gz", "unnamed.yml"], "tar -czf"),
        (&["show", "training-definitions", "x"], "TY0610"),
        (&["show", "experiments", "a/b"], "is no id"),
        (&["cancel", "training-runs", "training-000000000"], "TY0601"),
        (&["monitor", "training-runs", "training-000000000"], "TY0601"),
        (&["deploy", "x", "y"], "trains models and does not serve them"),
    ] {
        let done = bx.ml(words)?.expect_code(1)?;
        ensure!(done.stderr.starts_with("FAILED\n"), "{words:?}: {done:?}");
        ensure!(done.stderr.contains(told), "{words:?}: {}", done.stderr);
    }
    let deployments = bx.ml(&["list", "deployments"])?.expect_code(0)?.stdout;
    ensure!(deployments.contains("\n0 records found.\nOK\n"), "{deployments}");
    // What was refused left nothing behind.
    let listed = bx.ml(&["list", "training-definitions"])?.expect_code(0)?.stdout;
    ensure!(listed.contains("\n0 records found.\n"), "{listed}");
    Ok(())
}

/// The names in a `.tar.gz`, sorted.
fn names_in(bx: &Bx<'_>, file: &str) -> anyhow::Result<Vec<String>> {
    let listed =
        std::process::Command::new("tar").arg("-tzf").arg(bx.path().join(file)).output()?;
    ensure!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout)?;
    let mut names: Vec<_> =
        text.lines().filter(|line| !line.ends_with('/')).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

#[test]
fn a_model_is_stored_of_a_run_listed_downloaded_and_deleted() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let run = scene.run("mkdir -p $RESULT_DIR/model; echo weights > $RESULT_DIR/model/w.bin")?;
    scene.server.until_settled(&run, "completed", SOON)?;

    let stored = bx.ml(&["store", "training-runs", &run])?.expect_code(0)?.stdout;
    let model = quoted(&stored, 0)?;
    ensure!(stored.starts_with("Checking if content upload is complete ...\n"), "{stored}");
    let end = format!("OK\nModel store successful. Model-ID is '{model}'.\n");
    ensure!(stored.ends_with(&end), "{stored}");
    let listed = bx.ml(&["list", "models"])?.expect_code(0)?.stdout;
    let row = format!("1       {model}   plain-1-py3   {run} model saved from CLI\n");
    ensure!(listed.contains(&row), "{listed}");
    ensure!(listed.ends_with("\n1 records found.\nOK\nList models successful\n"), "{listed}");
    let shown = bx.ml(&["show", "models", &model])?.expect_code(0)?.stdout;
    ensure!(shown.contains("persisted\n") && shown.contains(&model), "{shown}");

    // What was stored outlives the run and its results.
    bx.ml(&["delete", "training-runs", &run])?.expect_code(0)?;
    std::fs::remove_dir_all(scene.stored_at(&run, ""))?;
    bx.ml(&["models", "download", &model])?.expect_code(0)?;
    let file = format!("{model}.tar.gz");
    let names = names_in(&bx, &file)?;
    ensure!(names.iter().any(|name| name.ends_with("w.bin")), "{names:?}");
    let again = bx.ml(&["models", "download", &model])?.expect_code(1)?;
    ensure!(again.stderr.contains("nothing is overwritten"), "{again:?}");

    bx.ml(&["delete", "models", &model])?.expect_code(0)?;
    let gone = bx.ml(&["show", "models", &model])?.expect_code(1)?;
    ensure!(gone.stderr.starts_with("FAILED\n"), "{gone:?}");
    Ok(())
}

#[test]
fn a_model_is_stored_with_a_manifest_and_from_an_archive() -> Told {
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    let run = scene.run("mkdir -p $RESULT_DIR/model; echo weights > $RESULT_DIR/model/w.bin")?;
    scene.server.until_settled(&run, "completed", SOON)?;
    bx.ml(&["generate-manifest", "store-training-runs"])?.expect_code(0)?;
    let words = ["store", "training-runs", &run, "store-training-runs.yml"];
    let of_run = quoted(&bx.ml(&words)?.expect_code(0)?.stdout, 0)?;

    bx.write("w.bin", "other weights")?;
    let packed = std::process::Command::new("tar")
        .args(["-czf", "mine.tar.gz", "w.bin"])
        .current_dir(bx.path())
        .status()?;
    ensure!(packed.success());
    bx.write("mine.yml", "name: mine\nframework: {name: tensorflow, version: 1.10}\n")?;
    let stored = bx.ml(&["store", "mine.tar.gz", "mine.yml"])?.expect_code(0)?.stdout;
    let archive = quoted(&stored, 0)?;
    let listed = bx.ml(&["list", "models"])?.expect_code(0)?.stdout;
    ensure!(listed.contains(&format!("{archive}   tensorflow-1.10   mine\n")), "{listed}");
    ensure!(listed.contains(&format!("{of_run}   plain-1-py3       tf-mnist-model\n")), "{listed}");

    // Trainyard's own command for the same, by the beginning of an id.
    let own = scene.home.call(["models"])?.expect_code(0)?.stdout;
    ensure!(own.contains(&of_run) && own.contains("tf-mnist-model"), "{own}");
    let to = bx.path().join("fetched.tar.gz");
    let to = to.to_str().context("text")?;
    let fetched = scene.home.call(["models", "download", &archive[..13], "-o", to])?;
    ensure!(fetched.expect_code(0)?.stdout == format!("{to}\n"));
    ensure!(bx.read("fetched.tar.gz")? == bx.read("mine.tar.gz")?, "as it was sent");
    let json = scene.home.call(["models", "list", "--json"])?.expect_code(0)?.json()?;
    ensure!(json["resources"].as_array().is_some_and(|all| all.len() == 2), "{json}");
    scene.home.call(["models", "delete", &archive, "last"])?.expect_code(0)?;
    let none = scene.home.call(["models"])?.expect_code(0)?;
    ensure!(none.stdout.is_empty() && none.stderr.contains("no models yet"), "{none:?}");
    let unknown = scene.home.call(["models", "show", "zzz"])?;
    ensure!(unknown.code == 102, "{unknown:?}");
    Ok(())
}

#[test]
fn s3_samples_that_are_filled_in_are_taken() -> Told {
    let s3 = S3Server::start()?;
    for bucket in ["sample-data", "sample-results"] {
        s3.create_bucket(bucket)?;
    }
    s3.put("sample-data", "x", b"x")?;
    let scene = Scene::start()?;
    let bx = Bx::new(&scene.home)?;
    bx.write("model.zip", zip::of(&[("convolutional_network.py", "print('here')\n")]))?;
    // The framework of the stories costs nothing; everything else is what a user fills in.
    let fill = |kind: &str| -> anyhow::Result<()> {
        bx.ml(&["generate-manifest", kind])?.expect_code(0)?;
        let name = format!("{kind}.yml");
        let text = String::from_utf8(bx.read(&name)?)?
            .replace("name: tensorflow  ", "name: plain  ")
            .replace("\"2.21-py3\"", "\"1-py3\"")
            .replace("<auth-url>", &s3.endpoint())
            .replace("<username>", s3.access_key())
            .replace("<password>", s3.secret_key())
            .replace("<bucket of the training data>", "sample-data")
            .replace("<bucket for the results>", "sample-results");
        bx.write(&name, text)?;
        Ok(())
    };
    fill("training-runs")?;
    fill("training-definitions")?;
    let trained = bx.ml(&["train", "model.zip", "training-runs.yml"])?.expect_code(0)?;
    let first = quoted(&trained.stdout, 0)?;
    let words = ["store", "training-definitions", "model.zip", "training-definitions.yml"];
    let stored = bx.ml(&words)?.expect_code(0)?.stdout;
    let (id, version) = (quoted(&stored, 0)?, quoted(&stored, 1)?);
    let words = ["train", "training-definitions", &id, &version, "training-runs.yml"];
    let trained = bx.ml(&words)?.expect_code(0)?.stdout;
    let second = quoted(&trained, 0)?;
    for run in [&first, &second] {
        scene.server.until_settled(run, "completed", SOON)?;
        let shown = bx.ml(&["show", "training-runs", run])?.expect_code(0)?.stdout;
        ensure!(shown.contains("Source bucket            sample-data\n"), "{shown}");
        ensure!(shown.contains("Target bucket            sample-results\n"), "{shown}");
    }
    Ok(())
}
