//! The one thread that writes, and its group commit.
//!
//! Writes queue (in [`Lanes`]) while the disk is busy with the group before them; then all
//! that wait are done in one transaction and share one wait for the disk. Each
//! runs in a savepoint of its own, so that one that fails undoes itself only.
//! Nobody is answered before the group is on disk.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use trainyard_crashpoint::crash_point;

use crate::error::LedgerError;
use crate::job::{Job, Work};
use crate::lanes::{Lane, Lanes};

/// How many writes share one commit at most: enough to make the wait for the
/// disk cheap for each, few enough that the first need not wait long.
const GROUP: usize = 256;

/// What the writer has done since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Writes, those that failed included.
    pub writes: u64,
    /// Commits: what the disk was waited for.
    pub commits: u64,
}

#[derive(Default)]
struct Counters {
    writes: AtomicU64,
    commits: AtomicU64,
}

/// A handle on the writer's thread. Dropping it waits until all that was
/// queued is written.
pub(crate) struct Writer {
    lanes: Arc<Lanes>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Writer {
    /// Starts the thread, which owns the connection from now on.
    pub(crate) fn start(connection: Connection) -> io::Result<Self> {
        let lanes = Arc::new(Lanes::new());
        let counters = Arc::new(Counters::default());
        let (waiting, counted) = (Arc::clone(&lanes), Arc::clone(&counters));
        let thread = std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || serve(connection, &waiting, &counted))?;
        Ok(Self { lanes, thread: Some(thread), counters })
    }

    /// Does `work` in the transaction of some group; durable when it returns.
    ///
    /// Once the write is queued it happens, also when the caller goes away.
    pub(crate) async fn write<T, E, F>(&self, lane: Lane, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LedgerError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let (job, answer) = Work::new(work);
        self.lanes.push(lane, Box::new(job)).await?;
        answer.await.map_err(|_| LedgerError::NoAnswer)?
    }

    /// What was done so far.
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            writes: self.counters.writes.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends once both lanes are empty.
        self.lanes.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger's writer has panicked");
        }
    }
}

/// However the thread ends, its lanes do too.
struct End<'l>(&'l Lanes);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn serve(mut connection: Connection, lanes: &Lanes, counters: &Counters) {
    let _end = End(lanes);
    let mut waiting = Vec::new();
    loop {
        if waiting.is_empty() {
            waiting = lanes.take(GROUP);
        }
        if waiting.is_empty() {
            return;
        }
        waiting = commit_group(&mut connection, waiting, counters);
    }
}

/// Does a group in one transaction and answers it. What comes back was not
/// reached, because SQLite gave up the transaction before.
fn commit_group(
    connection: &mut Connection,
    group: Vec<Box<dyn Job>>,
    counters: &Counters,
) -> Vec<Box<dyn Job>> {
    let mut jobs = group.into_iter();
    let mut done = Vec::with_capacity(jobs.len());
    let end = run_group(connection, &mut jobs, &mut done).map_err(Arc::new);
    counters.writes.fetch_add(done.len() as u64, Ordering::Relaxed);
    if let Err(error) = &end {
        tracing::error!(%error, writes = done.len(), "a group of writes could not be made durable");
    } else {
        counters.commits.fetch_add(1, Ordering::Relaxed);
    }
    if done.is_empty() {
        // Not even begun: trying again at once would only spin.
        done.extend(jobs.by_ref());
    }
    for job in done {
        job.answer(end.clone());
    }
    jobs.collect()
}

fn run_group(
    connection: &mut Connection,
    jobs: &mut impl Iterator<Item = Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for mut job in jobs {
        let step = in_savepoint(&transaction, job.as_mut());
        done.push(job);
        step?;
        if transaction.is_autocommit() {
            // A full disk makes SQLite roll everything back by itself: the
            // commit below then fails, which is the truth for all in `done`.
            break;
        }
    }
    crash_point!("ledger.before_commit");
    transaction.commit()?;
    crash_point!("ledger.committed");
    Ok(())
}

fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let keep = job.run(connection);
    if connection.is_autocommit() {
        return Ok(());
    }
    if !keep {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, Connection) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("db");
        std::fs::write(&path, b"").unwrap();
        let connection = crate::connection::writer(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY)").unwrap();
        (home, connection)
    }

    fn insert(
        a: i64,
        after: Result<(), LedgerError>,
    ) -> impl FnOnce(&Connection) -> Result<i64, LedgerError> {
        move |connection| {
            connection
                .execute("INSERT INTO t (a) VALUES (?1)", [a])
                .map_err(|source| LedgerError::Database { query: "insert", source })?;
            after.map(|()| a)
        }
    }

    fn job<F>(work: F) -> (Box<dyn Job>, tokio::sync::oneshot::Receiver<Result<i64, LedgerError>>)
    where
        F: FnOnce(&Connection) -> Result<i64, LedgerError> + Send + 'static,
    {
        let (job, answer) = Work::new(work);
        (Box::new(job), answer)
    }

    fn rows(connection: &Connection) -> Vec<i64> {
        let mut statement = connection.prepare("SELECT a FROM t ORDER BY a").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_failing_or_panicking_write_undoes_itself_only() {
        let (_home, mut connection) = scratch();
        let (one, one_answer) = job(insert(1, Ok(())));
        let (two, two_answer) = job(insert(2, Err(LedgerError::NoAnswer)));
        let (three, three_answer) = job(|_: &Connection| panic!("a planted bug"));
        let (four, four_answer) = job(insert(1, Ok(())));
        let (five, five_answer) = job(insert(5, Ok(())));
        let counters = Counters::default();
        let left = commit_group(&mut connection, vec![one, two, three, four, five], &counters);
        assert!(left.is_empty());
        assert_eq!(counters.commits.load(Ordering::Relaxed), 1);
        assert_eq!(one_answer.blocking_recv().unwrap().unwrap(), 1);
        assert!(matches!(two_answer.blocking_recv().unwrap(), Err(LedgerError::NoAnswer)));
        assert!(matches!(three_answer.blocking_recv().unwrap(), Err(LedgerError::NoAnswer)));
        assert!(matches!(four_answer.blocking_recv().unwrap(), Err(LedgerError::Database { .. })));
        assert_eq!(five_answer.blocking_recv().unwrap().unwrap(), 5);
        assert_eq!(rows(&connection), [1, 5]);
    }

    #[test]
    fn when_sqlite_gives_up_the_transaction_nobody_is_told_a_lie() {
        let (_home, mut connection) = scratch();
        let (one, one_answer) = job(insert(1, Ok(())));
        // What a full disk does in the middle of a statement.
        let (two, two_answer) = job(|connection: &Connection| {
            connection
                .execute_batch("ROLLBACK")
                .map(|()| 2)
                .map_err(|source| LedgerError::Database { query: "rollback", source })
        });
        let (three, three_answer) = job(insert(3, Ok(())));
        let counters = Counters::default();
        let left = commit_group(&mut connection, vec![one, two, three], &counters);
        assert_eq!(left.len(), 1, "the third was not reached and goes on");
        assert!(matches!(one_answer.blocking_recv().unwrap(), Err(LedgerError::NotDurable { .. })));
        assert!(matches!(two_answer.blocking_recv().unwrap(), Err(LedgerError::NotDurable { .. })));
        assert!(commit_group(&mut connection, left, &counters).is_empty());
        assert_eq!(three_answer.blocking_recv().unwrap().unwrap(), 3);
        assert_eq!(rows(&connection), [3]);
    }
}
