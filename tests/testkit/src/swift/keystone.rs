//! A real Keystone v3 before a real Swift, as Bluemix's object store was.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Login, SwiftClient};
use super::{Node, SwiftOptions, bin, python, random_word};
use crate::keeper::Kept;
use crate::tools;

const SERVER: &str = include_str!("keystone.py");
const SETUP: &str = include_str!("keystone_setup.py");

/// Usually it takes three seconds.
const START_LIMIT: Duration = Duration::from_mins(2);

/// The domain of user and project; Bluemix's were numbers.
const DOMAIN: &str = "1062145";

/// One running Keystone and the Swift behind it; both end with the value.
#[derive(Debug)]
pub struct KeystoneSwift {
    node: Node,
    #[expect(dead_code, reason = "held, not read")]
    keystone: Kept,
    port: u16,
    project: String,
    password: String,
    reader_password: String,
    client: SwiftClient,
    /// Last, so that it goes when nobody writes into it any more.
    _dir: TempDir,
}

impl KeystoneSwift {
    /// Starts both and waits until they take requests.
    ///
    /// # Errors
    /// When their packages cannot be had, or they do not answer in time; their logs are told.
    pub fn start() -> Result<Self> {
        let bin = bin()?;
        let dir = tempfile::Builder::new().prefix("trainyard-keystone-").tempdir()?;
        let made = made(&bin)?;
        fs::copy(made.join("keystone.db"), dir.path().join("keystone.db"))?;
        fs::create_dir(dir.path().join("keys"))?;
        for key in ["0", "1"] {
            fs::copy(made.join("keys").join(key), dir.path().join("keys").join(key))?;
        }
        let mut keystone = Kept::start("keystone", &python(&bin, SERVER, dir.path()), dir.path())?;
        let port = keystone.first_line("Keystone's first word", START_LIMIT)?;
        let port: u16 = port.parse().with_context(|| format!("Keystone said {port:?}"))?;
        let url = format!("http://127.0.0.1:{port}");

        let (own, password, reader_password) = (random_word()?, random_word()?, random_word()?);
        setup(&bin, &json!({"when": "before", "keystone": url, "password": own}))?;
        let filters = format!(
            "[filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n\
             www_authenticate_uri = {url}\nauth_url = {url}\nauth_type = password\n\
             username = swift\npassword = {own}\nuser_domain_name = Default\n\
             project_name = service\nproject_domain_name = Default\n\
             delay_auth_decision = true\ncache = swift.cache\ninclude_service_catalog = false\n\
             [filter:keystoneauth]\nuse = egg:swift#keystoneauth\n\
             operator_roles = admin, member\nproject_reader_roles = reader\n"
        );
        let node = Node::start("authtoken keystoneauth", &filters, SwiftOptions::default())?;
        let told = setup(
            &bin,
            &json!({
                "when": "after", "keystone": url, "domain": DOMAIN,
                "users": [["admin", password, "member"], ["reader", reader_password, "reader"]],
                "endpoints": [
                    ["dallas", format!("http://127.0.0.1:{}", node.port)],
                    ["nowhere", "http://169.254.169.254"],
                ],
            }),
        )?;
        let project = told["project"].as_str().context("no project")?.to_owned();
        let login = Login {
            auth: format!("{url}/v3"),
            user: "admin".into(),
            key: password.clone(),
            keystone: Some(json!({"domain": DOMAIN, "project": project, "region": "dallas"})),
        };
        let client = SwiftClient::new(&bin, login);
        Ok(Self { node, keystone, port, project, password, reader_password, client, _dir: dir })
    }

    /// Keystone's address, without `/v3`.
    pub fn auth_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Keystone's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of the domain of users and project.
    pub fn domain(&self) -> &'static str {
        DOMAIN
    }

    /// The project's id.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The region in which there is a Swift. In `nowhere`, its address is one where nobody
    /// may go.
    pub fn region(&self) -> &'static str {
        "dallas"
    }

    /// A user who may do everything in the project, and his password.
    pub fn admin(&self) -> (&'static str, &str) {
        ("admin", &self.password)
    }

    /// A user who may list and read there, and his password.
    pub fn reader(&self) -> (&'static str, &str) {
        ("reader", &self.reader_password)
    }

    /// The independent client of [`admin`](Self::admin).
    pub fn client(&self) -> &SwiftClient {
        &self.client
    }

    /// Has Swift forget which tokens are good, so that it asks Keystone again.
    ///
    /// # Errors
    /// When memcached does not answer.
    pub fn forget_tokens(&self) -> Result<()> {
        self.node.memcached.forget()
    }
}

/// A Keystone with nothing in it, made once on a machine: it takes half a minute.
fn made(bin: &Path) -> Result<PathBuf> {
    let name = bin.parent().and_then(Path::file_name).context("a folder in the cache")?;
    let dir = tools::testkit_dir()?.join(format!("keystone-{}", name.display()));
    let lock = File::create(dir.with_extension("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if dir.join("complete").exists() {
        return Ok(dir);
    }
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir(&dir)?;
    let done = python(bin, SERVER, &dir).arg("make").stdin(Stdio::null()).output()?;
    ensure!(done.status.success(), "keystone: {}", String::from_utf8_lossy(&done.stderr));
    File::create(dir.join("complete"))?;
    Ok(dir)
}

fn setup(bin: &Path, wanted: &Value) -> Result<Value> {
    let mut asked = Command::new(bin.join("python"))
        .args(["-c", SETUP])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    asked.stdin.take().context("stdin was asked for")?.write_all(wanted.to_string().as_bytes())?;
    let done = asked.wait_with_output()?;
    ensure!(done.status.success(), "Keystone: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).context("what Keystone's setup said")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_token_of_keystones_may_go_on_to_swift() {
        let server = KeystoneSwift::start().unwrap();
        let swift = server.client();
        swift.create_container("first").unwrap();
        swift.put("first", "x", b"hello").unwrap();
        assert_eq!(swift.get("first", "x").unwrap(), b"hello");
    }
}
