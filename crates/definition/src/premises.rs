//! What only a server can say about a definition.

use trainyard_model::definition::FrameworkRef;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::size::Size;

/// Where the run is to take place. Asked while the text is read, so that its
/// complaints come in the same round as all others, with their places.
pub trait Premises {
    /// The complaint about a framework that is not to be had there. Its path,
    /// `model_definition.framework.name` or `….version`, says which of the two
    /// words it is about.
    fn framework(&self, wanted: &FrameworkRef) -> Option<Diagnostic>;

    /// The complaint about a size that never fits there.
    fn size(&self, wanted: Size) -> Option<Diagnostic>;

    /// What a framework is called there that is named as in 2018: by a version without a
    /// Python, and the version of Python beside it (`1.5`, `3.5`). Asked before
    /// [`framework`](Self::framework), and only for dialects of those years; `None` when
    /// nothing there is meant, or there is no saying.
    fn meant(&self, wanted: &FrameworkRef, python: Option<&str>) -> Option<Meant> {
        let _ = (wanted, python);
        None
    }
}

/// What a framework is called at the premises.
#[derive(Debug, Clone)]
pub struct Meant {
    /// By that name it is to be had.
    pub framework: FrameworkRef,
    /// What the user should know: it is not quite what was asked for.
    pub warning: Option<Diagnostic>,
}

/// Nowhere in particular: everything is to be had, everything fits.
#[derive(Debug, Clone, Copy)]
pub struct Anywhere;

impl Premises for Anywhere {
    fn framework(&self, _: &FrameworkRef) -> Option<Diagnostic> {
        None
    }

    fn size(&self, _: Size) -> Option<Diagnostic> {
        None
    }
}
