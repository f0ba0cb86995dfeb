//! Times on the wire: RFC 3339, UTC, milliseconds, as v3 writes them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A point in time, e.g. `2019-03-27T00:11:19.433Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = DateTime, example = "2017-10-26T11:16:51.000Z")]
pub struct Time(pub Timestamp);

impl Time {
    /// Without the fraction, as the CLI of 2017 prints it.
    pub fn to_seconds(self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for Time {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_always_written() {
        let time = Time(Timestamp::from_second(1_509_016_611).expect("in range"));
        assert_eq!(time.to_string(), "2017-10-26T11:16:51.000Z");
        assert_eq!(time.to_seconds(), "2017-10-26T11:16:51Z");
        assert_eq!(Time::try_from(time.to_string()).expect("own text parses"), time);
    }
}
