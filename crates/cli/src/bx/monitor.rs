//! `monitor training-runs`: a run's log, its metrics and how it stands, until it has ended.
//!
//! It reads the service's event streams and not the monitors of v3, because a stream goes on
//! where it was when the connection is lost or the server is restarted. Whoever monitors a
//! run that failed has monitored it well: the exit code is 0, and the cause is told on stderr.

use std::collections::HashSet;
use std::pin::pin;

use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::Value;
use trainyard_api::run::Status;
use trainyard_client::{FollowEvent, LineEvent, LinesQuestion};
use trainyard_model::ids::RunId;

use super::transcript::monitor::{Show, log_line, metric_line, status_line, status_word};
use super::transcript::runs::Naming;
use crate::context::Context;
use crate::escapes::Filter;
use crate::failure::Failure;
use crate::follow;
use crate::rewrites::Rewrites;
use crate::screen::Screen;
use crate::server::Connection;

/// After so many failures in a row it is said that the server is away.
const PATIENCE: u32 = 5;
/// A line is never longer than this: what goes on counts as the next one.
const LONGEST: usize = 64 << 10;

/// Monitors `run` to its end.
pub(super) async fn run(
    context: &Context,
    connection: &Connection,
    naming: Naming,
    show: Show,
    run: &RunId,
) -> Result<(), Failure> {
    match show {
        Show::Logs(tail) => logs(context, connection, naming, run, tail).await,
        Show::All | Show::Metrics => everything(context, connection, naming, show, run).await,
    }
}

async fn everything(
    context: &Context,
    connection: &Connection,
    naming: Naming,
    show: Show,
    run: &RunId,
) -> Result<(), Failure> {
    let screen = &context.screen;
    let mut printer = Printer::new(screen, naming, None);
    let mut cutter = Cutter::default();
    let mut metrics = Metrics::default();
    let mut word: Option<&'static str> = None;
    let mut events = pin!(connection.follow(run.clone(), 0).into_stream());
    while let Some(event) = events.try_next().await? {
        match event {
            FollowEvent::Log(bytes) if show == Show::All => {
                for line in cutter.pass(&bytes) {
                    printer.line(&line)?;
                }
            }
            FollowEvent::Status(status) => {
                printer.metrics(metrics.fresh(&status.metrics))?;
                // How it ended is told behind the log. How it stood at the start is no news.
                let now = status_word(&status);
                let is_news = word.is_some_and(|before| before != now) && !has_ended(&status);
                word = Some(now);
                if is_news && show == Show::All {
                    screen.data(&status_line(&status))?;
                }
            }
            FollowEvent::Lost { failures: PATIENCE, .. } => away(screen),
            FollowEvent::Log(_) | FollowEvent::Lost { .. } => {}
            FollowEvent::End(end) => {
                for line in cutter.finish() {
                    printer.line(&line)?;
                }
                printer.metrics(metrics.fresh(&end.status.metrics))?;
                if show == Show::All {
                    ended(screen, &end.status)?;
                }
            }
        }
    }
    Ok(())
}

async fn logs(
    context: &Context,
    connection: &Connection,
    naming: Naming,
    run: &RunId,
    tail: Option<u64>,
) -> Result<(), Failure> {
    let mut printer = Printer::new(&context.screen, naming, None);
    let question = LinesQuestion { tail, follow: true, ..LinesQuestion::default() };
    let mut lines = connection.lines(run.clone(), question);
    while let Some(event) = lines.next().await? {
        match event {
            LineEvent::Lines(found) => {
                for line in found {
                    printer.line(&line.text)?;
                }
            }
            LineEvent::Lost(PATIENCE) => away(&context.screen),
            LineEvent::Lost(_) | LineEvent::End(_) => {}
        }
    }
    Ok(())
}

/// How it ended, in the word of then; why it failed, in ours.
fn ended(screen: &Screen, status: &Status) -> Result<(), Failure> {
    screen.data(&status_line(status))?;
    if let Some(cause) = &status.cause {
        screen.complain(&follow::failure(cause));
    }
    Ok(())
}

fn has_ended(status: &Status) -> bool {
    status.room == "settle" || matches!(status.state.as_str(), "completed" | "error" | "canceled")
}

pub(super) fn away(screen: &Screen) {
    screen.talk("the server does not answer; what runs goes on, and so does the waiting");
}

/// Prints lines with what stands before them.
pub(super) struct Printer<'a> {
    screen: &'a Screen,
    naming: Naming,
    training: Option<String>,
}

impl<'a> Printer<'a> {
    /// For the lines of a run; of one among several, where its id is given.
    pub(super) fn new(screen: &'a Screen, naming: Naming, training: Option<String>) -> Self {
        Self { screen, naming, training }
    }

    /// A line of the log.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let shown =
            if self.screen.stdout_is_terminal() { &Filter::default().pass(line) } else { line };
        Ok(self.screen.raw(&log_line(self.naming, self.training.as_deref(), shown))?)
    }

    /// Lines of metrics.
    pub(super) fn metrics(&mut self, metrics: Vec<Value>) -> Result<(), Failure> {
        for metric in metrics {
            self.screen.data(&metric_line(self.training.as_deref(), &metric))?;
        }
        Ok(())
    }
}

/// Knows which metrics were there before: a status tells all of them each time.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    seen: HashSet<String>,
}

impl Metrics {
    /// Those that were not there before.
    pub(super) fn fresh<T: Serialize>(&mut self, metrics: &[T]) -> Vec<Value> {
        let metrics = metrics.iter().filter_map(|metric| serde_json::to_value(metric).ok());
        metrics.filter(|metric| self.seen.insert(metric.to_string())).collect()
    }
}

/// Cuts a log into lines, of which a progress bar that is rewritten in place is one.
#[derive(Debug, Default)]
struct Cutter {
    rewrites: Rewrites,
    line: Vec<u8>,
}

impl Cutter {
    /// The lines that are complete now, without their ends.
    fn pass(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let bytes = self.rewrites.pass(bytes);
        self.cut(&bytes)
    }

    /// The rest, when nothing follows.
    fn finish(&mut self) -> Vec<Vec<u8>> {
        let rest = self.rewrites.finish();
        let mut lines = self.cut(&rest);
        if !self.line.is_empty() {
            lines.push(std::mem::take(&mut self.line));
        }
        lines
    }

    fn cut(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            let is_whole = self.line.ends_with(b"\n");
            if is_whole || self.line.len() >= LONGEST {
                let mut line = std::mem::take(&mut self.line);
                if is_whole {
                    line.pop();
                    line.pop_if(|last| *last == b'\r');
                }
                lines.push(line);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_cut_however_the_bytes_come() {
        let log = "one\n\n 10%\r 90%\rdone\nthe last";
        for piece in 1..=log.len() {
            let mut cutter = Cutter::default();
            let mut lines: Vec<Vec<u8>> =
                log.as_bytes().chunks(piece).flat_map(|piece| cutter.pass(piece)).collect();
            lines.extend(cutter.finish());
            let lines: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
            assert_eq!(lines, ["one", "", "done", "the last"], "{piece}");
        }
        let mut cutter = Cutter::default();
        let endless = vec![b'x'; 3 * LONGEST];
        let length: usize = cutter.pass(&endless).iter().map(Vec::len).sum();
        assert_eq!(length, endless.len(), "a line without end is not kept");
    }

    #[test]
    fn a_metric_is_told_once() {
        let metric = |iteration| json!({ "phase": "test", "iteration": iteration, "values": [] });
        let mut metrics = Metrics::default();
        assert_eq!(metrics.fresh(&[metric(1)]), [metric(1)]);
        assert_eq!(metrics.fresh(&[metric(1), metric(2)]), [metric(2)]);
        assert!(metrics.fresh(&[metric(2)]).is_empty());
    }
}
