//! Permissions, as argument types: a handler cannot be written without naming
//! the one that it needs.
//!
//! [`Reader`] may look, [`Writer`] may also change, [`Operator`] says who may do either,
//! [`Learner`] speaks for one attempt. A stranger's run is not told from one that does not exist; that is
//! `control`'s business, which gets the user's name.

use axum::extract::{FromRequestParts, Path};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use trainyard_control::Control;
use trainyard_ledger::Access;
use trainyard_model::code::Code;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId, UserName};

use crate::answer::Failure;
use crate::credential;
use crate::routes::Shared;

/// A user who may look.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) UserName);

/// A user who may change things.
#[derive(Debug)]
pub(crate) struct Writer(pub(crate) UserName);

/// The operator: the local user, whose credential lies in the server's own files.
#[derive(Debug)]
pub(crate) struct Operator(pub(crate) UserName);

/// The user whose permission was found good, for extractors after it that count what each
/// user has under way.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) UserName);

/// The learner of an attempt, which its token and the path both name.
#[derive(Debug)]
pub(crate) struct Learner(pub(crate) AttemptId);

impl FromRequestParts<Shared> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Failure> {
        let (name, _) = user(parts, &shared.control).await?;
        parts.extensions.insert(Caller(name.clone()));
        Ok(Self(name))
    }
}

impl FromRequestParts<Shared> for Writer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Failure> {
        match user(parts, &shared.control).await? {
            (name, Access::Write) => {
                parts.extensions.insert(Caller(name.clone()));
                Ok(Self(name))
            }
            (_, Access::Read) => Err(Failure::forbidden()),
        }
    }
}

impl FromRequestParts<Shared> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Failure> {
        let Writer(name) = Writer::from_request_parts(parts, shared).await?;
        if name == UserName::local() { Ok(Self(name)) } else { Err(Failure::not_operator()) }
    }
}

impl FromRequestParts<Shared> for Learner {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Failure> {
        let token = bearer(parts)?.to_owned();
        let Path((run, attempt)) =
            Path::<(String, u32)>::from_request_parts(parts, shared)
                .await
                .map_err(|_| Failure::not_found(Code::UnknownRun, "there is no such attempt"))?;
        let spoken_for = shared.control.attempt_of_token(&token).await?;
        let named =
            run.parse::<RunId>().ok().map(|run| AttemptId { run, attempt: AttemptNo(attempt) });
        match (spoken_for, named) {
            (Some(spoken_for), Some(named)) if spoken_for == named => Ok(Self(named)),
            // The token of an attempt that is over is no longer on record. Its
            // learner must learn that, and ends everything: so this is said only
            // of an attempt that is on record here and over. A learner that asks
            // the wrong server hears that nobody knows it, and asks again.
            (None, Some(named)) if shared.control.is_over(&named).await? => {
                Err(trainyard_control::AttemptError::Over.into())
            }
            _ => Err(Failure::unauthorized("this token does not speak for this attempt")),
        }
    }
}

async fn user(parts: &Parts, control: &Control) -> Result<(UserName, Access), Failure> {
    let token = bearer(parts)?;
    let found = control.ledger().user_of_token(credential::hash(token)).await?;
    found.ok_or_else(|| Failure::unauthorized("this token is not known, or no longer"))
}

fn bearer(parts: &Parts) -> Result<&str, Failure> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    // The official client writes `bearer` on websockets and `Bearer` elsewhere.
    header
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Failure::unauthorized("this needs a credential"))
}
