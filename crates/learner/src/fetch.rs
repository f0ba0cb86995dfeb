//! What the learner fetches before anything else: its assignment, and the zip
//! with the digest that the assignment names.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use trainyard_api::learner::Assignment;
use trainyard_client::ClientError;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::ids::Digest;

use crate::line::{Line, Over, Unanswered};

/// How often a zip may arrive damaged, and the wait after each time.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_millis(200);

/// Why there is nothing to work on.
pub(crate) enum NotFetched {
    /// There is nobody to ask any more.
    Over(Over),
    /// The server refuses, or what it gives is not what it promised.
    Failed(Cause),
}

/// Fetches the assignment alone.
pub(crate) async fn fetch_assignment(line: &Line) -> Result<Assignment, NotFetched> {
    let assignment = line.ask("assignment", |client| async move { client.assignment().await });
    assignment.await.map_err(|why| not_fetched("the assignment", why))
}

/// Fetches both, trying for as long as it makes sense.
pub(crate) async fn fetch(line: &Line) -> Result<(Assignment, Bytes), NotFetched> {
    let (assignment, code) = tokio::join!(fetch_assignment(line), ask_for_code(line));
    let assignment = assignment?;
    let mut code = code.map_err(|why| not_fetched("the model definition", why))?;
    let mut tries = 1;
    loop {
        let digest = digest_of(code.clone()).await;
        if digest == assignment.code {
            return Ok((assignment, code));
        }
        tracing::warn!(%digest, expected = %assignment.code, "the zip arrived damaged");
        if tries == TRIES {
            return Err(NotFetched::Failed(damaged(&assignment.code, &digest, code.len())));
        }
        tokio::time::sleep(WAIT * tries).await;
        tries += 1;
        let again = ask_for_code(line).await;
        code = again.map_err(|why| not_fetched("the model definition", why))?;
    }
}

async fn ask_for_code(line: &Line) -> Result<Bytes, Unanswered> {
    line.ask("code", |client| async move { client.code().await }).await
}

async fn digest_of(code: Bytes) -> Digest {
    let hashing = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        for byte in Sha256::digest(&code) {
            write!(text, "{byte:02x}").expect("a String takes all writes");
        }
        Digest(text)
    });
    hashing.await.expect("hashing does not panic")
}

fn damaged(expected: &Digest, got: &Digest, length: usize) -> Cause {
    Cause::new(CauseKind::StagingFailed, "the model definition arrives damaged each time")
        .evidence([
            format!("it should have the digest sha256:{expected}"),
            format!("{length} bytes came with the digest sha256:{got}"),
        ])
        .hint("the server's own copy may be damaged: submit the run again")
}

fn not_fetched(what: &str, why: Unanswered) -> NotFetched {
    let error = match why {
        Unanswered::Over(over) => return NotFetched::Over(over),
        Unanswered::Refused(error) => error,
    };
    let cause = Cause::new(CauseKind::StagingFailed, format!("the server refuses {what}: {error}"));
    let words = match &error {
        ClientError::Api { body, .. } => {
            body.errors.iter().map(|told| format!("{}: {}", told.code, told.message)).collect()
        }
        _ => Vec::new(),
    };
    NotFetched::Failed(cause.evidence(words))
}
