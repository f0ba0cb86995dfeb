//! python-swiftclient, which seeds containers and reads what the product wrote.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

const CLIENT: &str = include_str!("client.py");

/// Whose client it is.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) auth: String,
    pub(super) user: String,
    pub(super) key: String,
    /// Domain, project and region, behind Keystone.
    pub(super) keystone: Option<Value>,
}

/// A client of one user; its process is started at the first question.
#[derive(Debug)]
pub struct SwiftClient {
    login: Login,
    python: std::path::PathBuf,
    process: Mutex<Option<Process>>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl SwiftClient {
    pub(super) fn new(bin: &Path, login: Login) -> Self {
        Self { login, python: bin.join("python"), process: Mutex::new(None) }
    }

    /// Makes a container.
    ///
    /// # Errors
    /// The server's words.
    pub fn create_container(&self, container: &str) -> Result<()> {
        self.ask(&json!({"word": "create_container", "container": container}), &[]).map(drop)
    }

    /// Makes a container that `user` may list and read.
    ///
    /// # Errors
    /// The server's words.
    pub fn create_container_readable_by(&self, container: &str, user: &str) -> Result<()> {
        let headers = json!({"X-Container-Read": user});
        let word = json!({"word": "create_container", "container": container, "headers": headers});
        self.ask(&word, &[]).map(drop)
    }

    /// Puts one object in one request.
    ///
    /// # Errors
    /// The server's words.
    pub fn put(&self, container: &str, key: &str, content: &[u8]) -> Result<()> {
        self.ask(&json!({"word": "put", "container": container, "key": key}), content).map(drop)
    }

    /// Puts a folder's marker, as old tools leave them.
    ///
    /// # Errors
    /// The server's words.
    pub fn put_folder(&self, container: &str, key: &str) -> Result<()> {
        let kind = "application/directory";
        let word = json!({"word": "put", "container": container, "key": key, "content_type": kind});
        self.ask(&word, &[]).map(drop)
    }

    /// Puts many objects, 8 at a time.
    ///
    /// # Errors
    /// The server's words.
    pub fn put_many<K: AsRef<str>, C: AsRef<[u8]>>(
        &self,
        container: &str,
        objects: &[(K, C)],
    ) -> Result<()> {
        let sizes: Vec<_> =
            objects.iter().map(|(key, content)| (key.as_ref(), content.as_ref().len())).collect();
        let contents: Vec<u8> =
            objects.iter().flat_map(|(_, content)| content.as_ref()).copied().collect();
        let word = json!({"word": "put_many", "container": container, "objects": sizes});
        self.ask(&word, &contents).map(drop)
    }

    /// Puts one object in segments: a static large object, or a dynamic one.
    ///
    /// # Errors
    /// The server's words.
    pub fn put_large(
        &self,
        container: &str,
        key: &str,
        content: &[u8],
        segment_size: usize,
        is_static: bool,
    ) -> Result<()> {
        let word = json!({
            "word": "put_large", "container": container, "key": key,
            "segment_size": segment_size, "static": is_static,
        });
        self.ask(&word, content).map(drop)
    }

    /// All objects of a container: key and size as listed.
    ///
    /// # Errors
    /// The server's words.
    pub fn list(&self, container: &str) -> Result<Vec<(String, u64)>> {
        let (answer, _) = self.ask(&json!({"word": "list", "container": container}), &[])?;
        Ok(serde_json::from_value(answer["objects"].clone())?)
    }

    /// The content of one object.
    ///
    /// # Errors
    /// The server's words.
    pub fn get(&self, container: &str, key: &str) -> Result<Vec<u8>> {
        Ok(self.ask(&json!({"word": "get", "container": container, "key": key}), &[])?.1)
    }

    /// The headers of one object, names in lower case.
    ///
    /// # Errors
    /// The server's words.
    pub fn head(&self, container: &str, key: &str) -> Result<Value> {
        let (mut answer, _) =
            self.ask(&json!({"word": "head", "container": container, "key": key}), &[])?;
        Ok(answer["headers"].take())
    }

    /// Deletes one object; of a large one the manifest alone.
    ///
    /// # Errors
    /// The server's words.
    pub fn delete(&self, container: &str, key: &str) -> Result<()> {
        self.ask(&json!({"word": "delete", "container": container, "key": key}), &[]).map(drop)
    }

    fn ask(&self, request: &Value, body: &[u8]) -> Result<(Value, Vec<u8>)> {
        let mut slot = self.process.lock().expect("no holder panics");
        if slot.is_none() {
            *slot = Some(Process::start(&self.python, &self.login)?);
        }
        slot.as_mut().expect("started above").ask(request, body)
    }
}

impl Process {
    fn start(python: &Path, login: &Login) -> Result<Self> {
        let mut command = Command::new(python);
        command
            .args(["-W", "ignore", "-c", CLIENT])
            .env("SWIFT_AUTH", &login.auth)
            .env("SWIFT_USER", &login.user)
            .env("SWIFT_KEY", &login.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(keystone) = &login.keystone {
            command.env("SWIFT_KEYSTONE", keystone.to_string());
        }
        let mut child = command.spawn()?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("stdout was asked for")?);
        Ok(Self { child, requests, answers })
    }

    fn ask(&mut self, request: &Value, body: &[u8]) -> Result<(Value, Vec<u8>)> {
        let mut request = request.clone();
        request["length"] = json!(body.len());
        let pipe = self.requests.as_mut().expect("open until the client is dropped");
        writeln!(pipe, "{request}")?;
        pipe.write_all(body)?;
        pipe.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)
            .with_context(|| format!("the Swift client said {line:?} to {request}"))?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{error}");
        }
        let length = answer["length"].as_u64().context("the Swift client gave no length")?;
        let mut content = vec![0; usize::try_from(length)?];
        self.answers.read_exact(&mut content)?;
        Ok((answer, content))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its stdin is the client's word to go.
        self.requests = None;
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
