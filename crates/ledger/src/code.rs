//! Whether a stored zip is still needed.

use rusqlite::named_params;
use trainyard_model::ids::Digest;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::sql;

impl Ledger {
    /// Does a run or a stored definition need the zip with this digest? The
    /// ledger knows digests, not files; whoever has the files asks before
    /// removing one, and sees to it that no submission is on its way meanwhile.
    pub async fn code_in_use(&self, code: &Digest) -> Result<bool, LedgerError> {
        let code = code.0.clone();
        self.read(move |connection| {
            let params = named_params! { ":code": code };
            Ok(sql::CODE_IN_USE.number(connection, params)? != 0)
        })
        .await
    }
}
