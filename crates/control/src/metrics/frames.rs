//! The frames of a stream, one after the other.

use std::io;
use std::ops::ControlFlow;

use trainyard_metrics::stream::{FRAME_BYTES, Frame, HEAD, frame};

use crate::logbook::{LogId, Logbook};

/// How much is read at once: some frames, and never less than one.
const PIECE: usize = 4 * (FRAME_BYTES + HEAD);

/// Shows `look` each whole frame from `offset` on, with where it begins. Gives where the
/// first frame begins that it was not shown. What is damaged ends it: nothing of it was
/// vouched for.
pub(super) fn each(
    book: &Logbook,
    id: &LogId,
    mut offset: u64,
    mut look: impl FnMut(u64, Frame<'_>) -> ControlFlow<()>,
) -> io::Result<u64> {
    loop {
        let bytes = book.read(id, offset, PIECE)?;
        let mut rest = &bytes[..];
        loop {
            match frame(rest) {
                Ok(Some(found)) => {
                    if look(offset, found).is_break() {
                        return Ok(offset);
                    }
                    rest = &rest[found.length()..];
                    offset += found.length() as u64;
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(?id, offset, %error, "metrics end here");
                    return Ok(offset);
                }
            }
        }
        if bytes.len() < PIECE {
            return Ok(offset);
        }
    }
}
