//! Environments are built for real, from a lock with one small package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use trainyard_frameworks::{
    Availability, BuildPhase, BuildProgress, Catalogue, EnvironmentError, Environments,
};
use trainyard_model::cause::CauseKind;
use trainyard_testkit::wait::eventually;

use crate::house::{House, SIX, VICTIM_HOME, finished, victim};

const LIMIT: Duration = Duration::from_mins(2);
/// A check that leaves a line in a file each time it runs, which is once for each build.
fn counting(file: &Path) -> String {
    format!("import six\nopen({:?}, 'a').write('x')\nprint(six.__version__)\n", file.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_wait_for_one_build_and_the_next_finds_it_ready() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let built = folder.path().join("built");
    let house = House::new(folder.path(), &counting(&built), SIX)?;
    let release = house.release()?;
    // The third asks as another process would: it shares nothing but the cache.
    let (ours, theirs) = (house.environments(), house.environments());
    assert_eq!(ours.ready(&release), None);
    assert_eq!(ours.availability(&release), Availability::Buildable);

    let phases = Mutex::new(Vec::new());
    let note = |report: BuildProgress| {
        phases.lock().expect("no test panicked").push((report.phase, report.line));
    };
    let (one, two, three) = tokio::join!(
        ours.ensure(&release, note),
        ours.ensure(&release, |_| {}),
        theirs.ensure(&release, |_| {}),
    );
    let environment = one?;
    assert_eq!(environment, two?);
    assert_eq!(environment, three?);
    assert_eq!(fs::read_to_string(&built)?, "x", "it was built once");
    let phases = phases.into_inner()?;
    assert_eq!(phases.first().map(|one| one.0), Some(BuildPhase::Resolve));
    // Whichever of the two processes built it: this one told its steps, or that it waited.
    let telling = |phase: BuildPhase| phase >= BuildPhase::Create || phase == BuildPhase::Wait;
    assert!(phases.iter().any(|(phase, _)| telling(*phase)), "{phases:?}");

    assert_eq!(ours.ready(&release).as_ref(), Some(&environment));
    assert_eq!(theirs.availability(&release), Availability::Ready);
    let began = Instant::now();
    for _ in 0..100 {
        assert!(ours.ready(&release).is_some());
    }
    assert!(began.elapsed() < Duration::from_millis(500), "ready took {:?}", began.elapsed() / 100);

    // What a learner does with it: the environment's python3 is the one that is found.
    let told = Command::new("/bin/sh")
        .args(["-c", "python3 -c 'import os, six, sys; print(sys.prefix, os.environ[\"SIX\"])'"])
        .env_clear()
        .envs(environment.variables.clone())
        .output()?;
    let told = String::from_utf8(told.stdout)?;
    assert_eq!(told.trim(), format!("{} 6", environment.root.display()));

    // And nobody writes into it by accident, as soon as it is finished.
    let noted = environment.root.join(".ready.json");
    eventually("the environment's size", LIMIT, || {
        let noted: serde_json::Value = serde_json::from_slice(&fs::read(&noted).ok()?).ok()?;
        noted["bytes"].as_u64()
    })?;
    let package = environment.root.join("lib").read_dir()?.next().context("lib/python3.X")??.path();
    let mode =
        std::os::unix::fs::MetadataExt::mode(&fs::metadata(package.join("site-packages/six.py"))?);
    assert_eq!(mode & 0o222, 0, "{mode:o}");

    ours.clear()?;
    assert_eq!(theirs.ready(&release), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_build_goes_on_when_nobody_waits_any_more() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let built = folder.path().join("built");
    let house = House::new(folder.path(), &counting(&built), SIX)?;
    let (environments, release) = (house.environments(), house.release()?);
    let began = tokio::sync::Notify::new();
    tokio::select! {
        done = environments.ensure(&release, |report| if report.phase > BuildPhase::Resolve { began.notify_one(); }) => {
            done.context("it ended before anybody went away")?;
        }
        () = began.notified() => {}
    }
    environments.ensure(&release, |_| {}).await?;
    assert_eq!(fs::read_to_string(&built)?, "x", "it was built once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_not_the_locked_one_is_refused_with_uv_s_words() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::new(folder.path(), "print('1.17.0')", &"0".repeat(64))?;
    let (environments, release) = (house.environments(), house.release()?);
    let error = environments.ensure(&release, |_| {}).await.expect_err("the hash is wrong");
    assert!(
        matches!(error, EnvironmentError::Tool { phase: BuildPhase::Install, .. }),
        "{error:?}"
    );
    let cause = error.cause();
    assert_eq!(cause.kind, CauseKind::EnvironmentFailed);
    assert!(cause.evidence.iter().any(|line| line.to_lowercase().contains("hash")), "{cause:?}");
    assert!(
        cause.hint.as_deref().is_some_and(|hint| hint.contains("than the lock names")),
        "{cause:?}"
    );
    assert_eq!(environments.ready(&release), None);

    // Nothing is remembered of it: the mended lock builds.
    fs::remove_file(folder.path().join("cache/uv"))?;
    House::new(folder.path(), "print('1.17.0')", SIX)?;
    environments.ensure(&house.release()?, |_| {}).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_does_not_pass_its_check_is_not_ready() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::new(folder.path(), "print('1.18.0')", SIX)?;
    let (environments, release) = (house.environments(), house.release()?);
    let error = environments.ensure(&release, |_| {}).await.expect_err("another version");
    assert!(
        matches!(&error, EnvironmentError::CheckPrinted { printed, .. } if printed == "1.18.0"),
        "{error:?}"
    );
    assert_eq!(environments.ready(&release), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_build_leaves_nothing_ready_and_its_orphan_keeps_others_out() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let go_on = folder.path().join("go-on");
    let check = format!(
        "import os, six, time\nwhile not os.path.exists({:?}): time.sleep(0.02)\nprint(six.__version__)\n",
        go_on.display()
    );
    let house = House::new(folder.path(), &check, SIX)?;
    let mut victim = victim(folder.path())?.spawn()?;
    let checking = folder.path().join("checking");
    let outcome =
        eventually("the build to reach its check", LIMIT, || checking.exists().then_some(()));
    victim.kill()?;
    victim.wait()?;
    outcome?;

    let (environments, release) = (house.environments(), house.release()?);
    assert_eq!(environments.ready(&release), None);
    let half = fs::read_dir(house.cache().join("environments"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.is_dir())
        .context("what the killed build left")?;
    let litter = half.join("litter");
    fs::write(&litter, "")?;

    // The orphaned check still runs in the folder: nobody may build there yet, or take it away.
    assert_eq!(environments.collect_unfinished()?, Vec::<PathBuf>::new());
    assert!(litter.exists());
    let environment = environments
        .ensure(&release, |report| {
            if report.phase == BuildPhase::Wait {
                fs::write(&go_on, "").expect("the folder is ours");
            }
            assert!(go_on.exists() || report.phase < BuildPhase::Create, "{report:?}");
        })
        .await?;
    assert_eq!(environment.root, half);
    assert!(!litter.exists(), "the rest of the killed build is still there");
    assert_eq!(environments.ready(&release), Some(environment));

    // What a finished build leaves stays; what looks like half of one goes.
    let half = house.cache().join("environments/half");
    fs::create_dir_all(half.join("lib"))?;
    fs::set_permissions(half.join("lib"), std::os::unix::fs::PermissionsExt::from_mode(0o500))?;
    assert_eq!(environments.collect_unfinished()?, std::slice::from_ref(&half));
    assert!(!half.exists() && environments.ready(&release).is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started, and killed, by other tests"]
async fn a_build_that_will_be_killed() -> anyhow::Result<()> {
    let Some(folder) = std::env::var_os(VICTIM_HOME).map(PathBuf::from) else { return Ok(()) };
    let house = House::of(&folder);
    house
        .environments()
        .ensure(&house.release()?, |report| {
            fs::write(folder.join("phase"), report.phase.as_str()).expect("the folder is there");
            if report.phase == BuildPhase::Check {
                fs::write(folder.join("checking"), "").expect("the folder is there");
            }
        })
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_cannot_be_written_is_told_by_its_path() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::new(folder.path(), "print('1.17.0')", SIX)?;
    let file = folder.path().join("file");
    fs::write(&file, "not a folder")?;
    let error = Environments::new(file.join("cache"))
        .ensure(&house.release()?, |_| {})
        .await
        .expect_err("a file is no folder");
    let cause = error.cause();
    assert!(cause.message.contains("file/cache"), "{cause:?}");
    assert!(cause.hint.is_some_and(|hint| hint.contains("TRAINYARD_CACHE")));
    Ok(())
}

/// Proves new locks: `cargo nextest run -p trainyard-frameworks --run-ignored only every_release`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "fetches and installs gigabytes"]
async fn every_release_that_this_machine_can_build_is_built() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let environments = Environments::new(folder.path());
    for release in Catalogue::builtin()?.releases() {
        if let Availability::Unavailable { why, .. } = environments.availability(release) {
            told(&format!("{release}: {why}"));
            continue;
        }
        let steps = Mutex::new(Vec::new());
        let note = |report: BuildProgress| {
            let mut steps = steps.lock().expect("no test panicked");
            if steps.last().is_none_or(|(last, _)| *last != report.phase) {
                steps.push((report.phase, report.elapsed));
            }
        };
        let built = environments.ensure(release, note).await;
        built.map_err(|error| anyhow::anyhow!("{:#?}", error.cause()))?;
        told(&format!("{release}: {:?}", steps.into_inner()?));
        assert_eq!(environments.availability(release), Availability::Ready);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "shown with --no-capture, to whoever proves a lock")]
fn told(line: &str) {
    println!("{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_builder_could_not_finish_is_finished_later() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::new(folder.path(), "import six\nprint(six.__version__)\n", SIX)?;
    let (environments, release) = (house.environments(), house.release()?);
    let environment = finished(&environments, &release).await?;
    let lib = environment.root.join("lib").read_dir()?.next().context("lib/python3.X")??.path();
    let packages = lib.join("site-packages");
    let compiled = packages.join("__pycache__");
    assert!(compiled.exists());

    // As if it had been killed as soon as the environment was ready.
    for folder in [&packages, &compiled] {
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    fs::remove_dir_all(&compiled)?;
    let mark = environment.mark();
    let mut noted: serde_json::Value = serde_json::from_slice(&fs::read(&mark)?)?;
    noted["bytes"] = serde_json::Value::Null;
    fs::write(&mark, noted.to_string())?;
    assert_eq!(environments.ready(&release).as_ref(), Some(&environment), "it works as it is");

    environments.finish_interrupted().await;
    assert!(compiled.exists(), "there is no bytecode");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&packages)?);
    assert_eq!(mode & 0o222, 0, "{mode:o}");
    let noted: serde_json::Value = serde_json::from_slice(&fs::read(&mark)?)?;
    assert!(noted["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{noted}");
    Ok(())
}
