//! `/v3/identity/token` and its relatives: logins.
//!
//! A login gives a token that is good for some hours. It is had for a name and a password
//! (both of v3's addresses, and that of its older embedded client), for an API key in the
//! form that OAuth 2.0 gives such exchanges, and for a token that is still good.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use trainyard_api::ErrorBody;
use trainyard_api::identity::{OidcToken, RefreshBody, TokenBody};
use trainyard_ledger::Access;
use trainyard_model::ids::UserName;
use utoipa::ToSchema;

use crate::answer::{Answer, Failure};
use crate::credential::{self, LOGIN_LASTS};
use crate::extract::Small;
use crate::guesses::Peer;
use crate::passwords;
use crate::routes::Shared;

/// Logs in with a name and a password (HTTP Basic) and gives a token.
#[utoipa::path(get, path = "/v3/identity/token", tag = "identity", security(("password" = [])),
    responses((status = 200, body = TokenBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn token(
    State(shared): State<Shared>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Answer<Json<TokenBody>> {
    let (user, password) = basic(&headers)
        .ok_or_else(|| Failure::unauthorized("a login needs a name and a password"))?;
    let access = access_of(&shared, &user, password, peer.map(|Extension(peer)| peer)).await?;
    let token = credential::login(shared.control.ledger(), &user, access).await?;
    Ok(Json(TokenBody { token: token.expose_secret().to_owned() }))
}

/// The same at the address that older clients, and one inside of the official client, ask.
#[utoipa::path(get, path = "/v2/identity/token", tag = "identity", security(("password" = [])),
    responses((status = 200, body = TokenBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn token_v2(
    shared: State<Shared>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Answer<Json<TokenBody>> {
    token(shared, peer, headers).await
}

/// Gives a new token for one that is still good. The body authenticates, no header does.
#[utoipa::path(put, path = "/v3/identity/token", tag = "identity", security(()),
    request_body = RefreshBody,
    responses((status = 200, body = TokenBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn refresh(
    State(shared): State<Shared>,
    Small(body): Small,
) -> Answer<Json<TokenBody>> {
    let RefreshBody { token } = serde_json::from_slice(&body).map_err(|error| {
        Failure::bad_request(format!("expected `{{\"token\": \"…\"}}`: {error}"))
    })?;
    let ledger = shared.control.ledger();
    let (user, access) = (ledger.user_of_token(credential::hash(&token)).await?)
        .ok_or_else(|| Failure::unauthorized("this token is not known, or no longer"))?;
    let token = credential::login(ledger, &user, access).await?;
    Ok(Json(TokenBody { token: token.expose_secret().to_owned() }))
}

/// The form of `POST /oidc/token`.
#[derive(ToSchema)]
pub(crate) struct OidcForm {
    /// `urn:ibm:params:oauth:grant-type:apikey`.
    grant_type: String,
    /// The key.
    apikey: String,
}

impl OidcForm {
    fn read(body: &[u8]) -> Option<Self> {
        let fields: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
        let field = |name| fields.get(name).cloned();
        Some(Self { grant_type: field("grant_type")?, apikey: field("apikey")? })
    }
}

/// The one kind of grant.
const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// Gives a token for an API key.
#[utoipa::path(post, path = "/oidc/token", tag = "identity", security(()),
    request_body(content = OidcForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = OidcToken), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn oidc(
    State(shared): State<Shared>,
    Small(body): Small,
) -> Answer<Json<OidcToken>> {
    let OidcForm { grant_type, apikey } = OidcForm::read(&body).ok_or_else(|| {
        Failure::bad_request(format!("expected the form `apikey=…&grant_type={GRANT}`"))
    })?;
    if grant_type != GRANT {
        let message = format!("the kind of grant is `{GRANT}`, not `{grant_type}`");
        return Err(Failure::bad_request(message));
    }
    let ledger = shared.control.ledger();
    let known = if credential::is_api_key(&apikey) {
        ledger.user_of_token(credential::hash(&apikey)).await?
    } else {
        None
    };
    let (user, access) =
        known.ok_or_else(|| Failure::unauthorized("this API key is not known, or no longer"))?;
    let token = credential::login(ledger, &user, access).await?;
    Ok(Json(OidcToken {
        access_token: token.expose_secret().to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: LOGIN_LASTS.as_secs(),
        expiration: (Timestamp::now() + LOGIN_LASTS).as_second(),
    }))
}

/// What the user of this name and password may do.
async fn access_of(
    shared: &Shared,
    user: &UserName,
    password: String,
    peer: Option<Peer>,
) -> Answer<Access> {
    let may_look = || shared.guesses.may_look(user, peer).map_err(Failure::guessing);
    let access = if *user == UserName::local() {
        may_look()?;
        // Hashes are compared, so that the time it takes tells nothing of the password.
        let local = credential::hash(shared.local_token.expose_secret());
        (credential::hash(&password) == local).then_some(Access::Write)
    } else {
        let known = shared.control.ledger().user(user).await?;
        let (kept, access) = known.map(|known| (known.password, known.access)).unzip();
        let turn = passwords::turn().await;
        may_look()?;
        // Asked also when there is no such user: the time that it takes tells nothing of that.
        let right = turn.compare(password, kept).await;
        access.filter(|_| right)
    };
    shared.guesses.was(access.is_some(), user, peer);
    access.ok_or_else(|| Failure::unauthorized("wrong name or password"))
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
