//! Submissions per second, each acknowledged only when it is safe on disk.
//!
//! The one slot is busy, so that what is measured is the record and not the
//! programs. The peer is `sbatch` of held jobs, one process for each as a shell
//! starts them; Slurm acknowledges first and writes some seconds later. The floor is what the disk gives to one writer: a file of the
//! same size, written and synced.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use trainyard_testkit::multipart;

use crate::shell::line_of;

use super::slurm::{Scheduling, Slurm};
use super::{Row, Scene, Table, model};

const NAME: &str = "submissions";
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
const CLIENTS: [usize; 3] = [1, 8, 32];
/// As the first of the clients.
const SHELLS: [usize; 2] = [1, 8];

pub(super) fn run(binary: &Path) -> Result<Table> {
    let scene = Scene::start(binary, 1)?;
    let blocker = scene.server.submit(&scene.definition("sleep 3600"), &model())?;
    scene.server.until_running(&blocker, Duration::from_mins(3))?;

    let (kind, body) = multipart::submission(&scene.definition("true"), &model());
    let mut rows = Vec::new();
    let desk = tempfile::tempdir()?;
    std::fs::write(desk.path().join("job.json"), scene.definition("true"))?;
    std::fs::write(desk.path().join("model.zip"), model())?;
    for count in SHELLS {
        let train = || {
            let mut command = scene.home.command(["train", "model.zip", "job.json", "--quiet"]);
            command.current_dir(desk.path());
            command
        };
        let rates = (0..ROUNDS).map(|_| shells(count, train)).collect::<Result<_>>()?;
        rows.push(row(&format!("{count} at a time from a shell"), "trainyard train", rates));
    }
    for clients in CLIENTS {
        let rates = (0..ROUNDS).map(|_| round(&scene, clients, &kind, &body));
        let rates = rates.collect::<Result<Vec<f64>>>()?;
        rows.push(row(&format!("{clients} clients over HTTP"), "trainyard", rates));
    }
    let rates = (0..ROUNDS).map(|_| floor(scene.home.path(), &body));
    rows.push(row("floor", "write and fsync, one writer", rates.collect::<Result<_>>()?));
    drop(scene);
    Ok(Table { rows, ..Table::default() }.beside_slurm(by_slurm))
}

/// What the shells did, once more.
fn by_slurm(table: &mut Table) -> Result<()> {
    let slurm = Slurm::start(Scheduling::Tuned)?;
    for (at, count) in SHELLS.into_iter().enumerate() {
        let sbatch = || slurm.command("sbatch", ["--quiet", "--hold", "--wrap=true"]);
        let rates = (0..ROUNDS).map(|_| shells(count, sbatch)).collect::<Result<_>>()?;
        let case = format!("slurm tuned, {count} at a time");
        let peer = row(&case, "sbatch --hold (not yet on disk)", rates);
        // By the same means first, then by the API with as many clients.
        for ours in [table.rows[at].clone(), table.rows[SHELLS.len() + at].clone()] {
            table.compare(&ours, &peer);
        }
        table.rows.push(peer);
    }
    Ok(())
}

fn row(case: &str, subject: &str, mut rates: Vec<f64>) -> Row {
    rates.sort_by(f64::total_cmp);
    Row {
        bench: NAME,
        case: case.to_owned(),
        subject: subject.to_owned(),
        value: rates[rates.len() / 2],
        unit: "/s",
        runs: rates.len(),
    }
}

/// So many clients submit for the time of a round; gives submissions per second.
fn round(scene: &Scene, clients: usize, kind: &str, body: &[u8]) -> Result<f64> {
    let start = Instant::now();
    let submitted = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| -> Result<u32> {
                    let mut connection = scene.server.client().connect()?;
                    let mut submitted = 0;
                    while start.elapsed() < ROUND {
                        let headers = [("Content-Type", kind)];
                        let answer = connection.request("POST", "/v3/models", &headers, body)?;
                        ensure!(answer.status == 202, "{}: {}", answer.status, answer.text());
                        submitted += 1;
                    }
                    Ok(submitted)
                })
            })
            .collect();
        let counts = clients.into_iter().map(|client| client.join().expect("no client panics"));
        counts.sum::<Result<u32>>()
    })?;
    Ok(f64::from(submitted) / start.elapsed().as_secs_f64())
}

/// So many shells call the command again and again for the time of a round; gives calls per second.
fn shells(count: usize, command: impl Fn() -> Command + Sync) -> Result<f64> {
    let start = Instant::now();
    let calls = std::thread::scope(|scope| {
        let shells: Vec<_> = (0..count)
            .map(|_| {
                scope.spawn(|| -> Result<u32> {
                    let mut calls = 0;
                    while start.elapsed() < ROUND {
                        let mut command = command();
                        let status = command.stdout(Stdio::null()).status()?;
                        ensure!(status.success(), "{} ended with {status}", line_of(&command));
                        calls += 1;
                    }
                    Ok(calls)
                })
            })
            .collect();
        let counts = shells.into_iter().map(|shell| shell.join().expect("no shell panics"));
        counts.sum::<Result<u32>>()
    })?;
    Ok(f64::from(calls) / start.elapsed().as_secs_f64())
}

/// Files of the body's size, each synced before the next.
fn floor(dir: &Path, body: &[u8]) -> Result<f64> {
    let path = dir.join("floor");
    let mut file = std::fs::File::create(&path)?;
    let start = Instant::now();
    let mut written = 0;
    while start.elapsed() < ROUND {
        file.write_all(body)?;
        file.sync_data()?;
        written += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(written) / start.elapsed().as_secs_f64())
}
