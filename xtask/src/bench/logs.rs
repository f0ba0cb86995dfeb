//! Log capture: a program prints as fast as it can, until its last byte is in the server's
//! log; beside the same program into a file, and through a pipe into a file, on the same disk.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::{Row, Scene, Table, model};

const NAME: &str = "logs";
/// What lies on the disk three times for a moment: in the spool, with the server, in the store.
const BYTES: u64 = 2 << 30;
const LINE: &str = "epoch 3 step 001234: loss 0.123456, accuracy 0.987654, 1234 it/s";
const RUNS: usize = 5;
/// Each takes 30 s at most: what is left out then is told.
const BUDGET: Duration = Duration::from_mins(5);

pub(super) fn run(binary: &Path) -> Result<Table> {
    let scene = Scene::start(binary, 1)?;
    let program = format!("yes '{LINE}' | head -c {BYTES}");
    let (mut captured, mut file, mut pipe) = (vec![], vec![], vec![]);
    let start = Instant::now();
    for round in 0..RUNS {
        if round > 0 && start.elapsed() > BUDGET {
            break;
        }
        captured.push(by_learner(&scene, &program)?);
        file.push(by_shell(&scene, &format!("{program} > out"))?);
        pipe.push(by_shell(&scene, &format!("{program} | cat > out"))?);
    }
    let rows = [
        ("into the server's log", "trainyard", captured),
        ("floor", "program > file", file),
        ("floor", "program | cat > file", pipe),
    ];
    let row = |(case, subject, mut rates): (&str, &str, Vec<f64>)| {
        rates.sort_by(f64::total_cmp);
        let value = rates[(rates.len() - 1) / 2];
        let (case, subject) = (case.to_owned(), subject.to_owned());
        Row { bench: NAME, case, subject, value, unit: "MiB/s", runs: rates.len() }
    };
    Ok(Table { rows: rows.map(row).into(), ..Table::default() })
}

/// From the program's start to its last byte in the server's log, in MiB per second.
fn by_learner(scene: &Scene, program: &str) -> Result<f64> {
    let id = scene.server.submit(&scene.definition(program), &model())?;
    let limit = Duration::from_mins(3);
    scene.server.until_running(&id, limit)?;
    let before = length(scene, &id)?;
    let start = Instant::now();
    let mut last = before;
    while start.elapsed() < limit && last < BYTES {
        std::thread::sleep(Duration::from_millis(10));
        last = length(scene, &id)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let status = scene.server.until_settled(&id, "completed", limit)?;
    let whole = status["log_bytes"].as_u64().context("the log's length")?;
    ensure!((BYTES..BYTES + 4096).contains(&whole), "{whole} bytes were kept of {BYTES}");
    ensure!(last >= BYTES, "only {last} bytes came within {limit:?}");
    let delete = format!("/v3/models/{id}");
    scene.server.client().request("DELETE", &delete, &[], &[])?.expect_status(204)?;
    std::fs::remove_dir_all(scene.store.path().join("results").join(&id))?;
    Ok(mebibytes(last - before) / seconds)
}

fn length(scene: &Scene, id: &str) -> Result<u64> {
    let answer = scene.server.client().get(&format!("/v3/models/{id}/log?limit=0"))?;
    Ok(answer.header("x-trainyard-log-bytes").context("the log's length")?.parse()?)
}

/// The command in the server's own directory, in MiB per second.
fn by_shell(scene: &Scene, command: &str) -> Result<f64> {
    let start = Instant::now();
    let status = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(scene.home.path())
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "`{command}` ended with {status}");
    let seconds = start.elapsed().as_secs_f64();
    std::fs::remove_file(scene.home.path().join("out"))?;
    Ok(mebibytes(BYTES) / seconds)
}

#[expect(clippy::cast_precision_loss, reason = "a rate is shown with two digits")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
