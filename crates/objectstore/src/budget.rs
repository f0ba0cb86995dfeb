//! What all transfers of one server share: connections to stores, and memory for
//! what is on its way.
//!
//! A server's transfers are made by several processes, its own and those of its
//! learners, which come, go and are killed. So a place in the budget is a lock on a file
//! ([`places`]): the kernel gives it back whatever becomes of its holder. Memory is counted
//! in units; what is smaller than [`SMALL`] counts as part of its connection.

mod places;
mod pot;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use pot::{Pot, Share};

/// The unit in which memory is counted, in bytes.
const UNIT: u64 = 4 << 20;

/// Buffers up to this size, in bytes, need no memory of their own.
pub(crate) const SMALL: u64 = 64 << 10;

/// How much there is to share, and with whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetPolicy {
    /// Requests under way at a time, of all processes together.
    pub connections: u32,
    /// Bytes that are held in memory on their way, of all processes together.
    pub memory: u64,
    /// The folder through which processes share; without one, this process is alone.
    pub folder: Option<PathBuf>,
}

impl Default for BudgetPolicy {
    fn default() -> Self {
        Self { connections: 64, memory: 96 << 20, folder: None }
    }
}

/// A share of what there is. Cheap to clone; clones share.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Pots>);

#[derive(Debug)]
struct Pots {
    connections: Pot,
    memory: Pot,
}

/// A place for one request; given back when dropped.
#[derive(Debug)]
pub struct Connection(#[expect(dead_code, reason = "held, not read")] Share);

/// Room for bytes on their way; given back when dropped.
#[derive(Debug)]
pub(crate) struct Memory(#[expect(dead_code, reason = "held, not read")] Option<Share>);

impl Budget {
    /// The usual budget, of this process alone.
    pub fn alone() -> Self {
        Self::new(&BudgetPolicy::default())
    }

    /// A budget. Its folder is made at the first need; where that fails, this process
    /// goes on alone and says so in its log.
    pub fn new(policy: &BudgetPolicy) -> Self {
        let folder = |name: &str| policy.folder.as_ref().map(|folder| folder.join(name));
        let units = u32::try_from((policy.memory / UNIT).max(1)).unwrap_or(u32::MAX);
        Self(Arc::new(Pots {
            connections: Pot::new(policy.connections.max(1), folder("connections")),
            memory: Pot::new(units, folder("memory")),
        }))
    }

    /// Waits for a place for one more request.
    pub async fn connection(&self) -> Connection {
        Connection(self.0.connections.take(1).await)
    }

    /// Waits for room for so many bytes. More than there is counts as all there is.
    pub(crate) async fn memory(&self, bytes: u64) -> Memory {
        if bytes <= SMALL {
            return Memory(None);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        Memory(Some(self.0.memory.take(units).await))
    }
}

impl Memory {
    /// The content, whose memory is given back when its last reader drops it.
    pub(crate) fn hold(self, content: Vec<u8>) -> Bytes {
        Bytes::from_owner(Held { content, _room: self })
    }
}

struct Held {
    content: Vec<u8>,
    _room: Memory,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const AT_ONCE: Duration = Duration::from_secs(20);
    const NEVER: Duration = Duration::from_millis(100);

    /// Two budgets over one folder are what two processes have.
    fn two(folder: &std::path::Path) -> [Budget; 2] {
        let policy =
            BudgetPolicy { connections: 3, memory: 4 * UNIT, folder: Some(folder.to_owned()) };
        [Budget::new(&policy), Budget::new(&policy)]
    }

    #[tokio::test]
    async fn processes_share_connections_and_the_dead_give_theirs_back() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = two(&folder.path().join("budget"));
        let held = (one.connection().await, one.connection().await);
        let third = other.connection().await;
        timeout(NEVER, other.connection()).await.unwrap_err();
        timeout(NEVER, one.connection()).await.unwrap_err();
        // As by a process that ends.
        drop(held);
        let _fourth = timeout(AT_ONCE, other.connection()).await.unwrap();
        drop(third);
        let _fifth = timeout(AT_ONCE, one.connection()).await.unwrap();
    }

    #[tokio::test]
    async fn memory_is_held_as_long_as_its_content_and_is_never_taken_in_halves() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = two(folder.path());
        let small = other.memory(SMALL).await;
        let part = one.memory(UNIT + 1).await.hold(vec![7; 10]);
        let reader = part.slice(2..4);
        // Three of four units are wanted, two are free.
        timeout(NEVER, other.memory(3 * UNIT)).await.unwrap_err();
        let _two = timeout(AT_ONCE, other.memory(2 * UNIT)).await.unwrap();
        drop(part);
        timeout(NEVER, one.memory(UNIT)).await.unwrap_err();
        assert_eq!(reader[..], [7, 7]);
        drop((reader, small));
        let _two = timeout(AT_ONCE, one.memory(2 * UNIT)).await.unwrap();
    }

    #[tokio::test]
    async fn two_that_want_all_get_it_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = two(folder.path());
        for _ in 0..20 {
            let all = async |budget: &Budget| {
                let all = budget.memory(100 * UNIT).await;
                tokio::task::yield_now().await;
                drop(all);
            };
            timeout(AT_ONCE, async { tokio::join!(all(&one), all(&other)) }).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_used_leaves_a_process_alone() {
        let policy = BudgetPolicy {
            connections: 1,
            folder: Some("/proc/no-such-place".into()),
            ..BudgetPolicy::default()
        };
        let budget = Budget::new(&policy);
        let _held = timeout(AT_ONCE, budget.connection()).await.unwrap();
        timeout(NEVER, budget.connection()).await.unwrap_err();
    }
}
