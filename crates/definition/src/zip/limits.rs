//! How much a zip may hold.

use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;

/// What a model zip may cost. Every figure is checked against what is really
/// there: entries counted, bytes as they come out of the decompressor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ZipLimits {
    /// Bytes of the zip itself.
    pub archive_bytes: u64,
    /// Entries, skipped ones counted. There may be as many folders, those counted that only
    /// stand in the names of files.
    pub entries: usize,
    /// Bytes of one file, unpacked.
    pub file_bytes: u64,
    /// Bytes of all files, unpacked.
    pub total_bytes: u64,
    /// How many bytes one packed byte may become, beyond the first MiB of a file.
    /// (Deflate ends near 1032, for nothing but zeros.)
    pub ratio: u64,
}

impl Default for ZipLimits {
    fn default() -> Self {
        Self {
            archive_bytes: 1024 * MIB,
            entries: 10_000,
            file_bytes: 2048 * MIB,
            total_bytes: 4096 * MIB,
            ratio: 1000,
        }
    }
}

impl ZipLimits {
    /// Would `produced` bytes out of `packed` be more than the ratio allows?
    pub(super) fn too_dense(&self, produced: u64, packed: u64) -> bool {
        produced > MIB && produced > packed.saturating_mul(self.ratio)
    }
}
