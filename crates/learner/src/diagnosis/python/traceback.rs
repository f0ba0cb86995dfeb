//! Reading tracebacks out of lines, whatever stands around them.

use std::path::Path;

const HEADER: &str = "Traceback (most recent call last):";
const HANDLING: &str = "During handling of the above exception, another exception occurred:";
const CAUSED: &str = "The above exception was the direct cause of the following exception:";

/// What stands before each line of one process among several is no longer than this.
const PREFIX_CHARS: usize = 40;
/// So many lines of a message are looked at.
const MESSAGE_LINES: usize = 12;

/// Raised by launchers when one of their processes has failed: what that one said counts.
const OF_LAUNCHERS: [&str; 6] = [
    "ChildFailedError",
    "CalledProcessError",
    "BrokenProcessPool",
    "ProcessExitedException",
    "TerminatedWorkerError",
    "WorkerCrashedError",
];

/// Beginnings of messages that go on for many lines, none of them indented for sure.
const LONG: [&str; 6] =
    ["CUDA error", "CUDA out of memory", "NCCL error", "Caught ", "Error(s) in", "cuDNN error"];

/// An exception as it was printed.
#[derive(Debug)]
pub(super) struct Raised {
    /// Its class with the module: `torch.OutOfMemoryError`.
    pub class: String,
    /// The first line of its message; may be empty.
    pub message: String,
    /// The lines after that, as far as they are looked at.
    more: Vec<String>,
    /// File and line of each frame, outermost first.
    frames: Vec<(String, u32)>,
    /// Exceptions of a group that were never raised themselves.
    inner: Vec<String>,
    /// Exceptions that led to it, as they were printed.
    chain: Vec<String>,
    /// The lines from its traceback's first, or that of the chain, up to behind its own line.
    pub first: usize,
    pub end: usize,
    /// Where that which was printed after it begins.
    pub after: usize,
    /// A launcher told of it, at length.
    is_told_on: bool,
}

impl Raised {
    /// The class without the module.
    pub(super) fn name(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or(&self.class)
    }

    /// As its last line says it.
    pub(super) fn headline(&self) -> String {
        let name = self.name();
        match (self.message.as_str(), self.more.iter().find(|line| !line.trim().is_empty())) {
            ("", None) => name.to_owned(),
            ("", Some(more)) => format!("{name}: {}", more.trim()),
            (message, Some(more)) if message.ends_with(':') => {
                format!("{name}: {message} {}", more.trim())
            }
            (message, _) => match self.inner.first() {
                Some(inner) => format!("{name}: {message}: {inner}"),
                None => format!("{name}: {message}"),
            },
        }
    }

    /// All of it, for looking up words in.
    pub(super) fn told(&self) -> String {
        let mut text = format!("{}: {}", self.class, self.message);
        for line in &self.more {
            text.push('\n');
            text.push_str(line);
        }
        text
    }

    /// The same with what led to it.
    pub(super) fn told_in_chain(&self) -> String {
        let mut text = self.told();
        for link in &self.chain {
            text.push('\n');
            text.push_str(link);
        }
        text
    }

    /// Does its message go on for many lines?
    pub(super) fn is_long(&self) -> bool {
        self.is_told_on || is_long(&self.message)
    }

    /// Where it was raised, by the innermost frame of the user's own code.
    pub(super) fn place(&self, code: &Path) -> Option<String> {
        let own = self.frames.iter().rev().find_map(|(file, line)| {
            let file = Path::new(file).strip_prefix(code).ok()?;
            Some(format!("{}, line {line}", file.display()))
        });
        own.or_else(|| {
            let (file, line) = self.frames.last()?;
            // `<string>`, or a path from where the command runs.
            let is_own = !file.starts_with('/');
            is_own.then(|| format!("{file}, line {line}"))
        })
    }
}

fn is_long(message: &str) -> bool {
    message.ends_with(':') || LONG.iter().any(|begin| message.starts_with(begin))
}

/// The last exception that was printed; behind that of a launcher the one before it.
pub(super) fn last(lines: &[String]) -> Option<Raised> {
    let is_ignored = |at: usize| at > 0 && lines[at - 1].starts_with("Exception ignored");
    let starts: Vec<usize> =
        (0..lines.len()).filter(|at| prefix_of(lines, *at).is_some() && !is_ignored(*at)).collect();
    let mut found = starts.iter().rev().filter_map(|at| read(lines, *at));
    let last = found.next()?;
    if !OF_LAUNCHERS.contains(&last.name()) {
        return Some(last);
    }
    let inner = found.find(|raised| !OF_LAUNCHERS.contains(&raised.name()));
    Some(match inner {
        Some(inner) => Raised { after: last.after, is_told_on: true, ..inner },
        None => last,
    })
}

/// What stands before each line of the traceback that begins here, if one does.
fn prefix_of(lines: &[String], at: usize) -> Option<&str> {
    let line = lines[at].as_str();
    if let Some(place) = line.find(HEADER) {
        let prefix = &line[..place];
        let prefix = prefix.strip_suffix("Original ").unwrap_or(prefix);
        let prefix = prefix.strip_suffix("Exception Group ").unwrap_or(prefix);
        // A progress bar may have left its line open.
        let goes_on = lines[at + 1..].iter().any(|line| line.starts_with(prefix));
        let is_of_a_group = prefix.trim_matches([' ', '+', '|']).is_empty();
        let is_short = prefix.chars().count() <= PREFIX_CHARS;
        return Some(if is_of_a_group || (is_short && goes_on) { prefix } else { "" });
    }
    // A script that cannot be read is told without a header.
    let is_frame = line.starts_with("  File \"") && !line.contains(", in ");
    let is_first = at == 0 || !lines[at - 1].starts_with("  ");
    (is_frame && is_first && !lines.get(at.wrapping_sub(1)).is_some_and(|l| l.contains(HEADER)))
        .then_some("")
}

fn read(lines: &[String], start: usize) -> Option<Raised> {
    let prefix = prefix_of(lines, start)?;
    let bare = |line: &str| -> Option<String> {
        // Lines of groups begin with another one than the header.
        let group = prefix.trim_matches([' ', '+', '|']).is_empty() && !prefix.is_empty();
        let rest = if group {
            line.trim_start_matches(' ')
                .strip_prefix(['|', '+'])
                .map(|rest| rest.strip_prefix(' ').unwrap_or(rest))
        } else {
            line.strip_prefix(prefix).or_else(|| line.strip_prefix(prefix.trim_end()))
        };
        rest.map(str::to_owned)
    };
    let has_header = lines[start].contains(HEADER);
    let mut frames = Vec::new();
    let mut at = if has_header { start + 1 } else { start };
    let (at, (class, message)) = loop {
        let line = lines.get(at)?;
        match bare(line) {
            // Another process has its say in between.
            None if !prefix.is_empty() => {}
            Some(line) if line.starts_with("  ") || line.is_empty() => frames.extend(frame(&line)),
            Some(line) => break (at, exception(&line)?),
            None => return None,
        }
        at += 1;
    };
    let is_syntax = matches!(class.as_str(), "SyntaxError" | "IndentationError" | "TabError");
    if !has_header && !is_syntax {
        return None;
    }
    let (chain, first) = chain(lines, start, prefix);
    let more = lines[at + 1..].iter().take(MESSAGE_LINES);
    let more = more.map_while(|line| bare(line)).take_while(|line| !line.contains(HEADER));
    let more: Vec<String> = more.collect();
    // Only what is indented belongs to the message for sure, and of long ones all.
    let (is_long, is_open) = (is_long(&message), message.is_empty());
    let sure = more
        .iter()
        .enumerate()
        .take_while(|(number, line)| {
            is_long || line.starts_with([' ', '\t']) || line.is_empty() || (is_open && *number < 3)
        })
        .count();
    let more = more.into_iter().take(sure).collect();
    let inner = if class.ends_with("Group") { members(&lines[at + 1..]) } else { Vec::new() };
    Some(Raised {
        class,
        message,
        more,
        inner,
        frames,
        chain,
        first,
        end: at + 1,
        after: at + 1,
        is_told_on: false,
    })
}

/// `  File "train.py", line 3, in <module>`
fn frame(line: &str) -> Option<(String, u32)> {
    let (file, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((file.to_owned(), rest[..digits].parse().ok()?))
}

/// `ValueError: boom`, `KeyboardInterrupt`, `torch.OutOfMemoryError: CUDA out of memory. …`
fn exception(line: &str) -> Option<(String, String)> {
    let (class, message) = match line.split_once(": ") {
        Some((class, message)) => (class, message.trim()),
        None => (line.strip_suffix(':').unwrap_or(line), ""),
    };
    let is_class = class.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '<' | '>'))
        && class.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && class.chars().count() <= 200;
    is_class.then(|| (class.to_owned(), message.to_owned()))
}

/// `    | ValueError: inner`, a line each, in the frame that a group is printed in.
fn members(lines: &[String]) -> Vec<String> {
    let framed = lines.iter().map(|line| line.trim_start());
    let framed = framed.take_while(|line| line.starts_with(['|', '+']));
    let told = framed.filter_map(|line| line.strip_prefix("| "));
    told.filter(|line| exception(line).is_some()).map(str::to_owned).collect()
}

/// The exceptions that were printed before as its causes, and where the first of them begins.
fn chain(lines: &[String], start: usize, prefix: &str) -> (Vec<String>, usize) {
    let mut links = Vec::new();
    let mut first = start;
    loop {
        let before = lines[..first].iter().enumerate().rev();
        let mut before = before.filter(|(_, line)| {
            let bare = line.strip_prefix(prefix).unwrap_or(line);
            !bare.trim().is_empty() && bare.trim() != "\"\"\""
        });
        let Some((joint, _)) =
            before.next().filter(|(_, line)| line.contains(HANDLING) || line.contains(CAUSED))
        else {
            return (links, first);
        };
        if let Some(at) = without_traceback(lines, joint) {
            links.push(lines[at..joint].join("\n"));
            return (links, at);
        }
        let header = lines[..joint].iter().rposition(|line| line.contains(HEADER));
        let Some(header) = header else { return (links, first) };
        let told = lines[header..joint]
            .iter()
            .filter(|line| !line.strip_prefix(prefix).unwrap_or(line).starts_with("  "))
            .skip(1);
        links.push(told.cloned().collect::<Vec<_>>().join("\n"));
        first = header;
    }
}

/// Where an exception begins that ends before `joint` and was never raised.
fn without_traceback(lines: &[String], joint: usize) -> Option<usize> {
    let last = lines[..joint].iter().rposition(|line| !line.trim().is_empty())?;
    let blank = lines[..last].iter().rposition(|line| line.trim().is_empty());
    let at = blank.map_or(0, |blank| blank + 1);
    let name = exception(&lines[at])?.0;
    let is_one = ["Error", "Exception", "Warning"].iter().any(|end| name.ends_with(end));
    is_one.then_some(at)
}

#[cfg(test)]
mod tests {
    use super::super::super::said::Said;
    use super::*;

    fn read_text(text: &str) -> Raised {
        last(&Said::new(text).lines).unwrap_or_else(|| panic!("no exception in {text}"))
    }

    fn headline(text: &str) -> String {
        read_text(text).headline()
    }

    #[test]
    fn exceptions_are_found_whatever_is_printed_around_them() {
        let rank = "[rank0]: Traceback (most recent call last):\n[rank1]: Traceback (most recent call last):\n[rank0]:   File \"t.py\", line 1, in <module>\n[rank0]: torch.OutOfMemoryError: CUDA out of memory. Tried\n";
        let group = "  + Exception Group Traceback (most recent call last):\n  |   File \"t.py\", line 1, in <module>\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    |   File \"t.py\", line 2, in f\n    | ValueError: inner\n    +------------------------------------\n";
        let worker = "Traceback (most recent call last):\n  File \"t.py\", line 9, in <module>\nRuntimeError: Caught KeyError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n  File \"t.py\", line 2, in f\nKeyError: 'label'\n\n";
        let syntax = "  File \"/code/train.py\", line 3\n    print \"x\"\n    ^^^^^^^^^\nSyntaxError: Missing parentheses\n";
        let imported = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    import b\n  File \"b.py\", line 2\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n";
        let launcher = "Traceback (most recent call last):\n  File \"t.py\", line 2, in f\nValueError: inner\nE0712 10:11:12.345000 139 torch/distributed/elastic/multiprocessing/api.py:833] failed (exitcode: 1)\nTraceback (most recent call last):\n  File \"/usr/bin/torchrun\", line 8, in <module>\ntorch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n====\n";
        let remote = "multiprocessing.pool.RemoteTraceback: \n\"\"\"\nTraceback (most recent call last):\n  File \"p.py\", line 1, in f\nValueError: first\n\"\"\"\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"t.py\", line 2, in <module>\nValueError: first\n";
        for (text, wanted) in [
            (rank, "OutOfMemoryError: CUDA out of memory. Tried"),
            (group, "ValueError: inner"),
            (worker, "KeyError: 'label'"),
            (syntax, "SyntaxError: Missing parentheses"),
            (imported, "SyntaxError: invalid syntax"),
            (launcher, "ValueError: inner"),
            (remote, "ValueError: first"),
        ] {
            assert_eq!(headline(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_led_to_an_exception_is_known() {
        let text = "Traceback (most recent call last):\n  File \"t.py\", line 1, in f\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"t.py\", line 3, in <module>\nRuntimeError: no a\n";
        let raised = read_text(text);
        assert_eq!((raised.name(), raised.first), ("RuntimeError", 0));
        assert_eq!(raised.told_in_chain(), "RuntimeError: no a\n\nKeyError: 'a'\n");
    }

    #[test]
    fn a_piece_of_a_traceback_is_none() {
        for text in [
            "Traceback (most recent call last):\n  File \"t.py\", line 1, in f\n",
            "Traceback (most recent call last):\n",
            "  File \"t.py\", line 1\nnothing\n",
            "Traceback (most recent call last):\nthis is no exception line at all\n",
            "ValueError: boom\n",
        ] {
            assert!(last(&Said::new(text).lines).is_none(), "{text}");
        }
    }
}
