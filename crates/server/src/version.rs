//! The one version of a stored definition or model.
//!
//! v3 has versions with ids of their own; here a thing has one for all its life, and the
//! version's id is made from the thing's.

use uuid::Uuid;

/// What the version's id differs in from the thing's own.
const DIFFERENCE: u128 = 0x0001_0000_0000_0000_0000_0000_0000_0001;

/// The id of the one version of the thing with this id.
pub(crate) fn id_of(thing: Uuid) -> Uuid {
    Uuid::from_u128(thing.as_u128() ^ DIFFERENCE)
}

/// Is this text the id of that version?
pub(crate) fn is_of(text: &str, thing: Uuid) -> bool {
    text.parse() == Ok(id_of(thing))
}
