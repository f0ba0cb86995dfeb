//! Keras, of all years:
//! `Epoch 3/10` and then `120/469 [=====>....] - ETA: 5s - loss: 0.3 - accuracy: 0.9`.
//!
//! A bar is drawn again and again; what it measures is told when it is full, once an epoch.

use std::sync::LazyLock;

use regex::Regex;

use super::pairs::pairs;
use super::{Found, Progress, Tell, Watch, pattern, signed};
use crate::phase;

static EPOCH: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Epoch (\d+)/(\d+)$"));
static BAR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x) ^ (?P<done>\d+) / (?P<total>\d+|Unknown|\?) \s+
          (?: \[ [=>.]* \] | [━╸╺]+ | - (?:\ \d+(?:s|ms)) | \d+(?:s|ms)\s ) (?P<rest>.*) $",
    )
});
/// Of old versions with `verbose=2`: ` - 1s - loss: 0.5 - acc: 0.9`.
static QUIET: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^- \d+m?s\b.*? - (?P<rest>\w*loss: .*)$"));

pub(super) fn line(watch: &mut Watch, text: &str, tell: &mut Tell<'_>) -> Found {
    if let Some(epoch) = EPOCH.captures(text) {
        let (number, epochs): (u64, u64) = (epoch[1].parse().ok()?, epoch[2].parse().ok()?);
        watch.enters(number, Some(epochs));
        // What comes before the first bar of an epoch is done.
        return Some(Some(Progress {
            what: format!("epoch {number} of {epochs}"),
            done: number.saturating_sub(1),
            total: epochs,
            seconds_left: None,
        }));
    }
    if let Some(quiet) = QUIET.captures(text) {
        ends(watch, &quiet["rest"], tell);
        return Some(None);
    }
    let bar = BAR.captures(text)?;
    let done: u64 = bar["done"].parse().ok()?;
    let Ok(total) = bar["total"].parse::<u64>() else { return Some(None) };
    if done == total {
        ends(watch, &bar["rest"], tell);
    }
    Some(watch.overall(done, total))
}

/// An epoch is over.
fn ends(watch: &mut Watch, rest: &str, tell: &mut Tell<'_>) {
    let values = pairs(rest);
    if watch.epoch.is_none() && values.iter().any(|(name, _)| watch.told.contains(name)) {
        // A full bar that measures again what was measured is another one.
        watch.told.clear();
        watch.bars += 1;
    }
    let iteration = signed(watch.epoch.unwrap_or(watch.bars + 1));
    watch.iteration = iteration;
    for (name, value) in values {
        if watch.told.contains(&name) || watch.told.len() >= 100 {
            continue;
        }
        let (named, bare) = phase::of_name(&name);
        tell(named.unwrap_or(phase::TRAIN), &bare, iteration, value);
        watch.told.push(name);
    }
}
