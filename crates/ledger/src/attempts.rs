//! Attempts: their tokens, their handles, and which messages were taken.
//!
//! An attempt's row begins with the transition that places it (`apply`).

use jiff::Timestamp;
use rusqlite::{Connection, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_model::cause::Cause;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId, UserName};
use trainyard_model::state::{Outcome, RunState};

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::{column, sql};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The program exited with 0 and everything is stored.
    Completed,
    /// Something went wrong; whether another attempt followed is told by that one.
    Failed {
        /// What.
        cause: Cause,
    },
    /// A user ended it for good.
    Canceled {
        /// Who.
        by: UserName,
    },
    /// A user ended it, and the run may be resumed.
    Halted {
        /// Who.
        by: UserName,
    },
}

impl AttemptOutcome {
    /// What the state after an attempt's end says of it.
    pub(crate) fn told_by(after: &RunState) -> Option<Self> {
        match after {
            RunState::Queued(queued) => {
                queued.past.cause.clone().map(|cause| Self::Failed { cause })
            }
            RunState::Halted(halted) => Some(Self::Halted { by: halted.by.clone() }),
            RunState::Settled(settled) => Some(match settled.outcome.clone() {
                Outcome::Completed => Self::Completed,
                Outcome::Failed { cause } => Self::Failed { cause },
                Outcome::Canceled { by } => Self::Canceled { by },
            }),
            RunState::Live(_) | RunState::Canceling { .. } | RunState::Halting { .. } => None,
        }
    }
}

/// An attempt as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Which.
    pub attempt: AttemptNo,
    /// When its slots were given.
    pub opened_at: Timestamp,
    /// When it was over; `None` while it lives.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
}

impl Ledger {
    /// The attempts of a run, in their order; none for a run that is not on record.
    pub async fn attempts(&self, run: &RunId) -> Result<Vec<AttemptRecord>, LedgerError> {
        let run = run.clone();
        self.read(move |connection| {
            sql::ATTEMPTS_OF_RUN.all(connection, named_params! { ":id": run.as_str() }, |row| {
                Ok(AttemptRecord {
                    attempt: AttemptNo(column::plain(row, "attempt")?),
                    opened_at: column::time(row, "opened_at")?,
                    ended_at: column::parsed(row, "ended_at", |micros: Option<i64>| {
                        micros.map(Timestamp::from_microsecond).transpose()
                    })?,
                    outcome: column::parsed(row, "outcome", |text: Option<String>| {
                        text.map(|text| serde_json::from_str(&text)).transpose()
                    })?,
                })
            })
        })
        .await
    }

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
