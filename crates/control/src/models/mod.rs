//! Stored models: trained models that the service keeps when runs and results have gone.
//!
//! A model made from a run's results is on record at once and its content is fetched behind
//! the answer, by a reconciler that begins anew after a restart; one made from an archive has
//! its content put by the user. [`shelf`] is where contents are kept, [`archive`] how results
//! become one file.

mod archive;
mod fetching;
mod shelf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trainyard_definition::read_store;
use trainyard_ledger::{Cursor, DocumentKind, DocumentRecord, NewDocument, Page};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{RunId, UserName};
use trainyard_model::state::Outcome;
use uuid::Uuid;

use crate::control::Control;
use crate::parcel::Parcel;
use crate::problem::Problem;

pub(crate) use shelf::Shelf;
pub use shelf::{ModelContent, ModelStore};

/// The longest name of a model or an experiment, in characters.
const NAME_CHARS: usize = 256;

/// How a stored model's content stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ModelState {
    /// It follows by `PUT`.
    AwaitingContent,
    /// It is being fetched from a results container.
    Persisting,
    /// It is there.
    Persisted {
        /// Its size.
        bytes: u64,
        /// Its SHA-256, in hex.
        sha256: String,
    },
    /// It could not be fetched.
    PersistingFailed {
        /// Why, on one line.
        message: String,
    },
}

impl ModelState {
    /// The state of a model on record.
    ///
    /// # Errors
    /// When the record has another form than this version of the program writes.
    pub fn of(record: &DocumentRecord) -> Result<Self, serde_json::Error> {
        serde_json::from_value(record.state.clone())
    }

    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("it is plain data")
    }
}

impl Control {
    /// Puts a model on record: with a `content_location` it is fetched from there, else its
    /// content follows.
    ///
    /// # Errors
    /// [`Problem::Refused`] with what is wrong with the document.
    pub async fn create_model(
        &self,
        owner: &UserName,
        document: Value,
    ) -> Result<DocumentRecord, Problem> {
        let name = named(&document)?;
        let state = match document.get("content_location") {
            None | Some(Value::Null) => ModelState::AwaitingContent,
            Some(location) => {
                read_store(location, "content_location").map_err(Problem::Refused)?;
                fetching::folder(location)
                    .map_err(|complaint| Problem::Refused(vec![*complaint]))?;
                ModelState::Persisting
            }
        };
        self.put_model(owner, name, document, &state).await
    }

    /// Puts a model on record that is fetched from the results of a run that has ended.
    ///
    /// # Errors
    /// [`Problem::Refused`] when the run did not complete.
    pub async fn store_run_model(
        &self,
        owner: &UserName,
        run: &RunId,
        name: Option<String>,
    ) -> Result<DocumentRecord, Problem> {
        let record = self.record(owner, run).await?;
        let settled = record.state.settled();
        if !settled.is_some_and(|settled| matches!(settled.outcome, Outcome::Completed)) {
            let message = format!("{run} has not completed: there is no trained model of it yet");
            let help = "wait until its state is `completed`; of a run that failed, what it left is in its results container";
            return Err(Problem::Refused(vec![
                Diagnostic::error(Code::BadRequest, message).help(help),
            ]));
        }
        let resource = self.run(owner, run, "").await?;
        let entity = &resource.entity;
        let results = serde_json::to_value(&entity.training_results_reference)
            .expect("wire types are plain data");
        let definition =
            serde_json::to_value(&entity.model_definition).expect("wire types are plain data");
        let document = json!({
            "name": name.unwrap_or_else(|| record.definition.name.clone()),
            "description": record.definition.description,
            "framework": definition["framework"],
            "author": definition.get("author"),
            "training_run": run.as_str(),
            "content_location": {
                "type": results["type"],
                "connection": results["connection"],
                "source": {
                    "bucket": record.definition.results.container,
                    "path": run.results_folder(),
                },
            },
        });
        let name = named(&document)?;
        self.put_model(owner, name, document, &ModelState::Persisting).await
    }

    async fn put_model(
        &self,
        owner: &UserName,
        name: String,
        document: Value,
        state: &ModelState,
    ) -> Result<DocumentRecord, Problem> {
        let new = NewDocument {
            id: Uuid::new_v4(),
            kind: DocumentKind::Model,
            parent: None,
            owner: owner.clone(),
            name,
            document,
            state: state.to_value(),
            settled: *state != ModelState::Persisting,
            created_at: Timestamp::now(),
        };
        let record = self.ledger.create_document(new).await?;
        self.bells.models.notify_one();
        Ok(record)
    }

    /// One model.
    pub async fn model(&self, owner: &UserName, id: Uuid) -> Result<DocumentRecord, Problem> {
        let found = self.ledger.document(DocumentKind::Model, id).await?;
        found.filter(|record| record.owner == *owner).ok_or(Problem::MODEL)
    }

    /// A page of models, newest first.
    pub async fn models(
        &self,
        owner: &UserName,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DocumentRecord>, Problem> {
        Ok(self.ledger.documents_of_owner(DocumentKind::Model, owner, after, limit).await?)
    }

    /// Stores a model's content as it came, durably when it returns; in the place of what
    /// was there.
    ///
    /// # Errors
    /// [`Problem::Refused`] while it is being fetched from somewhere else.
    pub async fn store_model_content(
        &self,
        owner: &UserName,
        id: Uuid,
        content: Parcel,
    ) -> Result<ModelState, Problem> {
        let record = self.model(owner, id).await?;
        if record.state == ModelState::Persisting.to_value() {
            let message = "its content is being fetched from its `content_location`";
            return Err(Problem::Refused(vec![Diagnostic::error(Code::BadRequest, message)]));
        }
        let (bytes, sha256) = self.shelf.take(id, content).await?;
        let state = ModelState::Persisted { bytes, sha256 };
        let now = Timestamp::now();
        if !self.ledger.move_document(id, &record.state, &state.to_value(), true, now).await? {
            // It was deleted meanwhile, or another content came at the same time.
            self.model(owner, id).await?;
        }
        Ok(state)
    }

    /// A model's content.
    ///
    /// # Errors
    /// [`Problem::NotFound`] while it has none.
    pub async fn model_content(&self, owner: &UserName, id: Uuid) -> Result<ModelContent, Problem> {
        let record = self.model(owner, id).await?;
        match ModelState::of(&record) {
            Ok(ModelState::Persisted { bytes, .. }) => self.shelf.content(id, bytes).await,
            _ => Err(Problem::NotFound { what: "content of this model yet" }),
        }
    }

    /// Removes a model with its content.
    pub async fn delete_model(&self, owner: &UserName, id: Uuid) -> Result<(), Problem> {
        self.model(owner, id).await?;
        self.ledger.delete_document(DocumentKind::Model, id).await?;
        self.shelf.remove(id).await
    }
}

/// The name in a document of a user's.
pub(crate) fn named(document: &Value) -> Result<String, Problem> {
    let name = document["name"].as_str().unwrap_or_default().trim();
    let complaint = if name.is_empty() {
        "it needs a name"
    } else if name.chars().any(char::is_control) {
        "a control character stands in the name"
    } else if name.chars().count() > NAME_CHARS {
        "the name is longer than 256 characters"
    } else {
        return Ok(name.to_owned());
    };
    Err(Problem::Refused(vec![Diagnostic::error(Code::WrongType, complaint).at("name")]))
}
