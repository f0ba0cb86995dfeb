//! Questions about runs, and their beginning and end on record.

use jiff::Timestamp;
use rusqlite::{Connection, named_params};
use trainyard_model::ids::{RunId, UserName};
use trainyard_model::room::Room;
use trainyard_model::state::{RunState, WireState};

use crate::error::LedgerError;
use crate::events::{self, EventNote};
use crate::ledger::Ledger;
use crate::page::{self, Cursor, Page, RunFilter};
use crate::record::{NewRun, RunRecord};
use crate::seal::Sealed;
use crate::{column, secrets, sql};

impl Ledger {
    /// Puts a run on record, with its sealed credentials and its first event
    /// (`submitted`, number 1). Durable when it returns.
    ///
    /// # Errors
    /// [`LedgerError::DuplicateRun`] when the id is taken, [`LedgerError::Busy`] when too many
    /// wait to be put on record.
    pub async fn submit(&self, run: NewRun) -> Result<RunRecord, LedgerError> {
        // JSON and sealing are done here, so that the writer has little to do.
        let sealed = secrets::seal(self.sealer(), &run.id, &run.secrets)?;
        let submitted_at = column::whole_micros(run.submitted_at);
        let record = RunRecord {
            id: run.id,
            owner: run.owner,
            definition: run.definition,
            code: run.code,
            stored_definition: run.stored_definition,
            state: RunState::submitted(),
            submitted_at,
            changed_at: submitted_at,
            position: 0,
        };
        let definition = column::to_json(&record.definition, "definition")?;
        let state = column::to_json(&record.state, "state")?;
        self.write_new(move |connection| {
            insert(connection, record, &definition, &state, sealed.as_ref())
        })
        .await
    }

    /// The run of this id.
    pub async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, LedgerError> {
        let id = id.clone();
        self.read(move |connection| {
            let params = named_params! { ":id": id.as_str() };
            sql::RUN_BY_ID.first(connection, params, RunRecord::read)
        })
        .await
    }

    /// A page of the list of runs, newest first: those of `owner`, or of
    /// everybody. Takes the same time however long the list is.
    pub async fn runs_page(
        &self,
        owner: Option<&UserName>,
        after: Option<Cursor>,
        limit: u32,
        filter: RunFilter,
    ) -> Result<Page<RunRecord>, LedgerError> {
        let owner = owner.cloned();
        self.read(move |connection| runs_page(connection, owner.as_ref(), after, limit, filter))
            .await
    }

    /// Every run that can still move, in the order of submission.
    pub async fn unsettled(&self) -> Result<Vec<RunRecord>, LedgerError> {
        self.read(|connection| sql::RUNS_UNSETTLED.all(connection, [], RunRecord::read)).await
    }

    /// Up to `limit` runs of all owners behind the position `after`, oldest first.
    pub async fn runs_oldest(&self, after: u64, limit: u32) -> Result<Vec<RunRecord>, LedgerError> {
        self.read(move |connection| {
            let params = named_params! {
                ":after": column::to_integer(after, "position")?,
                ":limit": limit,
            };
            sql::RUNS_OLDEST_PAGE.all(connection, params, RunRecord::read)
        })
        .await
    }

    /// Removes all that is on record about a run: its credentials, events,
    /// attempts and tokens with it. `false` when there was no such run.
    pub async fn forget(&self, id: &RunId) -> Result<bool, LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let params = named_params! { ":id": id.as_str() };
            Ok(sql::RUN_DELETE.execute(connection, params)? > 0)
        })
        .await
    }
}

fn insert(
    connection: &Connection,
    mut record: RunRecord,
    definition: &str,
    state: &str,
    sealed: Option<&Sealed>,
) -> Result<RunRecord, LedgerError> {
    let stored = record.stored_definition.map(|id| id.0.into_bytes());
    let params = named_params! {
        ":id": record.id.as_str(),
        ":owner": record.owner.0,
        ":definition": definition,
        ":code": record.code.0,
        ":stored_definition": stored,
        ":state": state,
        ":wire": record.state.wire().as_str(),
        ":submitted_at": record.submitted_at.as_microsecond(),
    };
    let position = sql::RUN_INSERT
        .first(connection, params, |row| column::count(row, "position"))?
        .ok_or_else(|| LedgerError::DuplicateRun(record.id.clone()))?;
    record.position = position;
    let run = column::to_integer(position, "position")?;
    if let Some(sealed) = sealed {
        let params = named_params! {
            ":run": run,
            ":key_id": sealed.key_id,
            ":nonce": sealed.nonce,
            ":ciphertext": sealed.ciphertext,
        };
        sql::SECRET_INSERT.execute(connection, params)?;
    }
    events::insert(connection, run, 1, record.submitted_at, &submitted(&record))?;
    Ok(record)
}

fn submitted(record: &RunRecord) -> EventNote {
    let RunRecord { definition, owner, .. } = record;
    EventNote {
        room: Room::Submit,
        kind: "submitted".to_owned(),
        message: format!(
            "submitted by {owner}: {} on {} slots",
            definition.framework,
            definition.size.slots()
        ),
        data: serde_json::json!({ "event": "submitted", "by": owner }),
    }
}

/// A run inside a transaction: its record, its key in the database, and the
/// number of its newest event.
pub(crate) struct Found {
    pub(crate) record: RunRecord,
    pub(crate) run: i64,
    pub(crate) last_event: u64,
}

/// Looks a run up inside a transaction.
pub(crate) fn find(connection: &Connection, id: &RunId) -> Result<Option<Found>, LedgerError> {
    sql::RUN_BY_ID.first(connection, named_params! { ":id": id.as_str() }, |row| {
        Ok(Found {
            record: RunRecord::read(row)?,
            run: column::plain(row, "position")?,
            last_event: column::count(row, "last_event")?,
        })
    })
}

/// Keeps a run's new state.
pub(crate) fn keep_state(
    connection: &Connection,
    run: i64,
    state: &RunState,
    last_event: u64,
    changed_at: Timestamp,
) -> Result<(), LedgerError> {
    let params = named_params! {
        ":run": run,
        ":state": column::to_json(state, "state")?,
        ":wire": state.wire().as_str(),
        ":settled": state.settled().is_some(),
        ":last_event": column::to_integer(last_event, "last_event")?,
        ":changed_at": changed_at.as_microsecond(),
    };
    sql::RUN_MOVE.execute(connection, params).map(drop)
}

fn runs_page(
    connection: &Connection,
    owner: Option<&UserName>,
    after: Option<Cursor>,
    limit: u32,
    filter: RunFilter,
) -> Result<Page<RunRecord>, LedgerError> {
    let owner = owner.map(|owner| owner.0.as_str());
    let wire = filter.wire.map(WireState::as_str);
    let total = match (owner, wire) {
        (None, None) => sql::RUNS_COUNT.number(connection, []),
        (Some(owner), None) => {
            sql::RUNS_COUNT_OF_OWNER.number(connection, named_params! { ":owner": owner })
        }
        (None, Some(wire)) => {
            sql::RUNS_COUNT_IN_STATE.number(connection, named_params! { ":wire": wire })
        }
        (Some(owner), Some(wire)) => sql::RUNS_COUNT_OF_OWNER_IN_STATE
            .number(connection, named_params! { ":owner": owner, ":wire": wire }),
    }?;
    let rows = |connection: &Connection, before: i64, limit: i64| match (owner, wire) {
        (None, None) => {
            let params = named_params! { ":before": before, ":limit": limit };
            sql::RUNS_PAGE.all(connection, params, RunRecord::read)
        }
        (Some(owner), None) => {
            let params = named_params! { ":owner": owner, ":before": before, ":limit": limit };
            sql::RUNS_PAGE_OF_OWNER.all(connection, params, RunRecord::read)
        }
        (None, Some(wire)) => {
            let params = named_params! { ":wire": wire, ":before": before, ":limit": limit };
            sql::RUNS_PAGE_IN_STATE.all(connection, params, RunRecord::read)
        }
        (Some(owner), Some(wire)) => {
            let params = named_params! {
                ":owner": owner, ":wire": wire, ":before": before, ":limit": limit,
            };
            sql::RUNS_PAGE_OF_OWNER_IN_STATE.all(connection, params, RunRecord::read)
        }
    };
    page::fill(connection, after, limit, rows, |record| record.position, total)
}
