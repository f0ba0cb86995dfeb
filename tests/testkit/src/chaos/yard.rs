//! Where a chaos takes place: a home on a small disk of its own, two stores, the folder
//! with the armed crash points, and the witness that programs mark their lives with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::shape::{self, Shape};
use crate::faults::{Fault, Faults};
use crate::home::Home;
use crate::lenient_s3::{ACCESS_KEY, LenientS3, SECRET_KEY};
use crate::{binary, zip};

/// How long a canceled program has, in seconds.
pub(super) const GRACE: u64 = 2;
/// Runs at a time.
pub(super) const SLOTS: usize = 6;
/// How much the home's disk holds.
const DISK: &str = "512m";

/// The scene.
pub(super) struct Yard {
    pub(super) home: Home,
    /// The small disk, where root may mount one.
    pub(super) disk: Option<Disk>,
    pub(super) gate: Faults,
    s3: LenientS3,
    folders: TempDir,
}

/// A file system that fills quickly; gone when dropped.
pub(super) struct Disk {
    at: TempDir,
}

impl Disk {
    fn mount() -> Option<Self> {
        let at = tempfile::Builder::new().prefix("trainyard-disk-").tempdir().ok()?;
        let options = format!("size={DISK},mode=0755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "trainyard-chaos"])
            .arg(at.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self { at })
    }

    /// Takes all the room that there is, and gives it back when the value is dropped.
    pub(super) fn fill(&self) -> Result<Ballast> {
        use std::io::Write as _;
        let path = self.at.path().join("ballast");
        let mut file = std::fs::File::create(&path)?;
        let ballast = Ballast(path);
        let piece = vec![b'.'; 1 << 20];
        // Until the first that does not fit, and then what fits of a small one.
        while file.write_all(&piece).is_ok() {}
        while file.write_all(&piece[..4096]).is_ok() {}
        Ok(ballast)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.at.path()).status();
        drop(unmounted);
    }
}

/// What fills a disk.
pub(super) struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

impl Yard {
    pub(super) fn new(binary: PathBuf, small_disk: bool) -> Result<Self> {
        let folders = tempfile::Builder::new().prefix("trainyard-chaos-").tempdir()?;
        for name in ["store/results", "points", "witness"] {
            std::fs::create_dir_all(folders.path().join(name))?;
        }
        let s3 = LenientS3::start()?;
        let data = s3.container("data")?;
        s3.container("results")?;
        for (name, content) in shape::data() {
            std::fs::write(data.join(name), content)?;
        }
        let gate = Faults::before(s3.port(), |_, _| Fault::None)?;
        let disk = if small_disk { Disk::mount() } else { None };
        let parent =
            disk.as_ref().map_or_else(std::env::temp_dir, |disk| disk.at.path().to_owned());
        let points = folders.path().join("points").display().to_string();
        let home = Home::inside(&parent, binary, &configuration())?
            .with_variable("TRAINYARD_CRASH_POINTS", &points);
        Ok(Self { home, disk, gate, s3, folders })
    }

    pub(super) fn points(&self) -> PathBuf {
        self.folders.path().join("points")
    }

    pub(super) fn witness(&self) -> PathBuf {
        self.folders.path().join("witness")
    }

    pub(super) fn attempts(&self) -> PathBuf {
        self.home.path().join("attempts")
    }

    /// Do the results of the run with this number go to S3?
    fn is_on_s3(number: u64) -> bool {
        number.is_multiple_of(2)
    }

    /// What a run has stored, by the key after `<run id>/`.
    pub(super) fn stored(&self, number: u64, id: &str) -> Result<BTreeMap<String, PathBuf>> {
        let root = if Self::is_on_s3(number) {
            self.s3.container("results")?
        } else {
            self.folders.path().join("store/results")
        };
        let mut found = BTreeMap::new();
        files(&root.join(id), "", &mut found)?;
        Ok(found)
    }

    /// Definition and zip of the run with this number.
    pub(super) fn submission(&self, number: u64, name: &str) -> (String, Vec<u8>) {
        let shape = Shape::of(number);
        let s3 = || json!({ "auth_url": self.gate.endpoint(), "userId": ACCESS_KEY, "password": SECRET_KEY });
        let results = if Self::is_on_s3(number) {
            json!({
                "connection": s3(),
                "target": { "container": "results", "type": "s3_datastore" },
            })
        } else {
            json!({
                "connection": { "root": self.folders.path().join("store") },
                "target": { "container": "results", "type": "directory" },
            })
        };
        let mut definition = json!({
            "model_definition": {
                "framework": { "name": "plain", "version": "1-py3" },
                "name": name,
                "author": "Ann Other",
                "description": "What a chaos needs",
                "execution": { "command": "sh $MODEL_DIR/program", "resourceType": "small" },
            },
            "training_results": results,
        });
        if shape.reads() {
            definition["training_data"] = json!([{
                "connection": s3(),
                "source": { "container": "data", "type": "s3_datastore" },
            }]);
        }
        let program = shape.program(number, &self.witness());
        (definition.to_string(), zip::of(&[("program", &program)]))
    }

    /// Asks the record itself; the server must have ended.
    pub(super) fn ledger(&self, query: &str) -> Result<Value> {
        let program = "import json, sqlite3, sys\n\
                       db = sqlite3.connect(sys.argv[1])\n\
                       print(json.dumps(db.execute(sys.argv[2]).fetchall()))";
        let asked = Command::new("python3")
            .args(["-c", program])
            .arg(self.home.path().join("ledger.sqlite"))
            .arg(query)
            .output()
            .context("python3")?;
        ensure!(asked.status.success(), "{query}: {}", String::from_utf8_lossy(&asked.stderr));
        Ok(serde_json::from_slice(&asked.stdout)?)
    }
}

/// All files below a folder, by their path in it.
fn files(folder: &Path, prefix: &str, found: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            files(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name, entry.path());
        }
    }
    Ok(())
}

fn configuration() -> String {
    let catalogue = binary::repository().join("tests/catalogue");
    format!(
        "listen = \"127.0.0.1:0\"\n\
         [slots]\ncpu = {SLOTS}\n\
         [limits]\ndisk_allowance_bytes = 1073741824\n\
         [cancel]\ngrace_seconds = {GRACE}\n\
         [retries]\npause_seconds = 1\n\
         [frameworks]\ndirectory = \"{}\"\n\
         [cache]\ndirectory = \"data-cache\"\n\
         [stores]\nallow_loopback = true\ncheck_seconds = 3\ncheck_again_seconds = 300\n",
        catalogue.display()
    )
}
