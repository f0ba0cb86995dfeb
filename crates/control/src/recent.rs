//! Stores that were found good a moment ago are not tried again for the next submission: a
//! script that sweeps parameters names the same ones thousands of times.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use trainyard_model::definition::{StoreRef, TrainingDefinition};
use trainyard_model::secret::{Credentials, Secrets};

/// How long a moment is. Short: the submission after a store's failure should say so.
const MOMENT: Duration = Duration::from_secs(2);

/// Above so many those are forgotten that have become old.
const REMEMBERED: usize = 1024;

/// The stores, with the keys that opened them.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<HashMap<Pair, Instant>>);

/// Both stores of a definition and their keys, as a digest: no secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Pair([u8; 32]);

impl Pair {
    pub(crate) fn of(definition: &TrainingDefinition, secrets: &Secrets) -> Self {
        let mut digest = Sha256::new();
        let data = definition.data.as_ref().map(|store| (store, secrets.data.as_ref()));
        let results = Some((&definition.results, secrets.results.as_ref()));
        for store in [data, results] {
            let written = serde_json::to_vec(&store.map(|(store, _): (&StoreRef, _)| store));
            add(&mut digest, &written.expect("plain data"));
            let keys: Option<&Credentials> = store.and_then(|(_, keys)| keys);
            let session = keys.and_then(|keys| keys.session.as_ref());
            for key in [keys.map(|keys| &keys.user), keys.map(|keys| &keys.secret), session] {
                add(&mut digest, key.map_or("", |key| key.expose_secret()).as_bytes());
            }
        }
        Self(digest.finalize().into())
    }
}

/// With its length, so that no two sequences are the same bytes.
fn add(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_le_bytes());
    digest.update(bytes);
}

impl Recent {
    /// Were both found good a moment ago?
    pub(crate) fn has(&self, pair: &Pair) -> bool {
        let good = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        good.get(pair).is_some_and(|since| since.elapsed() < MOMENT)
    }

    /// Both were found good by a look that began at `since`.
    pub(crate) fn put(&self, pair: Pair, since: Instant) {
        let mut good = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= REMEMBERED {
            good.retain(|_, since| since.elapsed() < MOMENT);
        }
        good.insert(pair, since);
    }
}

#[cfg(test)]
mod tests {
    use trainyard_definition::{Syntax, read};

    use super::*;

    fn pair(container: &str, password: &str) -> Pair {
        let text = serde_json::json!({
            "model_definition": {
                "framework": {"name": "tensorflow", "version": "1.2-py3"}, "name": "n",
                "execution": {"command": "python3 a.py", "resourceType": "small"},
            },
            "training_results": {
                "connection": {"auth_url": "https://s3.example", "userId": "u", "password": password},
                "target": {"container": container, "type": "s3_datastore"},
            },
        });
        let submission = read(&text.to_string(), Syntax::Json).expect("a definition");
        Pair::of(&submission.definition, &submission.secrets)
    }

    #[test]
    fn another_container_or_key_is_another_pair_and_a_moment_passes() {
        let one = pair("results", "secret");
        assert_eq!(one, pair("results", "secret"));
        assert_ne!(one, pair("others", "secret"));
        assert_ne!(one, pair("results", "wrong"));
        let recent = Recent::default();
        assert!(!recent.has(&one));
        recent.put(one, Instant::now());
        assert!(recent.has(&one) && !recent.has(&pair("results", "wrong")));
        let long_ago = Instant::now().checked_sub(MOMENT).expect("the machine is up for longer");
        recent.put(one, long_ago);
        assert!(!recent.has(&one));
    }
}
