//! The catalogue and its environments, with real interpreters and a real package.

mod catalogue;
mod environments;
mod interpreters;
mod system;
