//! When what was printed, by the index: offsets for times and times for offsets.

use std::io;

use super::index::Stretches;
use super::segments::Segment;
use super::{LogId, Logbook};

impl Logbook {
    /// The offset from which on bytes were captured at or after `since` (microseconds
    /// since 1970); the log's end when none was. Bytes of unknown time count as old.
    pub(crate) fn offset_at(&self, id: &LogId, since: i64) -> io::Result<u64> {
        let segments = self.segments(id)?;
        // The last segment that begins before that time; what is wanted begins in it or right
        // behind it.
        let mut from = 0;
        for (number, segment) in segments.iter().enumerate() {
            if first_time(segment)?.is_none_or(|at| at < since) {
                from = number;
            }
        }
        for segment in segments.iter().skip(from) {
            let Some(mut stretches) = segment.stretches()? else { continue };
            while let Some(stretch) = stretches.next()? {
                if stretch.at >= since {
                    return Ok(stretch.offset);
                }
            }
        }
        Ok(self.length(id))
    }

    /// Tells times of bytes, for offsets that only grow, from `offset` on.
    pub(crate) fn times(&self, id: &LogId, offset: u64) -> io::Result<Times> {
        let mut segments = self.segments(id)?;
        let behind = segments.partition_point(|segment| segment.start <= offset);
        segments.drain(..behind.saturating_sub(1));
        segments.reverse();
        Ok(Times { left: segments, stretches: None, end: 0, at: 0 })
    }
}

/// Goes through an index beside whoever goes through the bytes.
pub(crate) struct Times {
    /// The segments that are still to come, the next one last.
    left: Vec<Segment>,
    stretches: Option<Stretches>,
    /// Up to here the bytes have this time.
    end: u64,
    at: i64,
}

impl Times {
    /// When the byte at `offset` was captured, in microseconds since 1970; 0 when nobody knows.
    pub(crate) fn at(&mut self, offset: u64) -> io::Result<i64> {
        while self.end <= offset {
            let next = match &mut self.stretches {
                Some(stretches) => stretches.next()?,
                None => None,
            };
            if let Some(stretch) = next {
                (self.end, self.at) = (stretch.end(), stretch.at);
                continue;
            }
            let Some(segment) = self.left.pop() else { break };
            self.stretches = segment.stretches()?;
            if let Some(stretches) = &mut self.stretches {
                stretches.seek(offset)?;
            }
        }
        Ok(self.at)
    }
}

fn first_time(segment: &Segment) -> io::Result<Option<i64>> {
    let Some(mut stretches) = segment.stretches()? else { return Ok(None) };
    Ok(stretches.next()?.map(|stretch| stretch.at))
}
