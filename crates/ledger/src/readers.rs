//! A few read-only connections, used on threads where waiting is allowed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::connection;
use crate::error::LedgerError;

/// How many questions are answered at once. Each is a matter of microseconds,
/// so more would only cost memory.
const READERS: usize = 4;

/// The pool.
#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
}

/// A connection that goes back to the pool, also when its user panics.
struct Lent {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

impl Readers {
    /// Opens the connections. The database must exist and be up to date.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let idle: Vec<Connection> =
            (0..READERS).map(|_| connection::reader(path)).collect::<Result<_, _>>()?;
        Ok(Self { free: Arc::new(Semaphore::new(idle.len())), idle: Arc::new(Mutex::new(idle)) })
    }

    /// Answers a question from one consistent view of the database, which holds
    /// all that was acknowledged before.
    pub(crate) async fn read<T, F>(&self, question: F) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit.map_err(|_| LedgerError::NoAnswer)?;
        let idle = Arc::clone(&self.idle);
        let answer = tokio::task::spawn_blocking(move || {
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut lent = Lent { connection, idle };
            let connection = lent.connection.as_mut().ok_or(LedgerError::NoAnswer)?;
            let answer = consistently(connection, question);
            drop(lent);
            // Only now may the next one look for a connection.
            drop(permit);
            answer
        });
        answer.await.map_err(|_| LedgerError::NoAnswer)?
    }
}

fn consistently<T>(
    connection: &mut Connection,
    question: impl FnOnce(&Connection) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let failed = |query| move |source| LedgerError::Database { query, source };
    let view = connection.transaction().map_err(failed("begin"))?;
    let answer = question(&view)?;
    view.commit().map_err(failed("commit"))?;
    Ok(answer)
}
