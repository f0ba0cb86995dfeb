//! Environments go when nobody has used them for long, or when they are too large together;
//! no run notices.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use trainyard_testkit::wait::eventually;

use super::own_packages;
use crate::harness::{Configuration, SOON, Scene, Told, left_out};

/// uv has to be fetched before the packages are.
const LIMIT: Duration = Duration::from_mins(3);

/// A server whose environments are nobody else's.
struct Apart {
    scene: Scene,
    cache: Cache,
}

/// Goes when it is dropped, though environments are read-only.
struct Cache(TempDir);

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(self.0.path()).status();
    }
}

impl Apart {
    fn with(configuration: Configuration) -> anyhow::Result<Self> {
        let cache = Cache(tempfile::tempdir()?);
        let path = cache.0.path().to_str().context("a path")?;
        Ok(Self { scene: Scene::with_both(configuration, "TRAINYARD_CACHE", path)?, cache })
    }

    /// The server is killed with -9 and started again.
    fn restart(self) -> anyhow::Result<Self> {
        Ok(Self { scene: self.scene.restart()?, cache: self.cache })
    }

    /// The folders of environments.
    fn environments(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(self.cache.0.path().join("environments"))?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
    }

    fn prune(&self, options: &[&str]) -> anyhow::Result<Value> {
        let words = ["frameworks", "prune", "--json"].iter().chain(options);
        self.scene.home.call(words)?.expect_code(0)?.json()
    }

    /// A program that goes on until it is told not to, and says what its environment holds.
    fn waits_for(&self, name: &str) -> (String, PathBuf) {
        let go_on = self.scene.home.path().join(name);
        let said = "python3 -c 'import six; print(\"has six\", six.__version__)'";
        let path = go_on.display();
        (format!("{said}; while [ ! -e {path} ]; do sleep 0.05; done; {said} && echo end"), go_on)
    }
}

fn releases(of: &Value) -> Vec<(&str, &str)> {
    let all = of.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .map(|one| {
            let release = one["entity"]["release"].as_str().unwrap_or_default();
            (release, one["reason"].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn what_runs_use_or_wait_for_stays_and_goes_when_they_have_ended() -> Told {
    let apart = Apart::with(Configuration { slots: 1, ..Configuration::default() })?;
    let scene = &apart.scene;
    let Some(version) = own_packages::version(scene)? else {
        left_out("no current CPython can be had on this machine");
        return Ok(());
    };
    let (command, go_on) = apart.waits_for("go-on");
    let running = scene.run(command)?;
    scene.until_logged(&running, "has six 1.17.0")?;
    let waiting = own_packages::submit(scene, &version, "six==1.16.0\n")?;
    eventually("the second to be prepared", LIMIT, || {
        let events = scene.server.events(&waiting).ok()?;
        events.iter().any(|event| event["kind"] == "prepared").then_some(())
    })?;
    let own = format!("python {version}");

    let told = scene.home.call(["frameworks", "show", "plain"])?.expect_code(0)?.stdout;
    ensure!(told.contains("last used now: a run uses it") && told.contains(" KiB"), "{told}");
    let pruned = apart.prune(&["--all"])?;
    ensure!(releases(&pruned["removed"]).is_empty(), "{pruned}");
    let kept = releases(&pruned["kept"]);
    ensure!(
        kept.contains(&("plain 1-py3", "in_use")) && kept.contains(&(&own, "needed")),
        "{pruned}"
    );
    ensure!(apart.environments()?.len() == 2);

    // A server that was started anew knows it, too.
    let apart = apart.restart()?;
    let scene = &apart.scene;
    let pruned = apart.prune(&["--all"])?;
    ensure!(releases(&pruned["kept"]).contains(&(&own, "needed")), "{pruned}");
    ensure!(apart.environments()?.len() == 2);
    std::fs::write(&go_on, "")?;
    scene.server.until_settled(&running, "completed", SOON)?;
    ensure!(String::from_utf8(scene.server.log(&running)?)?.ends_with("end\n"));
    scene.server.until_settled(&waiting, "completed", LIMIT)?;
    ensure!(String::from_utf8(scene.server.log(&waiting)?)?.contains("six 1.16.0 on (3, "));

    // Both were used lately, and nothing was said of those.
    let pruned = apart.prune(&[])?;
    ensure!(releases(&pruned["removed"]).is_empty(), "{pruned}");
    ensure!(releases(&pruned["kept"]).iter().all(|(_, why)| *why == "recent"), "{pruned}");
    let told = scene.home.call(["frameworks", "prune", "--all", "--dry-run"])?.expect_code(0)?;
    ensure!(told.stdout.contains("plain 1-py3") && told.stdout.contains("would go"), "{told:?}");
    ensure!(told.stderr.contains("2 environments ("), "{told:?}");
    ensure!(apart.environments()?.len() == 2, "nothing was to be removed");

    std::thread::sleep(Duration::from_secs(1));
    let pruned = apart.prune(&["--older-than", "1s"])?;
    ensure!(releases(&pruned["removed"]).len() == 2, "{pruned}");
    ensure!(pruned["freed_bytes"].as_u64().is_some_and(|bytes| bytes > 60_000), "{pruned}");
    ensure!(pruned["packages_left"] == false, "{pruned}");
    ensure!(apart.environments()?.is_empty());
    let packages = apart.cache.0.path().join("uv/cache/archive-v0");
    ensure!(std::fs::read_dir(&packages)?.next().is_none(), "packages are left");
    let show = scene.home.call(["frameworks", "show", "plain"])?.expect_code(0)?.stdout;
    ensure!(show.contains("about 1 MB") && !show.contains("last used"), "{show}");

    let again = scene.run("python3 -c 'import six; print(six.__version__)'")?;
    scene.server.until_settled(&again, "completed", LIMIT)?;
    Ok(())
}

#[test]
fn the_least_recently_used_gives_way_when_environments_are_too_large() -> Told {
    // Nothing fits: what no run needs goes as soon as something else was built.
    let bound = "environment_bytes = 1";
    let apart = Apart::with(Configuration { cache: bound, ..Configuration::default() })?;
    let scene = &apart.scene;
    let Some(version) = own_packages::version(scene)? else {
        left_out("no current CPython can be had on this machine");
        return Ok(());
    };
    let (command, go_on) = apart.waits_for("go-on");
    let running = scene.run(command)?;
    scene.until_logged(&running, "has six 1.17.0")?;
    let first = apart.environments()?;
    ensure!(first.len() == 1, "{first:?}");
    // One environment after the other is built beside it.
    for six in ["1.16.0", "1.15.0", "1.14.0"] {
        let id = own_packages::submit(scene, &version, &format!("six=={six}\n"))?;
        scene.server.until_settled(&id, "completed", LIMIT)?;
        ensure!(String::from_utf8(scene.server.log(&id)?)?.contains(&format!("six {six} on")));
    }
    let is_there = |path: &Path| path.join(".ready.json").exists();
    ensure!(is_there(&first[0]), "it is in use");
    eventually("all but the last to go", SOON, || {
        (apart.environments().ok()?.len() <= 2).then_some(())
    })?;
    std::fs::write(&go_on, "")?;
    scene.server.until_settled(&running, "completed", SOON)?;
    ensure!(String::from_utf8(scene.server.log(&running)?)?.ends_with("end\n"));
    let id = own_packages::submit(scene, &version, "six==1.13.0\n")?;
    scene.server.until_settled(&id, "completed", LIMIT)?;
    eventually("the first to go", SOON, || (!is_there(&first[0])).then_some(()))?;
    Ok(())
}

#[test]
fn runs_end_well_while_somebody_removes_environments_all_the_time() -> Told {
    let apart = Apart::with(Configuration { slots: 2, ..Configuration::default() })?;
    let scene = &apart.scene;
    // So that uv is there.
    let first = scene.run("true")?;
    scene.server.until_settled(&first, "completed", LIMIT)?;
    let enough = AtomicBool::new(false);
    std::thread::scope(|threads| -> Told {
        let pruning = threads.spawn(|| -> anyhow::Result<usize> {
            let mut removed = 0;
            while !enough.load(Ordering::Relaxed) {
                let body = br#"{"unused_seconds": 0}"#;
                let path = "/v3/models/frameworks/environments/prune";
                let headers = [("content-type", "application/json")];
                let answer = scene.server.client().request("POST", path, &headers, body)?;
                let pruned = answer.expect_status(200)?.json()?;
                removed += releases(&pruned["removed"]).len();
            }
            Ok(removed)
        });
        let told = (0..8).try_for_each(|round| -> Told {
            let command = "for i in 1 2 3; do python3 -c 'import six; print(six.__version__)' || exit 1; done";
            let ids = [scene.run(command)?, scene.run(command)?];
            ids.iter().try_for_each(|id| -> Told {
                scene.server.until_settled(id, "completed", LIMIT)?;
                let log = String::from_utf8(scene.server.log(id)?)?;
                ensure!(log.ends_with("1.17.0\n1.17.0\n1.17.0\n"), "{log}");
                Ok(())
            })?;
            // Now it meets the next runs' beginning, now it is done before.
            if round % 2 == 0 {
                eventually("nothing to be left", SOON, || {
                    apart.environments().ok()?.is_empty().then_some(())
                })?;
            }
            Ok(())
        });
        enough.store(true, Ordering::Relaxed);
        let removed = pruning.join().expect("it does not panic")?;
        told?;
        ensure!(removed > 3, "only {removed} environments were removed");
        Ok(())
    })
}
