//! A log on its way to stdout: what a terminal must not be told is taken off, and for
//! who is no terminal a line that was rewritten in place is its last state.

use std::borrow::Cow;

use crate::escapes::Filter;
use crate::rewrites::Rewrites;
use crate::screen::Screen;

/// What the bytes of a log become.
pub(crate) enum Output {
    /// Somebody looks.
    Terminal(Filter),
    /// A file or a program gets them.
    Pipe(Rewrites),
    /// Nothing is changed.
    Raw,
}

impl Output {
    pub(crate) fn new(screen: &Screen, raw: bool) -> Self {
        match (screen.stdout_is_terminal(), raw) {
            (true, _) => Self::Terminal(Filter::default()),
            (false, false) => Self::Pipe(Rewrites::default()),
            (false, true) => Self::Raw,
        }
    }

    /// The bytes to print now.
    pub(crate) fn pass<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Self::Terminal(filter) => Cow::Owned(filter.pass(bytes)),
            Self::Pipe(rewrites) => Cow::Owned(rewrites.pass(bytes)),
            Self::Raw => Cow::Borrowed(bytes),
        }
    }

    /// What was kept back, when nothing follows.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        match self {
            Self::Pipe(rewrites) => rewrites.finish(),
            Self::Terminal(_) | Self::Raw => Vec::new(),
        }
    }
}
