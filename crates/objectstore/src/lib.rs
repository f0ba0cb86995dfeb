//! prepare, store: object stores, transfers and the endpoint guard.
