//! `trainyard doctor`: what this machine has, what it lacks, and what each lack costs.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(_context: &Context) -> Result<Exit, Failure> {
    Ok(Exit::OK)
}
