//! How fast passwords may be guessed.
//!
//! Somebody mistypes a password a few times; a program that guesses does so without end. After
//! [`FREE`] wrong ones in a row, those that come for the same name from the same address are
//! looked at one in [`PAUSE`]: some 17,000 a day, of whatever strength the password is. Nobody
//! is locked out: whoever knows the password waits a few seconds, and from another address
//! not at all. Names that nobody has are treated alike, so that this tells nothing of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use trainyard_model::ids::UserName;

/// So many may be wrong in a row.
const FREE: u32 = 10;

/// How long after a wrong one the next is looked at.
const PAUSE: Duration = Duration::from_secs(5);

/// What was wrong so long ago is forgotten.
const FORGOTTEN: Duration = Duration::from_mins(15);

/// So many names and addresses are remembered; whoever has more addresses than this has to be
/// held off by other means.
const REMEMBERED: usize = 16 << 10;

/// The address that a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Who has guessed wrongly of late.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<HashMap<Guesser, Wrong>>);

type Guesser = (UserName, Option<Peer>);

#[derive(Debug, Clone, Copy)]
struct Wrong {
    in_a_row: u32,
    last: Instant,
}

impl Guesses {
    /// May a password be looked at now? Else, after how long the next one may come. To be asked
    /// when its turn has come and not before: of those that come at once, each knows then of
    /// those before it.
    pub(crate) fn may_look(&self, name: &UserName, peer: Option<Peer>) -> Result<(), Duration> {
        self.may_look_at(name, peer, Instant::now())
    }

    /// The password was right, and all is forgotten; or wrong, and counts.
    pub(crate) fn was(&self, right: bool, name: &UserName, peer: Option<Peer>) {
        if right {
            self.known().remove(&(name.clone(), peer));
        } else {
            self.was_wrong_at(name, peer, Instant::now());
        }
    }

    fn may_look_at(
        &self,
        name: &UserName,
        peer: Option<Peer>,
        now: Instant,
    ) -> Result<(), Duration> {
        let known = self.known();
        let Some(wrong) = known.get(&(name.clone(), peer)) else { return Ok(()) };
        let age = now.saturating_duration_since(wrong.last);
        if wrong.in_a_row >= FREE && age < PAUSE { Err(PAUSE.saturating_sub(age)) } else { Ok(()) }
    }

    fn was_wrong_at(&self, name: &UserName, peer: Option<Peer>, now: Instant) {
        let mut known = self.known();
        let is_old = |wrong: &Wrong| now.saturating_duration_since(wrong.last) >= FORGOTTEN;
        if known.len() >= REMEMBERED {
            known.retain(|_, wrong| !is_old(wrong));
        }
        // Still too many: who guesses from everywhere gains a few tries by it.
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let wrong = known.entry((name.clone(), peer)).or_insert(Wrong { in_a_row: 0, last: now });
        let in_a_row = if is_old(wrong) { 1 } else { wrong.in_a_row.saturating_add(1) };
        *wrong = Wrong { in_a_row, last: now };
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Guesser, Wrong>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> UserName {
        UserName("ann".to_owned())
    }

    #[test]
    fn guesses_are_slow_after_ten_and_for_nobody_else() {
        let (guesses, mut now) = (Guesses::default(), Instant::now());
        let here = Some(Peer(IpAddr::from([10, 0, 0, 1])));
        let guess = |peer, now| {
            guesses.may_look_at(&ann(), peer, now)?;
            guesses.was_wrong_at(&ann(), peer, now);
            Ok(())
        };
        for _ in 0..FREE {
            assert_eq!(guess(here, now), Ok(()));
        }
        assert_eq!(guess(here, now + Duration::from_secs(1)), Err(Duration::from_secs(4)));
        // From elsewhere, and under another name, nothing has happened.
        let elsewhere = Some(Peer(IpAddr::from([10, 0, 0, 2])));
        assert_eq!(guess(elsewhere, now), Ok(()));
        assert_eq!(guesses.may_look_at(&UserName("bob".to_owned()), here, now), Ok(()));
        // An hour of asking all the time.
        let end = now + Duration::from_hours(1);
        let mut looked_at = 0;
        while now < end {
            looked_at += u32::from(guess(here, now).is_ok());
            now += Duration::from_millis(100);
        }
        assert!((700..=721).contains(&looked_at), "{looked_at}");
        // The right one ends it, and so does time.
        guesses.was(true, &ann(), here);
        assert_eq!(guess(here, now), Ok(()));
        assert_eq!(guess(here, now + FORGOTTEN), Ok(()));
        assert_eq!(guesses.known()[&(ann(), here)].in_a_row, 1);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..=REMEMBERED {
            guesses.was_wrong_at(&UserName(number.to_string()), None, now);
        }
        assert!(guesses.known().len() <= REMEMBERED);
    }
}
