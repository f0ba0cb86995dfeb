//! The same program, built with the points at which it can be made to die
//! (`trainyard_crashpoint`). For tests; nobody is given it to work with.

use std::process::ExitCode;

#[path = "main.rs"]
mod program;

const _: () = assert!(trainyard_crashpoint::ARMED, "a chaos build without crash points");

fn main() -> ExitCode {
    program::main()
}
