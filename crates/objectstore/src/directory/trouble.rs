//! What the operating system's words about a directory mean to its user.
//!
//! On a local disk nothing passes by itself. A directory that comes over a network has
//! moments when it is away, and handles that go stale when its server is changed
//! under it: these are tried again.

use std::io;

use rustix::io::Errno;

use crate::beneath;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::StoreName;

/// Whether reading or writing failed; decides what "permission denied" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// May the same succeed in a moment?
pub(super) fn passes(error: &io::Error) -> bool {
    is_away(error)
        || matches!(
            Errno::from_io_error(error),
            // A soft mount gives up with EIO; a stale handle is got anew with the root.
            Some(Errno::STALE | Errno::IO | Errno::REMOTEIO | Errno::AGAIN | Errno::INTR)
        )
}

/// Is whoever serves the directory not to be reached?
fn is_away(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::TIMEDOUT
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::CONNRESET
                | Errno::CONNREFUSED
                // What remains of a FUSE file system whose process is gone.
                | Errno::NOTCONN
        )
    )
}

/// Puts an error into our words. `exists` says whether the container is there at all.
pub(super) fn explain(
    store: &StoreName,
    purpose: Purpose,
    tried: impl Into<String>,
    error: io::Error,
    exists: impl Fn() -> bool,
) -> StoreError {
    use io::ErrorKind as E;
    let escape = beneath::is_escape(&error);
    // What the operating system's words leave open.
    let mut said = None;
    let mut in_the_way = None;
    let kind = match (error.kind(), purpose) {
        _ if is_away(&error) => StoreErrorKind::Unreachable,
        _ if Errno::from_io_error(&error) == Some(Errno::STALE) => {
            said = Some("the directory is no longer the one that was opened (stale file handle)");
            StoreErrorKind::Failed
        }
        (E::NotFound | E::NotADirectory, _) if !exists() => StoreErrorKind::ContainerMissing,
        (E::PermissionDenied | E::ReadOnlyFilesystem, Purpose::Write) => StoreErrorKind::ReadOnly,
        // No object can lie there, so none does.
        (E::NotFound | E::NotADirectory | E::IsADirectory | E::InvalidFilename, Purpose::Read) => {
            StoreErrorKind::ObjectMissing
        }
        (E::InvalidFilename, Purpose::Write) => StoreErrorKind::UnsafeKey,
        (E::NotADirectory, Purpose::Write) => {
            in_the_way = Some("a file or a link stands where a folder has to be");
            StoreErrorKind::Failed
        }
        (E::IsADirectory, Purpose::Write) => {
            in_the_way = Some("a folder stands where the file has to be");
            StoreErrorKind::Failed
        }
        (_, Purpose::Read) if escape => {
            said = Some("it is a symbolic link that leads out of the directory, or nowhere");
            StoreErrorKind::UnsafeKey
        }
        (_, Purpose::Write) if escape => {
            in_the_way = Some("a symbolic link stands in the way; writing follows none");
            StoreErrorKind::Failed
        }
        _ => StoreErrorKind::Failed,
    };
    let words = said.or(in_the_way).map_or_else(|| error.to_string(), str::to_owned);
    let passing = passes(&error);
    let told = StoreError::new(kind, store, tried).said(words).source(error).transient(passing);
    if in_the_way.is_some() {
        told.hint("take what stands in the way out of the container, or name another container")
    } else if passing {
        told.hint("see whether the file system that holds the directory is mounted and its server answers")
    } else {
        told
    }
}
