//! Reading event files: 2 GiB with ten million scalars, as a learner reads them; beside
//! TensorBoard's own reader of Python, which gets a smaller directory.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use trainyard_testkit::tools;

use super::{Row, Table};
use crate::shell;

const NAME: &str = "metrics";
const POINTS: u64 = 10_000_000;
const BYTES: u64 = 2 << 30;
/// The peer's share.
const SMALLER: u64 = 50;
const RUNS: usize = 3;
/// Whose release build reads and writes.
const EXAMPLE: [&str; 4] = ["--package", "trainyard-metrics", "--example", "event_files"];

const PEER: &str = "
import glob, sys
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
points = 0
for path in glob.glob(sys.argv[1] + '/*/*/*'):
    for event in EventFileLoader(path).Load():
        points += len(event.summary.value)
print(points)
";

/// What one reading came to.
struct Reading {
    bytes: f64,
    points: f64,
    kept: f64,
    seconds: f64,
    peak_mib: f64,
}

pub(super) fn run(_binary: &Path) -> Result<Table> {
    let mut build = shell::cargo();
    build.args(["build", "--release"]).args(EXAMPLE);
    shell::run(&mut build)?;
    let folder = tempfile::TempDir::with_prefix("trainyard-bench-metrics-")?;
    let large = folder.path().join("large");
    write(&large, POINTS, BYTES)?;
    let mut readings = Vec::new();
    for _ in 0..RUNS {
        readings.push(read(&large)?);
    }
    std::fs::remove_dir_all(&large)?;
    readings.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let middle = &readings[RUNS / 2];
    let case = "2 GiB, 10^7 scalars";
    let row = |subject: &str, value: f64, unit: &'static str| Row {
        bench: NAME,
        case: case.to_owned(),
        subject: subject.to_owned(),
        value,
        unit,
        runs: RUNS,
    };
    let mut table = Table {
        rows: vec![
            row("trainyard", middle.bytes / middle.seconds / f64::from(1 << 20), "MiB/s"),
            row("trainyard, points", middle.points / middle.seconds / 1e6, "million/s"),
            row("trainyard, peak memory", middle.peak_mib, "MiB"),
            row("trainyard, kept of a point", middle.kept / middle.points, "B"),
        ],
        ..Table::default()
    };
    let small = folder.path().join("small");
    write(&small, POINTS / SMALLER, BYTES / SMALLER)?;
    let own = read(&small)?;
    match peer(&small) {
        Ok(seconds) => {
            let peer = Row {
                bench: NAME,
                case: format!("1/{SMALLER} of it"),
                subject: "tensorboard (Python)".to_owned(),
                value: own.bytes / seconds / f64::from(1 << 20),
                unit: "MiB/s",
                runs: 1,
            };
            let rate = own.bytes / own.seconds / f64::from(1 << 20);
            table.rows.push(Row { subject: "trainyard".to_owned(), value: rate, ..peer.clone() });
            table.rows.push(peer);
            table.remarks.push(format!(
                "{:.0} times as fast as TensorBoard's reader",
                seconds / own.seconds
            ));
        }
        Err(error) => table.remarks.push(format!("TensorBoard's reader is left out: {error:#}")),
    }
    Ok(table)
}

fn example() -> Command {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--release"]).args(EXAMPLE).arg("--");
    command
}

fn write(folder: &Path, points: u64, bytes: u64) -> Result<()> {
    let mut command = example();
    command.arg("write").arg(folder).args([points.to_string(), bytes.to_string()]);
    let status = command.status()?;
    ensure!(status.success(), "writing event files ended with {status}");
    Ok(())
}

fn read(folder: &Path) -> Result<Reading> {
    let text = shell::read(example().arg("read").arg(folder))?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [bytes, points, kept, seconds, peak] = numbers[..] else {
        anyhow::bail!("`{text}` are not five numbers")
    };
    Ok(Reading { bytes, points, kept, seconds, peak_mib: peak / 1024.0 })
}

/// How long TensorBoard's reader takes, in seconds, its start left out.
fn peer(folder: &Path) -> Result<f64> {
    let packages =
        ["tensorboard==2.18.0", "numpy==1.26.4", "protobuf==5.29.5", "setuptools==75.6.0"];
    let python = tools::python_tools(&packages)?.join("python3");
    let time = |folder: &Path| -> Result<f64> {
        let began = Instant::now();
        let text = shell::read(Command::new(&python).args(["-c", PEER]).arg(folder))?;
        text.trim().parse::<u64>().context("a number of points")?;
        Ok(began.elapsed().as_secs_f64())
    };
    let nothing = tempfile::tempdir()?;
    let start = time(nothing.path())?;
    Ok((time(folder)? - start).max(0.001))
}
