//! Is this an experiment? All that is wrong with a document, before it is on record.

use serde_json::Value;
use trainyard_api::experiment::ExperimentEntity;
use trainyard_definition::read_store;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::UserName;
use trainyard_optimizer::{Complaint, Study};

use crate::control::Control;
use crate::models::named;
use crate::problem::Problem;

/// More references than this are no experiment.
const REFERENCES: usize = 100;

/// The document in its own words.
pub(super) fn entity(document: &Value) -> Result<ExperimentEntity, Problem> {
    serde_json::from_value(document.clone()).map_err(|error| {
        refused(Diagnostic::error(Code::BadRequest, format!("this is no experiment: {error}")))
    })
}

pub(super) fn refused(complaint: Diagnostic) -> Problem {
    Problem::Refused(vec![complaint])
}

/// The path of a reference in the document.
pub(super) fn path_of(index: usize) -> String {
    format!("training_references[{index}]")
}

/// A complaint about a search as one about the document.
pub(super) fn diagnostic(complaint: Complaint, index: usize) -> Diagnostic {
    let Complaint { path, message, help } = complaint;
    let dot = if path.is_empty() { "" } else { "." };
    let at = format!("{}.hyper_parameters_optimization{dot}{path}", path_of(index));
    Diagnostic::error(Code::UnknownValue, message).at(at).help(help)
}

impl Control {
    /// Checks the document; the experiment's name.
    pub(super) async fn checked_experiment(
        &self,
        owner: &UserName,
        document: &Value,
    ) -> Result<String, Problem> {
        let entity = entity(document)?;
        let mut told = Vec::new();
        let name = match named(&document["settings"]) {
            Ok(name) => name,
            Err(Problem::Refused(complaints)) => {
                told.extend(complaints.into_iter().map(|complaint| complaint.at("settings.name")));
                String::new()
            }
            Err(problem) => return Err(problem),
        };
        let count = entity.training_references.len();
        if count == 0 || count > REFERENCES {
            let message =
                format!("an experiment has 1 to {REFERENCES} references, here are {count}");
            told.push(Diagnostic::error(Code::WrongType, message).at("training_references"));
        }
        for (index, reference) in entity.training_references.iter().enumerate().take(REFERENCES) {
            match self.stored_code(owner, &reference.training_definition_url).await {
                Ok(_) => {}
                Err(Problem::Refused(complaints)) => {
                    let at = format!("{}.training_definition_url", path_of(index));
                    told.extend(complaints.into_iter().map(|complaint| complaint.at(at.clone())));
                }
                Err(problem) => return Err(problem),
            }
            if let Some(search) = &reference.hyper_parameters_optimization
                && let Err(complaints) = Study::read(search)
            {
                told.extend(complaints.into_iter().map(|complaint| diagnostic(complaint, index)));
            }
        }
        let stores = [
            ("training_data_reference", entity.training_data_reference.as_ref()),
            ("training_results_reference", Some(&entity.training_results_reference)),
        ];
        for (key, store) in stores {
            let one = store.map(|store| match store {
                Value::Array(items) if items.len() == 1 => &items[0],
                other => other,
            });
            if let Some(Err(complaints)) = one.map(|store| read_store(store, key)) {
                told.extend(complaints);
            }
        }
        if told.iter().any(Diagnostic::is_error) { Err(Problem::Refused(told)) } else { Ok(name) }
    }
}
