//! What the keys of a training definition mean.
//!
//! One dialect so far: the JSON of 2017-11-03 and its YAML twin of two weeks
//! later ([`seed`]). Others of the service's life become modules beside it.

mod connection;
mod desk;
mod endpoint;
mod object;
mod placeholder;
mod references;
mod seed;
mod stores;
mod terms;

pub(crate) use desk::{COMPLAINTS, Desk};
pub(crate) use placeholder::is_placeholder;
pub(crate) use seed::submission;

use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;

use crate::text::Node;

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
