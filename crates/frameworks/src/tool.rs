//! Running one tool (uv, pip, a check) to its end, with its last lines kept.
//!
//! The tool holds the build's lock as its standard input: should this process
//! be killed, the lock stays taken until the orphaned tool has ended too, and
//! nobody builds in the same folder beside it.

use std::collections::VecDeque;
use std::fs::File;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::error::ToolFailure;

/// How many last lines are kept.
const LINES: usize = 25;
/// Longer lines are cut, in bytes.
const LINE_BYTES: usize = 2_000;

/// Variables of the service that are none of a tool's business.
const KEPT_BACK: &[&str] = &["VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME"];

/// A tool that is about to run.
pub(crate) struct Tool<'a> {
    /// What it is called in errors: `uv pip sync`.
    pub(crate) name: &'a str,
    pub(crate) command: Command,
    /// How long it may take.
    pub(crate) limit: Duration,
    /// The build's lock.
    pub(crate) lock: &'a File,
    /// Told every line as it comes.
    pub(crate) on_line: &'a (dyn Fn(&str) + Send + Sync),
}

impl Tool<'_> {
    /// Runs it; returns the last line of its standard output.
    pub(crate) async fn run(mut self) -> Result<String, ToolFailure> {
        let name = self.name;
        let start = |source| ToolFailure::Start { tool: name.to_owned(), source: Arc::new(source) };
        for variable in KEPT_BACK {
            self.command.env_remove(variable);
        }
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("TRAINYARD_") {
                self.command.env_remove(variable);
            }
        }
        let mut child = self
            .command
            .stdin(Stdio::from(self.lock.try_clone().map_err(start)?))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(start)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut last = Last::default();
        let (printed, status) = {
            let tail = std::sync::Mutex::new(&mut last);
            let on_line = |line: &str| {
                tail.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line);
                (self.on_line)(line);
            };
            let all = async {
                let (printed, _, status) =
                    tokio::join!(lines(stdout, &on_line), lines(stderr, &on_line), child.wait());
                (printed, status)
            };
            match tokio::time::timeout(self.limit, all).await {
                Ok((printed, status)) => (printed, Some(status.map_err(start)?)),
                Err(_) => (String::new(), None),
            }
        };
        let lines = Vec::from(last.0);
        match status {
            Some(status) if status.success() => Ok(printed),
            Some(status) => Err(ToolFailure::Exit { tool: name.to_owned(), status, lines }),
            None => {
                // It is being ended as it is; an error here means that it has ended by itself.
                let _ = child.kill().await;
                Err(ToolFailure::Overdue { tool: name.to_owned(), limit: self.limit, lines })
            }
        }
    }
}

/// The last lines of a tool.
#[derive(Default)]
struct Last(VecDeque<String>);

impl Last {
    fn push(&mut self, line: &str) {
        if self.0.len() == LINES {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }
}

/// Hands over the stream's lines, cut to a sane length; returns the last one that is not empty.
async fn lines(stream: Option<impl AsyncRead + Unpin>, on_line: &(impl Fn(&str) + Sync)) -> String {
    let mut last = String::new();
    let Some(mut stream) = stream else { return last };
    let mut tell = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if !line.is_empty() {
            on_line(line);
            line.clone_into(&mut last);
        }
    };
    let mut line = Vec::new();
    let mut chunk = vec![0; 8 * 1024];
    // A stream that cannot be read any more has ended; the exit status tells the rest.
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        for byte in &chunk[..count] {
            if *byte == b'\n' {
                tell(&line);
                line.clear();
            } else if line.len() < LINE_BYTES {
                line.push(*byte);
            }
        }
    }
    tell(&line);
    last
}
