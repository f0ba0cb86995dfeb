//! `generate-manifest`: samples to be filled in, in the form of 2018-03 (a capture of which
//! names the file `training-runs.yml`; the reference of 2019 speaks of JSON, and shows none).

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::transcript;
use crate::archive::must_be_free;
use crate::failure::Failure;
use crate::screen::Screen;

/// The sample of a kind, if there is one.
pub(super) fn sample(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "training-runs" => include_str!("samples/training-runs.yml"),
        "training-definitions" => include_str!("samples/training-definitions.yml"),
        "store-training-runs" => include_str!("samples/store-training-runs.yml"),
        "experiments" => include_str!("samples/experiments.yml"),
        "update-experiments" => include_str!("samples/update-experiments.yml"),
        _ => return None,
    })
}

/// Writes it into the folder where the user stands. What lies there already was filled in
/// by somebody, and stays.
pub(super) fn generate(screen: &Screen, kind: &str) -> Result<(), Failure> {
    let Some(text) = sample(kind) else {
        return Err(super::usage::complaint(&["generate-manifest", kind]));
    };
    let name = format!("{kind}.yml");
    let path = Path::new(&name);
    must_be_free(path)?;
    let failed = |source| Failure::File { doing: "write", path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(screen.data(&transcript::generated(&name))?)
}

#[cfg(test)]
mod tests {
    use trainyard_definition::{Syntax, document};
    use trainyard_model::code::Code;

    use super::*;

    #[test]
    fn every_sample_is_a_manifest_once_it_is_filled_in() {
        for usage in super::super::usage::known("generate-manifest").expect("it is known").usages {
            let kind = usage.split(' ').nth(1).expect("a kind");
            let text = sample(kind).expect(kind);
            if let Err(complaints) = document(text, Syntax::Yaml) {
                let all = complaints.iter().all(|complaint| complaint.code == Code::Placeholder);
                assert!(all, "{kind}: {complaints:?}");
            }
            let filled = text.replace(['<', '>'], "");
            document(&filled, Syntax::Yaml).expect(kind);
        }
    }
}
