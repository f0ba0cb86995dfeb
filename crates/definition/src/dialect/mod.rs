//! What the keys of a training definition mean.
//!
//! Six dialects of the service's life are read, into one model: the JSON of 2017-11-03, its
//! YAML twin of two weeks later, the forms around the turn of the year, those of February
//! and March 2018, and what the API's clients of all these years send. They differ in how a
//! thing is spelt and never in what a spelling means, so there is one reader ([`manifest`])
//! that knows the spellings; two of them for the same thing are complained about.

mod connection;
mod desk;
mod endpoint;
mod manifest;
mod object;
mod placeholder;
mod runtimes;
mod sizes;
mod stores;
mod terms;

pub(crate) use desk::{COMPLAINTS, Desk};
pub(crate) use manifest::submission;
