//! Digests of streams, kept for a while and brought up to date when somebody asks.
//!
//! How the phases of a settled run stand is written beside its stream, so that a list of
//! old runs reads a small file each and no stream. The file can always be made anew.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use trainyard_api::metrics::Metric;
use trainyard_metrics::Digest;

use super::{frames, of_record};
use crate::logbook::{LogId, Logbook};

/// So many digests are kept, some tens of KiB each and 8 MiB at the most.
const DIGESTS: usize = 64;
/// Of so many settled runs it is known how they stand.
const STANDS: usize = 4096;

/// The digests that were asked for lately.
#[derive(Debug)]
pub(crate) struct Digests {
    known: Mutex<Lately<LogId, Arc<Mutex<Known>>>>,
    stands: Mutex<Lately<LogId, Arc<[Metric]>>>,
}

impl Default for Digests {
    fn default() -> Self {
        Self { known: Mutex::new(Lately::new(DIGESTS)), stands: Mutex::new(Lately::new(STANDS)) }
    }
}

/// A digest, and how far the stream is in it.
#[derive(Debug, Default)]
struct Known {
    offset: u64,
    digest: Digest,
}

impl Digests {
    /// Asks the digest of a stream, as it is now.
    pub(super) fn with<T>(
        &self,
        book: &Logbook,
        id: &LogId,
        ask: impl FnOnce(&Digest) -> T,
    ) -> io::Result<T> {
        let length = book.length(id);
        if length == 0 {
            return Ok(ask(&Digest::default()));
        }
        let known = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get_or_insert(id, Arc::default)
        };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.offset > length {
            // A disk has lost some of it, or the run's number was given to another.
            *known = Known::default();
        }
        let Known { offset, digest } = &mut *known;
        *offset = frames::each(book, id, *offset, |_, frame| {
            digest.add(&frame);
            ControlFlow::Continue(())
        })?;
        Ok(ask(digest))
    }

    /// How the phases stand. What cannot be read is left out: a list is more than its metrics.
    pub(super) fn latest(&self, book: &Logbook, id: &LogId, is_settled: bool) -> Vec<Metric> {
        if is_settled && let Some(stand) = self.stand(id) {
            return stand.to_vec();
        }
        let written = if is_settled { book.stand(id) } else { None };
        if let Some(stand) =
            written.and_then(|text| serde_json::from_slice::<Vec<Metric>>(&text).ok())
        {
            self.keep(id, &stand);
            return stand;
        }
        let worked_out = self.with(book, id, Digest::latest).unwrap_or_else(|error| {
            tracing::warn!(?id, %error, "metrics cannot be read");
            Vec::new()
        });
        let stand: Vec<Metric> = worked_out.iter().filter_map(of_record).collect();
        if is_settled {
            if !stand.is_empty() {
                book.write_stand(id, &serde_json::to_vec(&stand).unwrap_or_default());
            }
            self.keep(id, &stand);
        }
        stand
    }

    fn stand(&self, id: &LogId) -> Option<Arc<[Metric]>> {
        self.stands.lock().unwrap_or_else(PoisonError::into_inner).get(id)
    }

    fn keep(&self, id: &LogId, stand: &[Metric]) {
        let mut stands = self.stands.lock().unwrap_or_else(PoisonError::into_inner);
        stands.get_or_insert(id, || stand.into());
    }
}

/// What was used lately: above a bound, the older half goes.
#[derive(Debug)]
struct Lately<K, V> {
    most: usize,
    uses: u64,
    kept: HashMap<K, (u64, V)>,
}

impl<K: Clone + Eq + Hash, V: Clone> Lately<K, V> {
    fn new(most: usize) -> Self {
        Self { most, uses: 0, kept: HashMap::new() }
    }

    fn get(&mut self, key: &K) -> Option<V> {
        self.uses += 1;
        let (used, value) = self.kept.get_mut(key)?;
        *used = self.uses;
        Some(value.clone())
    }

    fn get_or_insert(&mut self, key: &K, make: impl FnOnce() -> V) -> V {
        if let Some(value) = self.get(key) {
            return value;
        }
        if self.kept.len() >= self.most {
            let mut uses: Vec<u64> = self.kept.values().map(|(used, _)| *used).collect();
            uses.sort_unstable();
            let middle = uses[uses.len() / 2];
            self.kept.retain(|_, (used, _)| *used > middle);
        }
        let value = make();
        self.kept.insert(key.clone(), (self.uses, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_lately_stays() {
        let mut lately = Lately::new(4);
        for key in 0..100 {
            lately.get_or_insert(&key, || key * 2);
            assert_eq!(lately.get(&0), Some(0), "it is asked for all the time");
            assert!(lately.kept.len() <= 4);
        }
        assert_eq!((lately.get(&99), lately.get(&50)), (Some(198), None));
    }
}
