//! A learner without the rest of the product: `learner_process learner --attempt-dir DIR`.
//! The crate's tests have the engine start it.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(attempt_dir) = std::env::args_os().nth(3).map(PathBuf::from) else {
        return ExitCode::from(2);
    };
    trainyard_learner::main(&attempt_dir)
}
