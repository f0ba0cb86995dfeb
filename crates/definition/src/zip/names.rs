//! Names of entries: a plain path below the directory, or refused.

use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

/// The longest name of a file on Linux, in bytes.
const LONGEST: usize = 255;

/// The longest path of a file in folders, in bytes: what the run's own folder leaves of the
/// 4096 that Linux takes is far more, but programs paste paths together.
const LONGEST_PATH: usize = 1024;
/// How many folders may lie in one another.
const DEPTH: usize = 32;

/// What an entry's name makes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A file on the first level, by this name.
    File(String),
    /// A file in a folder, by this path.
    Nested(String),
    /// A folder, without the slash at its end. Empty: the root itself (`./`).
    Folder(String),
    /// What macOS puts in beside the files.
    Skipped(&'static str),
    /// Not to be written anywhere.
    Unsafe(&'static str),
}

/// Judges the name of an entry as it stands in the zip.
pub(super) fn judge(raw: &[u8]) -> Verdict {
    let Ok(name) = std::str::from_utf8(raw) else {
        return Verdict::Unsafe("its name is not UTF-8");
    };
    // Some tools write `./` before every name.
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    if name.is_empty() && !raw.is_empty() {
        return Verdict::Folder(String::new());
    }
    if let Some(why) = unsafe_because(name) {
        return Verdict::Unsafe(why);
    }
    if name == "__MACOSX" || name.starts_with("__MACOSX/") {
        return Verdict::Skipped("what macOS adds about files");
    }
    if name.rsplit('/').next() == Some(".DS_Store") {
        return Verdict::Skipped("what macOS remembers about a folder");
    }
    if let Some(folder) = name.strip_suffix('/') {
        Verdict::Folder(folder.to_owned())
    } else if name.contains('/') {
        Verdict::Nested(name.to_owned())
    } else {
        Verdict::File(name.to_owned())
    }
}

fn unsafe_because(name: &str) -> Option<&'static str> {
    let drive = name.as_bytes().get(1) == Some(&b':')
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    let parts = name.strip_suffix('/').unwrap_or(name).split('/');
    if name.is_empty() {
        Some("it has no name")
    } else if name.contains('\0') {
        Some("its name holds a NUL character")
    } else if name.starts_with('/') {
        Some("its path is absolute")
    } else if name.contains('\\') {
        Some("its name holds a backslash")
    } else if drive {
        Some("its path begins with a drive letter")
    } else if name.chars().any(char::is_control) {
        Some("its name holds a control character")
    } else if parts.clone().any(|part| part == "..") {
        Some("its path leaves the directory with '..'")
    } else if parts.clone().any(|part| part.is_empty() || part == ".") {
        Some("its path holds an empty part")
    } else if parts.clone().any(|part| part.len() > LONGEST) {
        Some("its name is longer than 255 bytes")
    } else if name.len() > LONGEST_PATH {
        Some("its path is longer than 1024 bytes")
    } else if parts.clone().count() > DEPTH + 1 {
        Some("it lies more than 32 folders deep")
    } else {
        None
    }
}

/// A raw name for a message and a path: one line, not endless.
pub(super) fn shown(raw: &[u8]) -> String {
    const LONGEST_SHOWN: usize = 120;
    let name = String::from_utf8_lossy(raw);
    let mut shown: String = name
        .chars()
        .take(LONGEST_SHOWN)
        .flat_map(|c| {
            let plain = !c.is_control() && c != '\\';
            let (as_is, escaped) =
                if plain { (Some(c), None) } else { (None, Some(c.escape_default())) };
            as_is.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect();
    if name.chars().count() > LONGEST_SHOWN {
        shown.push('…');
    }
    shown
}

/// The complaints about files in folders. When all files lie in one folder, the
/// folder was zipped in place of what is in it: the commonest slip of all.
pub(super) fn nested(folders: &[String], files: &[String], any_flat: bool) -> Vec<Diagnostic> {
    let common = files.first().and_then(|file| file.split_once('/')).map(|(top, _)| top);
    let common = common.filter(|top| {
        let within = |path: &String| {
            path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !any_flat && files.iter().all(within) && folders.iter().all(within)
    });
    let help = match common {
        Some(top) if files.iter().all(|file| file.matches('/').count() == 1) => format!(
            "zip what is in '{top}' in place of '{top}' itself: (cd {top} && zip ../model.zip *)"
        ),
        _ => "put all files on the first level, or let the command unpack an archive among them"
            .to_owned(),
    };
    let mut told = Vec::new();
    for file in files {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let message = format!("'{}' lies in a folder", shown(file.as_bytes()));
        let complaint =
            Diagnostic::error(Code::NestedEntry, message).at(shown(file.as_bytes())).expected(
                format!("all files on the first level, not in '{}'", shown(folder.as_bytes())),
            );
        told.push(complaint.help(help.clone()));
    }
    // A folder is told only where nothing that lies in it is: sorted, that would come next.
    let mut paths: Vec<String> =
        folders.iter().map(|folder| format!("{folder}/")).chain(files.iter().cloned()).collect();
    paths.sort();
    paths.dedup();
    for (at, path) in paths.iter().enumerate() {
        let Some(folder) = path.strip_suffix('/') else { continue };
        let holds = paths.get(at + 1).is_some_and(|next| next.starts_with(path.as_str()));
        if folder.is_empty() || holds {
            continue;
        }
        let message = format!("'{}/' is a folder", shown(folder.as_bytes()));
        let complaint = Diagnostic::error(Code::NestedEntry, message)
            .at(shown(format!("{folder}/").as_bytes()));
        told.push(complaint.expected("files on the first level, no folders").help(help.clone()));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_slip_is_unsafe() {
        for name in [
            "../evil",
            "a/../../evil",
            "..",
            "/etc/passwd",
            "//x",
            "..\\evil",
            "a\\b",
            "C:\\x",
            "c:evil",
            "a\0b",
            "a\nb",
            "\u{7f}",
            "",
            "a//b",
            "a/./b",
            ".",
            "\u{85}",
        ] {
            assert!(matches!(judge(name.as_bytes()), Verdict::Unsafe(_)), "{name:?}");
        }
        assert_eq!(judge(b"\xff\xfe"), Verdict::Unsafe("its name is not UTF-8"));
        assert!(matches!(judge("x".repeat(256).as_bytes()), Verdict::Unsafe(_)));
        let deep = |depth: usize, name: &str| format!("{}{name}", "d/".repeat(depth));
        assert!(matches!(judge(deep(32, "x").as_bytes()), Verdict::Nested(_)));
        let why = "it lies more than 32 folders deep";
        assert_eq!(judge(deep(33, "x").as_bytes()), Verdict::Unsafe(why));
        assert_eq!(judge(deep(34, "").as_bytes()), Verdict::Unsafe(why));
        let long = format!("{0}/{0}/{0}/{0}/{0}", "x".repeat(250));
        assert_eq!(judge(long.as_bytes()), Verdict::Unsafe("its path is longer than 1024 bytes"));
        // Not skipped on the way to somewhere else.
        assert!(matches!(judge(b"__MACOSX/../../evil"), Verdict::Unsafe(_)));
    }

    #[test]
    fn plain_names_folders_and_apple_debris_are_told_apart() {
        assert_eq!(judge(b"train.py"), Verdict::File("train.py".into()));
        assert_eq!(judge(b"./train.py"), Verdict::File("train.py".into()));
        assert_eq!(judge("größe..py".as_bytes()), Verdict::File("größe..py".into()));
        assert_eq!(judge(b"..."), Verdict::File("...".into()));
        assert_eq!(judge("x".repeat(255).as_bytes()), Verdict::File("x".repeat(255)));
        assert_eq!(judge(b"a/b.py"), Verdict::Nested("a/b.py".into()));
        assert_eq!(judge(b"a/"), Verdict::Folder("a".into()));
        assert_eq!(judge(b"./"), Verdict::Folder(String::new()));
        for name in ["__MACOSX/", "__MACOSX/._train.py", ".DS_Store", "a/.DS_Store"] {
            assert!(matches!(judge(name.as_bytes()), Verdict::Skipped(_)), "{name}");
        }
    }
}
