//! Users' tokens, known by their SHA-256 only.

use jiff::Timestamp;
use rusqlite::named_params;
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

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
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
        self.write(move |connection| {
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
        let now = Timestamp::now().as_microsecond();
        self.read(move |connection| {
            let params = named_params! { ":hash": hash, ":now": now };
            sql::TOKEN_USER.first(connection, params, |row| {
                let access = column::parsed(row, "access", |word: String| {
                    let access = Access::ALL.into_iter().find(|access| access.as_str() == word);
                    access.ok_or(DecodeError::Word(word))
                })?;
                Ok((UserName(column::plain(row, "user")?), access))
            })
        })
        .await
    }

    /// Takes a user's token out of service. `false` when it was not in service.
    pub async fn delete_token(&self, hash: [u8; 32]) -> Result<bool, LedgerError> {
        self.write(move |connection| {
            Ok(sql::TOKEN_DELETE.execute(connection, named_params! { ":hash": hash })? > 0)
        })
        .await
    }
}
