//! A second, independent S3 client (boto3): seeds buckets and reads what the product
//! wrote, so that the product's own client is never its own witness.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::tools;

/// The version that the tests were written with.
const PACKAGES: [&str; 7] = [
    "boto3==1.44.5",
    "botocore==1.44.5",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "urllib3==2.8.0",
];

const SCRIPT: &str = include_str!("s3_client.py");

/// A client of one server, with one pair of keys. Its process is started when it
/// is first asked something, and ends with the value.
#[derive(Debug)]
pub struct S3Client {
    endpoint: String,
    access_key: String,
    secret_key: String,
    process: Mutex<Option<Python>>,
}

impl S3Client {
    /// A client of the server at `endpoint` (a URL).
    #[must_use]
    pub fn new(endpoint: &str, access_key: &str, secret_key: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            process: Mutex::new(None),
        }
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

    /// Length and SHA-256 (hexadecimal) of each object, fetched 16 at a time and
    /// never held whole.
    ///
    /// # Errors
    /// The server's words.
    pub fn digests(&self, bucket: &str, keys: &[String]) -> anyhow::Result<Vec<(u64, String)>> {
        let request = json!({"word": "digests", "bucket": bucket, "keys": keys});
        let (answer, _) = self.ask(&request, &[])?;
        Ok(serde_json::from_value(answer["digests"].clone())?)
    }

    /// Deletes one object.
    ///
    /// # Errors
    /// The server's words.
    pub fn delete(&self, bucket: &str, key: &str) -> anyhow::Result<()> {
        self.ask(&json!({"word": "delete", "bucket": bucket, "key": key}), &[]).map(drop)
    }

    fn ask(&self, request: &Value, body: &[u8]) -> anyhow::Result<(Value, Vec<u8>)> {
        let mut slot = self.process.lock().expect("no holder of the client panics");
        if slot.is_none() {
            *slot = Some(Python::start(&self.endpoint, &self.access_key, &self.secret_key)?);
        }
        slot.as_mut().expect("started above").ask(request, body)
    }
}

/// The process.
#[derive(Debug)]
struct Python {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start(endpoint: &str, access_key: &str, secret_key: &str) -> anyhow::Result<Self> {
        let mut process = Command::new(tools::python_tools(&PACKAGES)?.join("python"))
            .args(["-c", SCRIPT])
            .env("S3_ENDPOINT", endpoint)
            .env("S3_USER", access_key)
            .env("S3_SECRET", secret_key)
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

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its stdin is the client's word to go.
        self.requests = None;
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
