//! What the keys of a training definition mean.
//!
//! One dialect so far: the JSON of 2017-11-03 and its YAML twin of two weeks
//! later ([`seed`]). Others of the service's life become modules beside it.

mod connection;
mod desk;
mod endpoint;
mod object;
mod placeholder;
mod seed;
mod stores;
mod terms;

pub(crate) use desk::{COMPLAINTS, Desk};
pub(crate) use seed::submission;
