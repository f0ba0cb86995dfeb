//! `/v3/experiments`: experiments and their runs.
//!
//! Experiments go out as the documents that users wrote: what the server finds wrong in
//! one, it should find in all of it.

use futures_util::stream::Stream;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Map, Value};
use trainyard_api::experiment::{
    ExperimentList, ExperimentResource, ExperimentRunList, ExperimentRunResource,
};

use crate::asset_id::AssetId;
use crate::error::ClientError;
use crate::http::{self, Client, QUICK};
use crate::pages;

const ROOT: &str = "/v3/experiments";
/// How many are asked for at a time.
const PAGE: u32 = 200;

/// One change of an experiment, as RFC 6902 has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// `replace` or `add`.
    pub op: &'static str,
    /// Where, e.g. `/settings/name`.
    pub path: String,
    /// What is to be there.
    pub value: Value,
}

impl Client {
    /// `POST /v3/experiments`.
    ///
    /// # Errors
    /// [`ClientError::Api`] with all complaints, their paths in `experiment`.
    pub async fn create_experiment(
        &self,
        experiment: &Map<String, Value>,
    ) -> Result<ExperimentResource, ClientError> {
        http::json(self.post(ROOT).json(experiment).timeout(QUICK)).await
    }

    /// All experiments, newest first.
    pub fn experiments(
        &self,
    ) -> impl Stream<Item = Result<ExperimentResource, ClientError>> + Send + use<> {
        pages::all(self, format!("{ROOT}?limit={PAGE}"), |list: ExperimentList| {
            (list.resources, list.next)
        })
    }

    /// `GET /v3/experiments/{id}`.
    pub async fn experiment(
        &self,
        experiment: &AssetId,
    ) -> Result<ExperimentResource, ClientError> {
        http::json(self.get(&format!("{ROOT}/{experiment}")).timeout(QUICK)).await
    }

    /// `PATCH /v3/experiments/{id}`.
    ///
    /// # Errors
    /// [`ClientError::Api`] with all complaints about the experiment as it would be.
    pub async fn change_experiment(
        &self,
        experiment: &AssetId,
        changes: &[Change],
    ) -> Result<ExperimentResource, ClientError> {
        let request = self.request(Method::PATCH, &format!("{ROOT}/{experiment}"));
        http::json(request.json(changes).timeout(QUICK)).await
    }

    /// `DELETE /v3/experiments/{id}`.
    pub async fn delete_experiment(&self, experiment: &AssetId) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("{ROOT}/{experiment}"));
        http::done(request.timeout(QUICK)).await
    }

    /// `POST /v3/experiments/{id}/runs`: runs it.
    pub async fn run_experiment(
        &self,
        experiment: &AssetId,
    ) -> Result<ExperimentRunResource, ClientError> {
        http::json(self.post(&format!("{ROOT}/{experiment}/runs")).timeout(QUICK)).await
    }

    /// All runs of an experiment, newest first.
    pub fn experiment_runs(
        &self,
        experiment: &AssetId,
    ) -> impl Stream<Item = Result<ExperimentRunResource, ClientError>> + Send + use<> {
        let first = format!("{ROOT}/{experiment}/runs?limit={PAGE}");
        pages::all(self, first, |list: ExperimentRunList| (list.resources, list.next))
    }

    /// `GET /v3/experiments/{id}/runs/{run}`.
    pub async fn experiment_run(
        &self,
        experiment: &AssetId,
        run: &AssetId,
    ) -> Result<ExperimentRunResource, ClientError> {
        http::json(self.get(&format!("{ROOT}/{experiment}/runs/{run}")).timeout(QUICK)).await
    }

    /// `DELETE /v3/experiments/{id}/runs/{run}`: with its training runs; those that are
    /// live are canceled first.
    pub async fn delete_experiment_run(
        &self,
        experiment: &AssetId,
        run: &AssetId,
    ) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("{ROOT}/{experiment}/runs/{run}"));
        http::done(request.timeout(QUICK)).await
    }
}
