//! The fuzz target `events`.
#![no_main]

#[path = "../src/events.rs"]
mod events;

libfuzzer_sys::fuzz_target!(|input: &[u8]| events::judge(input));
