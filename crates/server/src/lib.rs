//! The faces: REST, event streams, authentication.
