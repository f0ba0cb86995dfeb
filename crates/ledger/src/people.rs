//! Users, their passwords and API keys.
//!
//! The ledger keeps what the caller made of a password and of a key: the one is an Argon2
//! string, the other a SHA-256. The local user is not among them; a file only they can
//! read lets them in.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use trainyard_model::ids::UserName;

use crate::error::{DecodeError, LedgerError};
use crate::ledger::Ledger;
use crate::tokens::Access;
use crate::{column, sql};

/// A user who may log in.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The name.
    pub name: UserName,
    /// What is kept of the password: a PHC string.
    pub password: String,
    /// What the user may do.
    pub access: Access,
    /// When it was made, in whole microseconds.
    pub created_at: Timestamp,
    /// What the user's API keys are called.
    pub api_keys: Vec<String>,
}

impl std::fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserRecord").field("name", &self.name).finish_non_exhaustive()
    }
}

impl UserRecord {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        Ok(Self {
            name: UserName(column::plain(row, "name")?),
            password: column::plain(row, "password")?,
            access: column::parsed(row, "access", |word: String| {
                Access::of(&word).ok_or(DecodeError::Word(word))
            })?,
            created_at: column::time(row, "created_at")?,
            api_keys: Vec::new(),
        })
    }

    fn with_keys(mut self, connection: &Connection) -> Result<Self, LedgerError> {
        let params = named_params! { ":user": self.name.0 };
        self.api_keys =
            sql::API_KEYS_OF_USER.all(connection, params, |row| column::plain(row, "name"))?;
        Ok(self)
    }
}

impl Ledger {
    /// Puts a user on record. `false` when the name is taken, or was: what a user who was
    /// removed left behind must not become somebody else's.
    pub async fn add_user(
        &self,
        name: &UserName,
        password: String,
        access: Access,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let name = name.clone();
        self.write(move |connection| {
            let params = named_params! {
                ":name": name.0, ":password": password, ":access": access.as_str(),
                ":now": now.as_microsecond(),
            };
            Ok(sql::USER_INSERT.first(connection, params, |_| Ok(()))?.is_some())
        })
        .await
    }

    /// The user of this name, if it may log in.
    pub async fn user(&self, name: &UserName) -> Result<Option<UserRecord>, LedgerError> {
        let name = name.clone();
        self.read(move |connection| {
            let params = named_params! { ":name": name.0 };
            let found = sql::USER_BY_NAME.first(connection, params, UserRecord::read)?;
            found.map(|user| user.with_keys(connection)).transpose()
        })
        .await
    }

    /// All users who may log in, by name.
    pub async fn users(&self) -> Result<Vec<UserRecord>, LedgerError> {
        self.read(|connection| {
            let found = sql::USERS_ALL.all(connection, [], UserRecord::read)?;
            found.into_iter().map(|user| user.with_keys(connection)).collect()
        })
        .await
    }

    /// Gives a user another password and ends their logins; API keys stay. `false` when
    /// there is no such user.
    pub async fn set_password(
        &self,
        name: &UserName,
        password: String,
    ) -> Result<bool, LedgerError> {
        let name = name.clone();
        self.write_tokens(move |connection| {
            let params = named_params! { ":name": name.0, ":password": password };
            if sql::USER_SET_PASSWORD.execute(connection, params)? == 0 {
                return Ok(false);
            }
            let user = named_params! { ":user": name.0 };
            sql::LOGINS_DELETE_OF_USER.execute(connection, user)?;
            Ok(true)
        })
        .await
    }

    /// Takes away everything that lets a user in. Their runs stay, and the name stays taken.
    /// `false` when there is no such user.
    pub async fn remove_user(&self, name: &UserName, now: Timestamp) -> Result<bool, LedgerError> {
        let name = name.clone();
        self.write_tokens(move |connection| {
            let params = named_params! { ":name": name.0, ":now": now.as_microsecond() };
            if sql::USER_REMOVE.execute(connection, params)? == 0 {
                return Ok(false);
            }
            for query in [
                sql::API_KEYS_DELETE_OF_USER,
                sql::TOKENS_DELETE_OF_USER,
                sql::MEMBERSHIPS_DELETE_OF_USER,
            ] {
                query.execute(connection, named_params! { ":user": name.0 })?;
            }
            Ok(true)
        })
        .await
    }

    /// Puts an API key of a user into service, by its SHA-256. `false` when the user has
    /// one of this name, or is not there.
    pub async fn add_api_key(
        &self,
        user: &UserName,
        name: String,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let user = user.clone();
        self.write_tokens(move |connection| {
            let by_name = named_params! { ":name": user.0 };
            let Some(owner) = sql::USER_BY_NAME.first(connection, by_name, UserRecord::read)?
            else {
                return Ok(false);
            };
            let params = named_params! {
                ":user": user.0, ":name": name, ":hash": hash, ":now": now.as_microsecond(),
            };
            if sql::API_KEY_INSERT.first(connection, params, |_| Ok(()))?.is_none() {
                return Ok(false);
            }
            let token = named_params! {
                ":hash": hash, ":user": user.0, ":access": owner.access.as_str(),
                ":expires": None::<i64>,
            };
            sql::TOKEN_PUT.execute(connection, token)?;
            Ok(true)
        })
        .await
    }

    /// Takes an API key out of service. `false` when the user has none of this name.
    pub async fn remove_api_key(&self, user: &UserName, name: String) -> Result<bool, LedgerError> {
        let user = user.clone();
        self.write_tokens(move |connection| {
            let params = named_params! { ":user": user.0, ":name": name };
            let hash: Option<[u8; 32]> =
                sql::API_KEY_DELETE.first(connection, params, |row| column::plain(row, "hash"))?;
            let Some(hash) = hash else { return Ok(false) };
            sql::TOKEN_DELETE.execute(connection, named_params! { ":hash": hash })?;
            Ok(true)
        })
        .await
    }
}
