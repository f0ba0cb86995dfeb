//! One thing that was looked at.

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::words::{Grow, printable};

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    what: &'static str,
    /// Is it there?
    state: State,
    /// What there is.
    found: String,
    /// What it costs that it is not there, or not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    costs: Option<String>,
    /// Nothing works without it.
    essential: bool,
}

/// Is it there?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is.
    Ok,
    /// Not as it should be.
    Warn,
    /// It is not.
    Missing,
}

impl Finding {
    /// It is there.
    pub(crate) fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, state: State::Ok, found: found.into(), costs: None, essential: false }
    }

    /// It is not as it should be.
    pub(crate) fn warn(
        what: &'static str,
        found: impl Into<String>,
        costs: impl Into<String>,
    ) -> Self {
        Self { state: State::Warn, costs: Some(costs.into()), ..Self::ok(what, found) }
    }

    /// It is not there.
    pub(crate) fn missing(
        what: &'static str,
        found: impl Into<String>,
        costs: impl Into<String>,
    ) -> Self {
        Self { state: State::Missing, costs: Some(costs.into()), ..Self::ok(what, found) }
    }

    /// Nothing works without it.
    #[must_use]
    pub(crate) fn essential(self) -> Self {
        Self { essential: true, ..self }
    }

    /// Can runs work all the same?
    pub(crate) fn is_bearable(&self) -> bool {
        !(self.essential && self.state == State::Missing)
    }
}

/// A line for each, and one below it where it costs something.
pub(crate) fn draw(findings: &[Finding]) -> String {
    let width = findings.iter().map(|it| it.what.len()).max().unwrap_or(0);
    let dim = Style::new().dimmed();
    let mut text = String::new();
    for Finding { what, state, found, costs, .. } in findings {
        let (word, style) = match state {
            State::Ok => ("ok", AnsiColor::Green.on_default()),
            State::Warn => ("warn", AnsiColor::Yellow.on_default()),
            State::Missing => ("missing", AnsiColor::Red.on_default()),
        };
        text.add(format_args!("{style}{word:<7}{style:#}  {what:<width$}  {}\n", printable(found)));
        if let Some(costs) = costs {
            let indent = " ".repeat(7 + 2 + width + 2);
            text.add(format_args!("{indent}{dim}costs: {}{dim:#}\n", printable(costs)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_says_what_it_costs() {
        let findings = [
            Finding::ok("shell", "/bin/sh"),
            Finding::missing("GPUs", "none", "programs train on processors"),
        ];
        let text = anstream::adapter::strip_str(&draw(&findings)).to_string();
        let expected = "\
ok       shell  /bin/sh
missing  GPUs   none
                costs: programs train on processors
";
        assert_eq!(text, expected);
    }

    #[test]
    fn only_what_is_essential_ends_badly() {
        assert!(Finding::missing("GPUs", "none", "time").is_bearable());
        assert!(Finding::warn("home", "open", "privacy").essential().is_bearable());
        assert!(!Finding::missing("shell", "none", "everything").essential().is_bearable());
    }
}
