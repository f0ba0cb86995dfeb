//! One write on its way to the writer's thread and back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::LedgerError;

/// A write whose result type is forgotten, so that all kinds can queue.
pub(crate) trait Job: Send {
    /// Does the write inside the group's transaction. `false`: it failed or
    /// refused, and whatever it did has to be undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells whoever waits how it ended, once the group is or is not on disk.
    fn answer(self: Box<Self>, group: Result<(), Arc<rusqlite::Error>>);
}

/// A write and the place where its answer is awaited.
pub(crate) struct Work<T, E, F> {
    todo: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Work<T, E, F> {
    pub(crate) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { todo: Some(work), result: None, reply }, answer)
    }
}

impl<T, E, F> Job for Work<T, E, F>
where
    T: Send,
    E: From<LedgerError> + Send,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.todo.take() else { return false };
        // A bug in one write must not take the writer's thread, and with it
        // every later write, along. Its savepoint is undone and nobody answers.
        self.result = catch_unwind(AssertUnwindSafe(|| work(connection))).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, group: Result<(), Arc<rusqlite::Error>>) {
        let result = match (self.result, group) {
            (Some(Ok(_)) | None, Err(source)) => Err(LedgerError::NotDurable { source }.into()),
            (Some(result), _) => result,
            (None, Ok(())) => Err(LedgerError::NoAnswer.into()),
        };
        // Whoever asked may have gone; the write stands all the same.
        drop(self.reply.send(result));
    }
}
