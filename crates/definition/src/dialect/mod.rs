//! What the keys of a training definition mean.
//!
//! Two readers, into one definition: [`seed`] is strict about the JSON of 2017-11-03 and its
//! YAML twin of two weeks later; [`later`] is the sum of everything that came after, for real
//! manifests mix the forms of those years, and so do API clients. A document is of one or the
//! other ([`Dialect::of`]), by the keys that only one of them has:
//!
//! - A store under `training_data` or `training_results` with a `container` is the seed's, and
//!   so is the whole document. Keys of later years are told what they are called in it.
//! - Otherwise any key of the later years (`training_data_reference`, `bucket`, `location`, a
//!   `type` beside `connection`, `resource`, `compute_configuration`, `runtimes`) makes it
//!   one of theirs, and every key of 2017 is taken in it as well.
//! - A document with neither is the seed's.
//!
//! Of the later forms one is not here: manifests of stored training definitions, which are
//! documents of the API and not of a run.

mod connection;
mod desk;
mod endpoint;
mod later;
mod metrics;
mod object;
mod parts;
mod placeholder;
mod plans;
mod references;
mod seed;
mod stores;
mod terms;
mod which;

pub(crate) use desk::{COMPLAINTS, Desk};
pub(crate) use placeholder::is_placeholder;
pub use which::Dialect;

use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;

use crate::submission::Submission;
use crate::text::Node;

/// Reads a definition; `None` when complaints were made that stop it.
pub(crate) fn submission(desk: &mut Desk<'_>, root: &Node) -> Option<Submission> {
    match Dialect::of(root) {
        Dialect::Seed => seed::submission(desk, root),
        Dialect::Later => {
            desk.later = true;
            later::submission(desk, root)
        }
    }
}

/// Reads one store that stands alone, at `at` in a document that is read elsewhere.
pub(crate) fn store(
    desk: &mut Desk<'_>,
    node: &Node,
    at: &str,
) -> Option<(StoreRef, Option<Credentials>)> {
    desk.later = true;
    let anchor = node.span.clone();
    let store = desk.reference(node, at.to_owned(), anchor, references::Role::Any)?;
    Some((store.at, store.credentials))
}
