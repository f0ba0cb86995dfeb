//! The model zip: judged whole, unpacked safely, packed from a directory.
//!
//! A zip is hostile until [`inspect`] has accepted it. It reads the structure
//! first (`survey`: names, kinds, sizes, places), says everything that is wrong
//! with it, and only then decompresses (`inflate`), counting the bytes that
//! really come out. The dialects read so far are flat: every file on the first level.
//!
//! [`extract`] and [`pack`] are the only places of this crate that touch files.

mod complaints;
mod extract;
mod format;
mod inflate;
mod inspect;
mod limits;
mod local;
mod names;
mod pack;
mod packages;
mod special;
mod survey;
mod walk;

pub use extract::{ExtractError, extract};
pub use inspect::{Entry, Inventory, Listed, inspect, list};
pub use limits::ZipLimits;
pub use pack::{PackError, Packed, pack};
pub use packages::PackageFiles;
