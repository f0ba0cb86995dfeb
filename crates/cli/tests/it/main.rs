//! What users see, as text: pure functions from documents of the API to output.
//! What the commands do is proven by the stories in the root's `tests/`.

mod drawing;
mod exits;
mod helps;
mod samples;
mod transcripts;
mod transcripts_2018;
mod views;
mod views_experiments;
