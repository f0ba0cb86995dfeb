//! One file for each command: what it asks of the server, and what it prints.
//! How things look stands in `views`.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod experiments;
pub(crate) mod explain;
pub(crate) mod frameworks;
pub(crate) mod instance;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod rerun;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod train;
pub(crate) mod user;
pub(crate) mod version;
pub(crate) mod wait;
pub(crate) mod want;
pub(crate) mod why;
