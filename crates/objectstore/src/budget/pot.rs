//! A number of equal places, of which anyone may take some.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::places::{Asked, Place, Places, Turn};

/// How often to look for places that other processes give back. What this process gives
/// back is noticed at once.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The places.
#[derive(Debug)]
pub(super) struct Pot {
    total: u32,
    /// In order of asking, within this process.
    here: Arc<Semaphore>,
    /// Among all processes.
    everywhere: Option<Arc<Places>>,
}

/// Places that were taken.
#[derive(Debug)]
pub(super) struct Share {
    /// First, so that it is free everywhere when the next of this process looks.
    _places: Vec<Place>,
    _here: OwnedSemaphorePermit,
}

impl Pot {
    pub(super) fn new(total: u32, folder: Option<PathBuf>) -> Self {
        let total = total.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self {
            total,
            here: Arc::new(Semaphore::new(total as usize)),
            everywhere: folder.map(|folder| Arc::new(Places::new(folder, total))),
        }
    }

    /// Waits for so many places; for more than there are, for all of them.
    pub(super) async fn take(&self, count: u32) -> Share {
        let count = count.min(self.total);
        let asked = Arc::clone(&self.here).acquire_many_owned(count);
        let here = asked.await.expect("the semaphore is never closed");
        let places = match &self.everywhere {
            Some(everywhere) => gather(everywhere, count as usize).await,
            None => Vec::new(),
        };
        Share { _places: places, _here: here }
    }
}

/// Whoever gathers more than one place is the only one to do so: two that hold a part
/// each could otherwise wait for each other for ever.
async fn gather(everywhere: &Arc<Places>, count: usize) -> Vec<Place> {
    let _turn = if count > 1 { until(|| Turn::take(everywhere)).await } else { None };
    let mut places = Vec::with_capacity(count);
    while places.len() < count {
        match until(|| Place::take(everywhere)).await {
            Some(place) => places.push(place),
            // This process is alone.
            None => break,
        }
    }
    places
}

/// Asks again and again. `None` when there is nothing to wait for.
async fn until<T>(mut ask: impl FnMut() -> Asked<T>) -> Option<T> {
    loop {
        match ask() {
            Asked::Got(got) => return Some(got),
            Asked::NotNow => tokio::time::sleep(LOOK_EVERY).await,
            Asked::Alone => return None,
        }
    }
}
