//! Zips that have arrived are looked through, and only so much of them is in memory meanwhile.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use trainyard_definition::zip;
use trainyard_model::diagnostic::Diagnostic;

use crate::control::Control;
use crate::parcel::{Parcel, Spool};
use crate::problem::Problem;

const MIB: u64 = 1 << 20;

/// How much of the zips that lie on disk may be in memory at a time, in MiB. A larger one is
/// looked at alone.
pub(crate) const AT_ONCE: u32 = 256;

/// A zip of so many bytes is looked through in a few milliseconds at the very most, whatever
/// it unpacks to: not worth a thread.
const LITTLE: usize = 4 << 10;

impl Control {
    /// A file for a zip that is too large to be kept in memory while it comes.
    pub fn spool(&self) -> std::io::Result<Spool> {
        self.blobs.spool()
    }

    /// A zip's inventory or its complaints, found on a thread of its own: inflating
    /// everything once takes a while. One that lies on disk is read for that; of those
    /// together only so much is in memory at a time.
    pub(crate) async fn inspect(
        &self,
        parcel: &Parcel,
        layout: zip::Layout,
    ) -> Result<Result<zip::Inventory, Vec<Diagnostic>>, Problem> {
        let limits = self.settings.limits.zip.clone();
        let (bytes, _memory) = match parcel {
            Parcel::Small(bytes) => (bytes.clone(), None),
            Parcel::Spooled(spooled) => {
                // One byte more than it may have is enough to say that it is too large.
                let most = limits.archive_bytes.saturating_add(1);
                let wanted = spooled.bytes().min(most).div_ceil(MIB);
                let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(AT_ONCE);
                let memory = Arc::clone(&self.inspecting).acquire_many_owned(wanted).await;
                let memory = memory.expect("it is never closed");
                let path = spooled.path().to_owned();
                let read = tokio::task::spawn_blocking(move || read(&path, most)).await;
                let read = read.expect("reading a zip does not panic");
                (read.map_err(Problem::disk("reading the zip"))?, Some(memory))
            }
        };
        if bytes.len() <= LITTLE {
            return Ok(zip::inspect(&bytes, &limits, layout));
        }
        let inspecting = tokio::task::spawn_blocking(move || zip::inspect(&bytes, &limits, layout));
        Ok(inspecting.await.expect("inspecting a zip does not panic"))
    }
}

fn read(path: &Path, most: u64) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}
