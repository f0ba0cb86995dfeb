//! The one way in which a run's state moves.

use jiff::Timestamp;
use rusqlite::{Connection, named_params};
use trainyard_model::effect::Effect;
use trainyard_model::event::Event;
use trainyard_model::ids::RunId;
use trainyard_model::refusal::Refusal;
use trainyard_model::state::RunState;
use trainyard_model::transition::transition;

use crate::attempts::AttemptOutcome;
use crate::describe::describe;
use crate::error::LedgerError;
use crate::events::{self, EventNote};
use crate::ledger::Ledger;
use crate::record::RunRecord;
use crate::{column, runs, sql};

/// A transition that was made and is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The run as it is now.
    pub record: RunRecord,
    /// What has to be done because of it.
    pub effects: Vec<Effect>,
    /// The number of the event that tells of it.
    pub event_seq: u64,
}

/// Why an event was not applied. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// There is no such run.
    #[error("no such run is on record")]
    NotFound,
    /// The run's state does not take the event.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The record failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Applies an event to a run: reads its state, asks the transition
    /// function, keeps the new state and one event that tells of it, all in one
    /// transaction. Durable when it returns. The effects are the caller's to
    /// carry out, [`Effect::Forget`] included.
    ///
    /// `note` stands in the event's place when the caller knows better words
    /// than those made from the event.
    pub async fn apply(
        &self,
        id: &RunId,
        event: Event,
        now: Timestamp,
        note: Option<EventNote>,
    ) -> Result<Applied, ApplyError> {
        let id = id.clone();
        self.write(move |connection| apply(connection, &id, &event, now, note)).await
    }
}

fn apply(
    connection: &Connection,
    id: &RunId,
    event: &Event,
    now: Timestamp,
    note: Option<EventNote>,
) -> Result<Applied, ApplyError> {
    let runs::Found { mut record, run, last_event } =
        runs::find(connection, id)?.ok_or(ApplyError::NotFound)?;
    let (state, effects) = transition(&record.state, event.clone(), &record.definition.terms, now)?;
    let note = note.unwrap_or_else(|| describe(event, &state));
    let event_seq = last_event + 1;
    keep_attempt(connection, run, &record.state, &state, now)?;
    runs::keep_state(connection, run, &state, event_seq, now)?;
    events::insert(connection, run, event_seq, now, &note)?;
    crate::effects::keep(connection, run, &effects)?;
    record.state = state;
    record.changed_at = column::whole_micros(now);
    Ok(Applied { record, effects, event_seq })
}

/// The attempt that begins with this transition gets its row; the one that
/// ends with it gets its end.
fn keep_attempt(
    connection: &Connection,
    run: i64,
    before: &RunState,
    after: &RunState,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let live = |state: &RunState| state.live().map(|live| live.attempt);
    let (was, is) = (live(before), live(after));
    if was == is {
        return Ok(());
    }
    let at = now.as_microsecond();
    if let Some(ended) = was {
        let outcome = AttemptOutcome::told_by(after);
        let outcome = outcome.map(|outcome| column::to_json(&outcome, "outcome")).transpose()?;
        let params = named_params! {
            ":run": run, ":attempt": ended.0, ":at": at, ":outcome": outcome,
        };
        sql::ATTEMPT_END.execute(connection, params)?;
    }
    if let Some(begun) = is {
        let params = named_params! { ":run": run, ":attempt": begun.0, ":at": at };
        sql::ATTEMPT_OPEN.execute(connection, params)?;
    }
    Ok(())
}
