//! Where complaints about keys and values are collected.

use std::ops::Range;

use trainyard_model::code::Code;
use trainyard_model::diagnostic::{Diagnostic, Span};

use crate::premises::Premises;

/// More complaints than this help nobody.
pub(crate) const COMPLAINTS: usize = 50;

/// The text being read, and everything said about it so far.
pub(crate) struct Desk<'t> {
    text: &'t str,
    pub(super) premises: &'t dyn Premises,
    pub(crate) complaints: Vec<Diagnostic>,
    /// Is it in a dialect of the years after the seed?
    pub(super) later: bool,
}

impl<'t> Desk<'t> {
    pub(crate) fn new(text: &'t str, premises: &'t dyn Premises) -> Self {
        Self { text, premises, complaints: Vec::new(), later: false }
    }

    /// An error at this place, to be completed by the caller.
    pub(super) fn error(
        &self,
        code: Code,
        path: &str,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        let complaint = Diagnostic::error(code, message).at(path);
        // Each place costs a look through the text for its line; a text of nothing
        // but unknown keys must not cost a look per key.
        if self.full() {
            return complaint;
        }
        complaint.span(Span::of(self.text, span.start, span.end))
    }

    /// Puts a complaint of the premises at its place.
    pub(super) fn complain_at(&mut self, complaint: Diagnostic, path: &str, span: &Range<usize>) {
        let span = Span::of(self.text, span.start, span.end);
        self.complain(complaint.at(path).span(span));
    }

    pub(super) fn complain(&mut self, complaint: Diagnostic) {
        if !self.full() {
            self.complaints.push(complaint);
        }
    }

    fn full(&self) -> bool {
        self.complaints.len() >= COMPLAINTS
    }
}
