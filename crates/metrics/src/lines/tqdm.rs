//! tqdm, and Lightning, which draws with it:
//! `Epoch 3:  45%|████▌     | 45/100 [00:12<00:15,  3.60it/s, loss=0.3]`.

use std::sync::LazyLock;

use regex::Regex;

use super::pairs::pairs;
use super::{Found, Progress, Tell, Watch, pattern, signed};
use crate::phase;

static BAR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x) ^ (?: (?P<what>.*?) :? \s+ )?? (?P<percent>\d{1,3})%\| [^|]* \| \s*
          (?P<done>\d+(?:\.\d+)?[kMGT]?) / (?P<total>\d+(?:\.\d+)?[kMGT]?) \s*
          \[ (?P<spent>[\d:]+) < (?P<left>[\d:?]+) (?P<rest>[^\]]*) \]? (?P<behind>.*) $",
    )
});
static EPOCH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bepoch\D{0,3}(\d+)(?:\s*(?:/|of)\s*(\d+))?"));

pub(super) fn line(watch: &mut Watch, text: &str, tell: &mut Tell<'_>) -> Found {
    let bar = BAR.captures(text)?;
    let (done, total) = (size(&bar["done"])?, size(&bar["total"])?);
    let what = bar.name("what").map_or("", |what| what.as_str().trim().trim_end_matches(':'));
    let (told_phase, _) = phase::of_name(what.split_whitespace().next().unwrap_or_default());
    let told_phase =
        phase::of_word(what.split([' ', ':']).next().unwrap_or_default()).or(told_phase);
    let epoch = EPOCH.captures(what);
    if let Some(epoch) = &epoch {
        let epochs = epoch.get(2).and_then(|total| total.as_str().parse().ok());
        watch.enters(epoch[1].parse().ok()?, epochs);
    }
    if done < watch.bar {
        // Another bar.
        watch.before = watch.before.saturating_add(watch.bar);
        watch.bar = 0;
    }
    let mut values = pairs(&bar["rest"]);
    values.extend(pairs(&bar["behind"]));
    let far = done >= watch.bar.saturating_add((total / 100).max(1)) || done == total;
    if !values.is_empty() && far && done != watch.bar {
        let iteration = signed(watch.before.saturating_add(done));
        watch.iteration = iteration;
        for (name, value) in &values {
            let (named, bare) = phase::of_name(name);
            tell(named.or(told_phase).unwrap_or(phase::TRAIN), &bare, iteration, *value);
        }
        watch.bar = done;
    }
    let seconds_left = seconds(&bar["left"]);
    let progress = match (&epoch, watch.overall(done, total)) {
        (Some(_), Some(overall)) if watch.epochs.is_some() => overall,
        (Some(_), Some(overall)) => Progress { seconds_left, ..overall },
        _ => {
            let what: String = what.chars().take(60).collect();
            let what = if what.is_empty() { "training".to_owned() } else { what };
            Progress { what, done, total, seconds_left }
        }
    };
    Some(Some(progress))
}

/// `120`, `1.2k`.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => 1e12,
    };
    let number: f64 = digits.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and has no sign"
    )]
    Some((number * scale) as u64)
}

/// `00:15`, `1:02:03`; nothing for `?`.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut seconds = 0_u64;
    for part in text.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(seconds)
}
