//! `GET /v3/identity/token`: from a user's name and password to a token.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a login.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenBody {
    /// A JSON Web Token for `Authorization: Bearer`. Its payload carries `exp`;
    /// the official client renews it 30 minutes before that.
    pub token: String,
}
