//! `evaluation_metrics` of a training definition: where the program's metrics are to be
//! found, in the forms of FfDL's manifest. Nobody needs it: without it, everything is looked
//! through that is known.

use serde::{Deserialize, Serialize};

/// Where metrics are to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationMetrics {
    /// In what.
    pub kind: MetricsKind,
    /// The word the user wrote for the kind, for echoing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind_word: Option<String>,
    /// The file or the directory, e.g. `$JOB_STATE_DIR/logs/tb`.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How many lines a regular expression sees at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_lookahead: Option<u32>,
    /// Regular expressions, in the order in which they were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<MetricsGroup>,
}

/// In what metrics are to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsKind {
    /// In whatever is known: FfDL's `logger`, or nothing said.
    Everything,
    /// In nothing: `none`.
    Nothing,
    /// In `evaluation-metrics.txt`: `emetrics_file` or `optivist`.
    File,
    /// In the log, by regular expressions: `regex_extractor`.
    Patterns,
    /// In event files: `tensorboard`.
    TensorBoard,
}

impl MetricsKind {
    /// The words that stand for kinds.
    pub const WORDS: [(&str, Self); 8] = [
        ("tensorboard", Self::TensorBoard),
        ("regex_extractor", Self::Patterns),
        ("emetrics_file", Self::File),
        ("optivist", Self::File),
        ("logger", Self::Everything),
        ("null", Self::Everything),
        ("nil", Self::Everything),
        ("none", Self::Nothing),
    ];

    /// The kind that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word.trim()));
        found.map(|(_, kind)| *kind).or(word.trim().is_empty().then_some(Self::Everything))
    }
}

/// A regular expression, and what it finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsGroup {
    /// The name, which is the phase of what it finds.
    pub name: String,
    /// The expression as it was written, with macros like `%{FLOAT:loss}`.
    pub regex: String,
    /// When it was measured: `$name` of a group of the expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The metrics; without any, all named groups that are not used otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scalars: Vec<MetricsBinding>,
    /// What the program counts, e.g. `iteration`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub etimes: Vec<MetricsBinding>,
}

/// A name, and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsBinding {
    /// The name.
    pub name: String,
    /// `$name` of a group of the expression, or the value itself.
    pub value: String,
}

/// How many lines an expression sees when nothing is said.
pub const LINE_LOOKAHEAD: u32 = 4;
/// How many lines it may see.
pub const MOST_LINES: u32 = 64;
/// A compiled expression may take so much memory, and so may the states that matching makes.
pub const PATTERN_BYTES: usize = 1 << 20;

/// What the macros stand for. Names are FfDL's.
const MACROS: [(&str, &str); 6] = [
    ("GLOG_STAMP", r"[IWEF]\d{4} \d{2}:\d{2}:\d{2}(?:\.\d+)?"),
    ("TIMESTAMP", r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?"),
    ("FLOAT", r"(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:[Nn]a[Nn]|[Ii]nf(?:inity)?))"),
    ("INT_ANY", r"[-+]?(?:0[xX][0-9a-fA-F]+|\d+)"),
    ("INT", r"[-+]?\d+"),
    ("HEX", r"(?:0[xX])?[0-9a-fA-F]+"),
];

/// A macro that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no macro %{{{0}}}")]
pub struct UnknownMacro(pub String);

/// The expression with its macros written out (`%{FLOAT:loss}` becomes a group `loss`), tied
/// to the beginning of the text, over several lines, as FfDL matched it.
///
/// # Errors
/// When a macro is not known.
pub fn written_out(regex: &str) -> Result<String, UnknownMacro> {
    let mut text = r"(?ms)\A(?:".to_owned();
    let mut rest = regex;
    while let Some((before, behind)) = rest.split_once("%{") {
        text.push_str(before);
        let Some((inside, behind)) = behind.split_once('}') else {
            text.push_str("%{");
            rest = behind;
            break;
        };
        let (name, variable) = inside.split_once(':').unwrap_or((inside, ""));
        let found = MACROS.iter().find(|(known, _)| *known == name);
        let (_, meaning) = found.ok_or_else(|| UnknownMacro(name.chars().take(60).collect()))?;
        if variable.is_empty() {
            text.extend(["(?:", meaning, ")"]);
        } else {
            text.extend(["(?P<", variable, ">", meaning, ")"]);
        }
        rest = behind;
    }
    text.push_str(rest);
    text.push(')');
    Ok(text)
}

/// The names of the macros.
pub fn macros() -> impl Iterator<Item = &'static str> {
    MACROS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_written_out() {
        assert_eq!(
            written_out("step %{INT:step} %{HEX}x"),
            Ok(r"(?ms)\A(?:step (?P<step>[-+]?\d+) (?:(?:0[xX])?[0-9a-fA-F]+)x)".to_owned())
        );
        assert_eq!(written_out("%{WORD:x}"), Err(UnknownMacro("WORD".to_owned())));
        assert_eq!(written_out("100%{"), Ok(r"(?ms)\A(?:100%{)".to_owned()));
    }

    #[test]
    fn words_stand_for_kinds() {
        assert_eq!(MetricsKind::from_word("TensorBoard"), Some(MetricsKind::TensorBoard));
        assert_eq!(MetricsKind::from_word(""), Some(MetricsKind::Everything));
        assert_eq!(MetricsKind::from_word("regex"), None);
    }
}
