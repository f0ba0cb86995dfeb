//! Metrics: what a program tells about its training.
//!
//! In `status.metrics` and on the monitors they have v3's shape ([`Metric`]); `GET metrics`
//! gives curves, thinned to what a screen can show. A learner delivers the stream that
//! `trainyard-metrics` describes by offset, as it does the log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// Values of one phase at one iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metric {
    /// When they were measured.
    pub timestamp: Time,
    /// `train`, `test`, `validation`, or what the program calls it.
    pub phase: String,
    /// Step, batch or epoch: whatever the program counts.
    pub iteration: i64,
    /// The values; infinite ones and what is not a number are left out, as JSON has neither.
    pub values: Vec<MetricValue>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricValue {
    /// The metric.
    pub name: String,
    /// How much.
    pub value: f64,
}

/// `GET metrics`: the curves of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricCurves {
    /// The attempt that they are of, from 1.
    pub attempt: u32,
    /// By name and then by phase.
    pub series: Vec<MetricSeries>,
    /// There are more than are given here: ask for some by name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricSeries {
    /// The phase.
    pub phase: String,
    /// The metric.
    pub name: String,
    /// How many points the program told.
    pub count: u64,
    /// The point of the highest iteration.
    pub last: MetricPoint,
    /// The smallest value.
    pub min: MetricPoint,
    /// The largest value.
    pub max: MetricPoint,
    /// The points that are shown, in the order in which they came: of each stretch the first,
    /// the smallest, the largest and the last.
    pub points: Vec<MetricPoint>,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricPoint {
    /// Step, batch or epoch.
    pub iteration: i64,
    /// When it was measured.
    pub timestamp: Time,
    /// How much; absent where it is infinite or not a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// The answer to `PUT metrics?offset=N`: bytes of the stream from `offset` on. What the
/// server has already is skipped; a gap is refused with 409 and this same body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct MetricsTaken {
    /// How many bytes of the stream the server now has.
    pub length: u64,
}
