//! What of a download has arrived whole, for whoever takes it up again.
//!
//! One line an object, its key as a JSON text. A line that was cut off is none,
//! and an object whose file does not have its size is not taken for arrived.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::store::Object;

/// A journal that is open for more.
pub(super) struct Journal {
    file: File,
    arrived: HashSet<String>,
}

impl Journal {
    /// Opens or begins one.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let arrived = whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if whole.len() + usize::from(!whole.is_empty()) < text.len() {
            // The next line does not go on with one that was cut off.
            file.write_all(b"\n")?;
        }
        Ok(Self { file, arrived })
    }

    /// Has the object arrived before, at `path`?
    pub(super) fn has(&self, object: &Object, path: &Path) -> bool {
        let as_long = |found: std::fs::Metadata| found.is_file() && found.len() == object.size;
        self.arrived.contains(&object.key) && path.symlink_metadata().is_ok_and(as_long)
    }

    /// Writes down that an object has arrived.
    pub(super) fn add(&mut self, key: &str) {
        let line = serde_json::Value::from(key).to_string() + "\n";
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // It is fetched once more at worst.
            tracing::warn!(%error, key, "an arrival could not be written down");
        }
    }
}
