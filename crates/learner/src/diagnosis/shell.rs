//! What shells and interpreters say of a command that they cannot find, start or read.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use trainyard_model::cause::{Cause, CauseKind};

use super::said::{Said, cut};
use super::{Scene, missing, noise};

/// As far as a script is looked into.
const SCRIPT_BYTES: u64 = 4096;

const WINDOWS: &str = "its lines end in CR LF, as Windows writes them: convert it with `dos2unix` \
                       or in your editor, and zip it again";

/// Beginnings of arguments that were refused, in lower case.
const REFUSED: [&str; 6] = [
    "unrecognized option",
    "invalid option",
    "unknown option",
    "unrecognized arguments",
    "illegal option",
    "flags parsing error",
];

pub(super) fn cause(code: i32, said: &Said, scene: &Scene<'_>) -> Option<Cause> {
    let words = said.last_words().unwrap_or_default();
    let cause = match code {
        127 => not_found(said, words, scene),
        126 => not_executable(words, scene),
        _ => None,
    };
    let cause = cause
        .or_else(|| not_opened(code, words))
        .or_else(|| syntax(code, said, scene))
        .or_else(|| arguments(code, said));
    cause.map(|cause| {
        let evidence = [cause.evidence, said.tail()].concat();
        Cause { evidence, ..cause }.status(code)
    })
}

/// Exit code 127: the shell's own, when it says so or nothing at all was said.
fn not_found(said: &Said, words: &str, scene: &Scene<'_>) -> Option<Cause> {
    if words.contains(": cannot open shared object file") {
        return missing::module_of("", words);
    }
    let kind = CauseKind::ProgramNotFound { code: 127 };
    // `env` explains a shebang in a second line.
    let Some(name) = said.last_lines().take(2).find_map(name_not_found) else {
        let message = "the command could not be found (exit code 127)";
        return said.is_empty().then(|| Cause::new(kind, message).hint(spelling("")));
    };
    if name.ends_with("\\r") || said.has_stray_cr {
        let message = format!("a script of the zip has Windows line ends: `{name}` was not found");
        return Some(Cause::new(kind, cut(&message)).hint(WINDOWS));
    }
    let path = in_the_zip(&name, scene.code);
    if let Some(interpreter) = path.as_deref().and_then(interpreter) {
        let message = if interpreter.ends_with('\r') {
            format!("`{name}` has Windows line ends: its interpreter was not found")
        } else {
            format!("the interpreter of `{name}` was not found: {}", interpreter.trim())
        };
        let hint = if interpreter.ends_with('\r') {
            WINDOWS.to_owned()
        } else {
            "mend the first line of the script, or call it by an interpreter: `python3 x.py`"
                .to_owned()
        };
        return Some(Cause::new(kind, cut(&message)).hint(hint));
    }
    let message = format!("the command `{name}` could not be found (exit code 127)");
    let hint = if !name.contains('/') && scene.code.join(&name).is_file() {
        format!("it is in the zip: call it as `./{name}`, or by its interpreter")
    } else {
        spelling(&name)
    };
    Some(Cause::new(kind, cut(&message)).hint(hint))
}

fn spelling(name: &str) -> String {
    match name {
        "python" => {
            "call `python3`: where the framework does not bring `python`, there is none".to_owned()
        }
        "[[" | "source" => format!("`{name}` is bash's own: call the script by `bash x.sh`"),
        _ => "is it in the zip, spelt like this, and called with `./` or by an interpreter?"
            .to_owned(),
    }
}

/// `sh: 1: pythn3: not found`, `bash: line 1: x: command not found`,
/// `env: ‘python3\r’: No such file or directory`, `bash: x.sh: No such file or directory`.
fn name_not_found(words: &str) -> Option<String> {
    let told = words
        .strip_suffix(": command not found")
        .or_else(|| words.strip_suffix(": not found"))
        .or_else(|| words.strip_suffix(": No such file or directory"))?;
    let name = told.rsplit(": ").next().unwrap_or(told).trim();
    let name = name.trim_matches(['‘', '’', '\'', '"', '`']);
    let name = name.trim_start_matches("$'");
    (!name.is_empty()).then(|| name.chars().take(200).collect())
}

fn not_executable(words: &str, scene: &Scene<'_>) -> Option<Cause> {
    let kind = CauseKind::ProgramNotFound { code: 126 };
    let told = |suffix: &str| {
        let told = words.strip_suffix(suffix)?;
        let name = told.rsplit(": ").find(|part| *part != "cannot execute binary file")?;
        Some(name.trim().chars().take(200).collect::<String>())
    };
    if let Some(name) = told(": Exec format error").or_else(|| told(": cannot execute binary file"))
    {
        let message = format!("`{name}` is no program of this machine (exit code 126)");
        let hint = "was it built for another processor, or cut off when it was zipped? A script needs \
                    an interpreter in its first line: `#!/bin/sh`";
        return Some(Cause::new(kind, cut(&message)).hint(hint));
    }
    let name = told(": Permission denied").or_else(|| told(": Is a directory"))?;
    let place = scene.code.join(&name);
    if place.is_dir() {
        let message = format!("`{name}` is a folder and cannot be executed (exit code 126)");
        return Some(Cause::new(kind, cut(&message)).hint("name the program in it"));
    }
    let message = format!("`{name}` was found but may not be executed (exit code 126)");
    let hint = "was it executable when it was zipped? Call it by its interpreter: `sh ./x.sh`";
    Some(Cause::new(kind, cut(&message)).hint(hint))
}

/// An interpreter was found, and its script was not.
fn not_opened(code: i32, words: &str) -> Option<Cause> {
    let name = if let Some((_, rest)) = words.split_once("can't open file '") {
        rest.split('\'').next()
    } else if let Some((_, rest)) = words.split_once("Can't open perl script \"") {
        rest.split('"').next()
    } else if words.contains(": cannot open ") && words.ends_with(": No such file") {
        words.split_once(": cannot open ").map(|(_, rest)| rest.trim_end_matches(": No such file"))
    } else {
        None
    }?;
    let name: String = name.chars().take(200).collect();
    let short = name.rsplit('/').next().unwrap_or(&name);
    let message = format!("the script `{short}` could not be found (exit code {code})");
    let hint = "is it in the zip, spelt like this, and not in a folder? The command runs where the \
                zip was unpacked";
    Some(Cause::new(CauseKind::ProgramNotFound { code }, cut(&message)).hint(hint))
}

/// The shell could not read the command or a script.
fn syntax(code: i32, said: &Said, scene: &Scene<'_>) -> Option<Cause> {
    let words = said.last_lines().take(4).find(|line| {
        line.contains(": Syntax error: ")
            || line.contains(": syntax error near ")
            || line.contains(": syntax error: ")
            || line.contains(": unexpected EOF while looking for")
            || line.ends_with(": Bad substitution")
            || line.ends_with(": bad substitution")
            || line.contains("Illegal option -") && said.has_stray_cr
    })?;
    if !matches!(code, 1 | 2 | 127) {
        return None;
    }
    let kind = CauseKind::ShellSyntax { code };
    let message = format!("the shell cannot read the command: {}", words.trim());
    let script = words.split(": ").next().and_then(|name| in_the_zip(name, scene.code));
    let hint = if said.has_stray_cr || script.is_some_and(|script| is_of_windows(&script)) {
        WINDOWS
    } else {
        "look at quotes and brackets; what only bash knows needs `bash x.sh`, for commands run in a \
         plain POSIX shell"
    };
    Some(Cause::new(kind, cut(&message)).hint(hint))
}

/// The program does not understand how it was called.
fn arguments(code: i32, said: &Said) -> Option<Cause> {
    let last: Vec<&str> = said.last_lines().take(12).collect();
    let has_usage = last.iter().any(|line| line.trim_start().to_lowercase().starts_with("usage:"));
    let refused = last.iter().take(4).find(|line| {
        let line = line.to_lowercase();
        REFUSED.iter().any(|words| line.contains(words))
    });
    if !(has_usage && matches!(code, 2 | 64)) && refused.is_none() {
        return None;
    }
    let words = last
        .iter()
        .find(|line| line.contains("error: ") || line.starts_with("Error: "))
        .or(refused)
        .or(last.iter().find(|line| !noise::tells_the_code(line, code)))?;
    let message = format!("the program did not understand its arguments: {}", words.trim());
    Some(Cause::new(CauseKind::BadArguments { code }, cut(&message)).hint(
        "compare the arguments of the definition's command with those that the program takes",
    ))
}

/// Do the first lines of a script end in CR LF?
fn is_of_windows(script: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(script).and_then(|file| file.take(SCRIPT_BYTES).read_to_end(&mut text));
    read.is_ok() && text.windows(2).any(|pair| pair == b"\r\n")
}

fn in_the_zip(name: &str, code: &Path) -> Option<PathBuf> {
    let path = code.join(name);
    path.is_file().then_some(path)
}

/// What the first line of a script names, when it does.
fn interpreter(path: &Path) -> Option<String> {
    let mut line = Vec::new();
    let file = File::open(path).ok()?.take(SCRIPT_BYTES);
    BufReader::new(file).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).ok()?;
    let name = line.strip_prefix("#!")?.trim_end_matches('\n');
    Some(name.trim_start().chars().filter(|c| *c == '\r' || !c.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_what_every_shell_says() {
        for (words, wanted) in [
            ("sh: 1: pythn3: not found", Some("pythn3")),
            ("train.sh: 12: ./x: not found", Some("./x")),
            ("bash: line 1: x: command not found", Some("x")),
            ("/usr/bin/env: ‘python3\\r’: No such file or directory", Some("python3\\r")),
            ("x.sh: line 2: $'ls\\r': command not found", Some("ls\\r")),
            ("bash: nofile.sh: No such file or directory", Some("nofile.sh")),
            ("the file was not found", None),
        ] {
            assert_eq!(name_not_found(words).as_deref(), wanted, "{words}");
        }
    }
}
