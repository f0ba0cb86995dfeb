//! `/v3/ml_assets/training_definitions`: stored zips from which runs are made.

use bytes::Bytes;
use futures_util::stream::Stream;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use trainyard_api::training_definition::{
    ContentStored, NewTrainingDefinition, TrainingDefinitionList, TrainingDefinitionResource,
};
use trainyard_model::ids::DefinitionId;

use crate::error::ClientError;
use crate::http::{self, Client, QUICK};
use crate::pages;

const ROOT: &str = "/v3/ml_assets/training_definitions";
/// How many are asked for at a time.
const PAGE: u32 = 200;

impl Client {
    /// `POST /v3/ml_assets/training_definitions`.
    pub async fn create_definition(
        &self,
        definition: &NewTrainingDefinition,
    ) -> Result<TrainingDefinitionResource, ClientError> {
        http::json(self.post(ROOT).json(definition).timeout(QUICK)).await
    }

    /// `POST /v3/ml_assets/training_definitions` with the document that the user wrote.
    ///
    /// # Errors
    /// [`ClientError::Api`] with all complaints, their paths in `definition`.
    pub async fn create_definition_of(
        &self,
        definition: &Map<String, Value>,
    ) -> Result<TrainingDefinitionResource, ClientError> {
        http::json(self.post(ROOT).json(definition).timeout(QUICK)).await
    }

    /// All of them, newest first.
    pub fn all_definitions(
        &self,
    ) -> impl Stream<Item = Result<TrainingDefinitionResource, ClientError>> + Send + use<> {
        pages::all(self, format!("{ROOT}?limit={PAGE}"), |list: TrainingDefinitionList| {
            (list.resources, list.next)
        })
    }

    /// `PUT …/{id}/content`: stores the zip.
    pub async fn put_definition_content(
        &self,
        definition: DefinitionId,
        zip: Bytes,
    ) -> Result<ContentStored, ClientError> {
        let request = self.request(Method::PUT, &format!("{ROOT}/{definition}/content"));
        http::json(request.header(CONTENT_TYPE, "application/zip").body(zip)).await
    }

    /// `GET …/{id}/content`: the zip as it was stored.
    pub async fn definition_content(&self, definition: DefinitionId) -> Result<Bytes, ClientError> {
        let response = http::send(self.get(&format!("{ROOT}/{definition}/content"))).await?;
        response.bytes().await.map_err(http::unreachable)
    }

    /// `GET …/{id}`.
    pub async fn definition(
        &self,
        definition: DefinitionId,
    ) -> Result<TrainingDefinitionResource, ClientError> {
        http::json(self.get(&format!("{ROOT}/{definition}")).timeout(QUICK)).await
    }

    /// `GET /v3/ml_assets/training_definitions`: the newest ones.
    pub async fn definitions(&self) -> Result<TrainingDefinitionList, ClientError> {
        http::json(self.get(ROOT).timeout(QUICK)).await
    }

    /// `DELETE …/{id}`.
    pub async fn delete_definition(&self, definition: DefinitionId) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("{ROOT}/{definition}"));
        http::done(request.timeout(QUICK)).await
    }
}
