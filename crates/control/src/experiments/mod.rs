//! Experiments: one training for each of their references, and searches for hyperparameters.
//!
//! An experiment is a document ([`checked`] when it is made or changed). A run of one freezes
//! the document and what its references name ([`frozen`]); its trainings are ordinary runs,
//! submitted and watched by a reconciler ([`working`]) whose only memory is the ledger. What
//! users see of them is made in [`view`]; a search's own log in [`story`].

mod checked;
mod frozen;
pub(crate) mod reading;
mod story;
mod view;
mod working;

pub use story::{SearchStory, StoryLine};

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_api::experiment::{ExperimentRunList, ExperimentRunResource};
use trainyard_ledger::{Cursor, DocumentKind, DocumentRecord, NewDocument, Page, TrainingRecord};
use trainyard_model::ids::{RunId, UserName};
use uuid::Uuid;

use crate::control::Control;
use crate::entropy;
use crate::problem::Problem;

use frozen::Frozen;

/// How a run of an experiment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum ExperimentState {
    /// Its trainings are under way.
    Running,
    /// Somebody wants it to end.
    Canceling {
        /// Who.
        by: String,
    },
    /// It has ended.
    Ended {
        /// How: `completed`, `error` or `canceled`.
        how: String,
        /// When.
        at: Timestamp,
    },
}

impl ExperimentState {
    fn of(record: &DocumentRecord) -> Result<Self, Problem> {
        serde_json::from_value(record.state.clone()).map_err(|source| Problem::Disk {
            what: "reading how an experiment's run stands",
            source: source.into(),
        })
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("it is plain data")
    }

    fn has_ended(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }
}

impl Control {
    /// Puts an experiment on record.
    ///
    /// # Errors
    /// [`Problem::Refused`] with all that is wrong with it.
    pub async fn create_experiment(
        &self,
        owner: &UserName,
        document: Value,
    ) -> Result<DocumentRecord, Problem> {
        let name = self.checked_experiment(owner, &document).await?;
        let new = NewDocument {
            id: Uuid::new_v4(),
            kind: DocumentKind::Experiment,
            parent: None,
            owner: owner.clone(),
            name,
            document,
            state: Value::Null,
            settled: true,
            created_at: Timestamp::now(),
        };
        Ok(self.ledger.create_document(new).await?)
    }

    /// Puts another document in the place of an experiment's. Runs of it keep the one that
    /// they were begun with.
    pub async fn change_experiment(
        &self,
        owner: &UserName,
        id: Uuid,
        document: Value,
    ) -> Result<DocumentRecord, Problem> {
        self.experiment(owner, id).await?;
        let name = self.checked_experiment(owner, &document).await?;
        if !self.ledger.replace_document(id, name, &document, Timestamp::now()).await? {
            return Err(Problem::EXPERIMENT);
        }
        self.experiment(owner, id).await
    }

    /// One experiment.
    pub async fn experiment(&self, owner: &UserName, id: Uuid) -> Result<DocumentRecord, Problem> {
        let found = self.ledger.document(DocumentKind::Experiment, id).await?;
        found.filter(|record| record.owner == *owner).ok_or(Problem::EXPERIMENT)
    }

    /// A page of experiments, newest first.
    pub async fn experiments(
        &self,
        owner: &UserName,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DocumentRecord>, Problem> {
        Ok(self.ledger.documents_of_owner(DocumentKind::Experiment, owner, after, limit).await?)
    }

    /// Removes an experiment with its runs and their trainings.
    pub async fn delete_experiment(
        self: &Arc<Self>,
        owner: &UserName,
        id: Uuid,
    ) -> Result<(), Problem> {
        self.experiment(owner, id).await?;
        loop {
            let page = self.ledger.documents_of_parent(id, None, 100).await?;
            if page.records.is_empty() {
                break;
            }
            for run in page.records {
                self.delete_experiment_run(owner, id, run.id).await?;
            }
        }
        self.ledger.delete_document(DocumentKind::Experiment, id).await?;
        Ok(())
    }

    /// Begins a run of an experiment: when it returns, it and its trainings are on record.
    ///
    /// # Errors
    /// [`Problem::Refused`] when a reference cannot be trained as things are now.
    pub async fn run_experiment(
        self: &Arc<Self>,
        owner: &UserName,
        id: Uuid,
        base_url: &str,
    ) -> Result<ExperimentRunResource, Problem> {
        let experiment = self.experiment(owner, id).await?;
        let frozen = self.freeze(owner, &experiment).await?;
        let run = Uuid::new_v4();
        let now = Timestamp::now();
        let own = |(index, reference): (usize, &frozen::Reference)| TrainingRecord {
            experiment_run: run,
            reference: u32::try_from(index).unwrap_or(u32::MAX),
            trial: None,
            run: entropy::run_id(),
            code: Some(reference.code.clone()),
            seed: reference.search.is_some().then(entropy::seed),
            parameters: None,
            submitted_at: now,
            begun: false,
            ended_at: None,
            outcome: None,
        };
        let trainings: Vec<_> = frozen.references.iter().enumerate().map(own).collect();
        let new = NewDocument {
            id: run,
            kind: DocumentKind::ExperimentRun,
            parent: Some(id),
            owner: owner.clone(),
            name: experiment.name.clone(),
            document: frozen.to_value(),
            state: ExperimentState::Running.to_value(),
            settled: false,
            created_at: now,
        };
        let control = Arc::clone(self);
        // A task of its own: the zips stay until the record names them, whoever hangs up.
        let recording = self.tasks.spawn(async move {
            let _on_the_way = control.blobs.on_the_way.read().await;
            let gone = trainings.iter().filter_map(|own| own.code.as_ref());
            if gone.into_iter().any(|code| !control.blobs.has(code)) {
                return Err(Problem::DEFINITION);
            }
            Ok(control.ledger.create_experiment_run(new, trainings).await?)
        });
        let record = recording.await.expect("recording does not panic")?;
        self.bells.experiments.notify_one();
        self.experiment_run_view(&record, base_url).await
    }

    /// A run of an experiment.
    pub async fn experiment_run(
        &self,
        owner: &UserName,
        experiment: Uuid,
        run: Uuid,
        base_url: &str,
    ) -> Result<ExperimentRunResource, Problem> {
        let record = self.experiment_run_record(owner, experiment, run).await?;
        self.experiment_run_view(&record, base_url).await
    }

    /// The runs of an experiment's run, with the names of their references: those there are.
    pub async fn trainings_of(
        &self,
        owner: &UserName,
        experiment: Uuid,
        run: Uuid,
    ) -> Result<Vec<(RunId, String)>, Problem> {
        let record = self.experiment_run_record(owner, experiment, run).await?;
        let frozen = Frozen::of(&record)?;
        let trainings = self.ledger.trainings(run).await?;
        let named = trainings.into_iter().map(|training| {
            let name = frozen.reference(training.reference).map(|one| one.name.clone());
            (training.run, name.unwrap_or_default())
        });
        Ok(named.collect())
    }

    /// Has the run of an experiment ended, so that nothing more comes of it?
    pub async fn experiment_run_has_ended(
        &self,
        owner: &UserName,
        experiment: Uuid,
        run: Uuid,
    ) -> Result<bool, Problem> {
        let record = self.experiment_run_record(owner, experiment, run).await?;
        Ok(ExperimentState::of(&record)?.has_ended())
    }

    async fn experiment_run_record(
        &self,
        owner: &UserName,
        experiment: Uuid,
        run: Uuid,
    ) -> Result<DocumentRecord, Problem> {
        let found = self.ledger.document(DocumentKind::ExperimentRun, run).await?;
        let fits =
            |record: &DocumentRecord| record.owner == *owner && record.parent == Some(experiment);
        found.filter(fits).ok_or(Problem::EXPERIMENT_RUN)
    }

    /// A page of the runs of an experiment, newest first.
    pub async fn experiment_runs(
        &self,
        owner: &UserName,
        experiment: Uuid,
        after: Option<Cursor>,
        limit: u32,
        base_url: &str,
    ) -> Result<(ExperimentRunList, Option<Cursor>), Problem> {
        self.experiment(owner, experiment).await?;
        let page = self.ledger.documents_of_parent(experiment, after, limit).await?;
        let mut resources = Vec::with_capacity(page.records.len());
        for record in &page.records {
            resources.push(self.experiment_run_view(record, base_url).await?);
        }
        Ok((ExperimentRunList { resources, next: None }, page.next))
    }

    /// Wants the run of an experiment to end, with all its trainings.
    pub async fn cancel_experiment_run(
        &self,
        owner: &UserName,
        experiment: Uuid,
        run: Uuid,
    ) -> Result<(), Problem> {
        loop {
            let record = self.experiment_run_record(owner, experiment, run).await?;
            if ExperimentState::of(&record)? != ExperimentState::Running {
                return Ok(());
            }
            let canceling = ExperimentState::Canceling { by: owner.to_string() }.to_value();
            let (seen, now) = (&record.state, Timestamp::now());
            if self.ledger.move_document(run, seen, &canceling, false, now).await? {
                self.bells.experiments.notify_one();
                return Ok(());
            }
        }
    }

    /// Wants the experiment's run to end that this search belongs to.
    pub(crate) async fn cancel_search(&self, owner: &UserName, run: &RunId) -> Result<(), Problem> {
        let found = self.search_of(owner, run).await?;
        let (record, ..) = found.ok_or(Problem::RUN)?;
        let experiment = record.parent.ok_or(Problem::RUN)?;
        self.cancel_experiment_run(owner, experiment, record.id).await
    }

    /// Removes the run of an experiment with its trainings; those under way are canceled
    /// first. Nothing is removed from the object store.
    pub async fn delete_experiment_run(
        self: &Arc<Self>,
        owner: &UserName,
        experiment: Uuid,
        run: Uuid,
    ) -> Result<(), Problem> {
        self.experiment_run_record(owner, experiment, run).await?;
        let trainings = self.ledger.trainings(run).await?;
        // First the record: the reconciler submits nothing more then.
        self.ledger.delete_document(DocumentKind::ExperimentRun, run).await?;
        for training in trainings {
            match self.delete(owner, &training.run).await {
                Ok(()) | Err(Problem::NotFound { .. } | Problem::Search(_)) => {}
                Err(problem) => {
                    tracing::warn!(run = %training.run, %problem, "a deleted experiment's training stays");
                }
            }
            if let Some(code) = &training.code {
                self.drop_code(code).await;
            }
        }
        Ok(())
    }
}
