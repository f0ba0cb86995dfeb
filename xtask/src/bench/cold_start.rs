//! A command from its start to its end, beside the least that a process can be.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Row, Scene, Table, model};

const NAME: &str = "cold-start";
const RUNS: usize = 60;
/// How many runs are on record.
const LISTED: usize = 20;

pub(super) fn run(binary: &Path) -> Result<Table> {
    let scene = Scene::start(binary, 1)?;
    // A list as long as a screen: one run holds the slot, the others wait.
    for command in std::iter::once("sleep 3600").chain(std::iter::repeat_n("true", LISTED - 1)) {
        scene.server.submit(&scene.definition(command), &model())?;
    }
    let mut commands: [(&str, &str, Command, Vec<Duration>); 4] = [
        ("floor", "/bin/true", Command::new("/bin/true"), vec![]),
        ("no server needed", "trainyard --version", scene.home.command(["--version"]), vec![]),
        (
            "warm server",
            "bx ml list trained-models",
            scene.home.command(["bx", "ml", "list", "trained-models"]),
            vec![],
        ),
        ("warm server", "trainyard runs", scene.home.command(["runs"]), vec![]),
    ];
    // One round more, the first, to have everything in the page cache.
    for round in 0..=RUNS {
        for (_, subject, command, samples) in &mut commands {
            let start = Instant::now();
            let status = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            let took = start.elapsed();
            ensure!(status.success(), "{subject} ended with {status}");
            if round > 0 {
                samples.push(took);
            }
        }
    }
    let rows = commands
        .iter_mut()
        .map(|(case, subject, _, samples)| Row::milliseconds(NAME, case, subject, samples))
        .collect();
    Ok(Table { rows, ..Table::default() })
}
