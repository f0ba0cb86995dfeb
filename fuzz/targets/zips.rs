//! The fuzz target `zips`.
#![no_main]

#[path = "../src/zips.rs"]
mod zips;

libfuzzer_sys::fuzz_target!(|input: &[u8]| zips::judge(input));
