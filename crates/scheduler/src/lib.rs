//! queue, place: who runs next, and why everyone else does not.
