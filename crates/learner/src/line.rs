//! The line to the server: keeps trying, wherever the server has gone.
//!
//! After every failure the ticket and the server's runtime file are read again:
//! a server that was restarted may listen elsewhere, and may have written a new
//! ticket for a learner that it found at work.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use trainyard_client::{ClientError, LearnerClient};

use crate::doubt::{Doubt, Found, Stamp};
use crate::ticket::Ticket;
use crate::wish::{Wish, Wishes};

/// The first wait after a failure; each further one is twice as long ...
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// ... up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The attempt is over; there is nobody to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the attempt is over")]
pub(crate) struct Over;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// There is nobody to ask any more.
    #[error(transparent)]
    Over(#[from] Over),
    /// The server will never answer it otherwise.
    #[error("the server refused")]
    Refused(#[source] ClientError),
}

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
    /// The runtime file of the last server that knew the attempt.
    known_by: Option<Stamp>,
}

impl Line {
    pub(crate) fn new(
        attempt_dir: PathBuf,
        ticket: Ticket,
        wishes: Wishes,
    ) -> Result<Self, ClientError> {
        let url = ticket.url.clone();
        let client = connect(&ticket, &url)?;
        Ok(Self {
            attempt_dir,
            wishes,
            end: Mutex::new(End { ticket, url, client, known_by: None }),
        })
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
        call: impl FnMut(LearnerClient) -> F,
    ) -> Result<T, Over>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        match self.call(what, call, |_| false).await {
            Ok(answer) => Ok(answer),
            Err(Unanswered::Over(over)) => Err(over),
            Err(Unanswered::Refused(_)) => unreachable!("no refusal is final here"),
        }
    }

    /// Asks until there is an answer or a refusal that is one.
    ///
    /// # Errors
    /// As [`Self::insist`], and what the server has against the question itself.
    pub(crate) async fn ask<T, F>(
        &self,
        what: &str,
        call: impl FnMut(LearnerClient) -> F,
    ) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        self.call(what, call, is_refusal).await
    }

    async fn call<T, F>(
        &self,
        what: &str,
        mut call: impl FnMut(LearnerClient) -> F,
        is_final: impl Fn(&ClientError) -> bool,
    ) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut wait = FIRST_WAIT;
        let mut doubt = Doubt::default();
        loop {
            if self.wishes.now() == Wish::Abandon {
                return Err(Over.into());
            }
            let client = self.end().client.clone();
            let asked = client.base_url().to_owned();
            let answer = tokio::select! {
                answer = call(client) => answer,
                _ = self.wishes.at_least(Wish::Abandon) => return Err(Over.into()),
            };
            let error = match answer {
                Ok(answer) => {
                    let mut end = self.end();
                    end.known_by = Stamp::of(&end.ticket.runtime_file);
                    return Ok(answer);
                }
                Err(error) if is_final(&error) => return Err(Unanswered::Refused(error)),
                Err(error) => error,
            };
            tracing::debug!(what, error = &error as &dyn std::error::Error, "no answer");
            if !self.is_worth_trying(&error, &mut doubt) {
                tracing::warn!(what, error = &error as &dyn std::error::Error, "giving up");
                self.wishes.wish(Wish::Abandon);
                return Err(Over.into());
            }
            // A server that has moved is asked at once.
            if !self.find_again(&asked) {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }

    fn is_worth_trying(&self, error: &ClientError, doubt: &mut Doubt) -> bool {
        if matches!(error, ClientError::Gone { .. }) || !self.attempt_dir.exists() {
            return false;
        }
        if matches!(error.status(), Some(401 | 403 | 404)) {
            let end = self.end();
            let found = Found::read(&end.ticket.runtime_file);
            return !doubt.is_over(Instant::now(), found.as_ref(), end.known_by);
        }
        doubt.ends();
        true
    }

    /// Looks where the server is now. Is it worth asking at once: has the line
    /// changed since `asked` was called?
    fn find_again(&self, asked: &str) -> bool {
        let mut end = self.end();
        let ticket = Ticket::read(&self.attempt_dir).unwrap_or_else(|_| end.ticket.clone());
        let url =
            Found::read(&ticket.runtime_file).map_or_else(|| ticket.url.clone(), |found| found.url);
        if url == end.url && ticket.token == end.ticket.token {
            // Another errand may have found it meanwhile.
            return end.client.base_url() != asked;
        }
        match connect(&ticket, &url) {
            Ok(client) => {
                *end = End { ticket, url, client, known_by: end.known_by };
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

/// Would the server say the same another time? It speaks of the question then,
/// not of its own troubles, of the credential or of what it does not know yet;
/// and it is a server of ours, whose complaints have a form of their own.
fn is_refusal(error: &ClientError) -> bool {
    matches!(error, ClientError::Api { status, .. }
        if (400..500).contains(status) && ![401, 404, 408, 409, 410, 429].contains(status))
}
