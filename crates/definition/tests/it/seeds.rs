//! What the tests read becomes what fuzzing begins with: `cargo xtask fuzz` names a folder in
//! `TRAINYARD_FUZZ_SEEDS`, and every text and every zip of a test is kept there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

/// The folder, whose folders are those of the targets.
const VARIABLE: &str = "TRAINYARD_FUZZ_SEEDS";

/// Larger ones slow the engine down and teach it nothing.
const LARGEST: usize = 64 * 1024;

/// Keeps `input` for `target`, where that is asked for.
pub(crate) fn keep(target: &str, input: &[u8]) {
    let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return };
    if input.len() > LARGEST {
        return;
    }
    let mut name = DefaultHasher::new();
    input.hash(&mut name);
    let folder = folder.join(target);
    std::fs::create_dir_all(&folder).expect("the seeds' folder");
    std::fs::write(folder.join(format!("{:016x}", name.finish())), input).expect("a seed");
}
