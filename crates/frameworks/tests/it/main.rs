//! The catalogue and its environments, with real interpreters and a real package.

mod catalogue;
mod disk;
mod environments;
mod house;
mod interpreters;
mod killed;
mod system;
