//! What a server cannot do. Whatever is not declared here is demanded of it.

/// The peculiarities of one server; the default has none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quirks {
    /// It tells no ETags: versions of an object differ in size and time alone.
    pub(crate) no_etags: bool,
    /// Keys of the suite's that it refuses, or stores under another name.
    pub(crate) spoils: &'static [&'static str],
    /// It keeps no object whose key ends in `/`, and so no empty folders.
    pub(crate) no_folder_markers: bool,
}

impl Quirks {
    /// Whether it keeps this key as it is.
    pub(crate) fn keeps(&self, key: &str) -> bool {
        !self.spoils.contains(&key)
    }
}
