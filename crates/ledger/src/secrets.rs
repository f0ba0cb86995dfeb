//! The credentials of runs, sealed.

use rusqlite::named_params;
use trainyard_model::ids::RunId;
use trainyard_model::secret::{ExposedSecrets, Secrets};

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::seal::{Purpose, Sealed, Sealer};
use crate::{column, sql};

impl Ledger {
    /// The credentials of a run, empty when its stores need none; `None` when
    /// there is no such run.
    ///
    /// # Errors
    /// [`LedgerError::Seal`] when the key is another or the row was changed.
    pub async fn secrets(&self, id: &RunId) -> Result<Option<Secrets>, LedgerError> {
        let asked = id.clone();
        let found = self
            .read(move |connection| {
                let params = named_params! { ":id": asked.as_str() };
                sql::SECRET_OF_RUN.first(connection, params, |row| {
                    let key_id: Option<String> = column::plain(row, "key_id")?;
                    key_id.map(|_| Sealed::read(row)).transpose()
                })
            })
            .await?;
        match found {
            None => Ok(None),
            Some(None) => Ok(Some(Secrets::default())),
            Some(Some(sealed)) => {
                let exposed: ExposedSecrets =
                    self.sealer().open(Purpose::RunSecrets(id), &sealed)?;
                Ok(Some(exposed.into()))
            }
        }
    }
}

/// Seals what there is; a run without credentials has no row.
pub(crate) fn seal(
    sealer: &Sealer,
    id: &RunId,
    secrets: &Secrets,
) -> Result<Option<Sealed>, LedgerError> {
    if secrets.data.is_none() && secrets.results.is_none() {
        return Ok(None);
    }
    sealer.seal(Purpose::RunSecrets(id), &secrets.expose()).map(Some)
}
