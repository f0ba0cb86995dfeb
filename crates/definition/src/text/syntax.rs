//! Which of the two syntaxes a text is written in.

use std::fmt;

/// How a training definition is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// JSON, as the service took it on its first day.
    Json,
    /// YAML, with the same keys, two weeks later.
    Yaml,
}

impl Syntax {
    /// By the file's ending where it has one of the known, else by the first
    /// character: an object of JSON opens with a brace.
    pub fn guess(file_name: Option<&str>, text: &str) -> Self {
        let ending = file_name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("json") => Self::Json,
            Some("yml" | "yaml") => Self::Yaml,
            _ if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') => Self::Json,
            _ => Self::Yaml,
        }
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Syntax;

    #[test]
    fn the_ending_decides_then_the_first_character() {
        for (name, text, syntax) in [
            (Some("job.json"), "a: 1", Syntax::Json),
            (Some("manifest.YML"), "{}", Syntax::Yaml),
            (Some("a.yaml"), "", Syntax::Yaml),
            (Some("job"), "\u{feff}\n {\"a\": 1}", Syntax::Json),
            (None, "# a comment\na: 1", Syntax::Yaml),
        ] {
            assert_eq!(Syntax::guess(name, text), syntax, "{name:?} {text}");
        }
    }
}
