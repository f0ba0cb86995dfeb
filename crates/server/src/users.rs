//! `/v3/users`: who may log in. The operator's business alone; the operator is the local user,
//! who can read the server's own files.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use trainyard_api::instance::{ApiKey, NewApiKey, NewPassword, NewUser, User, UserList};
use trainyard_api::{ErrorBody, Time};
use trainyard_ledger::{Access, UserRecord};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::UserName;

use crate::access::Operator;
use crate::answer::{Answer, Failure};
use crate::extract::Content;
use crate::routes::Shared;
use crate::{credential, passwords};

/// The longest name of a user, a key or an instance.
const LONGEST_NAME: usize = 64;

/// All users who may log in.
#[utoipa::path(get, path = "/v3/users", tag = "operator", security(("token" = [])),
    responses((status = 200, body = UserList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(crate) async fn list(_: Operator, State(shared): State<Shared>) -> Answer<Json<UserList>> {
    let resources = shared.control.ledger().users().await?.into_iter().map(view).collect();
    Ok(Json(UserList { resources }))
}

/// Makes a user.
#[utoipa::path(post, path = "/v3/users", tag = "operator", security(("token" = [])),
    request_body = NewUser,
    responses((status = 201, body = User), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn create(
    _: Operator,
    State(shared): State<Shared>,
    Content(body): Content,
) -> Answer<(StatusCode, Json<User>)> {
    let new: NewUser = read(&body)?;
    let name = user_name(&new.name)?;
    let access = match new.access.as_deref() {
        None => Access::Write,
        Some(word) => Access::of(word).ok_or_else(|| {
            Failure::bad_request(format!("access is `write` or `read`, not `{word}`"))
        })?,
    };
    refuse(passwords::complaint(&new.password))?;
    let password = passwords::hash(new.password).await;
    let ledger = shared.control.ledger();
    if name == UserName::local()
        || !ledger.add_user(&name, password, access, Timestamp::now()).await?
    {
        return Err(taken("user", &new.name));
    }
    let made = ledger.user(&name).await?.ok_or_else(|| Failure::unknown("user"))?;
    Ok((StatusCode::CREATED, Json(view(made))))
}

/// Takes away everything that lets a user in. What they made stays on record.
#[utoipa::path(delete, path = "/v3/users/{name}", tag = "operator", security(("token" = [])), params(("name" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn remove(
    _: Operator,
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let removed = shared.control.ledger().remove_user(&UserName(name), Timestamp::now()).await?;
    gone(removed, "user")
}

/// Gives a user another password and ends their logins. API keys stay good.
#[utoipa::path(put, path = "/v3/users/{name}/password", tag = "operator", security(("token" = [])), params(("name" = String, Path)),
    request_body = NewPassword,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn set_password(
    _: Operator,
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Content(body): Content,
) -> Answer<StatusCode> {
    let NewPassword { password } = read(&body)?;
    refuse(passwords::complaint(&password))?;
    let kept = passwords::hash(password).await;
    gone(shared.control.ledger().set_password(&UserName(name), kept).await?, "user")
}

/// Makes an API key of a user. The answer is the one time that it is told.
#[utoipa::path(post, path = "/v3/users/{name}/api_keys", tag = "operator", security(("token" = [])), params(("name" = String, Path)),
    request_body = NewApiKey,
    responses((status = 201, body = ApiKey), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn create_key(
    _: Operator,
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Content(body): Content,
) -> Answer<(StatusCode, Json<ApiKey>)> {
    let NewApiKey { name: key_name } = read(&body)?;
    refuse(bad_name(&key_name))?;
    let (ledger, user) = (shared.control.ledger(), UserName(name));
    if ledger.user(&user).await?.is_none() {
        return Err(Failure::unknown("user"));
    }
    let key = credential::api_key();
    let hash = credential::hash(key.expose_secret());
    if !ledger.add_api_key(&user, key_name.clone(), hash, Timestamp::now()).await? {
        return Err(taken("API key", &key_name));
    }
    let api_key = key.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(ApiKey { name: key_name, api_key })))
}

/// Takes an API key out of service.
#[utoipa::path(delete, path = "/v3/users/{name}/api_keys/{key}", tag = "operator", security(("token" = [])),
    params(("name" = String, Path), ("key" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn remove_key(
    _: Operator,
    State(shared): State<Shared>,
    Path((name, key)): Path<(String, String)>,
) -> Answer<StatusCode> {
    gone(shared.control.ledger().remove_api_key(&UserName(name), key).await?, "API key")
}

fn view(user: UserRecord) -> User {
    User {
        name: user.name.0,
        access: user.access.as_str().to_owned(),
        created_at: Time(user.created_at),
        api_keys: user.api_keys,
    }
}

/// A small JSON body.
pub(crate) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Answer<T> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::bad_request(format!("this is not what is expected here: {error}"))
    })
}

/// A name that can be logged in with: HTTP Basic ends it at a colon, and it stands in lists.
pub(crate) fn user_name(text: &str) -> Answer<UserName> {
    refuse(bad_name(text))?;
    Ok(UserName(text.to_owned()))
}

/// The complaint about a name, if there is one.
pub(crate) fn bad_name(text: &str) -> Option<Diagnostic> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    let good = !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(fits);
    (!good).then(|| {
        let message =
            format!("a name has letters, digits and `._@+-`, at most {LONGEST_NAME} of them");
        Diagnostic::error(Code::BadRequest, message).at("name")
    })
}

pub(crate) fn refuse(complaint: Option<Diagnostic>) -> Answer<()> {
    complaint.map_or(Ok(()), |complaint| Err(Failure::new(StatusCode::BAD_REQUEST, complaint)))
}

pub(crate) fn taken(what: &str, name: &str) -> Failure {
    let complaint = Diagnostic::error(
        Code::NameTaken,
        format!("the name `{name}` is taken by another {what}, now or in the past"),
    )
    .help("choose another name");
    Failure::new(StatusCode::CONFLICT, complaint)
}

pub(crate) fn gone(done: bool, what: &str) -> Answer<StatusCode> {
    if done { Ok(StatusCode::NO_CONTENT) } else { Err(Failure::unknown(what)) }
}
