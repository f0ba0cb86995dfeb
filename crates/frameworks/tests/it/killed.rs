//! The builder is killed again and again, at any point; what is said to be ready always works.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use trainyard_frameworks::Going;
use trainyard_testkit::processes;
use trainyard_testkit::wait::eventually;

use crate::house::{House, six_of, victim};

const KILLS: u32 = 50;
const LIMIT: Duration = Duration::from_mins(1);

/// Names the seed, to repeat what a failure has told.
const SEED: &str = "FRAMEWORKS_TEST_SEED";

/// `SplitMix64`.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut state = self.0;
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (state ^ (state >> 31)) % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_that_is_killed_fifty_times_leaves_nothing_that_is_ready_and_broken()
-> anyhow::Result<()> {
    let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    let folder = tempfile::tempdir()?;
    let killed = kill_again_and_again(folder.path(), &mut Chance(seed)).await;
    let told = killed.with_context(|| format!("again with {SEED}={seed}"))?;
    say(&format!("{SEED}={seed}: what the builder was at when it was killed: {told:?}"));
    // A test that only kills before the beginning, or after the end, shows nothing.
    let amid = told.iter().filter(|(phase, _)| !["nothing", "ready"].contains(&phase.as_str()));
    let amid: u32 = amid.map(|(_, count)| count).sum();
    ensure!(
        amid >= KILLS / 3,
        "only {amid} of {KILLS} were amid a build: {told:?} ({SEED}={seed})"
    );
    Ok(())
}

/// Gives how often the builder was killed at what.
async fn kill_again_and_again(
    folder: &Path,
    chance: &mut Chance,
) -> anyhow::Result<BTreeMap<String, u32>> {
    let house = House::apart(folder)?;
    let (environments, release) = (house.environments(), house.release()?);
    // How long a build takes on this machine, once everything is fetched.
    let mut whole = 0;
    for _ in 0..2 {
        environments.clear()?;
        let began = Instant::now();
        ensure!(victim(folder)?.status()?.success(), "the build fails also when it is left alone");
        whole = u64::try_from(began.elapsed().as_millis())?;
    }
    let phase = folder.join("phase");
    let mut told = BTreeMap::new();
    for number in 0..KILLS {
        if let Some(environment) = environments.ready(&release) {
            no_process_is_left(folder)?;
            if chance.below(3) == 0 {
                // With its package, which the next build has to fetch.
                let all = Going::NotUsedSince(SystemTime::now() + LIMIT);
                environments.prune(all, &HashSet::new())?;
            } else {
                environments.clear()?;
            }
            ensure!(!environment.root.exists(), "it was to go");
        }
        let _ = fs::remove_file(&phase);
        let mut builder = victim(folder)?.process_group(0).spawn()?;
        std::thread::sleep(Duration::from_millis(chance.below(whole + whole / 10)));
        if number % 2 == 0 {
            builder.kill()?;
        } else {
            // With the tools that it has started.
            let group = i32::try_from(builder.id()).ok().and_then(Pid::from_raw);
            kill_process_group(group.context("a process id")?, Signal::KILL)?;
        }
        let at = fs::read_to_string(&phase).unwrap_or_else(|_| "nothing".to_owned());
        builder.wait()?;
        let ready = environments.ready(&release);
        let at = if ready.is_some() { "ready".to_owned() } else { at };
        *told.entry(at.clone()).or_default() += 1;
        if let Some(environment) = ready {
            let six = six_of(&environment).with_context(|| format!("kill {number}, at {at}"))?;
            ensure!(six == "1.17.0", "kill {number}, at {at}: {six}");
        }
    }

    no_process_is_left(folder)?;
    let folders = |below: &str| -> anyhow::Result<Vec<_>> {
        // The last builder may not have come so far as to make it.
        let below = house.cache().join(below);
        fs::create_dir_all(&below)?;
        let entries = fs::read_dir(below)?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
    };
    let ready = environments.ready(&release).map(|environment| environment.root);
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let half = |path: &PathBuf| name(path).is_some_and(|name| name.starts_with(".tmp"));
    let is_clean = || -> anyhow::Result<bool> {
        environments.collect_unfinished()?;
        let is_collected = folders("environments")? == Vec::from_iter(ready.clone());
        Ok(is_collected && !folders("uv/cache")?.iter().any(half))
    };
    // A process that ends has no name any more some moments before its locks are free.
    let clean = eventually("what builds have left to be collected", LIMIT, || {
        is_clean().map(|is| is.then_some(())).transpose()
    });
    clean??;

    let environment = environments.ensure(&release, |_| {}).await?;
    ensure!(six_of(&environment)? == "1.17.0", "the last build works");
    ensure!(environments.collect_unfinished()?.is_empty(), "an undisturbed build left something");
    ensure!(environments.ready(&release).is_some(), "what is whole stays");
    no_process_is_left(folder)?;
    Ok(told)
}

/// Tools that were left alone end by themselves.
fn no_process_is_left(folder: &Path) -> anyhow::Result<()> {
    eventually("the end of tools that were left alone", LIMIT, || {
        processes::mentioning(folder).is_empty().then_some(())
    })
}

#[expect(clippy::print_stdout, reason = "shown when the test fails, or with --no-capture")]
fn say(line: &str) {
    println!("{line}");
}
