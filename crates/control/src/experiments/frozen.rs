//! What a run of an experiment was begun with: definitions, keys and zips as they were, so
//! that nothing that is changed later changes its results.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trainyard_definition::Syntax;
use trainyard_ledger::DocumentRecord;
use trainyard_model::definition::TrainingDefinition;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{DefinitionId, Digest, UserName};
use trainyard_model::secret::{ExposedSecrets, Secrets};
use trainyard_optimizer::Study;

use super::checked::{diagnostic, entity, path_of};
use crate::admission::{Checked, Upload};
use crate::control::Control;
use crate::problem::Problem;

/// The most trials of a search that are under way at a time.
const TRIALS_AT_ONCE: u32 = 8;

/// All references, as they were.
#[derive(Serialize, Deserialize)]
pub(super) struct Frozen {
    /// In the experiment's order.
    pub(super) references: Vec<Reference>,
}

/// One reference.
#[derive(Serialize, Deserialize)]
pub(super) struct Reference {
    /// What it is called.
    pub(super) name: String,
    /// The address of its stored training definition, as it was written.
    pub(super) training_definition_url: String,
    /// What is trained.
    pub(super) definition: TrainingDefinition,
    /// What opens the stores.
    pub(super) secrets: ExposedSecrets,
    /// The zip.
    pub(super) code: Digest,
    /// The stored training definition.
    pub(super) stored_definition: Option<DefinitionId>,
    /// The search for hyperparameters, if it is one.
    pub(super) search: Option<Search>,
}

/// A search, as it was asked for.
#[derive(Serialize, Deserialize)]
pub(super) struct Search {
    /// The object `hyper_parameters_optimization`.
    pub(super) asked: Value,
    /// How many trials are under way at a time. A part of the search: what a trial may
    /// learn from depends on it.
    pub(super) parallel: u32,
}

impl Search {
    /// The search as it can be asked what to try.
    pub(super) fn study(&self) -> Result<Study, Problem> {
        let read = Study::read(&self.asked).map_err(|complaints| {
            let told = complaints.into_iter().map(|complaint| diagnostic(complaint, 0));
            Problem::Refused(told.collect())
        });
        read.map(|study| study.with_parallel(self.parallel))
    }
}

impl Frozen {
    pub(super) fn of(record: &DocumentRecord) -> Result<Self, Problem> {
        serde_json::from_value(record.document.clone()).map_err(|source| Problem::Disk {
            what: "reading what an experiment's run was begun with",
            source: source.into(),
        })
    }

    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("it is plain data")
    }

    pub(super) fn reference(&self, index: u32) -> Option<&Reference> {
        self.references.get(index as usize)
    }
}

impl Reference {
    pub(super) fn secrets(&self) -> Secrets {
        self.secrets.clone().into()
    }
}

impl Control {
    /// What the references of an experiment name now, checked like submissions.
    pub(super) async fn freeze(
        &self,
        owner: &UserName,
        experiment: &DocumentRecord,
    ) -> Result<Frozen, Problem> {
        let document = entity(&experiment.document)?;
        let mut references = Vec::new();
        let mut told = Vec::new();
        for (index, reference) in document.training_references.iter().enumerate() {
            let url = &reference.training_definition_url;
            let (id, code) = self.stored_code(owner, url).await?;
            let stored = self.definition(owner, id).await?.document;
            let name = reference.name.clone().filter(|name| !name.trim().is_empty());
            let name = name
                .or_else(|| stored["name"].as_str().map(str::to_owned))
                .unwrap_or_else(|| experiment.name.clone());
            let stored_command =
                || stored["command"].as_str().or_else(|| stored["execution"]["command"].as_str());
            let command = reference.command.as_deref().or_else(stored_command);
            let mut execution = json!({ "command": command.unwrap_or_default() });
            if let Some(size) = &reference.compute_configuration {
                execution["compute_configuration"] = size.clone();
            }
            let mut submission = json!({
                "model_definition": {
                    "name": name,
                    "framework": stored["framework"],
                    "definition_href": url,
                    "execution": execution,
                },
                "training_results_reference": document.training_results_reference,
            });
            if let Some(data) = &document.training_data_reference {
                submission["training_data_reference"] = data.clone();
            }
            let upload = Upload { text: submission.to_string(), syntax: Syntax::Json, zip: None };
            let checked = match self.check_submission(owner, upload).await {
                Ok(Checked { submission, .. }) => submission,
                Err(Problem::Refused(complaints)) => {
                    told.extend(complaints.into_iter().map(|complaint| about(complaint, index)));
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            let mut definition = checked.definition;
            definition.terms = definition.terms.or(&self.settings.terms);
            let search = reference.hyper_parameters_optimization.clone().map(|asked| {
                let at_once = self.slots_total() / definition.size.slots().max(1);
                Search { asked, parallel: at_once.clamp(1, TRIALS_AT_ONCE) }
            });
            references.push(Reference {
                name,
                training_definition_url: url.clone(),
                definition,
                secrets: checked.secrets.expose(),
                code,
                stored_definition: Some(id),
                search,
            });
        }
        if told.iter().any(Diagnostic::is_error) {
            return Err(Problem::Refused(told));
        }
        if let Some(reference) = references.first() {
            let tried = self.try_stores(&reference.definition, &reference.secrets()).await;
            let text = experiment.document.to_string();
            let written = crate::preflight::Written { text: &text, syntax: Syntax::Json };
            let told = tried.complaints(&reference.definition, written);
            if told.iter().any(Diagnostic::is_error) {
                return Err(Problem::Refused(told));
            }
        }
        Ok(Frozen { references })
    }
}

/// A complaint about the submission that was made of a reference, as one about the reference.
/// Its place in the made text means nothing to anybody.
fn about(complaint: Diagnostic, index: usize) -> Diagnostic {
    let path = complaint.path.strip_prefix("model_definition.").map_or_else(
        || complaint.path.clone(),
        |rest| format!("{}.{}", path_of(index), rest.trim_start_matches("execution.")),
    );
    Diagnostic { span: None, ..complaint }.at(path)
}
