//! A zip as it comes: a small one in memory, a large one on its way to the disk.

use std::sync::Arc;

use trainyard_control::{Control, Parcel, Problem, Spool};

use crate::answer::{Answer, Failure};
use crate::gates::SMALL;

/// How much is written to the disk at a time.
const PIECE: usize = 1 << 20;

/// A zip that has not come wholly yet.
pub(crate) struct Incoming {
    control: Arc<Control>,
    /// The most that it may have.
    limit: usize,
    bytes: usize,
    held: Vec<u8>,
    spool: Option<Spool>,
}

impl Incoming {
    pub(crate) fn new(control: &Arc<Control>, limit: usize) -> Self {
        let control = Arc::clone(control);
        Self { control, limit, bytes: 0, held: Vec::new(), spool: None }
    }

    /// Takes what has come.
    pub(crate) async fn take(&mut self, piece: &[u8]) -> Answer<()> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > self.limit {
            return Err(Failure::too_large(self.limit));
        }
        self.held.extend_from_slice(piece);
        if self.spool.is_none() && self.held.len() > SMALL {
            self.spool = Some(self.control.spool().map_err(disk)?);
        }
        if self.held.len() >= PIECE
            && let Some(spool) = self.spool.take()
        {
            let held = std::mem::take(&mut self.held);
            let (spool, mut held) = write(spool, held).await?;
            held.clear();
            (self.spool, self.held) = (Some(spool), held);
        }
        Ok(())
    }

    /// All has come.
    pub(crate) async fn finish(self) -> Answer<Parcel> {
        let Some(spool) = self.spool else { return Ok(Parcel::Small(self.held.into())) };
        let (spool, _) = write(spool, self.held).await?;
        let finished = tokio::task::spawn_blocking(move || spool.finish()).await;
        let spooled = finished.expect("writing a zip does not panic").map_err(disk)?;
        Ok(Parcel::Spooled(spooled))
    }
}

/// Writes on a thread that may wait; gives both back.
async fn write(mut spool: Spool, held: Vec<u8>) -> Answer<(Spool, Vec<u8>)> {
    let writing = tokio::task::spawn_blocking(move || {
        spool.write(&held)?;
        Ok((spool, held))
    });
    writing.await.expect("writing a zip does not panic").map_err(disk)
}

fn disk(source: std::io::Error) -> Failure {
    Problem::Disk { what: "storing the zip", source }.into()
}
