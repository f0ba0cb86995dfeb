//! What Python says: tracebacks, and the few lines that take their place.

mod traceback;

use trainyard_model::cause::{Cause, CauseKind};

use self::traceback::Raised;
use super::said::{Said, cut};
use super::{Scene, missing, noise, phrases};

/// How many lines may follow on an exception that ended its program, where the exit code
/// is Python's own: the rest of its message, or a word of whoever started it.
const LINES_AFTER: usize = 3;
/// Messages that are known to be long.
const LONG_MESSAGE: usize = 80;

pub(super) fn cause(code: i32, said: &Said, scene: &Scene<'_>) -> Option<Cause> {
    let raised = traceback::last(&said.lines)?;
    if !is_last_word(&raised, &said.lines, code) {
        return None;
    }
    let evidence = said.quote(raised.first, raised.end);
    Some(of(&raised, code, scene).status(code).evidence(evidence))
}

/// Is the exception what ended the program? Somebody may have caught and printed it.
fn is_last_word(raised: &Raised, lines: &[String], code: i32) -> bool {
    let allowed = match (raised.is_long(), code) {
        (true, _) => LONG_MESSAGE,
        (false, 1) => LINES_AFTER,
        // Some handler of the program has chosen this code.
        (false, _) => 0,
    };
    let mut unknown = 0;
    let mut is_ignored = false;
    for line in &lines[raised.after..] {
        let is_indented = line.starts_with([' ', '\t']);
        // `Exception ignored in: …` comes with a traceback of its own.
        is_ignored |= line.starts_with("Exception ignored");
        if is_ignored || is_indented || noise::is_noise(line) || noise::tells_the_code(line, code) {
            continue;
        }
        if !raised.is_long() && noise::tells_something_else(line) {
            return false;
        }
        unknown += 1;
    }
    unknown <= allowed
}

/// The cause for an exception. What it is about goes before what it is called.
fn of(raised: &Raised, code: i32, scene: &Scene<'_>) -> Cause {
    // A want of memory or room is the cause also when it was raised again as something else.
    let whole = raised.told_in_chain();
    if let Some(cause) = phrases::exhausted(&whole, scene) {
        return in_words(cause, &raised.headline());
    }
    if let Some(cause) = missing::module_of(&raised.class, &raised.message) {
        return cause;
    }
    if let Some(cause) = missing::data_of(&raised.told(), scene) {
        return cause;
    }
    if let Some(cause) = phrases::unreachable(&raised.told()) {
        return in_words(cause, &raised.headline());
    }
    let mut message = cut(&raised.headline());
    if let Some(place) = raised.place(scene.code) {
        message = format!("{message} ({place})");
    }
    let exception = raised.name().to_owned();
    let hint = hint(&exception, &raised.message, scene);
    let cause = Cause::new(CauseKind::Exception { exception, code }, message);
    match hint {
        Some(hint) => cause.hint(hint),
        None => cause,
    }
}

/// Ours first, theirs behind.
fn in_words(cause: Cause, theirs: &str) -> Cause {
    let message = cut(&format!("{}: {theirs}", cause.message));
    Cause { message, ..cause }
}

fn hint(exception: &str, message: &str, scene: &Scene<'_>) -> Option<String> {
    let text = match exception {
        "FileNotFoundError" | "NotFoundError" => return missing::hint_for_file(message, scene),
        "PermissionError" => {
            "the program may write below RESULT_DIR, CHECKPOINT_DIR, LOG_DIR and TMPDIR; name such a \
             place by its variable"
        }
        "UnicodeDecodeError" | "UnicodeEncodeError" => {
            "name the encoding when you open the file: open(…, encoding='utf-8'), or 'rb' for bytes"
        }
        "SyntaxError" | "IndentationError" | "TabError" => {
            "was the code written for another version of Python? The framework's version decides \
             which one runs it"
        }
        "KeyboardInterrupt" => "somebody sent the program SIGINT",
        "OSError" if message.contains("Errno 24") => {
            "the program keeps too many files open: close them, or use fewer workers"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn judged(code: i32, text: &str) -> Option<String> {
        let (code_dir, data) = (Path::new("/attempt/code"), Path::new("/attempt/data"));
        let scene = Scene { code: code_dir, data, has_data: true, has_gpus: false };
        cause(code, &Said::new(text), &scene).map(|cause| cause.message)
    }

    const BOOM: &str = "Traceback (most recent call last):\n  File \"/attempt/code/train.py\", line 3, in <module>\n    boom()\nValueError: boom\n";

    #[test]
    fn an_exception_counts_where_it_stands_last() {
        assert_eq!(judged(1, BOOM).as_deref(), Some("ValueError: boom (train.py, line 3)"));
        // By somebody who ends with a code of their own.
        assert!(judged(3, BOOM).is_some());
        // What comes behind says nothing, or no more than the code.
        for after in [
            "training failed with exit code 1\n",
            "make: *** [Makefile:2: train] Error 1\n",
            "/usr/lib/x.py:3: UserWarning: resource_tracker: leaked semaphores\n",
            "second line of the message\n",
            "Exception ignored in: <function f>\nTraceback (most recent call last):\n  File \"x\", line 1, in f\nTypeError: x\n",
        ] {
            assert!(judged(1, &format!("{BOOM}{after}")).is_some(), "{after}");
        }
    }

    #[test]
    fn an_exception_that_was_caught_is_not_the_cause() {
        for (code, after) in [
            (1, "epoch 2\n"),
            (1, "Error: the loss is not a number\n"),
            (1, "a\nb\nc\nd\n"),
            (3, "no more data\n"),
            (1, "falling back to the CPU\nno CPU\n"),
        ] {
            assert_eq!(judged(code, &format!("{BOOM}{after}")), None, "{after}");
        }
    }
}
