//! May files lie in folders?

use crate::dialect::Dialect;

/// How the files of a model zip may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All on the first level, as the page of 2017-11-03 wants it.
    Flat,
    /// In folders as well. Samples of 2018 have them.
    Folders,
}

impl Layout {
    /// What zips may look like that come with a definition of this dialect.
    pub fn of(dialect: Dialect) -> Self {
        if dialect.has_folders() { Self::Folders } else { Self::Flat }
    }
}
