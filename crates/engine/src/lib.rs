//! place, run: where learners start.
