//! What all transfers of one server share: connections to stores, and memory for
//! what is on its way.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests under way at a time.
const CONNECTIONS: usize = 64;

/// A share of what there is to share. Cheap to clone; clones share.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Pots>);

#[derive(Debug)]
struct Pots {
    connections: Arc<Semaphore>,
}

/// A place for one request; given back when dropped.
#[derive(Debug)]
pub struct Connection(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Budget {
    /// A budget of this process alone.
    pub fn alone() -> Self {
        Self(Arc::new(Pots { connections: Arc::new(Semaphore::new(CONNECTIONS)) }))
    }

    /// Waits for a place for one more request.
    pub async fn connection(&self) -> Connection {
        let pot = Arc::clone(&self.0.connections);
        Connection(pot.acquire_owned().await.expect("the semaphore is never closed"))
    }
}
