//! `monitor training-runs`: a run's log, its metrics and how it stands, until it has ended.
//!
//! It reads the service's event streams and not the monitors of v3, because a stream goes on
//! where it was when the connection is lost or the server is restarted. Whoever monitors a
//! run that failed has monitored it well: the exit code is 0, and the cause is told on stderr.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::time::MissedTickBehavior;
use trainyard_api::metrics::Metric;
use trainyard_api::run::Status;
use trainyard_client::{ClientError, FollowEvent, LineEvent, LinesQuestion};
use trainyard_model::ids::RunId;

use super::metric_tail::MetricTail;
use super::transcript::monitor::{Show, log_line, metric_line, status_line, status_word};
use super::transcript::runs::Naming;
use crate::context::Context;
use crate::escapes::Filter;
use crate::failure::Failure;
use crate::follow;
use crate::rewrites::Rewrites;
use crate::screen::Screen;
use crate::server::Connection;

/// How often is asked what no stream tells.
const EVERY: Duration = Duration::from_secs(1);
/// After so many failures in a row it is not asked any more.
const LONG_PATIENCE: u32 = 60;
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
    let mut metrics = MetricTail::new(run.clone());
    let mut word: Option<&'static str> = None;
    // A stream keeps what is under way when the other branch is taken.
    let mut events = pin!(connection.follow(run.clone(), 0).into_stream());
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            event = events.try_next() => event,
            _ = tick.tick() => {
                match metrics.fresh(&connection.present()).await {
                    Err(error) if error.is_transient() => {}
                    fresh => printer.metrics(&fresh?)?,
                }
                continue;
            }
        };
        match event {
            Err(error) if word.is_none() && error.status() == Some(404) => {
                return search(context, connection, show, run, error).await;
            }
            Err(error) => return Err(error.into()),
            Ok(None) => return Ok(()),
            Ok(Some(FollowEvent::Log(bytes))) if show == Show::All => {
                for line in cutter.pass(&bytes) {
                    printer.line(&line)?;
                }
            }
            Ok(Some(FollowEvent::Status(status))) => {
                // How it ended is told behind the log. How it stood at the start is no news.
                let now = status_word(&status);
                let is_news = word.is_some_and(|before| before != now) && !has_ended(&status);
                word = Some(now);
                if is_news && show == Show::All {
                    screen.data(&status_line(&status))?;
                }
            }
            Ok(Some(FollowEvent::Lost { failures: PATIENCE, .. })) => away(screen),
            Ok(Some(FollowEvent::Log(_) | FollowEvent::Lost { .. })) => {}
            Ok(Some(FollowEvent::End(end))) => {
                for line in cutter.finish() {
                    printer.line(&line)?;
                }
                printer.metrics(&metrics.rest(&connection.present()).await?)?;
                if show == Show::All {
                    ended(screen, &end.status)?;
                }
            }
        }
    }
}

/// The search of an experiment has no program, and so no log and no stream: of it there is
/// the objective of each of its trials, and how it stands. `unknown` is what is said if there
/// is none of that id either.
async fn search(
    context: &Context,
    connection: &Connection,
    show: Show,
    run: &RunId,
    unknown: ClientError,
) -> Result<(), Failure> {
    let screen = &context.screen;
    let mut printer = Printer::new(screen, Naming::TrainingRuns, None);
    let (mut told, mut failures) = (0, 0);
    loop {
        let status = match connection.present().run(run).await {
            Ok(resource) => resource.entity.status,
            Err(error) if error.status() == Some(404) && told == 0 => return Err(unknown.into()),
            Err(error) if error.is_transient() && failures < LONG_PATIENCE => {
                failures += 1;
                tokio::time::sleep(EVERY).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        failures = 0;
        let fresh = status.metrics.get(told..).unwrap_or_default();
        printer.metrics(fresh)?;
        told += fresh.len();
        if has_ended(&status) {
            return if show == Show::All { ended(screen, &status) } else { Ok(()) };
        }
        tokio::time::sleep(EVERY).await;
    }
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
    pub(super) fn metrics(&mut self, metrics: &[Metric]) -> Result<(), Failure> {
        for metric in metrics {
            self.screen.data(&metric_line(self.training.as_deref(), metric))?;
        }
        Ok(())
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
}
