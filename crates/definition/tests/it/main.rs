//! Texts and zips as people (and attackers) send them.

mod archive;
mod corpus;
#[path = "../../../../fuzz/src/manifests.rs"]
mod fuzz_manifests;
#[path = "../../../../fuzz/src/zips.rs"]
mod fuzz_zips;
mod fuzzed;
mod hostile;
mod json;
mod later;
mod metrics;
mod packing;
mod premises;
mod properties;
mod seed;
mod seeds;
mod stores;
mod told;
mod yaml;
