//! run: what programs tell about their training, read from what they leave anyway.
//!
//! Nobody has to change a program: this crate reads what frameworks write (event files of
//! TensorBoard), what the service of 2018 defined (`evaluation-metrics.txt`,
//! `val_dict_list.json`), what a definition's regular expressions find in a log, and the
//! progress lines that people know from their terminals.
//!
//! - [`Record`] is the vocabulary: values of one phase at one iteration.
//! - [`tensorboard`], [`emetrics`], [`val_dict`], [`patterns`], [`lines`] are the readers. Each
//!   is fed with bytes as they come, remembers where it was, needs bounded memory, and takes
//!   whatever it is fed: all of this comes from programs of users.
//! - [`stream`] is the compact form in which metrics are kept and sent.
//! - [`Digest`] and [`Curves`] are what people look at: the latest, and curves with no more
//!   points than a screen has.
//!
//! Pure: no file is opened here, no clock is read, nothing waits.

mod curves;
mod digest;
pub mod emetrics;
mod json;
pub mod lines;
pub mod patterns;
pub mod phase;
mod record;
pub mod series;
pub mod stream;
pub mod tensorboard;
mod text;
mod thin;
pub mod val_dict;

pub use curves::{Curve, Curves, is_wanted};
pub use digest::Digest;
pub use record::{Moment, NAME_BYTES, Record, Scalar, name_of};
pub use series::Summary;
