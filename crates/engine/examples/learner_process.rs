//! A learner without the rest of the product: `learner_process learner --attempt-dir DIR`.
//! The crate's tests have the engine start it.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(attempt_dir) = std::env::args_os().nth(3).map(PathBuf::from) else {
        return ExitCode::from(2);
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(trainyard_learner::main(attempt_dir)),
        Err(_) => ExitCode::FAILURE,
    }
}
