//! `/v3/ml_assets/models`: trained models that the service keeps.

use bytes::Bytes;
use futures_util::stream::{Stream, TryStreamExt};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Body, Method};
use serde_json::{Map, Value};
use trainyard_api::stored_model::{
    ModelContentStored, ModelList, ModelResource, RunModelStored, RunModelStoredEntity,
    StoreRunModel,
};
use trainyard_model::ids::RunId;

use crate::asset_id::AssetId;
use crate::error::ClientError;
use crate::http::{self, Client, QUICK};
use crate::pages;

const ROOT: &str = "/v3/ml_assets/models";
/// How many are asked for at a time.
const PAGE: u32 = 200;

impl Client {
    /// `PUT /v3/models/{id}/ml_asset`: makes a model of what a run has stored. Its content
    /// is fetched after the answer; [`Self::model`] says when it is there.
    pub async fn store_run_model(
        &self,
        run: &RunId,
        model: &StoreRunModel,
    ) -> Result<RunModelStoredEntity, ClientError> {
        let request = self.request(Method::PUT, &format!("/v3/models/{run}/ml_asset"));
        let stored: RunModelStored = http::json(request.json(model).timeout(QUICK)).await?;
        Ok(stored.entity)
    }

    /// `POST /v3/ml_assets/models` with the document that the user wrote; the content
    /// follows with [`Self::put_model_content`].
    ///
    /// # Errors
    /// [`ClientError::Api`] with all complaints, their paths in `model`.
    pub async fn create_model(
        &self,
        model: &Map<String, Value>,
    ) -> Result<ModelResource, ClientError> {
        http::json(self.post(ROOT).json(model).timeout(QUICK)).await
    }

    /// `PUT` of an archive (`.tar.gz`) to the place that `model` names; `length` are its
    /// bytes in all.
    pub async fn put_model_content<S, E>(
        &self,
        model: &ModelResource,
        content: S,
        length: u64,
    ) -> Result<ModelContentStored, ClientError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let path = http::path_of(&model.entity.model_version.content_url)?;
        let request = self.request(Method::PUT, &path);
        let request = request
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(reqwest::header::CONTENT_LENGTH, length);
        http::json(request.body(Body::wrap_stream(content))).await
    }

    /// All stored models, newest first.
    pub fn models(&self) -> impl Stream<Item = Result<ModelResource, ClientError>> + Send + use<> {
        pages::all(self, format!("{ROOT}?limit={PAGE}"), |list: ModelList| {
            (list.resources, list.next)
        })
    }

    /// `GET /v3/ml_assets/models/{id}`.
    pub async fn model(&self, model: &AssetId) -> Result<ModelResource, ClientError> {
        http::json(self.get(&format!("{ROOT}/{model}")).timeout(QUICK)).await
    }

    /// `GET /v3/ml_assets/models/{id}/content`: the archive, as it comes.
    pub async fn model_content(
        &self,
        model: &AssetId,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + Send + use<>, ClientError> {
        let response = http::send(self.get(&format!("{ROOT}/{model}/content"))).await?;
        Ok(response.bytes_stream().map_err(http::unreachable))
    }

    /// `DELETE /v3/ml_assets/models/{id}`.
    pub async fn delete_model(&self, model: &AssetId) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("{ROOT}/{model}"));
        http::done(request.timeout(QUICK)).await
    }
}
