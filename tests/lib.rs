//! Black-box stories; see `stories.rs`.
