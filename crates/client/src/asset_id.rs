//! The ids of what the service keeps besides runs.

use std::fmt;
use std::str::FromStr;

/// The most characters that an id of the service has; a UUID has 36.
const LONGEST: usize = 64;

/// The id of an experiment, of a run of one, or of a stored model, as it is sent: letters,
/// digits, `-` and `_`, so that it stays in its place in a path. Whether there is such a
/// thing is the server's to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AssetId(String);

/// A text that cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no id: an id has letters, digits, `-` and `_`")]
pub struct NotAnAssetId(pub String);

impl FromStr for AssetId {
    type Err = NotAnAssetId;

    fn from_str(text: &str) -> Result<Self, NotAnAssetId> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnAssetId(text.to_owned()))
        }
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_in_its_place_in_a_path() {
        assert!("bf33fe31-7e1d-4e1b-8aea-b0d3de4c0485".parse::<AssetId>().is_ok());
        for wrong in ["", ".", "..", "a/b", "a?b", "a%2fb", "ä", &"x".repeat(65)] {
            assert!(wrong.parse::<AssetId>().is_err(), "{wrong}");
        }
    }
}
