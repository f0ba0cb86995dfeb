//! The faces: the v3 REST API, event streams, authentication.
//!
//! A handler extracts, names the permission it needs as an argument
//! ([`access`]), calls `control` once and shapes the answer. The whole router is
//! one screen: [`routes`]. Every route needs a credential but `/health` and the
//! logins; a test walks the OpenAPI document to see that it is so.
//!
//! [`serve`] is the life of a server process: lock the data directory, open the
//! ledger, start `control`, listen, write the runtime file, and on SIGTERM stop
//! without a word to the learners, who carry on alone.

#![expect(
    unused_qualifications,
    reason = "`utoipa::path` repeats the types of query parameters with their whole path"
)]

mod access;
mod answer;
mod attempts;
mod checks;
mod config;
mod credential;
mod definitions;
mod elsewhere;
mod experiments;
mod extract;
mod frameworks;
mod gates;
mod guesses;
mod identity;
mod incoming;
mod inputs;
mod instances;
mod keyless;
mod lines;
mod listen;
mod metrics;
mod models;
mod monitor;
mod older;
mod paging;
mod passwords;
mod routes;
mod runs;
mod runtime;
mod serve;
mod service;
mod stream;
mod upload;
mod users;
mod version;

pub use config::{Config, ConfigError};
pub use gates::Gates;
pub use guesses::Guesses;
pub use monitor::feed::Feeds;
pub use routes::{Shared, openapi, router};
pub use runtime::HomeError;
pub use serve::{ServeError, ServeOptions, serve};
