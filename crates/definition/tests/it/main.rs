//! Texts and zips as people (and attackers) send them.

mod archive;
mod corpus;
mod hostile;
mod json;
mod later;
mod packing;
mod premises;
mod properties;
mod seed;
mod stores;
mod told;
mod yaml;
