//! The brain: admits runs, reconciles what is with what should be, and carries
//! out the effects of transitions. There is no HTTP in here.
//!
//! [`Control`] is the one handle that the faces use. Behind it:
//!
//! - [`submit`](Control::submit), [`check`](Control::check): admission.
//! - `preflight`: both stores are tried, before a run is taken.
//! - `board`: the unsettled runs in memory, a mirror of the ledger.
//! - `experiments`: searches for hyperparameters, whose trials are runs; `models`: trained models that are kept.
//! - `prepare`, `data`, `schedule`, `launch`, `watch`, `experiments`, `models`, `loose_ends`, `retention`, `disk`: the reconcilers. Each compares
//!   the board with the world, moves what it can, and sleeps until somebody
//!   rings its bell or a timer does; none takes any input, so that a restart
//!   needs no path of its own.
//! - `attempt`: what learners ask and tell.
//! - `logbook`: the logs on disk; `logs`, `metrics`: what users ask about them; `hub`: who wants to know when a run changes.
//! - `view`: runs in the words of the API.
//!
//! Every change of a run goes through [`Control::tell`]: one durable
//! transition, then its effects.

mod admission;
mod ahead;
mod attempt;
mod blobs;
mod board;
mod check;
mod crowd;
mod definitions;
mod disk;
mod endings;
mod entropy;
mod experiments;
mod hub;
mod inputs;
mod inspect;
mod launch;
mod live;
mod logbook;
mod logs;
mod loose_ends;
mod metrics;
mod models;
mod parcel;
mod preflight;
mod prepare;
mod problem;
mod queries;
mod rate;
mod recent;
mod recheck;
mod remove;
mod rerun;
mod retention;
mod schedule;
mod settings;
mod supervise;
mod tell;
mod view;
mod watch;
mod why;

mod control;

pub use admission::{Accepted, Upload};
pub use attempt::{AttemptError, LogAnswer};
pub use control::{Control, StartError};
pub use definitions::StoredContent;
pub use experiments::{SearchStory, StoryLine};
pub use logbook::Piece as LogDelivery;
pub use logs::{FoundLine, LineQuestion, LineReader, LogPiece, LogQuestion};
pub use metrics::{CurveQuestion, MetricsPage, is_wanted};
pub use models::{ModelContent, ModelState, ModelStore};
pub use parcel::{Parcel, Spool, Spooled};
pub use problem::Problem;
pub use queries::{RunListing, StreamState};
pub use rerun::Changes;
pub use retention::History;
pub use settings::{Limits, Settings, StoreChecks};
