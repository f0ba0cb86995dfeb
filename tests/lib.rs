//! Black-box stories: everything is in `stories.rs`, which is a test.
