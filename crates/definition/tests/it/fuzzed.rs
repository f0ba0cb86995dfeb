//! The inputs that fuzzing found worth keeping (`fuzz/corpus`), judged as the fuzz targets
//! judge them.

use std::path::PathBuf;

use crate::{fuzz_manifests, fuzz_zips};

fn replay(target: &str, judge: impl Fn(&[u8])) {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let inputs = std::fs::read_dir(corpus).expect("a corpus is part of the repository");
    let mut count = 0;
    for input in inputs {
        judge(&std::fs::read(input.expect("an entry").path()).expect("an input"));
        count += 1;
    }
    assert!(count > 20, "{count} inputs are no corpus");
}

#[test]
fn manifests_that_were_found_are_read_or_told() {
    replay("manifests", fuzz_manifests::judge);
}

#[test]
fn zips_that_were_found_are_sound_or_refused() {
    replay("zips", fuzz_zips::judge);
}
