//! `check`: everything that can be found out before submitting, without submitting.

use trainyard_api::ApiError;
use trainyard_api::check::{Check, CheckReport, CheckResult};
use trainyard_model::definition::TrainingDefinition;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::UserName;
use trainyard_objectstore::{Probed, StoreError};

use crate::admission::Upload;
use crate::control::Control;
use crate::preflight::{Side, Tried, Written, complaint, probe_stays};
use crate::problem::Problem;

impl Control {
    /// Looks at definition, zip, framework, size and both stores.
    pub async fn check(&self, owner: &UserName, upload: Upload) -> Result<CheckReport, Problem> {
        let (text, syntax) = (upload.text.clone(), upload.syntax);
        let checked = match self.check_submission(owner, upload).await {
            Ok(checked) => checked,
            Err(Problem::Refused(complaints)) => return Ok(refused(complaints)),
            Err(problem) => return Err(problem),
        };
        let definition = &checked.submission.definition;
        let secrets = &checked.submission.secrets;
        let mut checks = vec![
            submission_check(checked.warnings),
            self.framework_check(definition),
            passed(
                "size",
                format!(
                    "`{}` takes {} of {} slots",
                    definition.size_word(),
                    definition.size.slots(),
                    self.slots_total()
                ),
            ),
        ];
        let tried = self.try_stores(definition, secrets).await;
        let written = Written { text: &text, syntax };
        checks.push(data_check(definition, &tried, written));
        checks.push(results_check(definition, &tried, written));
        let ok = checks
            .iter()
            .all(|check| matches!(check.result, CheckResult::Ok | CheckResult::Warning));
        Ok(CheckReport { ok, checks })
    }

    fn framework_check(&self, definition: &TrainingDefinition) -> Check {
        let framework = &definition.framework;
        let message = match self.catalogue.resolve(framework) {
            Ok(release) if release.provider.takes_requirements() => format!(
                "{framework}; the packages that the zip asks for are installed when the run is submitted"
            ),
            Ok(release) if self.environments.ready(release).is_some() => {
                format!("{framework} is ready")
            }
            _ => format!("{framework} will be built when the run is submitted"),
        };
        passed("framework", message)
    }
}

fn data_check(definition: &TrainingDefinition, tried: &Tried, written: Written<'_>) -> Check {
    let what = "training_data";
    match (&definition.data, &tried.data) {
        (Some(store), Some(Ok(found))) => {
            let more = if found.more { " or more" } else { "" };
            let (container, objects, bytes) = (&store.container, found.objects, found.bytes);
            passed(what, format!("`{container}` holds {objects} objects{more}, {bytes} bytes"))
        }
        (_, Some(Err(error))) => failed(what, error, complaint(Side::Data, error, written)),
        (_, _) => passed(what, "none named; the program gets an empty DATA_DIR".to_owned()),
    }
}

fn results_check(definition: &TrainingDefinition, tried: &Tried, written: Written<'_>) -> Check {
    let (what, store) = ("training_results", &definition.results);
    let message = format!("`{}` can be written", store.container);
    match &tried.results {
        Ok(Probed::Gone) => passed(what, message),
        Ok(Probed::Stays) => Check {
            result: CheckResult::Warning,
            errors: vec![probe_stays(store, written).into()],
            ..passed(what, message)
        },
        Err(error) => failed(what, error, complaint(Side::Results, error, written)),
    }
}

fn refused(complaints: Vec<Diagnostic>) -> CheckReport {
    let errors: Vec<ApiError> = complaints.into_iter().map(ApiError::from).collect();
    let message = match errors.len() {
        1 => "1 complaint".to_owned(),
        count => format!("{count} complaints"),
    };
    let skipped = |what: &str| Check {
        what: what.to_owned(),
        result: CheckResult::Skipped,
        message: "not looked at, because of the complaints above".to_owned(),
        errors: Vec::new(),
    };
    CheckReport {
        ok: false,
        checks: vec![
            Check { what: "submission".to_owned(), result: CheckResult::Failed, message, errors },
            skipped("training_data"),
            skipped("training_results"),
        ],
    }
}

fn submission_check(warnings: Vec<Diagnostic>) -> Check {
    if warnings.is_empty() {
        return passed("submission", "definition and zip are well formed".to_owned());
    }
    Check {
        what: "submission".to_owned(),
        result: CheckResult::Warning,
        message: "definition and zip are well formed, with a word of warning".to_owned(),
        errors: warnings.into_iter().map(ApiError::from).collect(),
    }
}

fn passed(what: &str, message: String) -> Check {
    Check { what: what.to_owned(), result: CheckResult::Ok, message, errors: Vec::new() }
}

fn failed(what: &str, error: &StoreError, complaint: Diagnostic) -> Check {
    Check {
        what: what.to_owned(),
        result: CheckResult::Failed,
        message: error.cause().message,
        errors: vec![complaint.into()],
    }
}
