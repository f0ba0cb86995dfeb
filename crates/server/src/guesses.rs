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
    /// Lets a password be looked at, and counts it as wrong until [`Self::was_right`] says
    /// otherwise: of many that come at once not all are let through. Else, after how long the
    /// next one may come.
    pub(crate) fn may_look(&self, name: &UserName, peer: Option<Peer>) -> Result<(), Duration> {
        self.may_look_at(name, peer, Instant::now())
    }

    /// The password was right: all is forgotten.
    pub(crate) fn was_right(&self, name: &UserName, peer: Option<Peer>) {
        self.known().remove(&(name.clone(), peer));
    }

    fn may_look_at(
        &self,
        name: &UserName,
        peer: Option<Peer>,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut known = self.known();
        let age = |wrong: &Wrong| now.saturating_duration_since(wrong.last);
        if known.len() >= REMEMBERED {
            known.retain(|_, wrong| age(wrong) < FORGOTTEN);
        }
        // Still too many: who guesses from everywhere gains a few tries by it.
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let wrong = known
            .entry((name.clone(), peer))
            .and_modify(|wrong| {
                if age(wrong) >= FORGOTTEN {
                    wrong.in_a_row = 0;
                }
            })
            .or_insert(Wrong { in_a_row: 0, last: now });
        let age = age(wrong);
        if wrong.in_a_row >= FREE && age < PAUSE {
            return Err(PAUSE.saturating_sub(age));
        }
        *wrong = Wrong { in_a_row: wrong.in_a_row + 1, last: now };
        Ok(())
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
        for _ in 0..FREE {
            assert_eq!(guesses.may_look_at(&ann(), here, now), Ok(()));
        }
        let second = Duration::from_secs(1);
        assert_eq!(guesses.may_look_at(&ann(), here, now + second), Err(Duration::from_secs(4)));
        // From elsewhere, and under another name, nothing has happened.
        let elsewhere = Some(Peer(IpAddr::from([10, 0, 0, 2])));
        assert_eq!(guesses.may_look_at(&ann(), elsewhere, now), Ok(()));
        assert_eq!(guesses.may_look_at(&UserName("bob".to_owned()), here, now), Ok(()));
        // An hour of asking all the time.
        let end = now + Duration::from_hours(1);
        let mut looked_at = 0;
        while now < end {
            looked_at += u32::from(guesses.may_look_at(&ann(), here, now).is_ok());
            now += Duration::from_millis(100);
        }
        assert!((700..=721).contains(&looked_at), "{looked_at}");
        // The right one ends it, and so does time.
        guesses.was_right(&ann(), here);
        assert_eq!(guesses.may_look_at(&ann(), here, now), Ok(()));
        assert_eq!(guesses.may_look_at(&ann(), here, now + FORGOTTEN), Ok(()));
        assert_eq!(guesses.known()[&(ann(), here)].in_a_row, 1);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for number in 0..=REMEMBERED {
            let name = UserName(number.to_string());
            assert_eq!(guesses.may_look_at(&name, None, now), Ok(()));
        }
        assert!(guesses.known().len() <= REMEMBERED);
    }
}
