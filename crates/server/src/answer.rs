//! Error answers: every problem in v3's error body, with the status code that fits.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use trainyard_api::{ApiError, ErrorBody};
use trainyard_control::{AttemptError, Problem};
use trainyard_ledger::LedgerError;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::refusal::Refusal;

/// After what time the disk may have caught up.
const DISK: Duration = Duration::from_secs(1);

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    /// Names this answer in the log.
    trace: String,
    errors: Vec<ApiError>,
    /// The same request may be taken after this time.
    after: Option<Duration>,
}

/// What handlers return.
pub(crate) type Answer<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(status: StatusCode, complaint: Diagnostic) -> Self {
        let errors = vec![complaint.into()];
        Self { status, trace: uuid::Uuid::now_v7().to_string(), errors, after: None }
    }

    /// As much is under way as there may be; not the caller's fault.
    pub(crate) fn busy(message: impl Into<String>, after: Duration) -> Self {
        let complaint = Diagnostic::error(Code::Busy, message)
            .help("wait as long as `Retry-After` says and ask again");
        Self { after: Some(after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, complaint) }
    }

    /// Passwords are given faster than they are looked at.
    pub(crate) fn guessing(after: Duration) -> Self {
        let message = "too many wrong passwords for this name: this one was not looked at";
        let complaint = Diagnostic::error(Code::TooManyGuesses, message)
            .help("wait as long as `Retry-After` says and give the right one");
        Self { after: Some(after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, complaint) }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Diagnostic::error(Code::BadRequest, message))
    }

    pub(crate) fn unauthorized(message: &str) -> Self {
        let complaint = Diagnostic::error(Code::Unauthorized, message)
            .help("send `Authorization: Bearer <token>`; GET /v3/identity/token gives one for a user and a password");
        Self::new(StatusCode::UNAUTHORIZED, complaint)
    }

    pub(crate) fn forbidden() -> Self {
        let complaint = Diagnostic::error(Code::Forbidden, "this credential may only look")
            .help("use one that may write");
        Self::new(StatusCode::FORBIDDEN, complaint)
    }

    pub(crate) fn not_operator() -> Self {
        let complaint = Diagnostic::error(Code::Forbidden, "this is the operator's business")
            .help("ask on the server's own machine, as the user who runs it");
        Self::new(StatusCode::FORBIDDEN, complaint)
    }

    pub(crate) fn not_found(code: Code, message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, Diagnostic::error(code, message))
    }

    /// Something that is neither a run nor a training definition.
    pub(crate) fn unknown(what: &str) -> Self {
        Self::not_found(Code::UnknownThing, &format!("there is no such {what}"))
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let complaint = Diagnostic::error(Code::BodyTooLarge, format!("the request is larger than {limit} bytes"))
            .help("leave data out of the zip (it belongs in the object store), or have the operator raise `limits.upload_bytes`");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, complaint)
    }

    /// A failure of ours. The caller gets a trace to quote; the details go to the log alone.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let complaint = Diagnostic::error(Code::Internal, "the server failed to do this")
            .help("the server's log says why, under the trace of this answer");
        let failure = Self::new(StatusCode::INTERNAL_SERVER_ERROR, complaint);
        tracing::error!(trace = failure.trace, error, "a request failed");
        failure
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody { trace: self.trace, errors: self.errors });
        let mut answer = (self.status, body).into_response();
        if let Some(after) = self.after {
            // In whole seconds, by its definition; never too early.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        answer
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::NotFound { what: "run" } => {
                Self::not_found(Code::UnknownRun, "there is no such run")
            }
            Problem::NotFound { what: "training definition" } => {
                Self::not_found(Code::UnknownDefinition, "there is no such training definition")
            }
            Problem::NotFound { what } => Self::unknown(what),
            Problem::Search(ref search) => Self::new(
                StatusCode::NOT_FOUND,
                Diagnostic::error(Code::UnknownRun, problem.to_string())
                    .help(format!("its trials are runs: {search}_0, {search}_1 …")),
            ),
            Problem::Refused(complaints) => Self {
                status: StatusCode::BAD_REQUEST,
                trace: uuid::Uuid::now_v7().to_string(),
                errors: complaints.into_iter().map(ApiError::from).collect(),
                after: None,
            },
            Problem::Later { complaint, after } => {
                Self { after: Some(after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, *complaint) }
            }
            Problem::Life(refusal) => refusal.into(),
            Problem::Ledger(error) => error.into(),
            Problem::Environments(_) | Problem::Disk { .. } => Self::internal(&problem),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            Diagnostic::error(Code::AlreadySettled, refusal.to_string()),
        )
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Busy => Self::busy("more waits for the disk than it can take", DISK),
            error => Self::internal(&error),
        }
    }
}

impl From<AttemptError> for Failure {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Over => Self::new(
                StatusCode::GONE,
                Diagnostic::error(Code::StaleAttempt, "this attempt is over")
                    .help("end the program and exit"),
            ),
            AttemptError::LogIsMissing { .. } => Self::new(
                StatusCode::CONFLICT,
                Diagnostic::error(Code::BadRequest, error.to_string())
                    .help("ask with an empty `PUT log` how much there is, and send the rest"),
            ),
            AttemptError::Problem(problem) => problem.into(),
        }
    }
}
