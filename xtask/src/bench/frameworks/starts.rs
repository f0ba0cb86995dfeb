//! What an environment costs a program that starts in it: links to resolve, folders and
//! `.pth` files to read, before its first line runs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use trainyard_frameworks::{Environment, Release};

use super::super::first_byte::{LINE, by_api};
use super::super::{Row, Scene, Table, median};
use super::{Bench, Desk, NAME, Subject, told};

/// A start takes some hundredths of a second.
const STARTS: usize = 40;
/// From submitting to the first byte takes longer, and is far from noise sooner.
const SUBMISSIONS: usize = 10;

/// Both ways to look at it, in an environment that is there.
pub(super) fn measure(
    bench: &Bench<'_>,
    subject: &Subject<'_>,
    desk: &Desk,
    environment: &Environment,
    table: &mut Table,
) -> Result<()> {
    by_itself(subject, environment, table)?;
    by_service(bench, subject, desk, table)
}

/// The environment's Python beside the interpreter that it is a link to, with nobody between.
fn by_itself(subject: &Subject<'_>, environment: &Environment, table: &mut Table) -> Result<()> {
    let release = subject.release;
    let case = format!("{release}, start");
    let (mut ours, mut bare) = (vec![], vec![]);
    // One round more, the first, to have everything in the page cache.
    for round in 0..=STARTS {
        let own = start(&environment.heart, environment.variables.clone())?;
        let floor = start(&subject.interpreter.path, Vec::new())?;
        if round > 0 {
            ours.push(own);
            bare.push(floor);
        }
    }
    table.rows.push(Row::milliseconds(NAME, &case, "python3 -c pass", &mut ours));
    let floor = format!("bare {} -c pass", subject.interpreter.version);
    table.rows.push(Row::milliseconds(NAME, &case, &floor, &mut bare));
    told_more(table, &case, "the bare interpreter", &mut ours, &mut bare);
    Ok(())
}

/// Python from its start to its end, with these variables and no others.
fn start(python: &Path, variables: Vec<(String, String)>) -> Result<Duration> {
    let mut command = Command::new(python);
    command.args(["-c", "pass"]).env_clear().envs(variables).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status()?;
    let took = began.elapsed();
    ensure!(status.success(), "{} ended with {status}", python.display());
    Ok(took)
}

/// From submitting to the program's first byte, beside the same under the framework that is
/// the interpreter alone.
fn by_service(
    bench: &Bench<'_>,
    subject: &Subject<'_>,
    desk: &Desk,
    table: &mut Table,
) -> Result<()> {
    let release = subject.release;
    let Some(bare) = bench.bare(&subject.interpreter) else {
        table.remarks.push(format!("{release}: no framework is its interpreter alone"));
        return Ok(());
    };
    bench.runtime.block_on(desk.environments().ensure(bare, |_| {})).map_err(told)?;
    let scene = Scene::start_with(bench.binary, 1, Some(&desk.cache()))?;
    let command = format!("python3 -c \"print('{LINE}')\"");
    let definition =
        |release: &Release| scene.definition_for(&release.name, &release.version, &command);
    let (own, floor) = (definition(release), definition(bare));
    let case = format!("{release}, first byte");
    let (mut ours, mut alone) = (vec![], vec![]);
    for round in 0..=SUBMISSIONS {
        let own = by_api(&scene, &own)?;
        let floor = by_api(&scene, &floor)?;
        if round > 0 {
            ours.push(own);
            alone.push(floor);
        }
    }
    table.rows.push(Row::milliseconds(NAME, &case, "submit by API", &mut ours));
    let subject = format!("... under {bare}");
    table.rows.push(Row::milliseconds(NAME, &case, &subject, &mut alone));
    told_more(table, &case, &format!("under {bare}"), &mut ours, &mut alone);
    Ok(())
}

/// Says how much more than the floor it is.
fn told_more(
    table: &mut Table,
    case: &str,
    what: &str,
    ours: &mut [Duration],
    floor: &mut [Duration],
) {
    let (ours, floor) = (median(ours).as_secs_f64(), median(floor).as_secs_f64());
    table.remarks.push(format!(
        "{case}: {:.2} times as long as {what}, {:+.1} ms",
        ours / floor,
        (ours - floor) * 1000.0
    ));
}
