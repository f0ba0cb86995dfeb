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

    /// The effects of the run's last transition have been carried out.
    pub async fn effects_done(&self, id: &RunId) -> Result<(), LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let params = named_params! { ":id": id.as_str() };
            sql::EFFECTS_DUE_DONE.execute(connection, params).map(drop)
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
    let mut due: Vec<Effect> =
        effects.iter().filter(|effect| must_be_kept(effect)).cloned().collect();
    if due.is_empty() {
        return Ok(());
    }
    let params = named_params! { ":run": run };
    let before = sql::EFFECTS_DUE_OF
        .first(connection, params, |row| column::json::<Vec<Effect>>(row, "effects"))?
        .unwrap_or_default();
    due.splice(0..0, before);
    let effects = column::to_json(&due, "effects")?;
    let params = named_params! { ":run": run, ":effects": effects };
    sql::EFFECTS_DUE_PUT.execute(connection, params).map(drop)
}

fn must_be_kept(effect: &Effect) -> bool {
    match effect {
        // The reconcilers see from the state what these are for.
        Effect::Schedule
        | Effect::Prepare
        | Effect::StartLearner { .. }
        | Effect::ReplaceLearner { .. }
        | Effect::TellLearnerToEnd { .. } => false,
        // A settled run is nobody's to look at any more.
        Effect::KillAttempt { .. } | Effect::CloseAttempt { .. } | Effect::Forget => true,
    }
}
