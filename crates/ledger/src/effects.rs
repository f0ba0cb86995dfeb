//! Effects that must not be forgotten.
//!
//! A transition and the effects that end an attempt or a run's history are one
//! transaction. Whoever carries them out says so afterwards; after a crash in
//! between they are found here and carried out again, which they bear.

use rusqlite::{Connection, named_params};
use trainyard_model::effect::Effect;
use trainyard_model::ids::RunId;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::record::RunRecord;
use crate::{column, sql};

impl Ledger {
    /// Every run with effects that nobody has said to be done, and these effects in their order.
    pub async fn effects_due(&self) -> Result<Vec<(RunRecord, Vec<Effect>)>, LedgerError> {
        self.read(|connection| {
            sql::EFFECTS_DUE_ALL.all(connection, [], |row| {
                Ok((RunRecord::read(row)?, column::json(row, "effects")?))
            })
        })
        .await
    }

    /// The effects of one run that nobody has said to be done, in their order.
    pub async fn effects_due_of(&self, id: &RunId) -> Result<Vec<Effect>, LedgerError> {
        let id = id.clone();
        self.read(move |connection| due(connection, position(connection, &id)?)).await
    }

    /// One more effect for a run, behind those that are due. A run that is not on record
    /// needs none.
    pub async fn add_effect_due(&self, id: &RunId, effect: Effect) -> Result<(), LedgerError> {
        let id = id.clone();
        self.write(move |connection| match position(connection, &id)? {
            Some(run) => keep(connection, run, std::slice::from_ref(&effect)),
            None => Ok(()),
        })
        .await
    }

    /// These effects of the run, the first that are due, have been carried out. What was
    /// added behind them meanwhile stays.
    pub async fn effects_done(&self, id: &RunId, done: &[Effect]) -> Result<(), LedgerError> {
        let (id, done) = (id.clone(), done.to_vec());
        self.write(move |connection| {
            // A run that was forgotten has taken its effects with it.
            let Some(run) = position(connection, &id)? else { return Ok(()) };
            let mut left = due(connection, Some(run))?;
            let same = left.iter().zip(&done).take_while(|(left, done)| left == done).count();
            left.drain(..same);
            if left.is_empty() {
                let params = named_params! { ":run": run };
                return sql::EFFECTS_DUE_DONE.execute(connection, params).map(drop);
            }
            put(connection, run, &left)
        })
        .await
    }
}

/// Keeps those effects that nobody would find out from the state alone.
pub(crate) fn keep(
    connection: &Connection,
    run: i64,
    effects: &[Effect],
) -> Result<(), LedgerError> {
    let mut fresh = effects.iter().filter(|effect| effect.must_be_kept()).cloned().peekable();
    if fresh.peek().is_none() {
        return Ok(());
    }
    let mut all = due(connection, Some(run))?;
    all.extend(fresh);
    put(connection, run, &all)
}

fn due(connection: &Connection, run: Option<i64>) -> Result<Vec<Effect>, LedgerError> {
    let Some(run) = run else { return Ok(Vec::new()) };
    let found = sql::EFFECTS_DUE_OF
        .first(connection, named_params! { ":run": run }, |row| column::json(row, "effects"))?;
    Ok(found.unwrap_or_default())
}

fn put(connection: &Connection, run: i64, effects: &[Effect]) -> Result<(), LedgerError> {
    let effects = column::to_json(&effects, "effects")?;
    let params = named_params! { ":run": run, ":effects": effects };
    sql::EFFECTS_DUE_PUT.execute(connection, params).map(drop)
}

/// A run's row; `None` for one that is not on record.
fn position(connection: &Connection, id: &RunId) -> Result<Option<i64>, LedgerError> {
    let params = named_params! { ":id": id.as_str() };
    sql::RUN_POSITION.first(connection, params, |row| column::plain(row, "position"))
}
