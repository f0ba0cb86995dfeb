//! A model zip, however it lies: it is refused with complaints, or it holds what it says.
//!
//! Shared by the fuzz target and the replay of its corpus in `crates/definition/tests`.

use trainyard_definition::ZipLimits;
use trainyard_definition::zip::{Layout, inspect};

const MIB: u64 = 1024 * 1024;

/// Small enough that each of them is met by a mutated input within a hundredth of a second.
fn limits() -> ZipLimits {
    ZipLimits {
        archive_bytes: MIB,
        entries: 100,
        file_bytes: 4 * MIB,
        total_bytes: 8 * MIB,
        ratio: 1000,
    }
}

/// One input.
pub(crate) fn judge(input: &[u8]) {
    let limits = limits();
    let flat = inspect(input, &limits, Layout::Flat);
    match inspect(input, &limits, Layout::Folders) {
        Ok(inventory) => {
            let has_folders = inventory.entries.iter().any(|entry| entry.name.contains('/'));
            assert!(!has_folders || flat.is_err(), "folders were taken where there may be none");
            assert!(!inventory.entries.is_empty(), "an empty zip was taken");
            assert!(inventory.entries.len() <= limits.entries, "too many entries were taken");
            let mut total = 0;
            for entry in &inventory.entries {
                assert!(entry.size <= limits.file_bytes, "{entry:?} is too large");
                total += entry.size;
                let parts: Vec<&str> = entry.name.split('/').collect();
                let safe =
                    |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains(['\0', '\\']);
                assert!(parts.iter().all(safe), "{entry:?} leads elsewhere");
            }
            assert_eq!(total, inventory.total_bytes, "the sum is wrong");
            assert!(total <= limits.total_bytes, "{total} bytes were taken");
        }
        Err(complaints) => {
            assert!(!complaints.is_empty(), "refused without a word");
            assert!(flat.is_err(), "a zip is right without folders and wrong with them");
        }
    }
}
