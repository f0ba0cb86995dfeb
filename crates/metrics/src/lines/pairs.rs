//! Names and numbers on a line: `loss: 0.5`, `acc=0.9`, `val_loss 3e-1`.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern;
use crate::record::name_of;

static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x) (?P<name> [A-Za-z_][\w./@-]*(?:\ [A-Za-z_]\w*)? ) (?: \s*[:=]\s* )
          (?P<value> [-+]?(?: \d+(?:\.\d*)?(?:[eE][-+]?\d+)? | \.\d+(?:[eE][-+]?\d+)? ) | nan | NaN | [-+]?inf )
          (?: /(?P<of>\d+) )? (?P<unit> [A-Za-z%/]* )",
    )
});
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi) \b (?P<name> (?:[a-z]+_)? (?:loss|accuracy|acc|error|err|perplexity|ppl|reward|auc|f1|mse|mae|rmse) ) \s+
          (?P<value> [-+]?\d+\.\d*(?:e[-+]?\d+)? | [-+]?\.\d+(?:e[-+]?\d+)? | nan | [-+]?inf )",
    )
});
static MEASURED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi) loss | acc(?:uracy)?$ | ^acc | accuracy | error | (?:^|_)err$ | perplexity | ppl | reward | auc | (?:^|_)f1
          | mse | mae | rmse | mape | precision | recall | iou | map(?:@|$) | bleu | rouge | psnr | ssim | dice | score | top[-_@]?\d
          | cost | nll | elbo | kl | entropy | likelihood",
    )
});

/// Names of what is counted, and of what is measured of the machine and not of the model.
const OTHERS: [&str; 28] = [
    "epoch",
    "epochs",
    "step",
    "steps",
    "global_step",
    "iter",
    "iters",
    "iteration",
    "iterations",
    "batch",
    "time",
    "eta",
    "elapsed",
    "date",
    "v_num",
    "speed",
    "gpu",
    "mem",
    "memory",
    "seed",
    "port",
    "pid",
    "size",
    "version",
    "s",
    "ms",
    "data",
    "lr_step",
];

/// Is it a metric that everybody knows?
pub(super) fn is_measured(name: &str) -> bool {
    MEASURED.is_match(name)
}

/// The names and numbers of a line, without what is counted. Names are in small letters.
pub(super) fn pairs(text: &str) -> Vec<(String, f64)> {
    let mut found: Vec<(String, f64)> = Vec::new();
    let mut add = |name: &str, value: f64| {
        let name = name.trim().to_ascii_lowercase().replace(' ', "_");
        let Some(name) = name_of(&name) else { return };
        // Also of `train epoch`.
        let last = name.rsplit('_').next().unwrap_or_default();
        let counts = OTHERS.iter().any(|other| *other == name || *other == last);
        if !counts && found.iter().all(|(known, _)| *known != name) {
            found.push((name, value));
        }
    };
    for captures in PAIR.captures_iter(text) {
        let Ok(value) = captures["value"].parse::<f64>() else { continue };
        match captures.name("of").and_then(|of| of.as_str().parse::<f64>().ok()) {
            // `Accuracy: 9835/10000`
            Some(of) if of > 0.0 && is_measured(&captures["name"]) => {
                add(&captures["name"], value / of);
            }
            None if matches!(&captures["unit"], "" | "%") => add(&captures["name"], value),
            // `5ms`, `3.6it/s`: of the machine.
            _ => {}
        }
    }
    for captures in BARE.captures_iter(text) {
        if let Ok(value) = captures["value"].parse::<f64>() {
            add(&captures["name"], value);
        }
    }
    found
}
