//! What is wrong with a description of a study, where, and the way out.
//!
//! The caller turns it into the diagnostic of its own document, whose spans and
//! codes are not known here.

/// One complaint about the object `hyper_parameters_optimization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The place within the object: `hyper_parameters[1].int_range.min_value`. Empty when the object as a whole is meant.
    pub path: String,
    /// One line, lower case, no full stop: what is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}
