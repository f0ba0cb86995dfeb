//! `check`: everything that can be found out before submitting, without submitting.

use trainyard_api::ApiError;
use trainyard_api::check::{Check, CheckReport, CheckResult};
use trainyard_model::definition::StoreRef;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::UserName;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{StoreError, check_readable, check_writable, open};

use crate::admission::Upload;
use crate::control::Control;
use crate::entropy;
use crate::problem::Problem;

impl Control {
    /// Looks at definition, zip, framework, size and both stores.
    pub async fn check(&self, owner: &UserName, upload: Upload) -> Result<CheckReport, Problem> {
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
                    definition.size,
                    definition.size.slots(),
                    self.slots_total()
                ),
            ),
        ];
        checks.push(match &definition.data {
            Some(data) => self.data_check(data, secrets.data.as_ref()).await,
            None => {
                passed("training_data", "none named; the program gets an empty DATA_DIR".to_owned())
            }
        });
        checks.push(self.results_check(&definition.results, secrets.results.as_ref()).await);
        let ok = checks
            .iter()
            .all(|check| matches!(check.result, CheckResult::Ok | CheckResult::Warning));
        Ok(CheckReport { ok, checks })
    }

    fn framework_check(
        &self,
        definition: &trainyard_model::definition::TrainingDefinition,
    ) -> Check {
        let framework = &definition.framework;
        let built = self
            .catalogue
            .resolve(framework)
            .is_ok_and(|release| self.environments.ready(release).is_some());
        let message = if built {
            format!("{framework} is ready")
        } else {
            format!("{framework} will be built when the run is submitted")
        };
        passed("framework", message)
    }

    async fn data_check(&self, store: &StoreRef, credentials: Option<&Credentials>) -> Check {
        let looked = async {
            let opened = open(&self.guard, store, credentials).await?;
            check_readable(&opened).await
        };
        match looked.await {
            Ok(found) => {
                let more = if found.more { " or more" } else { "" };
                passed(
                    "training_data",
                    format!(
                        "`{}` holds {} objects{more}, {} bytes",
                        store.container, found.objects, found.bytes
                    ),
                )
            }
            Err(error) => failed("training_data", &error),
        }
    }

    async fn results_check(&self, store: &StoreRef, credentials: Option<&Credentials>) -> Check {
        let looked = async {
            let opened = open(&self.guard, store, credentials).await?;
            check_writable(&opened, &format!("{}/.trainyard-probe", entropy::run_id())).await
        };
        match looked.await {
            Ok(()) => passed("training_results", format!("`{}` can be written", store.container)),
            Err(error) => failed("training_results", &error),
        }
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

fn failed(what: &str, error: &StoreError) -> Check {
    let cause = error.cause();
    let complaint = Diagnostic::error(cause.kind.code(), cause.message.clone());
    let complaint = match cause.hint {
        Some(hint) => complaint.help(hint),
        None => complaint,
    };
    Check {
        what: what.to_owned(),
        result: CheckResult::Failed,
        message: cause.message,
        errors: vec![complaint.at(what).into()],
    }
}
