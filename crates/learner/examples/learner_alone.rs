//! A learner without the rest of the product: `learner_alone learner --attempt-dir DIR`.
//! The crate's tests start it as the process that it is meant to be.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(attempt_dir) = std::env::args_os().nth(3).map(PathBuf::from) else {
        return ExitCode::from(2);
    };
    trainyard_learner::main(&attempt_dir)
}
