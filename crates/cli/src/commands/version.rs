//! `trainyard version`.

use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

pub(crate) fn run(screen: &Screen, as_json: bool) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if as_json {
        screen.json(&json!({ "name": "trainyard", "version": version }))?;
    } else {
        screen.data(&format!("trainyard {version}\n"))?;
    }
    Ok(Exit::OK)
}
