//! A manifest of any kind and syntax: whatever the text, it is read or complained about, and
//! every complaint points into it.
//!
//! Shared by the fuzz target and the replay of its corpus in `crates/definition/tests`.

use trainyard_definition::{Syntax, document, locate, read, set_argument};
use trainyard_model::diagnostic::Diagnostic;

/// More complaints than this help nobody, and are not made.
const COMPLAINTS: usize = 50;

/// One input: bytes that are no text are cut off where they cease to be one.
pub(crate) fn judge(input: &[u8]) {
    let text = match str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&input[..error.valid_up_to()]).expect("so far it is one"),
    };
    for syntax in [Syntax::Json, Syntax::Yaml] {
        match document(text, syntax) {
            Ok(document) => assert!(document.keys().all(|key| text.len() >= key.len())),
            Err(complaints) => pointed(text, &complaints),
        }
        match read(text, syntax) {
            Ok(submission) => {
                let definition = submission.definition;
                assert!(!definition.command.contains('\0'), "no shell takes this command");
                assert!(!definition.results.container.is_empty(), "results go nowhere");
                // The same text means the same again.
                let again = read(text, syntax).expect("it was taken a moment ago");
                assert_eq!(again.definition, definition);
                pointed(text, &submission.warnings);
                let _ = set_argument(&definition.command, "learning_rate", "0.1");
            }
            Err(complaints) => {
                assert!(!complaints.is_empty(), "refused without a word");
                pointed(text, &complaints);
                for complaint in complaints.iter().take(3) {
                    let _ = locate(text, syntax, &complaint.path);
                }
            }
        }
    }
}

/// Complaints can be drawn under the text.
fn pointed(text: &str, complaints: &[Diagnostic]) {
    assert!(complaints.len() <= COMPLAINTS, "{} complaints", complaints.len());
    for complaint in complaints {
        let Some(span) = complaint.span else { continue };
        assert!(text.get(span.start..span.end).is_some(), "{complaint:?} points beside the text");
        assert!(span.line >= 1 && span.column >= 1, "{complaint:?} has no place");
    }
}
