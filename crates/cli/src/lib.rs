//! The commands, their output, progress and diagnostics.
