//! Draws complaints: under the user's own text where they point at it, plainly
//! where they do not.
//!
//! The text returned is painted; whoever prints it takes the paint off where
//! there is no terminal.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use trainyard_model::diagnostic::{Diagnostic, Severity, Span};

use crate::mask::mask;
use crate::words::{Grow, printable};

/// A text that complaints may point into.
#[derive(Debug, Clone)]
pub struct Source {
    /// What the user calls it.
    pub name: String,
    /// The text, exactly as it was sent.
    pub text: String,
}

/// Narrower than this, a snippet shows nothing.
const NARROWEST: usize = 60;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// All complaints, an empty line between two of them.
pub fn complaints(all: &[Diagnostic], source: Option<&Source>, width: usize) -> String {
    let masked =
        source.map(|source| Source { name: source.name.clone(), text: mask(&source.text) });
    let drawn: Vec<_> = all.iter().map(|one| complaint(one, masked.as_ref(), width)).collect();
    drawn.join("\n")
}

fn complaint(diagnostic: &Diagnostic, source: Option<&Source>, width: usize) -> String {
    let mut text = match (diagnostic.span, source) {
        (Some(span), Some(source)) if span.start <= source.text.len() => {
            // The span comes over the network: it may lie anywhere.
            let span = Span::of(&source.text, span.start, span.end);
            snippet(diagnostic, span.start..span.end, source, width)
        }
        _ => plain(diagnostic),
    };
    if let Some(help) = &diagnostic.help {
        text.push_str(&labeled("help", HELP, help));
    }
    text.push_str(&code_line(diagnostic.code.as_str()));
    text
}

/// Where to read more.
pub(crate) fn code_line(code: &str) -> String {
    format!("{DIM}code: {code} — trainyard explain {code}{DIM:#}\n")
}

fn snippet(
    diagnostic: &Diagnostic,
    span: std::ops::Range<usize>,
    source: &Source,
    width: usize,
) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let label = diagnostic.expected.as_deref().map(|it| format!("expected {}", printable(it)));
    let annotation = AnnotationKind::Primary.span(span).label(label);
    let snippet =
        Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(annotation);
    let group: Group<'_> = level.primary_title(printable(&diagnostic.message)).element(snippet);
    let renderer = Renderer::styled().term_width(width.max(NARROWEST));
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

fn plain(diagnostic: &Diagnostic) -> String {
    let mut text = match diagnostic.severity {
        Severity::Error => labeled("error", ERROR, &diagnostic.message),
        Severity::Warning => labeled("warning", WARNING, &diagnostic.message),
    };
    // An entry's name or a path stands in the message already, most of the time.
    if !diagnostic.path.is_empty() && !diagnostic.message.contains(&diagnostic.path) {
        text.add(format_args!("  at {}\n", printable(&diagnostic.path)));
    }
    if let Some(expected) = &diagnostic.expected {
        text.add(format_args!("  expected {}\n", printable(expected)));
    }
    text
}

/// `error: …`, `help: …`: the word painted, further lines of the text indented.
pub(crate) fn labeled(word: &str, style: Style, text: &str) -> String {
    let indent = " ".repeat(word.len() + 2);
    let mut lines = text.lines().map(printable);
    let first = lines.next().unwrap_or_default();
    let mut drawn = format!("{style}{word}:{style:#} {first}\n");
    for line in lines {
        drawn.add(format_args!("{indent}{line}\n"));
    }
    drawn
}
