//! memcached, in which Swift keeps its tokens. Debian's package; there is none elsewhere.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::apt;
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
        let mut command = Command::new(apt::program("memcached", "memcached")?);
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
