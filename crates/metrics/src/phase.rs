//! Which phase a value belongs to, where the program does not say it in so many words.
//!
//! The rules, in their order:
//! 1. `evaluation-metrics.txt` and regular expressions name the phase; it is taken as it is.
//! 2. An event file's folder, the deepest one that is called like a phase (`train`, `test`,
//!    `validation`, `val`, `eval`, `dev`, also with something before it, as in `loss_val`).
//! 3. A part of the metric's own path (`Loss/train`, `eval/accuracy`), which is then no longer
//!    part of its name, or `val_`, `test_`, `eval_` or `train_` before the name.
//! 4. `train`.

/// What a phase is called when nothing is said.
pub const TRAIN: &str = "train";
/// Values from data that the program was not trained with, while it is trained.
pub const VALIDATION: &str = "validation";
/// Values from data that the program was not trained with.
pub const TEST: &str = "test";

/// The phase that a word stands for, if it stands for one.
pub fn of_word(word: &str) -> Option<&'static str> {
    let known = |word: &str| {
        let words: [(&str, &[&str]); 3] = [
            (TRAIN, &["train", "training"]),
            (VALIDATION, &["validation", "val", "valid", "eval", "evaluation", "dev"]),
            (TEST, &["test", "testing"]),
        ];
        let found = words
            .iter()
            .find(|(_, words)| words.iter().any(|known| word.eq_ignore_ascii_case(known)));
        found.map(|(phase, _)| *phase)
    };
    known(word)
}

/// The phase of the last part of a folder's name: `loss_val`, `2017-11-03-test`.
fn of_ending(word: &str) -> Option<&'static str> {
    of_word(word).or_else(|| of_word(word.rsplit(['_', '-', '.']).next()?))
}

/// The phase that a path of folders names, the deepest first, and the path without that
/// folder.
pub fn of_path(path: &str) -> (Option<&'static str>, String) {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let found = parts.iter().rposition(|part| of_ending(part).is_some());
    let phase = found.and_then(|at| of_ending(parts[at]));
    let rest = parts.iter().enumerate().filter(|(at, _)| Some(*at) != found);
    (phase, rest.map(|(_, part)| *part).collect::<Vec<_>>().join("/"))
}

/// The phase that a metric's name tells, and the name without it.
pub fn of_name(name: &str) -> (Option<&'static str>, String) {
    if name.contains('/') {
        let parts: Vec<&str> = name.split('/').collect();
        if let Some(at) = parts.iter().position(|part| of_word(part).is_some()) {
            let rest: Vec<&str> = parts
                .iter()
                .enumerate()
                .filter(|(own, _)| *own != at)
                .map(|(_, part)| *part)
                .collect();
            if rest.iter().any(|part| !part.is_empty()) {
                return (of_word(parts[at]), rest.join("/"));
            }
        }
        return (None, name.to_owned());
    }
    match name.split_once('_') {
        Some((word, rest)) if !rest.is_empty() && of_word(word).is_some() => {
            (of_word(word), rest.to_owned())
        }
        _ => (None, name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_names_tell_the_phase() {
        assert_eq!(of_path("logs/tb/test"), (Some(TEST), "logs/tb".to_owned()));
        assert_eq!(of_path("validation/2017"), (Some(VALIDATION), "2017".to_owned()));
        assert_eq!(
            of_path("runs/Nov27_host/loss_val"),
            (Some(VALIDATION), "runs/Nov27_host".to_owned())
        );
        assert_eq!(of_path("latest"), (None, "latest".to_owned()), "the end of a word is no word");
        assert_eq!(of_path(""), (None, String::new()));
        assert_eq!(of_name("Loss/train"), (Some(TRAIN), "Loss".to_owned()));
        assert_eq!(of_name("eval/accuracy"), (Some(VALIDATION), "accuracy".to_owned()));
        assert_eq!(of_name("net/train/loss"), (Some(TRAIN), "net/loss".to_owned()));
        assert_eq!(of_name("val_loss"), (Some(VALIDATION), "loss".to_owned()));
        assert_eq!(of_name("value_loss"), (None, "value_loss".to_owned()));
        assert_eq!(of_name("train"), (None, "train".to_owned()));
        assert_eq!(of_name("train/"), (None, "train/".to_owned()));
    }
}
