//! Attempts: their tokens, their handles, and which messages were taken.
//!
//! An attempt's row begins with the transition that places it (`apply`).

use rusqlite::{Connection, named_params};
use serde_json::Value;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId};

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::{column, sql};

impl Ledger {
    /// Puts a token of an attempt's learner into service, by its SHA-256. An
    /// attempt may have several, when its learner was started twice.
    ///
    /// # Errors
    /// [`LedgerError::UnknownAttempt`] before the attempt is placed,
    /// [`LedgerError::AttemptClosed`] once it is closed.
    pub async fn put_attempt_token(
        &self,
        id: &AttemptId,
        token_hash: [u8; 32],
    ) -> Result<(), LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let found = find(connection, &id)?;
            if found.closed {
                return Err(LedgerError::AttemptClosed(id));
            }
            let params = named_params! {
                ":hash": token_hash, ":run": found.run, ":attempt": id.attempt.0,
            };
            sql::ATTEMPT_TOKEN_INSERT.execute(connection, params).map(drop)
        })
        .await
    }

    /// The attempt that the token with this SHA-256 speaks for.
    pub async fn attempt_of_token(
        &self,
        token_hash: [u8; 32],
    ) -> Result<Option<AttemptId>, LedgerError> {
        self.read(move |connection| {
            let params = named_params! { ":hash": token_hash };
            sql::ATTEMPT_OF_TOKEN.first(connection, params, |row| {
                Ok(AttemptId {
                    run: column::parsed(row, "id", |id: String| id.parse::<RunId>())?,
                    attempt: AttemptNo(column::plain(row, "attempt")?),
                })
            })
        })
        .await
    }

    /// Takes the tokens of an attempt out of service, for good. An attempt that
    /// is not on record (any more) has none, which is as well.
    pub async fn close_attempt(&self, id: &AttemptId) -> Result<(), LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let run = match find(connection, &id) {
                Ok(found) => found.run,
                Err(LedgerError::UnknownAttempt(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
            let params = named_params! { ":run": run, ":attempt": id.attempt.0 };
            sql::ATTEMPT_TOKENS_DELETE.execute(connection, params)?;
            sql::ATTEMPT_CLOSE.execute(connection, params).map(drop)
        })
        .await
    }

    /// Keeps what the engine needs to find the attempt's learner again.
    ///
    /// # Errors
    /// [`LedgerError::UnknownAttempt`] when there is no such attempt.
    pub async fn set_attempt_handle(
        &self,
        id: &AttemptId,
        handle: Value,
    ) -> Result<(), LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let params = named_params! {
                ":run": find(connection, &id)?.run,
                ":attempt": id.attempt.0,
                ":handle": column::to_json(&handle, "handle")?,
            };
            sql::ATTEMPT_SET_HANDLE.execute(connection, params).map(drop)
        })
        .await
    }

    /// Forgets the handle of a learner that is gone: the attempt needs another.
    ///
    /// # Errors
    /// [`LedgerError::UnknownAttempt`] when there is no such attempt.
    pub async fn clear_attempt_handle(&self, id: &AttemptId) -> Result<(), LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let run = find(connection, &id)?.run;
            let params = named_params! { ":run": run, ":attempt": id.attempt.0 };
            sql::ATTEMPT_CLEAR_HANDLE.execute(connection, params).map(drop)
        })
        .await
    }

    /// What the engine needs to find the attempt's learner again, once it was kept.
    pub async fn attempt_handle(&self, id: &AttemptId) -> Result<Option<Value>, LedgerError> {
        let id = id.clone();
        self.read(move |connection| {
            let params = named_params! { ":id": id.run.as_str(), ":attempt": id.attempt.0 };
            let handle = sql::ATTEMPT_HANDLE.first(connection, params, |row| {
                column::parsed(row, "handle", |text| {
                    let text: Option<String> = text;
                    text.map(|text| serde_json::from_str(&text)).transpose()
                })
            })?;
            Ok(handle.flatten())
        })
        .await
    }

    /// Marks a learner's message as taken. `false`: it, or a later one, was
    /// taken before. Numbers begin at 1.
    ///
    /// # Errors
    /// [`LedgerError::UnknownAttempt`] when there is no such attempt.
    pub async fn take_message(&self, id: &AttemptId, seq: u64) -> Result<bool, LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let params = named_params! {
                ":run": find(connection, &id)?.run,
                ":attempt": id.attempt.0,
                ":seq": column::to_integer(seq, "last_message")?,
            };
            Ok(sql::ATTEMPT_TAKE_MESSAGE.execute(connection, params)? > 0)
        })
        .await
    }

    /// The newest message taken from an attempt's learner, 0 before the first;
    /// `None` when there is no such attempt.
    pub async fn last_message(&self, id: &AttemptId) -> Result<Option<u64>, LedgerError> {
        let id = id.clone();
        self.read(move |connection| {
            let params = named_params! { ":id": id.run.as_str(), ":attempt": id.attempt.0 };
            sql::ATTEMPT_LAST_MESSAGE
                .first(connection, params, |row| column::count(row, "last_message"))
        })
        .await
    }
}

struct Found {
    run: i64,
    closed: bool,
}

fn find(connection: &Connection, id: &AttemptId) -> Result<Found, LedgerError> {
    let params = named_params! { ":id": id.run.as_str(), ":attempt": id.attempt.0 };
    sql::ATTEMPT_FIND
        .first(connection, params, |row| {
            Ok(Found { run: column::plain(row, "run")?, closed: column::plain(row, "closed")? })
        })?
        .ok_or_else(|| LedgerError::UnknownAttempt(id.clone()))
}
