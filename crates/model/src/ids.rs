//! Names of things. Each is its own type, so that a run's id cannot be passed
//! where a training definition's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Characters of a run id after its prefix. No `_` and no `-`: the official
/// client drops ids with `_` from its last pass over logs.
const RUN_ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What every run id begins with; the 2017 clients accept no other.
const RUN_PREFIX: &str = "training-";

/// How many characters follow the prefix.
const RUN_SUFFIX: usize = 9;

/// Digits of a trial's number after the `_`, at most.
const TRIAL_DIGITS: usize = 5;

/// The identity of a run: `training-` and nine of `[0-9A-Za-z]`; of a trial of a search for
/// hyperparameters the search's own, `_`, and the trial's number from 0.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// Makes an id from 128 random bits, which the caller supplies.
    /// 62⁹ ids exist, so two runs collide about once in 10¹⁶ pairs; the ledger
    /// refuses a duplicate all the same.
    pub fn from_entropy(entropy: u128) -> Self {
        let mut rest = entropy;
        let mut id = String::with_capacity(RUN_PREFIX.len() + RUN_SUFFIX);
        id.push_str(RUN_PREFIX);
        for _ in 0..RUN_SUFFIX {
            let digit = usize::try_from(rest % 62).expect("a remainder of 62 fits");
            id.push(char::from(RUN_ALPHABET[digit]));
            rest /= 62;
        }
        Self(id)
    }

    /// The id of a trial of the search that has this id.
    #[must_use]
    pub fn trial(&self, number: u32) -> Self {
        Self(format!("{}_{number}", self.0))
    }

    /// The search that this is a trial of, and the trial's number.
    pub fn search(&self) -> Option<(Self, u32)> {
        let (search, number) = self.0.split_once('_')?;
        Some((Self(search.to_owned()), number.parse().ok()?))
    }

    /// The folder of the run's results in their container: its id; of a trial a folder in
    /// that of its search, as v3 has it.
    pub fn results_folder(&self) -> String {
        match self.search() {
            Some((search, number)) => format!("{search}/learner-1/{number}"),
            None => self.0.clone(),
        }
    }

    /// The id as it stands on the wire and in paths.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not a run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a run id: expected `training-` and nine letters or digits")]
pub struct NotARunId(pub String);

impl FromStr for RunId {
    type Err = NotARunId;

    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let rest = text.strip_prefix(RUN_PREFIX).unwrap_or_default();
        let (suffix, trial) = match rest.split_once('_') {
            Some((suffix, trial)) => (suffix, Some(trial)),
            None => (rest, None),
        };
        let well_formed = suffix.len() == RUN_SUFFIX
            && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && trial.is_none_or(is_trial_number);
        if well_formed { Ok(Self(text.to_owned())) } else { Err(NotARunId(text.to_owned())) }
    }
}

/// Is this a number as [`RunId::trial`] writes it?
fn is_trial_number(text: &str) -> bool {
    (1..=TRIAL_DIGITS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}

impl TryFrom<String> for RunId {
    type Error = NotARunId;

    fn try_from(text: String) -> Result<Self, NotARunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of an attempt of a run, counted from 1. It is the fence: what
/// comes from an earlier attempt than the live one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptNo(pub u32);

impl AttemptNo {
    /// The first attempt of every run.
    pub const FIRST: Self = Self(1);

    /// The attempt after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for AttemptNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One attempt of one run: what a learner's token is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId {
    /// The run.
    pub run: RunId,
    /// Which of its attempts.
    pub attempt: AttemptNo,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.run, self.attempt)
    }
}

/// The name of a user, as it is logged in with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserName(pub String);

impl UserName {
    /// The user on whose machine the server runs, known by a file only they can read.
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of a stored training definition (a UUID, as the official client checks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DefinitionId(pub uuid::Uuid);

impl fmt::Display for DefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The SHA-256 of a stored zip, in lower-case hex: its name on disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_makes_ids_that_parse() {
        for entropy in [0, 1, u128::from(u64::MAX), u128::MAX] {
            let id = RunId::from_entropy(entropy);
            assert_eq!(id.as_str().parse::<RunId>().as_ref(), Ok(&id));
        }
    }

    #[test]
    fn the_id_of_2017_parses_and_others_do_not() {
        assert!("training-DOl4q2LkR".parse::<RunId>().is_ok());
        for wrong in [
            "",
            "training-",
            "training-DOl4q2Lk",
            "training-DOl4q2LkRR",
            "training-../../..",
            "model-DOl4q2LkR",
            "training-DOl4q_LkR",
            "training-DOl4q2LkR_",
            "training-DOl4q2LkR_01",
            "training-DOl4q2LkR_1_2",
            "training-DOl4q2LkR_+1",
            "training-DOl4q2LkR_123456",
            "training-DOl4q2LkR_1/..",
        ] {
            assert!(wrong.parse::<RunId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_trial_has_its_number_behind_the_id_of_its_search() {
        let search: RunId = "training-DOl4q2LkR".parse().expect("it is an id");
        for number in [0, 7, 99_999] {
            let trial = search.trial(number);
            assert_eq!(trial.as_str().parse::<RunId>().as_ref(), Ok(&trial));
            assert_eq!(trial.search(), Some((search.clone(), number)));
        }
        assert_eq!(search.search(), None);
        assert_eq!(search.results_folder(), "training-DOl4q2LkR");
        assert_eq!(search.trial(3).results_folder(), "training-DOl4q2LkR/learner-1/3");
    }
}
