//! A server under test, and runs in it, over the API that users have.

use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::http::{Answer, Client};
use crate::wait::eventually;
use crate::{multipart, processes};

/// A server that this test started. Killed when dropped; its home ends the rest.
pub struct Server {
    child: Child,
    client: Client,
}

impl Server {
    pub(crate) fn new(child: Child, client: Client) -> Self {
        Self { child, client }
    }

    /// Talks to it as the local user.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("Linux ids fit")
    }

    /// Has it ended, whoever ended it?
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// SIGTERM, and waits until it is gone.
    ///
    /// # Errors
    /// When there is nothing to wait for.
    pub fn stop(mut self) -> Result<()> {
        processes::signal(self.pid(), rustix::process::Signal::TERM);
        self.child.wait().context("the server's end")?;
        Ok(())
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// When there is nothing to wait for.
    pub fn kill(mut self) -> Result<()> {
        processes::kill(self.pid());
        self.child.wait().context("the server's end")?;
        Ok(())
    }

    /// Submits and gives the answer, whatever it is.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn post(&self, definition: &str, zip: &[u8]) -> Result<Answer> {
        let (content_type, body) = multipart::submission(definition, zip);
        self.client.request("POST", "/v3/models", &[("Content-Type", &content_type)], &body)
    }

    /// Submits and gives the run's id.
    ///
    /// # Errors
    /// When the submission is not taken.
    pub fn submit(&self, definition: &str, zip: &[u8]) -> Result<String> {
        let run = self.post(definition, zip)?.expect_status(202)?.json()?;
        let id = run["metadata"]["guid"].as_str();
        Ok(id.with_context(|| format!("a run without id: {run}"))?.to_owned())
    }

    /// How the run stands: the `status` of its resource.
    ///
    /// # Errors
    /// When the server does not tell.
    pub fn status(&self, id: &str) -> Result<Value> {
        status_of(&self.client, id)
    }

    /// Waits until `condition` holds of the run's status.
    ///
    /// # Errors
    /// With the last status, when it does not come to it; at once when the run
    /// has settled and can never come to it.
    pub fn until(
        &self,
        id: &str,
        what: &str,
        limit: Duration,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let mut last = Value::Null;
        let found = eventually(what, limit, || {
            last = match self.status(id) {
                Ok(status) => status,
                Err(error) => return Some(Err(error)),
            };
            if condition(&last) {
                return Some(Ok(last.clone()));
            }
            let settled = last["room"] == "settle";
            settled.then(|| Err(anyhow::anyhow!("the run settled before: {what}")))
        });
        found.and_then(|found| found).with_context(|| format!("last status: {last:#}"))
    }

    /// Waits until the program runs.
    ///
    /// # Errors
    /// As [`Self::until`].
    pub fn until_running(&self, id: &str, limit: Duration) -> Result<Value> {
        self.until(id, "the program to run", limit, |status| status["room"] == "run")
    }

    /// Waits until the run has settled in `state`.
    ///
    /// # Errors
    /// As [`Self::until`], and when it settled otherwise.
    pub fn until_settled(&self, id: &str, state: &str, limit: Duration) -> Result<Value> {
        let status =
            self.until(id, "the run to settle", limit, |status| status["room"] == "settle")?;
        ensure!(status["state"] == state, "settled, but not {state}: {status:#}");
        Ok(status)
    }

    /// The whole log as the server has it.
    ///
    /// # Errors
    /// When the server does not give it.
    pub fn log(&self, id: &str) -> Result<Vec<u8>> {
        log_of(&self.client, id)
    }

    /// The run's events, in order.
    ///
    /// # Errors
    /// When the server does not give them.
    pub fn events(&self, id: &str) -> Result<Vec<Value>> {
        events_of(&self.client, id)
    }

    /// Cancels a run.
    ///
    /// # Errors
    /// When the server does not take it.
    pub fn cancel(&self, id: &str) -> Result<()> {
        let patch = br#"[{"op": "replace", "path": "/status/state", "value": "canceled"}]"#;
        let headers = [("Content-Type", "application/json")];
        let answer = self.client.request("PATCH", &format!("/v3/models/{id}"), &headers, patch)?;
        answer.expect_status(204).map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        processes::kill(self.pid());
        let _ = self.child.wait();
    }
}

/// How a run stands, asked of any server: the `status` of its resource.
///
/// # Errors
/// When the server does not tell.
pub fn status_of(client: &Client, id: &str) -> Result<Value> {
    let run = client.get(&format!("/v3/models/{id}"))?.expect_status(200)?.json()?;
    Ok(run["entity"]["status"].clone())
}

/// The whole log of a run, as a server has it.
///
/// # Errors
/// When the server does not give it.
pub fn log_of(client: &Client, id: &str) -> Result<Vec<u8>> {
    let mut log = Vec::new();
    loop {
        let path = format!("/v3/models/{id}/log?offset={}", log.len());
        let piece = client.get(&path)?.expect_status(200)?;
        let whole = piece.header("x-trainyard-log-bytes").context("the log's length")?;
        let whole: usize = whole.parse()?;
        log.extend_from_slice(&piece.body);
        if piece.body.is_empty() || log.len() >= whole {
            return Ok(log);
        }
    }
}

/// A run's events, in order, as a server has them.
///
/// # Errors
/// When the server does not give them.
pub fn events_of(client: &Client, id: &str) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let path = format!("/v3/models/{id}/events?after={after}");
        let page = client.get(&path)?.expect_status(200)?.json()?;
        events.extend(page["resources"].as_array().into_iter().flatten().cloned());
        match page["next_after"].as_u64() {
            Some(next) if next > after => after = next,
            _ => return Ok(events),
        }
    }
}
