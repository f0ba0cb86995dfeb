//! The typed client of the REST API: one method for each route, one type for
//! everything that can go wrong on the way.
//!
//! - [`Client`]: what users, the CLI and tests may do ([`runs`], [`definitions`],
//!   [`experiments`], [`models`], [`service`]).
//! - [`LearnerClient`]: the routes that an attempt's token opens.
//! - [`StreamEvent`], [`Follow`]: a run's live stream, and following it across lost connections.
//! - [`ClientError`]: no answer, a refusal, or an answer that makes no sense.
//! - [`patiently`]: a call again and again while the server puts it off.
//!
//! Nothing else here retries, except [`Follow`] and [`Lines`], whose job it is; nothing prints.

mod asset_id;
pub mod definitions;
mod error;
pub mod experiments;
mod follow;
mod http;
mod learner;
mod lines;
mod metrics;
pub mod models;
mod pages;
mod patience;
mod people;
mod reader;
pub mod runs;
pub mod service;
mod sse;
mod stream;

pub use asset_id::{AssetId, NotAnAssetId};
pub use error::{ClientError, ProtocolError};
pub use experiments::Change;
pub use follow::{Follow, FollowEvent};
pub use http::Client;
pub use learner::{LearnerClient, LogPiece};
pub use lines::{Line, LineEvent, Lines, LinesQuestion};
pub use metrics::MetricSelection;
pub use patience::patiently;
pub use runs::{LogRange, LogStart};
pub use stream::{LogSelection, StreamEvent};
