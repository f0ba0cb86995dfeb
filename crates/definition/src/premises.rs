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
