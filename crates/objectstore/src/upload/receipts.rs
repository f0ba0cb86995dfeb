//! What an upload asks before it sends a file, and tells once the store has it.
//!
//! Whoever keeps receipts can break off at any moment and go on later: what is
//! stored and has not changed since is not sent again.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::Stat;
use serde::{Deserialize, Serialize};

/// One state of one file. Any write to it makes another: no program can set the
/// time of the last change of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Bytes.
    pub size: u64,
    /// When the content was last changed: seconds since 1970, and nanoseconds.
    pub modified: (i64, i64),
    /// When the inode was last changed, likewise.
    pub changed: (i64, i64),
    /// The inode's number.
    pub inode: u64,
}

impl Identity {
    /// That of a file that is open, or of what lies under a name.
    pub fn of(found: &Metadata) -> Self {
        Self {
            size: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            inode: found.ino(),
        }
    }

    pub(super) fn seen(found: &Stat) -> Self {
        let nanoseconds = |part| i64::try_from(part).unwrap_or_default();
        Self {
            size: u64::try_from(found.st_size).unwrap_or(0),
            modified: (found.st_mtime, nanoseconds(found.st_mtime_nsec)),
            changed: (found.st_ctime, nanoseconds(found.st_ctime_nsec)),
            inode: found.st_ino,
        }
    }
}

/// An object that the store has confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its key.
    pub key: String,
    /// Bytes that were sent.
    pub size: u64,
    /// The MD5 of what was sent, in hexadecimal digits; of an object that was sent
    /// in parts, the MD5 of the parts' MD5s, `-`, and their number.
    pub md5: String,
    /// How large the parts were, all but the last, where it was sent in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_bytes: Option<u64>,
    /// The ETag, as the store told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Which state of the file was sent. It was taken before the file was read, so
    /// that a write in the meantime is noticed afterwards.
    pub file: Identity,
}

/// What is to be done about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// It is sent.
    Send,
    /// An earlier try may have stored it and not have heard of it: it is sent unless
    /// the store says that it has the same content.
    LookFirst,
    /// It is stored and has not changed.
    Keep,
    /// It is not to be sent now.
    Leave,
}

/// Who keeps the receipts. Called from several threads.
pub trait Receipts: Send + Sync {
    /// A file was found that goes to `key`.
    fn plan(&self, key: &str, found: &Identity) -> Plan;

    /// The file is open and about to be sent. `false`: it is left after all.
    fn begins(&self, key: &str, file: &Identity) -> bool;

    /// The store has it.
    fn is_stored(&self, receipt: Receipt);
}

/// Remembers nothing: everything is sent.
#[derive(Debug)]
pub(super) struct Forgetful;

impl Receipts for Forgetful {
    fn plan(&self, _key: &str, _found: &Identity) -> Plan {
        Plan::Send
    }

    fn begins(&self, _key: &str, _file: &Identity) -> bool {
        true
    }

    fn is_stored(&self, _receipt: Receipt) {}
}
