//! Amazon's own command line, as users have it: a third pair of eyes on what the
//! product stored.

use std::process::{Command, Stdio};

use anyhow::Result;
use tempfile::TempDir;

use crate::tools;

/// The version that the tests were written with.
const PACKAGES: [&str; 10] = [
    "awscli==1.46.3",
    "colorama==0.4.6",
    "docutils==0.19",
    "jmespath==1.1.0",
    "pyasn1==0.6.5",
    "python-dateutil==2.9.0.post0",
    "PyYAML==6.0.4",
    "rsa==4.7.2",
    "six==1.17.0",
    "urllib3==2.8.0",
];

/// The command line, set up for one server.
#[derive(Debug)]
pub struct AwsCli {
    endpoint: String,
    access_key: String,
    secret_key: String,
    /// Nothing of whoever runs the tests may be read.
    home: TempDir,
}

impl AwsCli {
    /// Commands to the server at `endpoint` (a URL), with these keys.
    ///
    /// # Errors
    /// When there is no room for a home.
    pub fn new(endpoint: &str, access_key: &str, secret_key: &str) -> Result<Self> {
        Ok(Self {
            endpoint: endpoint.to_owned(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            home: tempfile::Builder::new().prefix("trainyard-aws-").tempdir()?,
        })
    }

    /// `aws WORDS`, to be run by the caller; its stdin is empty.
    ///
    /// # Errors
    /// When its package cannot be had.
    pub fn command(&self, words: &[&str]) -> Result<Command> {
        let bin = tools::python_tools(&PACKAGES)?;
        let mut command = Command::new(bin.join("python"));
        command
            .arg(bin.join("aws"))
            .args(["--endpoint-url", &self.endpoint, "--region", "us-east-1"])
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_ACCESS_KEY_ID", &self.access_key)
            .env("AWS_SECRET_ACCESS_KEY", &self.secret_key)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        Ok(command)
    }
}
