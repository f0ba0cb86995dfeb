//! The inputs that fuzzing found worth keeping (`fuzz/corpus`), judged as the fuzz targets
//! judge them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{fuzz_manifests, fuzz_zips};

/// `corpus` has one input a line, in base64.
fn replay(corpus: &str, judge: impl Fn(&[u8])) {
    for line in corpus.lines() {
        judge(&BASE64_STANDARD.decode(line).expect("xtask wrote base64"));
    }
}

#[test]
fn manifests_that_were_found_are_read_or_told() {
    replay(include_str!("../../../../fuzz/corpus/manifests.txt"), fuzz_manifests::judge);
}

#[test]
fn zips_that_were_found_are_sound_or_refused() {
    replay(include_str!("../../../../fuzz/corpus/zips.txt"), fuzz_zips::judge);
}
