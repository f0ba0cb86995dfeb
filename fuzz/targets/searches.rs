//! The fuzz target `searches`.
#![no_main]

#[path = "../src/searches.rs"]
mod searches;

libfuzzer_sys::fuzz_target!(|input: &[u8]| searches::judge(input));
