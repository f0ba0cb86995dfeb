//! Users' tokens, known by their SHA-256 only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, named_params};
use serde::{Deserialize, Serialize};
use trainyard_model::ids::UserName;

use crate::error::{DecodeError, LedgerError};
use crate::ledger::Ledger;
use crate::{column, sql};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Looking only.
    Read,
    /// Everything that its user may do.
    Write,
}

impl Access {
    const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// The access that this word stands for.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == word)
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// Above so many all are forgotten and asked for again.
const REMEMBERED: usize = 1024;

/// Tokens that were asked for a moment ago: every request asks, and mostly for the same one.
/// What is put or deleted is forgotten, also by an answer that is still on its way.
#[derive(Default)]
pub(crate) struct KnownTokens(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    by_hash: HashMap<[u8; 32], Known>,
    /// Counts what was put and deleted.
    generation: u64,
}

/// What is on record about a token.
struct Known {
    user: UserName,
    access: Access,
    /// In microseconds since 1970.
    expires: Option<i64>,
}

impl KnownTokens {
    fn get(&self, hash: &[u8; 32], now: Timestamp) -> Option<(UserName, Access)> {
        let remembered = self.lock();
        let known = remembered.by_hash.get(hash)?;
        let good = known.expires.is_none_or(|expires| expires > now.as_microsecond());
        good.then(|| (known.user.clone(), known.access))
    }

    fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Keeps an answer to a question that was asked in this generation, if nothing has been
    /// put or deleted since.
    fn keep(&self, hash: [u8; 32], known: Known, asked_in: u64) {
        let mut remembered = self.lock();
        if remembered.generation != asked_in {
            return;
        }
        if remembered.by_hash.len() >= REMEMBERED {
            remembered.by_hash.clear();
        }
        remembered.by_hash.insert(hash, known);
    }

    fn forget(&self, hash: &[u8; 32]) {
        let mut remembered = self.lock();
        remembered.generation += 1;
        remembered.by_hash.remove(hash);
    }

    fn forget_all(&self) {
        let mut remembered = self.lock();
        remembered.generation += 1;
        remembered.by_hash.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Puts a user's token into service, by its SHA-256, until `expires`
    /// (`None`: for good). Putting it again changes what it is good for.
    /// Tokens whose time is over are removed on the way.
    pub async fn put_token(
        &self,
        hash: [u8; 32],
        user: UserName,
        access: Access,
        expires: Option<Timestamp>,
    ) -> Result<(), LedgerError> {
        let now = Timestamp::now().as_microsecond();
        self.write_token(hash, move |connection| {
            sql::TOKENS_EXPIRE.execute(connection, named_params! { ":now": now })?;
            let params = named_params! {
                ":hash": hash,
                ":user": user.0,
                ":access": access.as_str(),
                ":expires": expires.map(Timestamp::as_microsecond),
            };
            sql::TOKEN_PUT.execute(connection, params).map(drop)
        })
        .await
    }

    /// Whose the token with this SHA-256 is and what it is good for, while its
    /// time lasts by this machine's clock.
    pub async fn user_of_token(
        &self,
        hash: [u8; 32],
    ) -> Result<Option<(UserName, Access)>, LedgerError> {
        let now = Timestamp::now();
        let known = self.known_tokens();
        if let Some(found) = known.get(&hash, now) {
            return Ok(Some(found));
        }
        let asked_in = known.generation();
        let found = self.read(move |connection| {
            let params = named_params! { ":hash": hash, ":now": now.as_microsecond() };
            sql::TOKEN_USER.first(connection, params, |row| {
                let access = column::parsed(row, "access", |word: String| {
                    Access::of(&word).ok_or(DecodeError::Word(word))
                })?;
                let expires: Option<i64> = column::plain(row, "expires")?;
                Ok(Known { user: UserName(column::plain(row, "user")?), access, expires })
            })
        });
        let Some(found) = found.await? else { return Ok(None) };
        let answer = (found.user.clone(), found.access);
        known.keep(hash, found, asked_in);
        Ok(Some(answer))
    }

    /// Takes a user's token out of service. `false` when it was not in service.
    pub async fn delete_token(&self, hash: [u8; 32]) -> Result<bool, LedgerError> {
        self.write_token(hash, move |connection| {
            Ok(sql::TOKEN_DELETE.execute(connection, named_params! { ":hash": hash })? > 0)
        })
        .await
    }

    /// Changes what is on record about many tokens, and then forgets all that was known.
    pub(crate) async fn write_tokens<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let ledger = self.clone();
        let changing = tokio::spawn(async move {
            let changed = ledger.write(change).await;
            ledger.known_tokens().forget_all();
            changed
        });
        changing.await.map_err(|_| LedgerError::NoAnswer)?
    }

    /// Changes what is on record about a token, and then forgets what was known of it: in a
    /// task of its own, so that both happen whoever goes away in the middle.
    async fn write_token<T: Send + 'static>(
        &self,
        hash: [u8; 32],
        change: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let ledger = self.clone();
        let changing = tokio::spawn(async move {
            let changed = ledger.write(change).await;
            ledger.known_tokens().forget(&hash);
            changed
        });
        changing.await.map_err(|_| LedgerError::NoAnswer)?
    }
}
