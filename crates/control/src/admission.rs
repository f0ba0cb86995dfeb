//! submit: from what a user sends to a run on record, or to all complaints.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use trainyard_crashpoint::crash_point;
use trainyard_definition::zip::{Inventory, Layout, PackageFiles};
use trainyard_definition::{Dialect, Meant, Premises, Submission, Syntax, dialect_of, read_for};
use trainyard_frameworks::{Asked, BadRequirement, PackageTexts, Resolved};
use trainyard_ledger::{NewRun, RunRecord};
use trainyard_model::code::Code;
use trainyard_model::definition::{FrameworkRef, TrainingDefinition};
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{DefinitionId, UserName};
use trainyard_model::size::Size;

use crate::control::Control;
use crate::crowd::Most;
use crate::entropy;
use crate::parcel::Parcel;
use crate::preflight::Written;
use crate::problem::Problem;
use crate::recent::Pair;
use crate::settings::Limits;

/// What a user sends.
#[derive(Debug)]
pub struct Upload {
    /// The training definition, as the user wrote it.
    pub text: String,
    /// How it is written.
    pub syntax: Syntax,
    /// The zip; `None` when the definition names a stored one.
    pub zip: Option<Parcel>,
}

/// A run on record.
#[derive(Debug)]
pub struct Accepted {
    /// The run.
    pub record: RunRecord,
    /// What the user should know all the same.
    pub warnings: Vec<Diagnostic>,
}

/// A submission that has passed all checks that need no store.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) submission: Submission,
    pub(crate) code: ModelCode,
    pub(crate) stored_definition: Option<DefinitionId>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Where the code of a checked submission is.
#[derive(Debug)]
pub(crate) enum ModelCode {
    /// Sent along, inspected, not stored yet.
    Sent(Parcel),
    /// The content of the stored training definition at this address.
    Stored(String),
}

impl Control {
    /// May this user send something to be submitted or checked now? It counts.
    ///
    /// # Errors
    /// [`Problem::Later`] when it comes too fast.
    pub fn may_send(&self, owner: &UserName) -> Result<(), Problem> {
        self.rates.take(owner, Instant::now()).map_err(|wait| self.too_fast(wait))
    }

    fn too_fast(&self, wait: Duration) -> Problem {
        let Limits { submission_burst, submissions_per_second, .. } = self.settings.limits;
        let message = format!(
            "more than {submission_burst} submissions at once, and more than {submissions_per_second} a second since"
        );
        let complaint = Diagnostic::error(Code::TooFast, message)
            .help("wait as long as `Retry-After` says and send it again; an operator sets `limits.submissions_per_second` and `limits.submission_burst`");
        Problem::Later { complaint: Box::new(complaint), after: wait }
    }

    /// Takes a submission. When it returns, definition, zip and run are safe on disk.
    ///
    /// Both stores are tried first. A client that hangs up while they are has submitted
    /// nothing. What follows is a task of its own: hanging up in the middle of it leaves
    /// either nothing or a run that is on record and on the board.
    ///
    /// # Errors
    /// Among others [`Problem::Later`] when too many runs have not settled.
    pub async fn submit(
        self: &Arc<Self>,
        owner: &UserName,
        upload: Upload,
    ) -> Result<Accepted, Problem> {
        // Nobody waits for stores in vain. The last word is said when the run is put on record.
        self.board.room(owner, &Most::of(&self.settings.limits))?;
        let (text, syntax) = (upload.text.clone(), upload.syntax);
        let mut checked = self.check_submission(owner, upload).await?;
        let Submission { definition, secrets, .. } = &checked.submission;
        let pair = Pair::of(definition, secrets);
        if !self.recent.has(&pair) {
            let began = Instant::now();
            let tried = self.try_stores(definition, secrets).await;
            let mut told = tried.complaints(definition, Written { text: &text, syntax });
            if told.iter().any(Diagnostic::is_error) {
                told.append(&mut checked.warnings);
                return Err(Problem::Refused(told));
            }
            // What there is to warn of is told each time.
            if told.is_empty() {
                self.recent.put(pair, began);
            }
            checked.warnings.append(&mut told);
        }
        let (control, owner) = (Arc::clone(self), owner.clone());
        let recording =
            self.tasks.spawn(async move { control.put_on_record(&owner, checked).await });
        recording.await.expect("submitting does not panic")
    }

    async fn put_on_record(&self, owner: &UserName, checked: Checked) -> Result<Accepted, Problem> {
        // Given back when the run is on the board.
        let _room = self.board.room(owner, &Most::of(&self.settings.limits))?;
        // From here on no zip is removed, neither the one that is sent nor a
        // stored one that the definition names.
        let _on_the_way = self.blobs.on_the_way.read().await;
        let code = match checked.code {
            // Looked up again: it may have been replaced since it was checked.
            ModelCode::Stored(address) => self.stored_code(owner, &address).await?.1,
            ModelCode::Sent(zip) => {
                let blobs = self.blobs.clone();
                if let Some(known) = blobs.known(&zip) {
                    known
                } else {
                    tokio::task::spawn_blocking(move || blobs.take(&zip))
                        .await
                        .expect("storing a zip does not panic")
                        .map_err(Problem::disk("storing the zip"))?
                }
            }
        };
        crash_point!("submit.zip_stored");
        let mut definition = checked.submission.definition;
        // As they are today: a run keeps the terms it was taken on.
        definition.terms = definition.terms.or(&self.settings.terms);
        let record = self
            .ledger
            .submit(NewRun {
                id: entropy::run_id(),
                owner: owner.clone(),
                definition,
                secrets: checked.submission.secrets,
                code,
                stored_definition: checked.stored_definition,
                submitted_at: Timestamp::now(),
            })
            .await?;
        crash_point!("submit.recorded");
        self.board.put(record.clone());
        self.bells.prepare.notify_one();
        crash_point!("submit.before_answer");
        Ok(Accepted { record, warnings: checked.warnings })
    }

    /// Everything that can be said without asking a store: definition, zip,
    /// framework and size, all complaints at once.
    pub(crate) async fn check_submission(
        &self,
        owner: &UserName,
        upload: Upload,
    ) -> Result<Checked, Problem> {
        let mut complaints = Vec::new();
        let mut warnings = Vec::new();
        let sent = upload.zip;
        let (reading, dialect) = match read_for(&upload.text, upload.syntax, self) {
            Ok(submission) => {
                warnings.extend(submission.warnings.clone());
                let dialect = submission.dialect;
                (Some(submission), dialect)
            }
            Err(found) => {
                complaints.extend(found);
                (None, dialect_of(&upload.text, upload.syntax))
            }
        };
        let zip_check = match &sent {
            Some(zip) => Some(self.inspect(zip, Layout::of(dialect)).await?),
            None => None,
        };
        match zip_check {
            Some(Ok(inventory)) => {
                let definition = reading.as_ref().map(|submission| &submission.definition);
                complaints.extend(
                    definition.and_then(|definition| {
                        self.bad_requirements(definition, &inventory.packages)
                    }),
                );
                warnings.extend(
                    definition.and_then(|definition| wrapped(&inventory, &definition.command)),
                );
                warnings.extend(inventory.warnings);
            }
            Some(Err(found)) => complaints.extend(found),
            None => {}
        }
        let (Some(mut submission), false) = (reading, complaints.iter().any(Diagnostic::is_error))
        else {
            complaints.extend(warnings);
            return Err(Problem::Refused(complaints));
        };
        let (code, stored_definition) = match (sent, &submission.stored_definition) {
            (Some(zip), _) => (ModelCode::Sent(zip), None),
            (None, Some(address)) => {
                let address = address.clone();
                let (id, _) = self.stored_code(owner, &address).await?;
                if submission.dialect == Dialect::Later {
                    let definition = &mut submission.definition;
                    warnings.extend(self.take_stored_python(owner, id, definition).await?);
                }
                (ModelCode::Stored(address), Some(id))
            }
            (None, None) => {
                return Err(Problem::Refused(vec![
                    Diagnostic::error(Code::MissingKey, "there is no model definition")
                        .at("model_definition.definition_href")
                        .expected("a zip beside the definition, or the address of a stored one")
                        .help("send the zip as the part `model_definition` of a multipart request, or store it under /v3/ml_assets/training_definitions first"),
                ]));
            }
        };
        Ok(Checked { submission, code, stored_definition, warnings })
    }
}

impl Control {
    /// The complaint about the packages that a zip asks for, where the framework takes them.
    fn bad_requirements(
        &self,
        definition: &TrainingDefinition,
        files: &PackageFiles,
    ) -> Option<Diagnostic> {
        let takes_them = (self.catalogue.resolve(&definition.framework))
            .is_ok_and(|release| release.provider.takes_requirements());
        if !takes_them {
            return None;
        }
        let fault = asked(files, &definition.command).err()?;
        let complaint = Diagnostic::error(Code::BadRequirements, fault.to_string());
        Some(complaint.at(fault.file).help(
            "name the packages as the index has them; modules of your own go into the zip, beside the program",
        ))
    }
}

/// The warning that the folder was packed in place of what is in it, which a zip with folders
/// may well mean: a command that names the folder knows of it.
fn wrapped(inventory: &Inventory, command: &str) -> Option<Diagnostic> {
    let first = inventory.entries.first()?;
    let (top, _) = first.name.split_once('/')?;
    let within = |name: &str| name.split_once('/').is_some_and(|(folder, _)| folder == top);
    if command.contains(top) || !inventory.entries.iter().all(|entry| within(&entry.name)) {
        return None;
    }
    let message = format!("all files lie in the folder '{top}', and the command starts beside it");
    let warning = Diagnostic::warning(Code::NestedEntry, message).at(format!("{top}/"));
    Some(warning.help(format!(
        "zip what is in it in place of the folder itself, or begin the command with 'cd {top} && '"
    )))
}

/// What a zip asks for. The header of a program counts if the command starts that one.
pub(crate) fn asked(files: &PackageFiles, command: &str) -> Result<Asked, BadRequirement> {
    let mut words = command.split_whitespace();
    let script = words.find_map(|word| files.scripts.get_key_value(word.trim_start_matches("./")));
    Asked::of(PackageTexts {
        requirements: files.requirements.as_deref(),
        project: files.project.as_deref(),
        lock: files.lock.as_deref(),
        script: script.map(|(name, header)| (name.as_str(), header.as_str())),
    })
}

impl Premises for Control {
    fn meant(&self, wanted: &FrameworkRef, python: Option<&str>) -> Option<Meant> {
        let Resolved { release, note } = self.catalogue.resolve_with(wanted, python)?;
        Some(Meant { framework: release.reference(), warning: note })
    }

    fn framework(&self, wanted: &FrameworkRef) -> Option<Diagnostic> {
        match self.catalogue.resolve(wanted) {
            Ok(release) => self.unavailable(release),
            Err(complaint) => Some(complaint),
        }
    }

    fn size(&self, wanted: Size) -> Option<Diagnostic> {
        let (needed, total) = (wanted.slots(), self.slots_total());
        if needed <= total {
            return None;
        }
        let message = format!("size '{wanted}' needs {needed} slots and this server has {total}");
        let nearest = Size::ALL.into_iter().rev().find(|size| size.slots() <= total);
        let help = nearest.map_or_else(
            || "this server has no slots at all; see `trainyard doctor`".to_owned(),
            |size| format!("the largest size that fits is '{size}'"),
        );
        Some(Diagnostic::error(Code::SizeNeverFits, message).help(help))
    }
}
