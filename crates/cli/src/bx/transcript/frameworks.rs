//! The list of frameworks, as the page of 2017-11-16 prints it; and what an instance of the
//! service of 2018 had besides, of which this one has none.

use trainyard_api::framework::FrameworkList;

use super::{columns, listed, number};
use crate::words::printable;

/// First line of `list frameworks`.
pub const LISTING: &str = "Fetching the list of frameworks ...\n";

/// What follows it.
pub fn list(list: &FrameworkList) -> String {
    let rows = list.resources.iter().enumerate().map(|(index, framework)| {
        let entity = &framework.entity;
        [number(index), printable(&entity.name), printable(&entity.version)]
    });
    let table = columns(["SI No", "Name", "Version"], rows.collect(), [0, 0, 0]);
    format!("{table}OK\nList frameworks successful\n")
}

/// The whole output of `list deployments`, `list libraries` and `list runtimes`. No capture
/// shows it; it is made as the lists are that were captured.
pub fn none_of(what: &str) -> String {
    let list = listed(
        ["SI No", "Name", "guid", "created-at"],
        Vec::new(),
        &format!("List all {what} successful"),
    );
    format!("Fetching the list of {what} ...\n{list}")
}
