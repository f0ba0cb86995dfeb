//! run, collect, store: stands beside the user's program and outlives the server.
