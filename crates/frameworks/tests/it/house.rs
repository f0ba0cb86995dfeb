//! A cache and a catalogue of one small package, for environments that are built for real.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use trainyard_frameworks::{Catalogue, Environment, Environments, Provider, Release};
use trainyard_testkit::wait::eventually;

/// The hash of six 1.17.0.
pub(crate) const SIX: &str = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274";

/// The name under which this test binary starts itself to be killed.
const VICTIM: &str = "environments::a_build_that_will_be_killed";
pub(crate) const VICTIM_HOME: &str = "FRAMEWORKS_TEST_VICTIM_HOME";

/// A folder with a cache and a catalogue of one release: six, checked by `check`.
pub(crate) struct House {
    folder: PathBuf,
}

impl House {
    /// One that was made before.
    pub(crate) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub(crate) fn new(folder: &Path, check: &str, hash: &str) -> anyhow::Result<Self> {
        let house = Self::of(folder);
        fs::create_dir_all(house.cache())?;
        fs::create_dir_all(folder.join("catalogue"))?;
        // uv is installed once for all tests where the machine has none.
        let uv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("uv");
        fs::create_dir_all(&uv)?;
        std::os::unix::fs::symlink(&uv, house.cache().join("uv"))?;
        let lock = format!("six==1.17.0 \\\n    --hash=sha256:{hash}\n");
        fs::write(folder.join("catalogue/six.txt"), lock)?;
        let text = format!(
            "name = \"six\"\ntitle = \"Six\"\n[[release]]\nversion = \"1.17\"\nstatus = \"current\"\n\
             python = [\"3.11\", \"3.12\", \"3.13\"]\nrequirements = [\"six==1.17.0\"]\nlock = \"six.txt\"\ndisk_mb = 1\n\
             [release.check]\nprogram = '''\n{check}'''\nprints = \"1.17.0\"\n[release.variables]\nSIX = \"6\"\n"
        );
        fs::write(folder.join("catalogue/six.toml"), text)?;
        Ok(house)
    }

    /// One whose uv keeps packages of its own, so that they can be removed beside other tests.
    pub(crate) fn apart(folder: &Path) -> anyhow::Result<Self> {
        let house = Self::new(folder, "import six\nprint(six.__version__)\n", SIX)?;
        let uv = house.cache().join("uv");
        fs::remove_file(&uv)?;
        fs::create_dir(&uv)?;
        for entry in fs::read_dir(Path::new(env!("CARGO_TARGET_TMPDIR")).join("uv"))? {
            let entry = entry?;
            // The program alone, where it is there already.
            if entry.path().join("uv").is_file() {
                std::os::unix::fs::symlink(entry.path(), uv.join(entry.file_name()))?;
            }
        }
        Ok(house)
    }

    /// The release with another environment that holds the same.
    pub(crate) fn variant(&self, number: u32) -> anyhow::Result<Release> {
        let mut release = self.release()?;
        release.version = format!("1.17.{number}");
        if let Provider::Python(packages) = &mut release.provider {
            packages.lock = format!("# {number}\n{}", packages.lock);
        }
        Ok(release)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }

    pub(crate) fn release(&self) -> anyhow::Result<Release> {
        let catalogue = Catalogue::load(Some(&self.folder.join("catalogue")))?;
        catalogue.releases().iter().find(|one| one.name == "six").cloned().context("six is there")
    }

    pub(crate) fn environments(&self) -> Environments {
        Environments::new(self.cache())
    }
}

/// A process that builds the environment of the house in `folder`.
pub(crate) fn victim(folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", VICTIM, "--ignored", "--nocapture"])
        .env(VICTIM_HOME, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

/// What a program in the environment says which six it has.
pub(crate) fn six_of(environment: &Environment) -> anyhow::Result<String> {
    let output = Command::new("/bin/sh")
        .args(["-c", "python3 -c 'import six; print(six.__version__)'"])
        .env_clear()
        .envs(environment.variables.clone())
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The release's environment, when nothing more is done to it.
pub(crate) async fn finished(
    environments: &Environments,
    release: &Release,
) -> anyhow::Result<Environment> {
    let environment = environments.ensure(release, |_| {}).await?;
    let lock = fs::File::options().append(true).open(environment.root.with_extension("lock"))?;
    eventually("the builder's end", Duration::from_mins(2), || lock.try_lock().ok())?;
    Ok(environment)
}
