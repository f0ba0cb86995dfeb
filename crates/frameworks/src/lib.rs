//! prepare: the catalogue of frameworks, and environments made from it.
