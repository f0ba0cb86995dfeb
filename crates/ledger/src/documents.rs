//! Documents of users: stored models, experiments, experiments' runs.
//!
//! They have one shape on record: an id, an owner, a text that is sealed as a whole (it may
//! name connections with their credentials), and beside it how the document stands, in the
//! words of its own kind, which `control` writes and reads.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use serde_json::Value;
use trainyard_model::ids::UserName;
use uuid::Uuid;

use crate::error::{DecodeError, LedgerError};
use crate::ledger::Ledger;
use crate::page::{self, Cursor, Page};
use crate::seal::{Purpose, Sealed, Sealer};
use crate::{column, sql};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A stored model.
    Model,
    /// An experiment.
    Experiment,
    /// A run of an experiment, which is its parent.
    ExperimentRun,
}

impl DocumentKind {
    const ALL: [Self; 3] = [Self::Model, Self::Experiment, Self::ExperimentRun];

    fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Experiment => "experiment",
            Self::ExperimentRun => "experiment_run",
        }
    }
}

/// A document that is to be put on record.
#[derive(Clone)]
pub struct NewDocument {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// What it is.
    pub kind: DocumentKind,
    /// The document that it belongs to, and goes with.
    pub parent: Option<Uuid>,
    /// Whose it is.
    pub owner: UserName,
    /// The user's name for it.
    pub name: String,
    /// What the user sent; sealed before it touches the disk.
    pub document: Value,
    /// How it stands. Holds no secret.
    pub state: Value,
    /// Nothing is left to be done for it.
    pub settled: bool,
    /// When it came.
    pub created_at: Timestamp,
}

/// A document on record.
#[derive(Clone, PartialEq)]
pub struct DocumentRecord {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub kind: DocumentKind,
    /// The document that it belongs to.
    pub parent: Option<Uuid>,
    /// Whose it is.
    pub owner: UserName,
    /// The user's name for it.
    pub name: String,
    /// What the user sent. May hold secrets, which `Debug` therefore hides.
    pub document: Value,
    /// How it stands.
    pub state: Value,
    /// Nothing is left to be done for it.
    pub settled: bool,
    /// When it came, in whole microseconds.
    pub created_at: Timestamp,
    /// When it last changed, in whole microseconds.
    pub modified_at: Timestamp,
    /// Its place in the order of creation.
    pub position: u64,
}

impl std::fmt::Debug for NewDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewDocument").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DocumentRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DocumentRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A row whose document is still sealed: the reader's thread need not open it.
struct SealedDocument {
    record: DocumentRecord,
    sealed: Sealed,
}

impl SealedDocument {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let uuid = |bytes: Vec<u8>| Uuid::from_slice(&bytes);
        let parent: Option<Vec<u8>> = column::plain(row, "parent")?;
        let parent =
            if parent.is_some() { Some(column::parsed(row, "parent", uuid)?) } else { None };
        let record = DocumentRecord {
            id: column::parsed(row, "id", uuid)?,
            kind: column::parsed(row, "kind", |word: String| {
                let kind = DocumentKind::ALL.into_iter().find(|kind| kind.as_str() == word);
                kind.ok_or(DecodeError::Word(word))
            })?,
            parent,
            owner: UserName(column::plain(row, "owner")?),
            name: column::plain(row, "name")?,
            document: Value::Null,
            state: column::json(row, "state")?,
            settled: column::plain(row, "settled")?,
            created_at: column::time(row, "created_at")?,
            modified_at: column::time(row, "modified_at")?,
            position: column::count(row, "position")?,
        };
        Ok(Self { record, sealed: Sealed::read(row)? })
    }

    fn open(self, sealer: &Sealer) -> Result<DocumentRecord, LedgerError> {
        let document = sealer.open(Purpose::UserDocument(&self.record.id), &self.sealed)?;
        Ok(DocumentRecord { document, ..self.record })
    }
}

impl Ledger {
    /// Puts a document on record, durably when it returns, together with `more`, all or
    /// nothing.
    pub(crate) async fn create_document_with(
        &self,
        new: NewDocument,
        more: impl FnOnce(&Connection) -> Result<(), LedgerError> + Send + 'static,
    ) -> Result<DocumentRecord, LedgerError> {
        let sealed = self.sealer().seal(Purpose::UserDocument(&new.id), &new.document)?;
        let created_at = column::whole_micros(new.created_at);
        let mut record = DocumentRecord {
            id: new.id,
            kind: new.kind,
            parent: new.parent,
            owner: new.owner,
            name: new.name,
            document: new.document,
            state: new.state,
            settled: new.settled,
            created_at,
            modified_at: created_at,
            position: 0,
        };
        self.write_new(move |connection| {
            let params = named_params! {
                ":id": record.id.into_bytes(),
                ":kind": record.kind.as_str(),
                ":parent": record.parent.map(Uuid::into_bytes),
                ":owner": record.owner.0,
                ":name": record.name,
                ":key_id": sealed.key_id,
                ":nonce": sealed.nonce,
                ":ciphertext": sealed.ciphertext,
                ":state": column::to_json(&record.state, "state")?,
                ":settled": record.settled,
                ":now": record.created_at.as_microsecond(),
            };
            record.position = sql::DOCUMENT_INSERT
                .first(connection, params, |row| column::count(row, "position"))?
                .ok_or(LedgerError::DuplicateDocument(record.id))?;
            more(connection)?;
            Ok(record)
        })
        .await
    }

    /// Puts a document on record. Durable when it returns.
    ///
    /// # Errors
    /// [`LedgerError::DuplicateDocument`] when the id is taken.
    pub async fn create_document(&self, new: NewDocument) -> Result<DocumentRecord, LedgerError> {
        self.create_document_with(new, |_| Ok(())).await
    }

    /// The document of this kind and id.
    pub async fn document(
        &self,
        kind: DocumentKind,
        id: Uuid,
    ) -> Result<Option<DocumentRecord>, LedgerError> {
        let found = self
            .read(move |connection| {
                let params = named_params! { ":id": id.into_bytes(), ":kind": kind.as_str() };
                sql::DOCUMENT_BY_ID.first(connection, params, SealedDocument::read)
            })
            .await?;
        found.map(|sealed| sealed.open(self.sealer())).transpose()
    }

    /// A page of an owner's documents of one kind, newest first.
    pub async fn documents_of_owner(
        &self,
        kind: DocumentKind,
        owner: &UserName,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DocumentRecord>, LedgerError> {
        let owner = owner.clone();
        let page = self.read(move |connection| {
            let of = named_params! { ":kind": kind.as_str(), ":owner": owner.0 };
            let total = sql::DOCUMENTS_COUNT_OF_OWNER.number(connection, of)?;
            let rows = |connection: &Connection, before: i64, limit: i64| {
                let params = named_params! {
                    ":kind": kind.as_str(), ":owner": owner.0, ":before": before, ":limit": limit,
                };
                sql::DOCUMENTS_PAGE_OF_OWNER.all(connection, params, SealedDocument::read)
            };
            page::fill(connection, after, limit, rows, |sealed| sealed.record.position, total)
        });
        self.open_page(page.await?)
    }

    /// A page of the documents that belong to another, newest first.
    pub async fn documents_of_parent(
        &self,
        parent: Uuid,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DocumentRecord>, LedgerError> {
        let page = self.read(move |connection| {
            let parent = parent.into_bytes();
            let of = named_params! { ":parent": parent };
            let total = sql::DOCUMENTS_COUNT_OF_PARENT.number(connection, of)?;
            let rows = |connection: &Connection, before: i64, limit: i64| {
                let params =
                    named_params! { ":parent": parent, ":before": before, ":limit": limit };
                sql::DOCUMENTS_PAGE_OF_PARENT.all(connection, params, SealedDocument::read)
            };
            page::fill(connection, after, limit, rows, |sealed| sealed.record.position, total)
        });
        self.open_page(page.await?)
    }

    fn open_page(&self, page: Page<SealedDocument>) -> Result<Page<DocumentRecord>, LedgerError> {
        let Page { records, next, total_count } = page;
        let records = records.into_iter().map(|sealed| sealed.open(self.sealer()));
        Ok(Page { records: records.collect::<Result<_, _>>()?, next, total_count })
    }

    /// How many documents of one kind an owner has.
    pub async fn count_documents(
        &self,
        kind: DocumentKind,
        owner: &UserName,
    ) -> Result<u64, LedgerError> {
        let owner = owner.clone();
        self.read(move |connection| {
            let params = named_params! { ":kind": kind.as_str(), ":owner": owner.0 };
            let count = sql::DOCUMENTS_COUNT_OF_OWNER.number(connection, params)?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    /// The documents of one kind for which something is left to be done, oldest first.
    pub async fn unsettled_documents(
        &self,
        kind: DocumentKind,
    ) -> Result<Vec<DocumentRecord>, LedgerError> {
        let found = self
            .read(move |connection| {
                let params = named_params! { ":kind": kind.as_str() };
                sql::DOCUMENTS_UNSETTLED.all(connection, params, SealedDocument::read)
            })
            .await?;
        found.into_iter().map(|sealed| sealed.open(self.sealer())).collect()
    }

    /// Puts another text in the place of a document's. `false` when there is no such document.
    pub async fn replace_document(
        &self,
        id: Uuid,
        name: String,
        document: &Value,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let sealed = self.sealer().seal(Purpose::UserDocument(&id), document)?;
        self.write(move |connection| {
            let params = named_params! {
                ":id": id.into_bytes(), ":name": name, ":key_id": sealed.key_id,
                ":nonce": sealed.nonce, ":ciphertext": sealed.ciphertext,
                ":now": now.as_microsecond(),
            };
            Ok(sql::DOCUMENT_REPLACE.execute(connection, params)? > 0)
        })
        .await
    }

    /// Writes down how a document stands from now on. `false`, and nothing is written, when
    /// it does not stand as `seen` any more, or is not there.
    pub async fn move_document(
        &self,
        id: Uuid,
        seen: &Value,
        state: &Value,
        settled: bool,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let (seen, state) = (column::to_json(seen, "state")?, column::to_json(state, "state")?);
        self.write(move |connection| {
            let params = named_params! {
                ":id": id.into_bytes(), ":seen": seen, ":state": state, ":settled": settled,
                ":now": now.as_microsecond(),
            };
            Ok(sql::DOCUMENT_MOVE.execute(connection, params)? > 0)
        })
        .await
    }

    /// Removes a document and those that belong to it. `false` when there is none.
    pub async fn delete_document(&self, kind: DocumentKind, id: Uuid) -> Result<bool, LedgerError> {
        self.write(move |connection| {
            let params = named_params! { ":id": id.into_bytes(), ":kind": kind.as_str() };
            Ok(sql::DOCUMENT_DELETE.execute(connection, params)? > 0)
        })
        .await
    }
}
