//! Instances: what users of a server have in common, by an id that clients name.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use trainyard_model::ids::UserName;
use uuid::Uuid;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::{column, sql};

/// An instance on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRecord {
    /// Its id.
    pub id: Uuid,
    /// The operator's name for it.
    pub name: String,
    /// Who belongs to it, by name.
    pub members: Vec<UserName>,
    /// When it was made, in whole microseconds.
    pub created_at: Timestamp,
}

impl InstanceRecord {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        Ok(Self {
            id: column::parsed(row, "id", |bytes: Vec<u8>| Uuid::from_slice(&bytes))?,
            name: column::plain(row, "name")?,
            members: Vec::new(),
            created_at: column::time(row, "created_at")?,
        })
    }

    fn with_members(mut self, connection: &Connection) -> Result<Self, LedgerError> {
        let params = named_params! { ":id": self.id.into_bytes() };
        let name = |row: &Row<'_>| column::plain(row, "user").map(UserName);
        self.members = sql::INSTANCE_MEMBERS.all(connection, params, name)?;
        Ok(self)
    }
}

impl Ledger {
    /// Puts an instance on record. `false` when its name or id is taken.
    pub async fn add_instance(&self, new: InstanceRecord) -> Result<bool, LedgerError> {
        self.write(move |connection| {
            let params = named_params! {
                ":id": new.id.into_bytes(), ":name": new.name,
                ":now": new.created_at.as_microsecond(),
            };
            if sql::INSTANCE_INSERT.first(connection, params, |_| Ok(()))?.is_none() {
                return Ok(false);
            }
            for member in &new.members {
                let params = named_params! { ":id": new.id.into_bytes(), ":user": member.0 };
                sql::INSTANCE_MEMBER_ADD.execute(connection, params)?;
            }
            Ok(true)
        })
        .await
    }

    /// The instance of this id.
    pub async fn instance(&self, id: Uuid) -> Result<Option<InstanceRecord>, LedgerError> {
        self.read(move |connection| {
            let params = named_params! { ":id": id.into_bytes() };
            let found = sql::INSTANCE_BY_ID.first(connection, params, InstanceRecord::read)?;
            found.map(|instance| instance.with_members(connection)).transpose()
        })
        .await
    }

    /// All instances, by name.
    pub async fn instances(&self) -> Result<Vec<InstanceRecord>, LedgerError> {
        self.read(|connection| {
            let found = sql::INSTANCES_ALL.all(connection, [], InstanceRecord::read)?;
            found.into_iter().map(|instance| instance.with_members(connection)).collect()
        })
        .await
    }

    /// Makes somebody a member, or no member any more. `false` when there is no such
    /// instance.
    pub async fn set_membership(
        &self,
        id: Uuid,
        user: &UserName,
        belongs: bool,
    ) -> Result<bool, LedgerError> {
        let user = user.clone();
        self.write(move |connection| {
            let by_id = named_params! { ":id": id.into_bytes() };
            if sql::INSTANCE_BY_ID.first(connection, by_id, |_| Ok(()))?.is_none() {
                return Ok(false);
            }
            let query =
                if belongs { sql::INSTANCE_MEMBER_ADD } else { sql::INSTANCE_MEMBER_REMOVE };
            let params = named_params! { ":id": id.into_bytes(), ":user": user.0 };
            query.execute(connection, params)?;
            Ok(true)
        })
        .await
    }

    /// Removes an instance; what its members made stays theirs. `false` when there is none.
    pub async fn delete_instance(&self, id: Uuid) -> Result<bool, LedgerError> {
        self.write(move |connection| {
            let params = named_params! { ":id": id.into_bytes() };
            Ok(sql::INSTANCE_DELETE.execute(connection, params)? > 0)
        })
        .await
    }
}
