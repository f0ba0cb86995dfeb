//! Stored training definitions (`/v3/ml_assets/training_definitions`).
//!
//! The document is sealed as a whole: it is the user's own, and may name
//! connections with their credentials.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use serde_json::Value;
use trainyard_model::ids::{DefinitionId, Digest, UserName};
use uuid::Uuid;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::page::{self, Cursor, Page};
use crate::seal::{Purpose, Sealed, Sealer};
use crate::{column, sql};

/// A training definition that is to be put on record.
#[derive(Clone)]
pub struct NewDefinition {
    /// Its id, made by the caller.
    pub id: DefinitionId,
    /// Whose it is.
    pub owner: UserName,
    /// The user's name for it.
    pub name: String,
    /// What the user sent; sealed before it touches the disk.
    pub document: Value,
    /// When it came.
    pub created_at: Timestamp,
}

/// A training definition on record.
#[derive(Clone, PartialEq, Eq)]
pub struct DefinitionRecord {
    /// Its id.
    pub id: DefinitionId,
    /// Whose it is.
    pub owner: UserName,
    /// The user's name for it.
    pub name: String,
    /// What the user sent. May hold secrets, which `Debug` therefore hides.
    pub document: Value,
    /// Its zip, once it was put.
    pub content: Option<Digest>,
    /// When it came, in whole microseconds.
    pub created_at: Timestamp,
    /// Its place in the order of creation; never used again for another.
    pub position: u64,
}

impl std::fmt::Debug for NewDefinition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewDefinition").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DefinitionRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DefinitionRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A row whose document is still sealed: the reader's thread need not open it.
struct SealedRecord {
    record: DefinitionRecord,
    sealed: Sealed,
}

impl SealedRecord {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let record = DefinitionRecord {
            id: DefinitionId(column::parsed(row, "id", |bytes: Vec<u8>| Uuid::from_slice(&bytes))?),
            owner: UserName(column::plain(row, "owner")?),
            name: column::plain(row, "name")?,
            document: Value::Null,
            content: column::plain::<Option<String>>(row, "content")?.map(Digest),
            created_at: column::time(row, "created_at")?,
            position: column::count(row, "position")?,
        };
        Ok(Self { record, sealed: Sealed::read(row)? })
    }

    fn open(self, sealer: &Sealer) -> Result<DefinitionRecord, LedgerError> {
        let document = sealer.open(Purpose::Document(&self.record.id), &self.sealed)?;
        Ok(DefinitionRecord { document, ..self.record })
    }
}

impl Ledger {
    /// Puts a training definition on record. Durable when it returns.
    ///
    /// # Errors
    /// [`LedgerError::DuplicateDefinition`] when the id is taken.
    pub async fn create_definition(
        &self,
        new: NewDefinition,
    ) -> Result<DefinitionRecord, LedgerError> {
        let sealed = self.sealer().seal(Purpose::Document(&new.id), &new.document)?;
        let mut record = DefinitionRecord {
            id: new.id,
            owner: new.owner,
            name: new.name,
            document: new.document,
            content: None,
            created_at: column::whole_micros(new.created_at),
            position: 0,
        };
        self.write_new(move |connection| {
            let params = named_params! {
                ":id": record.id.0.into_bytes(),
                ":owner": record.owner.0,
                ":name": record.name,
                ":key_id": sealed.key_id,
                ":nonce": sealed.nonce,
                ":ciphertext": sealed.ciphertext,
                ":created_at": record.created_at.as_microsecond(),
            };
            record.position = sql::DEFINITION_INSERT
                .first(connection, params, |row| column::count(row, "position"))?
                .ok_or(LedgerError::DuplicateDefinition(record.id))?;
            Ok(record)
        })
        .await
    }

    /// Keeps which zip belongs to a training definition. `false` when there is
    /// no such definition.
    pub async fn set_definition_content(
        &self,
        id: DefinitionId,
        content: Digest,
    ) -> Result<bool, LedgerError> {
        self.write(move |connection| {
            let params = named_params! { ":id": id.0.into_bytes(), ":content": content.0 };
            Ok(sql::DEFINITION_SET_CONTENT.execute(connection, params)? > 0)
        })
        .await
    }

    /// The training definition of this id.
    pub async fn definition(
        &self,
        id: DefinitionId,
    ) -> Result<Option<DefinitionRecord>, LedgerError> {
        let found = self
            .read(move |connection| {
                let params = named_params! { ":id": id.0.into_bytes() };
                sql::DEFINITION_BY_ID.first(connection, params, SealedRecord::read)
            })
            .await?;
        found.map(|sealed| sealed.open(self.sealer())).transpose()
    }

    /// A page of the list of training definitions, newest first: those of
    /// `owner`, or of everybody.
    pub async fn definitions_page(
        &self,
        owner: Option<&UserName>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DefinitionRecord>, LedgerError> {
        let owner = owner.cloned();
        let Page { records, next, total_count } = self
            .read(move |connection| definitions_page(connection, owner.as_ref(), after, limit))
            .await?;
        let records = records.into_iter().map(|sealed| sealed.open(self.sealer()));
        Ok(Page { records: records.collect::<Result<_, _>>()?, next, total_count })
    }

    /// Removes a training definition; runs made from it stay. `false` when
    /// there was no such definition.
    pub async fn delete_definition(&self, id: DefinitionId) -> Result<bool, LedgerError> {
        self.write(move |connection| {
            let params = named_params! { ":id": id.0.into_bytes() };
            Ok(sql::DEFINITION_DELETE.execute(connection, params)? > 0)
        })
        .await
    }
}

fn definitions_page(
    connection: &Connection,
    owner: Option<&UserName>,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page<SealedRecord>, LedgerError> {
    let owner = owner.map(|owner| owner.0.as_str());
    let total = match owner {
        None => sql::DEFINITIONS_COUNT.number(connection, []),
        Some(owner) => {
            sql::DEFINITIONS_COUNT_OF_OWNER.number(connection, named_params! { ":owner": owner })
        }
    }?;
    let rows = |connection: &Connection, before: i64, limit: i64| match owner {
        None => {
            let params = named_params! { ":before": before, ":limit": limit };
            sql::DEFINITIONS_PAGE.all(connection, params, SealedRecord::read)
        }
        Some(owner) => {
            let params = named_params! { ":owner": owner, ":before": before, ":limit": limit };
            sql::DEFINITIONS_PAGE_OF_OWNER.all(connection, params, SealedRecord::read)
        }
    };
    page::fill(connection, after, limit, rows, |sealed| sealed.record.position, total)
}
