//! `/v3/identity/token`: the login.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::ExposeSecret as _;
use trainyard_api::identity::TokenBody;
use trainyard_ledger::Access;
use trainyard_model::ids::UserName;

use crate::answer::{Answer, Failure};
use crate::credential;
use crate::routes::Shared;

/// Logs in with a name and a password (HTTP Basic) and gives a token.
#[utoipa::path(get, path = "/v3/identity/token", tag = "identity", security(("password" = [])),
    responses((status = 200, body = TokenBody), (status = 401, body = trainyard_api::ErrorBody)))]
pub(crate) async fn token(
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Answer<Json<TokenBody>> {
    let (user, password) = basic(&headers)
        .ok_or_else(|| Failure::unauthorized("a login needs a name and a password"))?;
    // Hashes are compared, so that the time it takes tells nothing of the password.
    let right = credential::hash(&password) == credential::hash(shared.local_token.expose_secret());
    if user != UserName::local() || !right {
        return Err(Failure::unauthorized("wrong name or password"));
    }
    let token = credential::login(shared.control.ledger(), &user, Access::Write).await?;
    Ok(Json(TokenBody { token: token.expose_secret().to_owned() }))
}

fn basic(headers: &HeaderMap) -> Option<(UserName, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((UserName(user.to_owned()), password.to_owned()))
}
