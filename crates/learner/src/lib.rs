//! run, collect, store: stands beside the user's program and outlives the server.
//!
//! A learner is a process of its own, started by an engine with nothing but the
//! path of an attempt's folder. In it lies the [`Ticket`]; what to do it asks the
//! server. From then on it needs nobody: what it has to tell goes to its spool
//! and from there to the server, whenever there is one.
//!
//! - `life`: the attempt, room by room; `fetch`, `environment`, `stage`, `data`, `program`, `store` are the rooms.
//! - `ahead`, `opened`, `receipts`, `index`, `aside`, `left_out` help to store; `milestone` is
//!   what the next learner of the attempt must know should this one die.
//! - `capture`, `sample`, `allowance`, `stop`: beside the program while it runs.
//! - `metrics`: what the program tells about its training, found in its files and its log.
//! - `spool`, `courier`, `line`, `doubt`: what is told, and how it gets there.
//! - `verdict`, `diagnosis`, `memory`: why it ended.
//! - [`processes`], [`mark`], [`at_work`]: also for the engine, which looks after learners.

mod ahead;
mod allowance;
mod aside;
mod capture;
mod checkpoints;
mod contract;
mod courier;
mod data;
mod diagnosis;
mod diary;
mod dirs;
mod doubt;
mod environment;
mod fetch;
mod index;
mod journal;
mod left_out;
mod life;
mod line;
mod lock;
mod log_times;
pub mod mark;
mod memory;
mod metrics;
mod milestone;
mod opened;
mod process;
pub mod processes;
mod program;
mod receipts;
mod root;
mod sample;
mod spawn;
mod spool;
mod stage;
mod stop;
mod store;
mod ticket;
mod verdict;
mod wish;

pub use lock::{Identity, at_work};
pub use milestone::{Rest, rest};
pub use process::main;
pub use ticket::{Ticket, TicketError};
