//! submit: training definition and model zip, read into a checked submission.
//!
//! - [`read`] turns the user's text (JSON or YAML) into a [`Submission`], or into
//!   every complaint about it at once, each with its place in the text.
//! - [`document()`] reads the manifests of other things, whose keys it does not know.
//! - [`read_store`] reads one store of a JSON document, as API clients name it.
//! - [`zip`] judges the model zip, unpacks it, and packs a directory into one.
//! - [`locate`] finds a place in the text again, for complaints that come later.
//! - [`nearest`] finds what a misspelt word was meant to be.
//!
//! Nothing here knows servers, catalogues or stores, and nothing but
//! [`zip::extract`] and [`zip::pack`] touches the file system.

mod argument;
mod dialect;
mod document;
mod locate;
mod nearest;
mod premises;
mod store;
mod submission;
mod text;
pub mod zip;

pub use argument::{NotSet, set_argument};
pub use dialect::Dialect;
pub use document::document;
pub use locate::locate;
pub use nearest::nearest;
pub use premises::{Anywhere, Meant, Premises};
pub use store::read_store;
pub use submission::{MAX_DEFINITION_BYTES, Submission, dialect_of, read, read_for};
pub use text::Syntax;
pub use zip::ZipLimits;
