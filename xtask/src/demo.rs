//! `cargo xtask demo`: the session of 2017, on real parts, from nothing.
//!
//! A fresh home, MNIST, an object store on loopback, and the example's two files:
//! then the commands of the page, one after the other, each with what it prints.

mod store;

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use trainyard_testkit::home::Home;
use trainyard_testkit::{binary, mnist, zip};

use store::{Kind, Store};

/// Below this the demo has failed: the model has not learned.
const LEAST_ACCURACY: f64 = 0.95;
/// The version that the page names.
const SEEDS_VERSION: &str = "1.2-py3";
/// What the program prints before its result.
const ACCURACY: &str = "test accuracy: ";

/// Options of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The store that data and results lie in; with Swift, the definition is the page's own.
    #[arg(long, value_enum, default_value_t = Kind::S3)]
    store: Kind,
    /// Leave server, store and files up afterwards, until Enter is pressed.
    #[arg(long)]
    keep: bool,
    /// Build the binary with optimizations; takes longer, trains no faster.
    #[arg(long)]
    release: bool,
}

/// How long each part took.
#[derive(Default)]
struct Times(Vec<(String, Duration)>);

impl Times {
    fn take<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let done = work().with_context(|| what.to_owned())?;
        self.0.push((what.to_owned(), start.elapsed()));
        Ok(done)
    }

    fn print(&self) {
        for (what, took) in &self.0 {
            println!("{what:<44} {:>7.1} s", took.as_secs_f64());
        }
    }
}

/// Everything that the demo sets up; gone when dropped, the server first.
struct Stage {
    home: Home,
    store: Store,
    /// The user's files: `tf-model.zip`, `job.json`, and `bx`.
    desk: TempDir,
}

/// Sets up, runs the session, judges it, clears away.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut times = Times::default();
    let binary = times.take("building the binary", || binary::build(options.release))?;
    let session = Instant::now();
    let digits = times.take("MNIST (once per machine)", mnist::mnist)?;
    let what = format!("{} with the data in it", options.store.called());
    let store = times.take(&what, || Store::with_data(options.store, &digits))?;
    let stage = Stage {
        // An empty configuration: what a new user has.
        home: Home::with_binary(binary, "")?,
        store,
        desk: tempfile::Builder::new().prefix("trainyard-demo-").tempdir()?,
    };
    let told = tell(&stage, &mut times);
    if options.keep {
        keep(&stage)?;
    }
    // Whatever came of it, nothing is left behind; Home's own end is for the worst case.
    let stopped = call(&stage, "trainyard", &["serve", "--stop"]);
    let accuracy = told?;
    stopped?;

    println!();
    times.print();
    println!("{:<44} {:>7.1} s", "all but the build", session.elapsed().as_secs_f64());
    println!("test accuracy {accuracy:.4} on MNIST's own test set; {LEAST_ACCURACY} is asked for");
    ensure!(accuracy >= LEAST_ACCURACY, "the model has not learned enough");
    Ok(())
}

/// The session; gives the accuracy that the stored log tells.
fn tell(stage: &Stage, times: &mut Times) -> Result<f64> {
    write_files(stage)?;
    let train = ["ml", "train", "tf-model.zip", "job.json"];
    let trained = times.take("bx ml train", || call(stage, "bx", &train))?;
    let id = trained.split('\'').nth(1).context("`bx ml train` names no run")?.to_owned();

    call(stage, "bx", &["ml", "list", "trained-models"])?;
    call(stage, "bx", &["ml", "show", "trained-models", &id])?;
    times.take("environment, data, training, results", || follow(stage, &["logs", "-f", &id]))?;
    call(stage, "trainyard", &["events", &id])?;
    call(stage, "bx", &["ml", "show", "trained-models", &id])?;

    let stored = stage.store.results()?;
    println!("\nThe container `{}`:", stage.store.results_container());
    for (key, bytes) in &stored {
        println!("{bytes:>12}  {key}");
    }
    let log = stage.store.result(&format!("{id}/learner-1/training-log.txt"))?;
    let log = String::from_utf8_lossy(&log);
    let accuracy = log.lines().rev().find_map(|line| line.strip_prefix(ACCURACY));
    let accuracy = accuracy.context("the stored log tells no accuracy")?.trim().parse()?;

    call(stage, "bx", &["ml", "delete", "trained-models", &id])?;
    let after = stage.store.results()?;
    ensure!(after == stored, "deleting the history touched the container");
    println!("(the container is as it was: {} objects)", after.len());
    Ok(accuracy)
}

/// The two files that the user hands in, and the name of 2017 for the binary.
fn write_files(stage: &Stage) -> Result<()> {
    let example = binary::repository().join("examples/tensorflow-mnist");
    let read = |name: &str| std::fs::read_to_string(example.join(name));
    let (program, input) = (read("convolutional_network.py")?, read("input_data.py")?);
    let model =
        zip::of(&[("convolutional_network.py", program.as_str()), ("input_data.py", &input)]);
    std::fs::write(stage.desk.path().join("tf-model.zip"), model)?;

    let mut job: Value = serde_json::from_str(&read("job.json")?)?;
    job["model_definition"]["framework"]["version"] = version(stage)?.into();
    stage.store.write_into(&mut job)?;
    std::fs::write(stage.desk.path().join("job.json"), serde_json::to_string_pretty(&job)?)?;
    std::os::unix::fs::symlink(stage.home.binary(), stage.desk.path().join("bx"))?;
    Ok(())
}

/// The page's version where the machine can have it, else a current one; says which.
fn version(stage: &Stage) -> Result<String> {
    let list = stage.home.call(["frameworks", "--json"])?.expect_code(0)?.json()?;
    let releases = list["resources"].as_array().context("a list of frameworks")?;
    let usable = releases.iter().map(|release| &release["entity"]).filter(|release| {
        release["name"] == "tensorflow" && release["availability"] != "unavailable"
    });
    let versions: Vec<&str> = usable.filter_map(|release| release["version"].as_str()).collect();
    if versions.contains(&SEEDS_VERSION) {
        println!("\nTensorFlow {SEEDS_VERSION}, as in 2017: this machine has a CPython 3.6.");
        return Ok(SEEDS_VERSION.to_owned());
    }
    let Some(version) = versions.first() else {
        bail!("no TensorFlow can be had on this machine; `trainyard doctor` says what is missing")
    };
    println!("\nTensorFlow {version}: this machine has no CPython 3.6, which 1.2 needs.");
    Ok((*version).to_owned())
}

/// Where a name leads: `bx` is the link on the desk.
fn program(stage: &Stage, name: &str) -> PathBuf {
    match name {
        "bx" => stage.desk.path().join("bx"),
        _ => stage.home.binary().to_owned(),
    }
}

/// Shows a command and what it prints; it must succeed.
fn call(stage: &Stage, name: &str, args: &[&str]) -> Result<String> {
    println!("\n$ {name} {}", args.join(" "));
    let mut command = stage.home.command_as(&program(stage, name), args);
    command.current_dir(stage.desk.path()).stderr(Stdio::inherit());
    let output = command.output()?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{stdout}");
    std::io::stdout().flush()?;
    ensure!(output.status.success(), "`{name} {}` ended with {}", args.join(" "), output.status);
    Ok(stdout)
}

/// The same for a command that prints while it runs.
fn follow(stage: &Stage, args: &[&str]) -> Result<()> {
    println!("\n$ trainyard {}", args.join(" "));
    std::io::stdout().flush()?;
    let mut command = stage.home.command(args);
    let status = command.current_dir(stage.desk.path()).status()?;
    ensure!(status.success(), "`trainyard {}` ended with {status}", args.join(" "));
    Ok(())
}

/// Tells where everything is and waits for Enter.
fn keep(stage: &Stage) -> Result<()> {
    println!("\nEverything stays up until you press Enter.");
    println!("  export TRAINYARD_HOME={}", stage.home.path().display());
    println!("  cd {}    # tf-model.zip, job.json, bx", stage.desk.path().display());
    println!("  the binary: {}", stage.home.binary().display());
    println!("  {}", stage.store.told());
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}
