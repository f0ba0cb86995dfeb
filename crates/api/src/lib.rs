//! The wire types of the REST API, written once for server, client and OpenAPI.
//!
//! The resources and their shapes are those of the service's v3 API, as its
//! official client uses them; what v3 lacks (rooms, reasons, progress, log
//! offsets, typed causes) stands beside v3's own fields, so that an old client
//! never notices. Nothing here does anything: these are words.

pub mod attempt;
pub mod check;
pub mod error;
pub mod event;
pub mod experiment;
pub mod framework;
pub mod identity;
pub mod inputs;
pub mod instance;
pub mod learner;
pub mod log;
pub mod metrics;
pub mod patch;
pub mod rerun;
pub mod run;
pub mod service;
pub mod stored_model;
pub mod stream;
pub mod time;
pub mod training_definition;
pub mod why;

pub use error::{ApiError, ErrorBody};
pub use time::Time;
