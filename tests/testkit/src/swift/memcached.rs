//! memcached, in which Swift keeps its tokens. Debian's package; there is none elsewhere.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::keeper::Kept;
use crate::ports;

const START_LIMIT: Duration = Duration::from_secs(30);

/// One running memcached.
#[derive(Debug)]
pub(super) struct Memcached {
    _process: Kept,
    pub(super) port: u16,
}

impl Memcached {
    pub(super) fn start(dir: &Path) -> Result<Self> {
        let port = ports::free_port()?;
        let mut command = Command::new(binary()?);
        // It wants to be told whom to become when root starts it.
        command.args(["-u", "root", "-l", "127.0.0.1", "-m", "16", "-t", "1", "-p"]);
        command.arg(port.to_string());
        let mut process = Kept::start("memcached", &command, dir)?;
        process.until("memcached's first answer", START_LIMIT, || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        })?;
        Ok(Self { _process: process, port })
    }

    /// Forgets everything, the tokens above all.
    pub(super) fn forget(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"flush_all\r\n")?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        ensure!(&answer == b"OK\r\n", "memcached said {answer:?}");
        Ok(())
    }
}

/// Where it is; installed first where we may and it is missing.
fn binary() -> Result<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock().expect("no holder panics");
    if let Some(found) = found() {
        return Ok(found);
    }
    let missing = "memcached is missing, which Swift needs: apt-get install memcached";
    if !rustix::process::geteuid().is_root() {
        bail!("{missing}");
    }
    for words in [&["update"][..], &["install", "-y", "--no-install-recommends", "memcached"]] {
        let done = Command::new("apt-get")
            .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .context(missing)?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{missing} (apt-get {words:?}: {said})");
    }
    found().context(missing)
}

fn found() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin".into(), "/usr/local/bin".into()])
        .map(|folder| folder.join("memcached"))
        .find(|file| file.is_file())
}
