//! Stored training definitions: a zip with its framework and command, kept so
//! that runs can be made from it.

use bytes::Bytes;
use jiff::Timestamp;
use trainyard_definition::zip;
use trainyard_frameworks::Resolved;
use trainyard_ledger::{Cursor, DefinitionRecord, NewDefinition, Page};
use trainyard_model::code::Code;
use trainyard_model::definition::{FrameworkRef, Runtimes, TrainingDefinition};
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{DefinitionId, Digest, UserName};

use crate::control::Control;
use crate::parcel::Parcel;
use crate::problem::{Problem, about_the_zip};

/// What was found in a stored zip.
#[derive(Debug)]
pub struct StoredContent {
    /// Its files.
    pub inventory: zip::Inventory,
}

impl Control {
    /// Creates a definition without content.
    pub async fn create_definition(
        &self,
        owner: &UserName,
        name: String,
        document: serde_json::Value,
    ) -> Result<DefinitionRecord, Problem> {
        let new = NewDefinition {
            id: DefinitionId(uuid::Uuid::new_v4()),
            owner: owner.clone(),
            name,
            document,
            created_at: Timestamp::now(),
        };
        Ok(self.ledger.create_definition(new).await?)
    }

    /// Stores a definition's zip, durably when it returns. A second one replaces the first.
    pub async fn store_content(
        &self,
        owner: &UserName,
        id: DefinitionId,
        content: Parcel,
    ) -> Result<StoredContent, Problem> {
        self.definition(owner, id).await?;
        let inventory =
            self.inspect(&content, zip::Layout::Folders).await?.map_err(about_the_zip)?;
        let replaced = {
            let _on_the_way = self.blobs.on_the_way.read().await;
            let blobs = self.blobs.clone();
            let digest = tokio::task::spawn_blocking(move || blobs.take(&content))
                .await
                .expect("storing a zip does not panic")
                .map_err(Problem::disk("storing the zip"))?;
            let replaced = self.definition(owner, id).await?.content;
            self.ledger.set_definition_content(id, digest).await?;
            replaced
        };
        if let Some(replaced) = replaced {
            self.drop_code(&replaced).await;
        }
        Ok(StoredContent { inventory })
    }

    /// One definition.
    pub async fn definition(
        &self,
        owner: &UserName,
        id: DefinitionId,
    ) -> Result<DefinitionRecord, Problem> {
        let record = self.ledger.definition(id).await?;
        record.filter(|record| record.owner == *owner).ok_or(Problem::DEFINITION)
    }

    /// A definition's zip.
    pub async fn content(&self, owner: &UserName, id: DefinitionId) -> Result<Bytes, Problem> {
        let record = self.definition(owner, id).await?;
        let digest = record.content.ok_or(Problem::DEFINITION)?;
        let blobs = self.blobs.clone();
        tokio::task::spawn_blocking(move || blobs.get(&digest))
            .await
            .expect("reading a zip does not panic")
            .map_err(Problem::disk("reading the zip"))
    }

    /// A page of definitions, newest first.
    pub async fn definitions(
        &self,
        owner: &UserName,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DefinitionRecord>, Problem> {
        Ok(self.ledger.definitions_page(Some(owner), after, limit).await?)
    }

    /// Removes a definition. Runs made from it keep their zip.
    pub async fn delete_definition(
        &self,
        owner: &UserName,
        id: DefinitionId,
    ) -> Result<(), Problem> {
        let record = self.definition(owner, id).await?;
        self.ledger.delete_definition(id).await?;
        if let Some(code) = record.content {
            self.drop_code(&code).await;
        }
        Ok(())
    }

    /// Removes a zip from disk if no run and no definition has it any more.
    pub(crate) async fn drop_code(&self, code: &Digest) {
        let _nobody_stores = self.blobs.on_the_way.write().await;
        let dropped = match self.ledger.code_in_use(code).await {
            Ok(true) => return,
            Ok(false) => self.blobs.remove(code).map_err(Problem::disk("removing a zip")),
            Err(error) => Err(error.into()),
        };
        if let Err(problem) = dropped {
            tracing::warn!(%code, %problem, "a zip that nobody needs stays");
        }
    }

    /// Gives a submission the Python that its stored definition names, where it names none
    /// itself: the official client sends `framework.runtimes` with the stored one alone. Tells
    /// what the user should know of it.
    pub(crate) async fn take_stored_python(
        &self,
        owner: &UserName,
        id: DefinitionId,
        definition: &mut TrainingDefinition,
    ) -> Result<Option<Diagnostic>, Problem> {
        if definition.as_written.runtimes.is_some() {
            return Ok(None);
        }
        let stored = self.definition(owner, id).await?.document;
        let framework = &stored["framework"];
        let runtimes: Option<Runtimes> = serde_json::from_value(framework["runtimes"].clone()).ok();
        let python = runtimes.as_ref().and_then(Runtimes::python);
        let (Some(python), true) =
            (python, framework["name"] == definition.framework.name.as_str())
        else {
            return Ok(None);
        };
        let version = definition.version_word().to_owned();
        let wanted = FrameworkRef { version, ..definition.framework.clone() };
        let Some(Resolved { release, note }) = self.catalogue.resolve_with(&wanted, Some(python))
        else {
            return Ok(None);
        };
        if let Some(complaint) = self.unavailable(release) {
            return Err(Problem::Refused(vec![complaint]));
        }
        definition.framework = release.reference();
        definition.as_written.version =
            Some(wanted.version).filter(|version| *version != release.version);
        Ok(note)
    }

    /// The zip of the definition that a submission names by its address.
    pub(crate) async fn stored_code(
        &self,
        owner: &UserName,
        address: &str,
    ) -> Result<(DefinitionId, Digest), Problem> {
        let id = id_in(address).ok_or_else(|| {
            about_the_address(address, "is not the address of a training definition")
        })?;
        let record = match self.definition(owner, id).await {
            Ok(record) => record,
            Err(Problem::NotFound { .. }) => {
                return Err(about_the_address(address, "names no training definition of yours"));
            }
            Err(problem) => return Err(problem),
        };
        let there = record.content.filter(|digest| self.blobs.has(digest));
        let digest = there.ok_or_else(|| {
            about_the_address(address, "names a training definition without content")
        })?;
        Ok((id, digest))
    }
}

/// The id in `…/ml_assets/training_definitions/<id>[/…]`, or in its name of 2017,
/// `…/ml_assets/experiments/<id>/…`.
fn id_in(address: &str) -> Option<DefinitionId> {
    let mut parts = address
        .split('/')
        .skip_while(|part| *part != "training_definitions" && *part != "experiments");
    parts.next()?;
    parts.next()?.parse().ok().map(DefinitionId)
}

fn about_the_address(address: &str, what: &str) -> Problem {
    Problem::Refused(vec![
        Diagnostic::error(Code::UnknownDefinition, format!("`{address}` {what}"))
            .at("model_definition.definition_href")
            .help("store one with POST /v3/ml_assets/training_definitions and PUT its content"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_generations_are_understood() {
        let id = "bdcdee9d-79cf-40bb-a81a-92891998e91b";
        let expected = Some(DefinitionId(id.parse().expect("a UUID")));
        for address in [
            format!("http://localhost:80/v3/ml_assets/training_definitions/{id}"),
            format!("/v3/ml_assets/training_definitions/{id}/content"),
            format!("/v3/ml_assets/experiments/{id}/versions/{id}/content"),
        ] {
            assert_eq!(id_in(&address), expected, "{address}");
        }
        assert_eq!(id_in("http://localhost/v3/models/training-DOl4q2LkR"), None);
    }
}
