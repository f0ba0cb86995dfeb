//! What programs print themselves: `step 100 loss 0.3`, `iter: 100, loss=0.3`,
//! `Epoch [1/10], Step [100/600], Loss: 0.3`, `Train Epoch: 1 [640/60000 (1%)] Loss: 2.3`,
//! `Test set: Average loss: 0.05, Accuracy: 9835/10000 (98%)`, and Caffe's
//! `Iteration 100, loss = 0.3` and `Test net output #0: accuracy = 0.98`.

use std::sync::LazyLock;

use regex::Regex;

use super::pairs::{is_measured, pairs};
use super::{Found, Progress, Tell, Watch, pattern, signed};
use crate::phase;

static COUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi) \b (?P<what> epoch | global[_\ ]step | step | iter(?:ation)?s? | batch )
          \s* [:=\#]? \s* [\[(]? \s* (?P<done>\d+) (?: \s* (?:/|of) \s* (?P<total>\d+) )?",
    )
});
/// `[640/60000 (1%)]`: how far an epoch is.
static WITHIN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\[\s*(\d+)\s*/\s*(\d+)\s*\(\s*\d+(?:\.\d+)?%\s*\)\s*\]"));
/// What loggers put before a line.
static HEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[IWEF]\d{4} [\d:.]+\s+\d+ [^\]]*\]\s*"));

pub(super) fn line(watch: &mut Watch, text: &str, tell: &mut Tell<'_>) -> Found {
    let text = HEAD.replace(text, "");
    let values = pairs(&text);
    let first = text.split(|char: char| !char.is_ascii_alphabetic()).find(|word| !word.is_empty());
    let told_phase = first.and_then(phase::of_word);
    let counts: Vec<(String, u64, Option<u64>)> = COUNT
        .captures_iter(&text)
        .filter_map(|count| {
            let total = count.name("total").and_then(|total| total.as_str().parse().ok());
            Some((count["what"].to_ascii_lowercase(), count["done"].parse().ok()?, total))
        })
        .collect();
    let measured = values.iter().any(|(name, _)| is_measured(name));
    // Caffe counts on a line of its own before it tests.
    let counts_for_others = counts.iter().any(|(what, ..)| what.starts_with("iter"));
    let held_out = told_phase.is_some_and(|phase| phase != phase::TRAIN);
    if !measured && !counts_for_others || (counts.is_empty() && !held_out) {
        return None;
    }
    let epoch = counts.iter().find(|(what, ..)| what == "epoch");
    if let Some((_, number, epochs)) = epoch {
        watch.enters(*number, *epochs);
    }
    let within = WITHIN
        .captures(&text)
        .and_then(|within| Some((within[1].parse::<u64>().ok()?, within[2].parse::<u64>().ok()?)));
    let other = counts.iter().find(|(what, ..)| what != "epoch");
    let (iteration, progress) = match (epoch, other, within) {
        // Steps of an epoch, where it is said how many it has.
        (Some(_), Some((_, done, Some(total))), _) => in_epoch(watch, *done, *total),
        (Some(_), None, Some((done, total))) => in_epoch(watch, done, total),
        (None, Some((what, done, Some(total))), _) => {
            let progress =
                Progress { what: what.clone(), done: *done, total: *total, seconds_left: None };
            (signed(*done), Some(progress))
        }
        (_, Some((_, done, None)), _) => (signed(*done), None),
        (Some((_, number, epochs)), None, None) => {
            let done = number.saturating_add(u64::from(watch.from_zero));
            let progress = epochs.filter(|total| done <= *total).map(|total| Progress {
                what: "epoch".to_owned(),
                done,
                total,
                seconds_left: None,
            });
            (signed(*number), progress)
        }
        (None, None, _) => (watch.iteration, None),
    };
    watch.iteration = iteration;
    for (name, value) in values {
        let (named, bare) = phase::of_name(&name);
        tell(named.or(told_phase).unwrap_or(phase::TRAIN), &bare, iteration, value);
    }
    Some(progress)
}

/// The count over all epochs, and the progress.
fn in_epoch(watch: &Watch, done: u64, total: u64) -> (i64, Option<Progress>) {
    let before = watch.epoch.unwrap_or(1).saturating_sub(u64::from(!watch.from_zero));
    let all = before.saturating_mul(total).saturating_add(done);
    (signed(all), watch.overall(done, total))
}
