//! The model zip: judged whole, unpacked safely, packed from a directory.
//!
//! A zip is hostile until [`inspect`] has accepted it. It reads the structure
//! first (`survey`: names, kinds, sizes, places), says everything that is wrong
//! with it, and only then decompresses (`inflate`), counting the bytes that
//! really come out. A [`Layout`] says whether files may lie in folders: with a definition of
//! the seed they may not, with any other and in stored training definitions they may.
//!
//! [`extract`] and [`pack`] are the only places of this crate that touch files.

mod complaints;
mod extract;
mod format;
mod inflate;
mod inspect;
mod layout;
mod limits;
mod local;
mod names;
mod pack;
mod packages;
mod planted;
mod special;
mod survey;
mod tree;
mod walk;

pub use extract::{ExtractError, extract};
pub use inspect::{Entry, Inventory, Listed, inspect, list};
pub use layout::Layout;
pub use limits::ZipLimits;
pub use pack::{PackError, Packed, pack};
pub use packages::PackageFiles;
