//! The line to the server: keeps trying, wherever the server has gone.
//!
//! After every failure the ticket and the server's runtime file are read again:
//! a server that was restarted may listen elsewhere, and may have written a new
//! ticket for a learner that it found at work.

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use trainyard_api::service::RuntimeFile;
use trainyard_client::{ClientError, LearnerClient};

use crate::ticket::Ticket;
use crate::wish::{Wish, Wishes};

/// The first wait after a failure; each further one is twice as long ...
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// ... up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How long a server may say that it does not know the attempt before it is
/// believed: one whose ledger is just being restored says so too.
const UNKNOWN: Duration = Duration::from_mins(10);

/// The attempt is over; there is nobody to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the attempt is over")]
pub(crate) struct Over;

/// The line to the server.
pub(crate) struct Line {
    attempt_dir: PathBuf,
    wishes: Wishes,
    end: Mutex<End>,
}

/// The other end, as far as it is known.
struct End {
    ticket: Ticket,
    url: String,
    client: LearnerClient,
}

impl Line {
    pub(crate) fn new(
        attempt_dir: PathBuf,
        ticket: Ticket,
        wishes: Wishes,
    ) -> Result<Self, ClientError> {
        let url = ticket.url.clone();
        let client = connect(&ticket, &url)?;
        Ok(Self { attempt_dir, wishes, end: Mutex::new(End { ticket, url, client }) })
    }

    /// What the learner has been told to do.
    pub(crate) fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// Calls until there is an answer.
    ///
    /// # Errors
    /// [`Over`] when the server says that the attempt is over, when its folder
    /// is gone, or when everything is to be abandoned for another reason.
    pub(crate) async fn insist<T, F>(
        &self,
        what: &str,
        mut call: impl FnMut(LearnerClient) -> F,
    ) -> Result<T, Over>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut wait = FIRST_WAIT;
        let mut unknown_since = None;
        loop {
            if self.wishes.now() == Wish::Abandon {
                return Err(Over);
            }
            let client = self.end().client.clone();
            let asked = client.base_url().to_owned();
            let answer = tokio::select! {
                answer = call(client) => answer,
                _ = self.wishes.at_least(Wish::Abandon) => return Err(Over),
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tracing::debug!(what, error = &error as &dyn std::error::Error, "no answer");
            if !self.is_worth_trying(&error, &mut unknown_since) {
                tracing::warn!(what, error = &error as &dyn std::error::Error, "giving up");
                self.wishes.wish(Wish::Abandon);
                return Err(Over);
            }
            // A server that has moved is asked at once.
            if !self.find_again(&asked) {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }

    fn is_worth_trying(&self, error: &ClientError, unknown_since: &mut Option<Instant>) -> bool {
        if matches!(error, ClientError::Gone { .. }) || !self.attempt_dir.exists() {
            return false;
        }
        if matches!(error.status(), Some(401 | 403 | 404)) {
            return unknown_since.get_or_insert_with(Instant::now).elapsed() < UNKNOWN;
        }
        *unknown_since = None;
        true
    }

    /// Looks where the server is now. Is it worth asking at once: has the line
    /// changed since `asked` was called?
    fn find_again(&self, asked: &str) -> bool {
        let mut end = self.end();
        let ticket = Ticket::read(&self.attempt_dir).unwrap_or_else(|_| end.ticket.clone());
        let url = fs::read(&ticket.runtime_file)
            .ok()
            .and_then(|text| serde_json::from_slice::<RuntimeFile>(&text).ok())
            .map_or_else(|| ticket.url.clone(), |runtime| runtime.url);
        if url == end.url && ticket.token == end.ticket.token {
            // Another errand may have found it meanwhile.
            return end.client.base_url() != asked;
        }
        match connect(&ticket, &url) {
            Ok(client) => {
                *end = End { ticket, url, client };
                true
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot use the address");
                false
            }
        }
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(ticket: &Ticket, url: &str) -> Result<LearnerClient, ClientError> {
    LearnerClient::new(url, &ticket.attempt, SecretString::from(ticket.token.clone()))
}
