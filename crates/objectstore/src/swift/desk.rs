//! One token for all who have the same credentials, and one renewal for all who need it.
//!
//! However many transfers are under way, one of them asks for the new token while the
//! others wait, or go on with the old one while it is still good; when it is refused, all
//! who waited are told the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use http::HeaderValue;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::entrance::{Entrance, Grant, Way};
use super::trouble::Trouble;
use crate::wire::Wire;

/// A token is renewed this long before its end, or a tenth of its life, whichever is less.
const MARGIN_MAX: Duration = Duration::from_mins(1);

/// More desks than this are not kept for credentials that nobody uses.
const IDLE_MAX: usize = 64;

/// The desks of a process: one for each set of credentials. Holds no secret but tokens.
#[derive(Debug, Default)]
pub(crate) struct Desks(Mutex<HashMap<[u8; 32], Arc<Desk>>>);

impl Desks {
    /// The desk for these credentials.
    pub(super) fn desk(&self, entrance: &Entrance) -> Arc<Desk> {
        let mut desks = self.0.lock().expect("no holder panics");
        if desks.len() >= IDLE_MAX {
            desks.retain(|_, desk| Arc::strong_count(desk) > 1);
        }
        Arc::clone(desks.entry(digest(entrance)).or_default())
    }
}

/// Whose token it is: where it is given, to whom, for what secret and for what project.
fn digest(entrance: &Entrance) -> [u8; 32] {
    let keys = entrance.credentials.expose();
    let mut parts = vec![entrance.url.as_str(), &keys.user, &keys.secret];
    if let Way::V3 { scope, region } = &entrance.way {
        parts.extend([&*scope.domain_name, &scope.project_id, region.as_deref().unwrap_or("")]);
    }
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that no two lists of texts look the same.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// A token, and where it is good.
#[derive(Debug)]
pub(super) struct Token {
    /// The account's URL, without a slash at its end.
    pub(super) storage: String,
    pub(super) value: HeaderValue,
    /// From here on a new one is asked for, and from there on it is no good.
    due: Option<(Instant, Instant)>,
}

impl Token {
    /// `before`: the token that was good until now. A store may give the same one again
    /// until it has expired; there is no point in asking earlier then.
    fn new(grant: Grant, asked: Instant, before: Option<&Self>) -> Self {
        let Grant { storage, token, life } = grant;
        let same = before.is_some_and(|before| before.value == token);
        let due = life.map(|life| {
            let margin = if same { Duration::ZERO } else { MARGIN_MAX.min(life / 10) };
            (asked + life.saturating_sub(margin), asked + life)
        });
        Self { storage, value: token, due }
    }

    fn is_due(&self) -> bool {
        self.due.is_some_and(|(due, _)| Instant::now() >= due)
    }

    fn is_over(&self) -> bool {
        self.due.is_some_and(|(_, end)| Instant::now() >= end)
    }
}

/// Where the token lies.
#[derive(Debug, Default)]
pub(super) struct Desk {
    current: RwLock<Option<Arc<Token>>>,
    /// How often one was asked for.
    rounds: AtomicU64,
    /// Held by the one who asks; says how the last round ended when it ended badly.
    asking: tokio::sync::Mutex<Option<Trouble>>,
}

impl Desk {
    fn current(&self) -> Option<Arc<Token>> {
        self.current.read().expect("no holder panics").clone()
    }

    /// A good token. `refused` is one that the store does not take any more.
    pub(super) async fn token(
        &self,
        wire: &Wire,
        entrance: &Entrance,
        refused: Option<&Arc<Token>>,
    ) -> Result<Arc<Token>, Trouble> {
        let is_refused =
            |token: &Arc<Token>| refused.is_some_and(|refused| Arc::ptr_eq(refused, token));
        let seen = self.rounds.load(Ordering::Acquire);
        let held = self.current();
        let mut last = match &held {
            Some(token) if is_refused(token) => self.asking.lock().await,
            Some(token) if !token.is_due() => return Ok(Arc::clone(token)),
            // Someone else is asking already, and this one will do for the while.
            Some(token) if !token.is_over() => match self.asking.try_lock() {
                Ok(last) => last,
                Err(_) => return Ok(Arc::clone(token)),
            },
            _ => self.asking.lock().await,
        };
        if self.rounds.load(Ordering::Acquire) != seen {
            // A round has ended while we waited: it was ours, too.
            if let Some(trouble) = &*last {
                return Err(trouble.clone());
            }
            if let Some(token) = self.current().filter(|token| !is_refused(token)) {
                return Ok(token);
            }
        }
        let asked = Instant::now();
        let granted = entrance.ask(wire).await;
        let outcome = granted.map(|grant| Arc::new(Token::new(grant, asked, held.as_deref())));
        *last = outcome.as_ref().err().cloned();
        if let Ok(token) = &outcome {
            *self.current.write().expect("no holder panics") = Some(Arc::clone(token));
        }
        self.rounds.fetch_add(1, Ordering::Release);
        outcome
    }
}
