//! The inputs that fuzzing found worth keeping (`fuzz/corpus/events.txt`, one a line in base64),
//! judged as the fuzz target judges them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

#[path = "../../../fuzz/src/events.rs"]
mod events;

#[test]
fn what_was_found_is_taken_or_refused() {
    for line in include_str!("../../../fuzz/corpus/events.txt").lines() {
        events::judge(&BASE64_STANDARD.decode(line).expect("xtask wrote base64"));
    }
}
