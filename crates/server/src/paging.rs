//! Pages of lists: `?limit=N&start=TOKEN`, and the address of the next one.

use serde::Deserialize;
use trainyard_api::run::Next;
use trainyard_ledger::Cursor;
use utoipa::IntoParams;

use crate::answer::{Answer, Failure};

/// What v3 allows at most.
const LARGEST: u32 = 1000;
const DEFAULT: u32 = 100;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// How many at most, 1 to 1000. Default 100.
    limit: Option<u32>,
    /// Where the page begins: from the `next.url` of the page before.
    start: Option<String>,
}

impl Paging {
    pub(crate) fn limit(&self) -> Answer<u32> {
        match self.limit {
            None => Ok(DEFAULT),
            Some(limit) if (1..=LARGEST).contains(&limit) => Ok(limit),
            Some(limit) => {
                Err(Failure::bad_request(format!("`limit` is {limit}; it may be 1 to {LARGEST}")))
            }
        }
    }

    pub(crate) fn start(&self) -> Answer<Option<Cursor>> {
        self.start
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| Failure::bad_request("`start` is not from a page's `next.url`"))
    }
}

/// The address of the page that begins at `next`. Absolute: the official client follows it as it is.
pub(crate) fn next(base_url: &str, path: &str, limit: u32, next: Option<Cursor>) -> Option<Next> {
    next.map(|cursor| Next { url: format!("{base_url}{path}?limit={limit}&start={cursor}") })
}
