//! From submitting to the program's first byte, on a warm environment and
//! without data, minus what the same command takes to its first byte by itself;
//! and beside `sbatch` with the same command.

use std::io::{BufRead as _, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use serde_json::Value;

use super::slurm::{Scheduling, Slurm};
use super::{Row, Scene, Table, model};

const NAME: &str = "first-byte";
const COMMAND: &str = "echo first-byte";
pub(super) const LINE: &str = "first-byte";
/// The bytes that only the program prints; the command's text stands in the log's head, too.
const MARK: &[u8] = b"\nfirst-byte\n";
const RUNS: usize = 25;
/// Less often, for what takes about a second or two each time.
const TUNED_RUNS: u32 = 20;
const SHIPPED_RUNS: u32 = 5;
const CASE: &str = "warm environment, no data";

pub(super) fn run(binary: &Path) -> Result<Table> {
    let scene = Scene::start(binary, 4)?;
    let definition = scene.definition(COMMAND);
    // The first run builds the environment, if need be.
    by_api(&scene, &definition)?;

    let (mut api, mut line, mut shell, mut net) = (vec![], vec![], vec![], vec![]);
    let desk = tempfile::tempdir()?;
    std::fs::write(desk.path().join("job.json"), &definition)?;
    std::fs::write(desk.path().join("model.zip"), model())?;
    for _ in 0..RUNS {
        // Taken in turn, so that what else the machine does meets all alike.
        let floor = by_shell()?;
        let whole = by_api(&scene, &definition)?;
        net.push(whole.saturating_sub(floor));
        shell.push(floor);
        api.push(whole);
        line.push(by_command_line(&scene, desk.path())?);
    }
    let line = Row::milliseconds(NAME, CASE, "trainyard train --follow", &mut line);
    let rows = vec![
        Row::milliseconds(NAME, CASE, "submit by API", &mut api),
        Row::milliseconds(NAME, CASE, "... minus the program's start", &mut net),
        line.clone(),
        Row::milliseconds(NAME, "floor", "sh -c", &mut shell),
    ];
    drop(scene);
    Ok(Table { rows, ..Table::default() }.beside_slurm(|table| by_slurm(table, &line)))
}

/// Slurm set to react at once, and as its users have it; the same command.
fn by_slurm(table: &mut Table, ours: &Row) -> Result<()> {
    let mut tuned = at_any_moment(&Slurm::start(Scheduling::Tuned)?, TUNED_RUNS)?;
    let mut shipped = at_any_moment(&Slurm::start(Scheduling::AsShipped)?, SHIPPED_RUNS)?;
    // Even tuned it looks about once a second: the luckiest moment says what is
    // left without that. The one row that is a minimum and no median, and says so.
    let mut luckiest = tuned.iter().min().copied().into_iter().collect::<Vec<_>>();
    let of_how_many = tuned.len();
    for (case, samples) in [
        ("slurm tuned, the soonest (minimum)", &mut luckiest),
        ("slurm tuned, at any moment", &mut tuned),
        ("slurm as shipped, at any moment", &mut shipped),
    ] {
        let mut row = Row::milliseconds(NAME, case, "sbatch", samples);
        if row.runs == 1 {
            row.runs = of_how_many;
        }
        table.compare(ours, &row);
        table.rows.push(row);
    }
    Ok(())
}

/// Jobs that come to an idle cluster, each at another part of a second.
fn at_any_moment(slurm: &Slurm, runs: u32) -> Result<Vec<Duration>> {
    (0..runs)
        .map(|run| {
            slurm.until_idle()?;
            std::thread::sleep(Duration::from_millis((u64::from(run) * 370) % 1000));
            slurm.first_line(COMMAND, LINE)
        })
        .collect()
}

/// `POST`, then the event stream to the program's first byte.
pub(super) fn by_api(scene: &Scene, definition: &str) -> Result<Duration> {
    let zip = model();
    let start = Instant::now();
    let id = scene.server.submit(definition, &zip)?;
    let mut stream = scene.server.client().stream(&format!("/v3/models/{id}/stream"), &[])?;
    let mut log = vec![b'\n'];
    let mut line = String::new();
    let took = loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            bail!("the stream of {id} ended without the program's line");
        }
        let Some(data) = line.strip_prefix("data:") else { continue };
        let data: Value = serde_json::from_str(data)?;
        // Events other than `log` have no `data` of their own.
        let Some(chunk) = data["data"].as_str() else { continue };
        log.extend(base64::engine::general_purpose::STANDARD.decode(chunk)?);
        if log.windows(MARK.len()).any(|window| window == MARK) {
            break start.elapsed();
        }
    };
    scene.server.until_settled(&id, "completed", Duration::from_mins(1))?;
    Ok(took)
}

/// What a person at a terminal sees.
fn by_command_line(scene: &Scene, desk: &Path) -> Result<Duration> {
    let mut command = scene.home.command(["train", "model.zip", "job.json", "--follow"]);
    command.current_dir(desk).stdout(Stdio::piped()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut out = std::io::BufReader::new(child.stdout.take().context("piped")?);
    let mut line = String::new();
    let took = loop {
        line.clear();
        if out.read_line(&mut line)? == 0 {
            bail!("`trainyard train` ended without the program's line");
        }
        if line == "first-byte\n" {
            break start.elapsed();
        }
    };
    out.read_to_end(&mut Vec::new())?;
    child.wait()?;
    Ok(took)
}

/// The same command by a shell, with nobody between.
fn by_shell() -> Result<Duration> {
    let start = Instant::now();
    let mut child = Command::new("/bin/sh")
        .args(["-c", COMMAND])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut byte = [0];
    child.stdout.take().context("piped")?.read_exact(&mut byte)?;
    let took = start.elapsed();
    child.wait()?;
    Ok(took)
}
