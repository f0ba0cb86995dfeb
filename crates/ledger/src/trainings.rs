//! The trainings of experiments' runs: which run each is, what a trial was given, how it ended.
//!
//! These rows are all that a search for hyperparameters remembers. A trial's parameters are
//! on record before its run is submitted, and its outcome is written once.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_model::ids::{Digest, RunId};
use uuid::Uuid;

use crate::documents::{DocumentRecord, NewDocument};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::{column, sql};

/// One training of an experiment's run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingRecord {
    /// The experiment's run.
    pub experiment_run: Uuid,
    /// Which of the experiment's references, from 0.
    pub reference: u32,
    /// Which trial of a search, from 0; `None` for the reference's own training, which for
    /// a search is the parent of the trials.
    pub trial: Option<u32>,
    /// The id of its run. The run may not be on record yet, or no longer.
    pub run: RunId,
    /// The zip, in the reference's own training.
    pub code: Option<Digest>,
    /// What a search takes its chance from, in the reference's own training.
    pub seed: Option<u64>,
    /// What a trial was given: name and value, in the order of the space.
    pub parameters: Option<Vec<(String, Value)>>,
    /// When it came about, in whole microseconds.
    pub submitted_at: Timestamp,
    /// Its run was submitted. If there is no such run, it was deleted since.
    pub begun: bool,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub outcome: Option<TrainingOutcome>,
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TrainingOutcome {
    /// The program ended well.
    Completed {
        /// A trial: the value of the objective, if it reported one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        objective: Option<f64>,
    },
    /// It did not.
    Failed {
        /// One line.
        message: String,
    },
    /// Somebody ended it.
    Canceled,
}

impl TrainingRecord {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let trial: i64 = column::plain(row, "trial")?;
        let seed: Option<i64> = column::plain(row, "seed")?;
        let json = |name| -> Result<Option<String>, LedgerError> { column::plain(row, name) };
        Ok(Self {
            experiment_run: column::parsed(row, "experiment_run", |bytes: Vec<u8>| {
                Uuid::from_slice(&bytes)
            })?,
            reference: column::parsed(row, "reference", |number: i64| u32::try_from(number))?,
            trial: u32::try_from(trial).ok(),
            run: column::parsed(row, "run", |text: String| text.parse::<RunId>())?,
            code: column::plain::<Option<String>>(row, "code")?.map(Digest),
            seed: seed.map(i64::cast_unsigned),
            parameters: if json("parameters")?.is_some() {
                Some(column::json(row, "parameters")?)
            } else {
                None
            },
            submitted_at: column::time(row, "submitted_at")?,
            begun: column::plain(row, "begun")?,
            ended_at: if column::plain::<Option<i64>>(row, "ended_at")?.is_some() {
                Some(column::time(row, "ended_at")?)
            } else {
                None
            },
            outcome: if json("outcome")?.is_some() {
                Some(column::json(row, "outcome")?)
            } else {
                None
            },
        })
    }

    fn insert(&self, connection: &Connection) -> Result<bool, LedgerError> {
        let parameters = self.parameters.as_ref();
        let parameters =
            parameters.map(|given| column::to_json(given, "parameters")).transpose()?;
        let params = named_params! {
            ":experiment_run": self.experiment_run.into_bytes(),
            ":reference": self.reference,
            ":trial": self.trial.map_or(-1, i64::from),
            ":run": self.run.as_str(),
            ":code": self.code.as_ref().map(|code| &code.0),
            ":seed": self.seed.map(u64::cast_signed),
            ":parameters": parameters,
            ":now": self.submitted_at.as_microsecond(),
        };
        Ok(sql::TRAINING_INSERT.first(connection, params, |_| Ok(()))?.is_some())
    }
}

impl Ledger {
    /// Puts a run of an experiment on record with its references' trainings, all or nothing.
    pub async fn create_experiment_run(
        &self,
        new: NewDocument,
        trainings: Vec<TrainingRecord>,
    ) -> Result<DocumentRecord, LedgerError> {
        let id = new.id;
        self.create_document_with(new, move |connection| {
            for training in &trainings {
                if !training.insert(connection)? {
                    return Err(LedgerError::DuplicateDocument(id));
                }
            }
            Ok(())
        })
        .await
    }

    /// Puts a trial on record. `false` when there is one of its number, or its experiment's
    /// run is gone.
    pub async fn add_trial(&self, trial: TrainingRecord) -> Result<bool, LedgerError> {
        self.write(move |connection| {
            let params = named_params! {
                ":id": trial.experiment_run.into_bytes(), ":kind": "experiment_run",
            };
            if sql::DOCUMENT_BY_ID.first(connection, params, |_| Ok(()))?.is_none() {
                return Ok(false);
            }
            trial.insert(connection)
        })
        .await
    }

    /// The trainings of an experiment's run: for each reference its own, then its trials.
    pub async fn trainings(
        &self,
        experiment_run: Uuid,
    ) -> Result<Vec<TrainingRecord>, LedgerError> {
        self.read(move |connection| {
            let params = named_params! { ":experiment_run": experiment_run.into_bytes() };
            sql::TRAININGS_OF.all(connection, params, TrainingRecord::read)
        })
        .await
    }

    /// The training whose run has this id.
    pub async fn training_of_run(
        &self,
        run: &RunId,
    ) -> Result<Option<TrainingRecord>, LedgerError> {
        let run = run.clone();
        self.read(move |connection| {
            let params = named_params! { ":run": run.as_str() };
            sql::TRAINING_OF_RUN.first(connection, params, TrainingRecord::read)
        })
        .await
    }

    /// Writes down that a training's run was submitted.
    pub async fn begin_training(&self, run: &RunId) -> Result<(), LedgerError> {
        let run = run.clone();
        self.write(move |connection| {
            let params = named_params! { ":run": run.as_str() };
            sql::TRAINING_BEGIN.execute(connection, params).map(drop)
        })
        .await
    }

    /// Writes down how a training ended. `false` when that was done before.
    pub async fn end_training(
        &self,
        run: &RunId,
        outcome: &TrainingOutcome,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let run = run.clone();
        let outcome = column::to_json(outcome, "outcome")?;
        self.write(move |connection| {
            let params = named_params! {
                ":run": run.as_str(), ":outcome": outcome, ":now": now.as_microsecond(),
            };
            Ok(sql::TRAINING_END.execute(connection, params)? > 0)
        })
        .await
    }
}
