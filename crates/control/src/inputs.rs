//! From what a run was made.

use trainyard_api::inputs::{CodeFile, RunInputs};
use trainyard_definition::{ZipLimits, zip};
use trainyard_model::ids::{RunId, UserName};

use crate::control::Control;
use crate::problem::Problem;

/// The kind of event that tells which environment an attempt ran in.
const ENVIRONMENT: &str = "environment";

impl Control {
    /// Definition, code, data and environment of a run.
    pub async fn inputs(&self, owner: &UserName, run: &RunId) -> Result<RunInputs, Problem> {
        let record = self.record(owner, run).await?;
        let blobs = self.blobs.clone();
        let digest = record.code.clone();
        let reading = tokio::task::spawn_blocking(move || {
            // A run's zip may be gone by somebody's hand; what else is known is told all the same.
            let bytes = blobs.get(&digest).unwrap_or_default();
            let mut files: Vec<CodeFile> = zip::list(&bytes, &ZipLimits::default())
                .into_iter()
                .map(|file| CodeFile {
                    name: file.name,
                    size: file.size,
                    crc32: format!("{:08x}", file.crc32),
                })
                .collect();
            files.sort_by(|one, other| one.name.cmp(&other.name));
            files
        });
        Ok(RunInputs {
            files: reading.await.expect("listing a zip does not panic"),
            code: format!("sha256:{}", record.code),
            data: self.data_seen(run).await?,
            environment: self.last_told(run, ENVIRONMENT).await?,
            definition: record.definition,
        })
    }
}
