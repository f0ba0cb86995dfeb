//! `/v3/models/{id}/metrics` and `/inputs`: what a run's program told, and what the run was made from.

use bytes::BytesMut;
use futures_util::stream::{self, Stream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use trainyard_api::inputs::RunInputs;
use trainyard_api::metrics::{Metric, MetricCurves};
use trainyard_model::ids::RunId;

use crate::error::{ClientError, ProtocolError};
use crate::http::{self, Client, QUICK};

/// A longer line is no record.
const LINE_BYTES: usize = 16 << 20;

/// Which metrics.
#[derive(Debug, Clone, Default)]
pub struct MetricSelection {
    /// Names, `phase/name` or `val_name`; all where there is none.
    pub series: Vec<String>,
    /// How many points a curve may have; the server's own measure without it.
    pub points: Option<usize>,
    /// Of this attempt instead of the latest.
    pub attempt: Option<u32>,
}

impl MetricSelection {
    fn query(&self, points: Option<String>) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        if !self.series.is_empty() {
            query.push(("series", self.series.join(",")));
        }
        query.extend(points.map(|points| ("points", points)));
        query.extend(self.attempt.map(|attempt| ("attempt", attempt.to_string())));
        query
    }
}

impl Client {
    /// The curves of a run.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn metrics(
        &self,
        run: &RunId,
        selection: &MetricSelection,
    ) -> Result<MetricCurves, ClientError> {
        let points = selection.points.map(|points| points.to_string());
        let request = self.get(&format!("/v3/models/{run}/metrics")).timeout(QUICK);
        http::json(request.query(&selection.query(points))).await
    }

    /// Every record of a run, in the order in which they came.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn all_metrics(
        &self,
        run: &RunId,
        selection: &MetricSelection,
    ) -> Result<impl Stream<Item = Result<Metric, ClientError>> + use<>, ClientError> {
        let request = self.get(&format!("/v3/models/{run}/metrics"));
        let request = request.query(&selection.query(Some("all".to_owned())));
        let response = http::send(request).await?;
        let pieces = response.bytes_stream().map_err(http::unreachable).boxed();
        let lines = stream::try_unfold((pieces, BytesMut::new()), |(mut pieces, mut rest)| async {
            loop {
                if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line = rest.split_to(end + 1);
                    return Ok(Some((line, (pieces, rest))));
                }
                match pieces.try_next().await? {
                    Some(piece) if rest.len() <= LINE_BYTES => rest.extend_from_slice(&piece),
                    _ => return Ok(None),
                }
            }
        });
        let client = self.clone();
        Ok(lines.and_then(move |line: BytesMut| {
            let read = serde_json::from_slice(&line);
            let protocol = |error| ClientError::Protocol {
                url: client.base_url().to_owned(),
                source: ProtocolError::Body(error),
            };
            let read = read.map_err(protocol);
            std::future::ready(read)
        }))
    }

    /// From what a run was made.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn inputs(&self, run: &RunId) -> Result<RunInputs, ClientError> {
        http::json(self.get(&format!("/v3/models/{run}/inputs")).timeout(QUICK)).await
    }
}
