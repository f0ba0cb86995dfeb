//! The metrics of a run as they come: each record once, in the order in which the program
//! told them.
//!
//! The service thins what it tells about a run's status, so the records themselves are
//! asked for, and only when their number has changed. What that costs grows with the run;
//! it is asked the more seldom the longer an answer takes.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use trainyard_api::metrics::Metric;
use trainyard_client::{Client, ClientError, MetricSelection};
use trainyard_model::ids::RunId;

/// The pause between two questions is so many times what the last answer took.
const SELDOM: u32 = 20;

/// Where in a run's metrics somebody is.
#[derive(Debug)]
pub(super) struct MetricTail {
    run: RunId,
    /// The attempt whose metrics are told; the latest that there was at the start.
    attempt: Option<u32>,
    /// How many of its records were told.
    told: usize,
    /// How many points its curves had when that was.
    points: u64,
    not_before: Option<Instant>,
}

impl MetricTail {
    /// At the start of the metrics of `run`.
    pub(super) fn new(run: RunId) -> Self {
        Self { run, attempt: None, told: 0, points: 0, not_before: None }
    }

    /// Those that were not told before; none at all when it was asked a moment ago.
    pub(super) async fn fresh(&mut self, client: &Client) -> Result<Vec<Metric>, ClientError> {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return Ok(Vec::new());
        }
        self.rest(client).await
    }

    /// Those that were not told before, however lately it was asked.
    pub(super) async fn rest(&mut self, client: &Client) -> Result<Vec<Metric>, ClientError> {
        let asked_at = Instant::now();
        let fresh = match self.ask(client).await {
            // An attempt that has not begun has no metrics.
            Err(error) if error.status() == Some(404) => Vec::new(),
            other => other?,
        };
        let pause: Duration = asked_at.elapsed() * SELDOM;
        self.not_before = Some(Instant::now() + pause);
        Ok(fresh)
    }

    async fn ask(&mut self, client: &Client) -> Result<Vec<Metric>, ClientError> {
        let summary = MetricSelection { points: Some(1), ..MetricSelection::default() };
        let now = client.metrics(&self.run, &summary).await?;
        let mut fresh = Vec::new();
        if let Some(attempt) = self.attempt.filter(|attempt| *attempt < now.attempt) {
            fresh.extend(self.records(client, attempt).await?);
            (self.told, self.points) = (0, 0);
        }
        self.attempt = Some(now.attempt);
        let points = now.series.iter().map(|series| series.count).sum();
        if points != self.points || now.left_out {
            let records = self.records(client, now.attempt).await?;
            self.told += records.len();
            self.points = points;
            fresh.extend(records);
        }
        Ok(fresh)
    }

    /// The records of an attempt behind those that were told.
    async fn records(&self, client: &Client, attempt: u32) -> Result<Vec<Metric>, ClientError> {
        let selection = MetricSelection { attempt: Some(attempt), ..MetricSelection::default() };
        let mut records = pin!(client.all_metrics(&self.run, &selection).await?);
        let (mut fresh, mut number) = (Vec::new(), 0);
        while let Some(record) = records.try_next().await? {
            number += 1;
            if number > self.told {
                fresh.push(record);
            }
        }
        Ok(fresh)
    }
}
