//! A real OpenStack Swift on loopback, with its own auth (v1) and S3's protocol beside its
//! own, and a second, independent client (python-swiftclient).
//!
//! Proxy, account, container and object server share one process and start in a second;
//! with [`KeystoneSwift`] a real Keystone v3 stands before them.

mod client;
mod keystone;
mod memcached;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::keeper::Kept;
use crate::tools;

pub use client::SwiftClient;
pub use keystone::KeystoneSwift;

use client::Login;
use memcached::Memcached;

/// Swift, Keystone and python-swiftclient, each at the version the tests were written with,
/// and all that they need.
const PACKAGES: &str = include_str!("swift/requirements.txt");

const SERVER: &str = include_str!("swift/server.py");
const PROXY: &str = include_str!("swift/proxy.conf");

/// Usually it takes a second.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The account of all users.
const ACCOUNT: &str = "trainyard";

/// What a server is told besides.
#[derive(Debug, Clone, Copy)]
pub struct SwiftOptions {
    /// How long a token is good for, in seconds.
    pub token_life: u32,
    /// How many segments a manifest may name.
    pub manifest_segments: u32,
}

impl Default for SwiftOptions {
    fn default() -> Self {
        Self { token_life: 86_400, manifest_segments: 1000 }
    }
}

/// One running server with data of its own; ends with the value.
#[derive(Debug)]
pub struct SwiftServer {
    node: Node,
    password: String,
    reader_password: String,
    client: SwiftClient,
}

impl SwiftServer {
    /// Starts a server and waits until it takes requests.
    ///
    /// # Errors
    /// When its packages cannot be had, or it does not answer in time; its log is told.
    pub fn start() -> Result<Self> {
        Self::start_with(SwiftOptions::default())
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_with(options: SwiftOptions) -> Result<Self> {
        let (password, reader_password) = (random_word()?, random_word()?);
        let auth = format!(
            "[filter:tempauth]\nuse = egg:swift#tempauth\ntoken_life = {}\n\
             user_{ACCOUNT}_admin = {password} .admin\nuser_{ACCOUNT}_reader = {reader_password}\n\
             [filter:s3api]\nuse = egg:swift#s3api\n",
            options.token_life
        );
        let node = Node::start("s3api tempauth", &auth, options)?;
        let login = Login {
            auth: format!("http://127.0.0.1:{}/auth/v1.0", node.port),
            user: format!("{ACCOUNT}:admin"),
            key: password.clone(),
            keystone: None,
        };
        let client = SwiftClient::new(&node.bin, login);
        Ok(Self { node, password, reader_password, client })
    }

    /// Where tokens are given: `http://127.0.0.1:PORT/auth/v1.0`.
    pub fn auth_url(&self) -> String {
        format!("http://127.0.0.1:{}/auth/v1.0", self.port())
    }

    /// Where S3 is spoken, in the region `us-east-1`, with the same user and password.
    pub fn s3_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.node.port
    }

    /// The user who may do everything.
    pub fn user(&self) -> String {
        format!("{ACCOUNT}:admin")
    }

    /// The password of [`user`](Self::user).
    pub fn password(&self) -> &str {
        &self.password
    }

    /// A user who may do what containers allow him, and his password.
    pub fn reader(&self) -> (String, &str) {
        (format!("{ACCOUNT}:reader"), &self.reader_password)
    }

    /// The independent client of [`user`](Self::user).
    pub fn client(&self) -> &SwiftClient {
        &self.client
    }

    /// Withdraws all tokens, as a store does that is started anew.
    ///
    /// # Errors
    /// When memcached does not answer.
    pub fn forget_tokens(&self) -> Result<()> {
        self.node.memcached.forget()
    }
}

/// Proxy and storage, whoever gives the tokens.
#[derive(Debug)]
struct Node {
    #[cfg_attr(not(test), expect(dead_code, reason = "held, not read"))]
    process: Kept,
    memcached: Memcached,
    port: u16,
    bin: PathBuf,
    /// Last, so that it goes when nobody writes into it any more.
    #[cfg_attr(not(test), expect(dead_code, reason = "held, not read"))]
    dir: TempDir,
}

impl Node {
    /// `pipeline` names the filters for who comes in, `filters` is their configuration.
    fn start(pipeline: &str, filters: &str, options: SwiftOptions) -> Result<Self> {
        let bin = bin()?;
        let dir = tempfile::Builder::new().prefix("trainyard-swift-").tempdir()?;
        let memcached = Memcached::start(dir.path())?;
        let proxy = PROXY
            .replace("@AUTH@", pipeline)
            .replace("@MEMCACHED@", &memcached.port.to_string())
            .replace("@SEGMENTS@", &options.manifest_segments.to_string());
        fs::write(dir.path().join("proxy.conf"), proxy + filters)?;
        let mut process = Kept::start("swift", &python(&bin, SERVER, dir.path()), dir.path())?;
        let port = process.first_line("Swift's first word", START_LIMIT)?;
        let port = port.parse().with_context(|| format!("Swift said {port:?}"))?;
        Ok(Self { process, memcached, port, bin, dir })
    }
}

/// The folder of the programs.
fn bin() -> Result<PathBuf> {
    tools::python_tools(&PACKAGES.lines().collect::<Vec<_>>())
}

/// A script of ours with `dir` as its argument.
fn python(bin: &Path, script: &str, dir: &Path) -> Command {
    let mut command = Command::new(bin.join("python"));
    command.args(["-W", "ignore", "-c", script]).arg(dir);
    command
}

fn random_word() -> Result<String> {
    let mut bytes = [0; 20];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_container_keeps_what_it_is_given() {
        let server = SwiftServer::start().unwrap();
        let swift = server.client();
        swift.create_container("first").unwrap();
        swift.put("first", "a/ü b", b"hello").unwrap();
        swift.put_many("first", &[("x", "1"), ("y", "")]).unwrap();
        swift.put_large("first", "z", &vec![7; 2_500_000], 1_000_000, true).unwrap();
        assert_eq!(swift.get("first", "a/ü b").unwrap(), b"hello");
        let expected = [("a/ü b", 5), ("x", 1), ("y", 0), ("z", 2_500_000)];
        assert_eq!(swift.list("first").unwrap(), expected.map(|(key, size)| (key.into(), size)));
        assert_eq!(swift.list("first_segments").unwrap().len(), 3);
        assert_eq!(swift.head("first", "z").unwrap()["x-static-large-object"], "True");
        swift.delete("first", "x").unwrap();
        assert!(swift.get("first", "x").is_err() && swift.put("nowhere", "x", b"").is_err());

        let (pid, dir) = (server.node.process.pid(), server.node.dir.path().to_owned());
        drop(server);
        assert!(!Path::new(&format!("/proc/{pid}")).exists() && !dir.exists());
    }
}
