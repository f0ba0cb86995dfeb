//! What the record promises, on real files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod apply;
mod attempts;
mod definitions;
mod durability;
mod effects;
mod home;
mod lists;
mod opening;
mod secrets;
mod tokens;
