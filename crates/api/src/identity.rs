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

/// The body of `PUT /v3/identity/token`: a token that is still good, for a new one.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RefreshBody {
    /// The token to be renewed. It authenticates the request; no header does.
    pub token: String,
}

impl std::fmt::Debug for RefreshBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshBody").finish_non_exhaustive()
    }
}

/// The answer of `POST /oidc/token`, as OAuth 2.0 has it (RFC 6749, section 5.1).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct OidcToken {
    /// The token, a JSON Web Token in shape.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// For how many seconds it is good.
    pub expires_in: u64,
    /// Until when, in seconds since 1970.
    pub expiration: i64,
}

impl std::fmt::Debug for OidcToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcToken").field("expiration", &self.expiration).finish_non_exhaustive()
    }
}
