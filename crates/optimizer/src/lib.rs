//! Which hyperparameters to try next.
//!
//! [`Study::read`] understands the object `hyper_parameters_optimization` of a
//! training reference: the search space, the method and its parameters.
//! [`Study::next`] is asked again and again with all trials so far, in the order
//! of their numbers, and says which values the next one is to have.
//!
//! Pure: nothing is kept between two calls, no file is read, no clock, and no
//! randomness but that of the seed. Whoever asks twice with the same arguments
//! gets the same answer, on another machine too and after a restart, so that the
//! record of the trials is all the state that an experiment has.
//!
//! It starts nothing and measures nothing: where a trial runs, how its objective
//! is found in what the program reports, and when a trial counts as failed is
//! `control`'s business.

mod chance;
mod complaint;
mod decimal;
mod domain;
mod hyperband;
mod random;
mod read;
mod space;
mod study;
mod surrogate;
mod trial;

pub use complaint::Complaint;
pub use study::Study;
pub use trial::{Assignment, Next, Outcome, Trial};
