//! Passwords of people: what is kept of them, and whether one is right.
//!
//! Argon2id with the crate's own parameters (19 MiB, two passes, one lane; those that OWASP
//! gives as its first choice). A check costs tens of milliseconds of a core and that memory on
//! purpose, so only a few are done at a time, and never on a thread that serves requests.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use std::sync::LazyLock;
use tokio::sync::{Semaphore, SemaphorePermit};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

/// How many are worked on at a time.
const AT_ONCE: usize = 2;

/// The shortest password that is taken, and the longest, in bytes.
const SHORTEST: usize = 8;
const LONGEST: usize = 1024;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// What a password is compared with when there is no such user: the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password"));

/// The complaint about a new password that is too short to be one, or too long to be hashed.
pub(crate) fn complaint(password: &str) -> Option<Diagnostic> {
    let message = if password.len() < SHORTEST {
        format!("a password has at least {SHORTEST} characters")
    } else if password.len() > LONGEST {
        format!("a password has at most {LONGEST} bytes")
    } else {
        return None;
    };
    Some(Diagnostic::error(Code::BadRequest, message).at("password"))
}

/// What is kept of a password: a PHC string with a salt of its own.
pub(crate) async fn hash(password: String) -> String {
    turn().await.work(move || hash_now(&password)).await
}

/// One of the few places to work on a password.
pub(crate) struct Turn(SemaphorePermit<'static>);

/// Waits for a place.
pub(crate) async fn turn() -> Turn {
    Turn(TURNS.acquire().await.expect("it is never closed"))
}

impl Turn {
    /// Is this the password of which `kept` was kept? Without `kept` it is not, after as long
    /// a time.
    pub(crate) async fn compare(self, password: String, kept: Option<String>) -> bool {
        if password.len() > LONGEST {
            return false;
        }
        self.work(move || {
            let hash = PasswordHash::new(kept.as_deref().unwrap_or(&NOBODY));
            let same = hash.is_ok_and(|hash| {
                Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
            });
            same && kept.is_some()
        })
        .await
    }

    async fn work<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        // The place is taken until the work is done, also when nobody waits for it any more.
        let working = tokio::task::spawn_blocking(move || {
            let _place = self.0;
            work()
        });
        working.await.expect("hashing does not panic")
    }
}

fn hash_now(password: &str) -> String {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.expect("the parameters are right and the kernel gives random bytes").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_alone_is_right() {
        let kept = hash("correct horse".to_owned()).await;
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, hash("correct horse".to_owned()).await, "each has a salt of its own");
        let is_right = async |password: &str, kept: &str| {
            turn().await.compare(password.to_owned(), Some(kept.to_owned())).await
        };
        assert!(is_right("correct horse", &kept).await);
        assert!(!is_right("correct Horse", &kept).await);
        assert!(!is_right("", &kept).await);
        assert!(!is_right("correct horse", "not a hash").await);
        assert!(!turn().await.compare("nobody has this password".to_owned(), None).await);
    }
}
