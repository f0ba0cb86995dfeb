//! Modules, libraries and files that are not there.

use std::fs;
use std::path::{Component, Path};

use trainyard_model::cause::{Cause, CauseKind};

use super::Scene;
use super::said::cut;

/// How many names of a folder are told, and how long a name may be.
const NAMES: usize = 8;
const NAME_CHARS: usize = 200;

/// Modules under whose name a framework of the catalogue comes.
const OF_FRAMEWORKS: [(&str, &str); 10] = [
    ("tensorflow", "tensorflow"),
    ("keras", "tensorflow"),
    ("torch", "pytorch"),
    ("torchvision", "pytorch"),
    ("torchaudio", "pytorch"),
    ("jax", "jax"),
    ("flax", "jax"),
    ("sklearn", "scikit-learn"),
    ("xgboost", "xgboost"),
    ("caffe", "caffe"),
];

/// A module or library that `message` says is missing; `class` is that of an exception.
pub(super) fn module_of(class: &str, message: &str) -> Option<Cause> {
    let name = class.rsplit('.').next().unwrap_or(class);
    let is_import = matches!(name, "ImportError" | "ModuleNotFoundError");
    if let Some((library, _)) = message.split_once(": cannot open shared object file") {
        let library = library.rsplit([' ', ':']).next().unwrap_or(library);
        return Some(cause(library, &format!("the shared library {library} is missing")).hint(
            "the framework's environment does not have it; another version of the framework may",
        ));
    }
    if let Some(rest) = after(message, "Can't locate ")
        && let Some((module, _)) = rest.split_once(" in @INC")
    {
        let module = module.trim_end_matches(".pm").replace('/', "::");
        return Some(cause(&module, &format!("the Perl module {module} is missing")));
    }
    let is_told_by_python = message.contains("No module named ") && !class_is_other(name);
    if !is_import && !is_told_by_python {
        return None;
    }
    if let Some(rest) = after(message, "No module named ") {
        let module = rest.trim_end_matches(')').trim_matches(['\'', '"']);
        let module = module.split(['\'', ' ', ';']).next().unwrap_or(module);
        let top = module.split('.').next().unwrap_or(module);
        let framework = OF_FRAMEWORKS.iter().find(|(known, _)| *known == top);
        let hint = match framework {
            Some((_, framework)) => {
                format!(
                    "take the framework {framework}, which brings `{top}`; `trainyard frameworks` lists all"
                )
            }
            None => format!(
                "put `{top}` into the zip, or take a framework that brings it: `trainyard frameworks` lists all"
            ),
        };
        return Some(cause(module, &format!("there is no module named `{module}`")).hint(hint));
    }
    let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
    let module = match quoted.as_slice() {
        [_, module, ..] if message.contains("cannot import name") => module,
        [module, ..] => module,
        [] => "",
    };
    let hint = "the module is there and cannot be used: it may be of another version than the code was \
                written for, or one of your own files may have its name";
    Some(cause(module, &format!("an import failed: {message}")).hint(hint))
}

fn class_is_other(name: &str) -> bool {
    !name.is_empty()
}

fn cause(module: &str, message: &str) -> Cause {
    let module = module.chars().take(NAME_CHARS).collect();
    Cause::new(CauseKind::ImportError { module }, cut(message))
}

fn after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    Some(&text[text.find(words)? + words.len()..])
}

/// A file below DATA_DIR that `text` says is missing, and that is.
pub(super) fn data_of(text: &str, scene: &Scene<'_>) -> Option<Cause> {
    let lower = text.to_lowercase();
    let says_so = [
        "no such file",
        "filenotfounderror",
        "notfounderror",
        "does not exist",
        "errno = 2",
        "not found",
        "can't cd to",
    ];
    if !says_so.iter().any(|words| lower.contains(words)) {
        return None;
    }
    let path = path_below(text, &scene.data.display().to_string())?;
    let path = Path::new(&path);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain || scene.data.join(path).exists() {
        return None;
    }
    let name: String = path.display().to_string().chars().take(NAME_CHARS).collect();
    let (folder, holds) = nearest(scene.data, path);
    let message = format!("the training data has no `{name}`");
    let cause = Cause::new(CauseKind::DataMissing { path: name }, cut(&message));
    Some(match (scene.has_data, holds.is_empty()) {
        (false, _) => {
            cause.hint("the training definition names no training data: DATA_DIR is empty")
        }
        (true, true) => cause.evidence([format!("{folder} holds nothing")]),
        (true, false) => {
            let evidence = cut(&format!("{folder} holds: {holds}"));
            cause.evidence([evidence]).hint(
                "compare the spelling with the names in the container, or upload what is missing",
            )
        }
    })
}

/// The path behind `root` in a text, up to its closing quote or the next blank.
fn path_below(text: &str, root: &str) -> Option<String> {
    let at = text.find(&format!("{root}/"))?;
    let quote = text[..at].chars().next_back().filter(|c| matches!(c, '\'' | '"' | '`' | '‘'));
    let rest = &text[at + root.len() + 1..];
    let end = match quote {
        Some('‘') => rest.find('’'),
        Some(quote) => rest.find(quote),
        None => rest
            .find(|c: char| c.is_whitespace() || matches!(c, ':' | ';' | ',' | ')' | '\'' | '"')),
    };
    let path = rest[..end.unwrap_or(rest.len())].trim_end_matches('/');
    (!path.is_empty()).then(|| path.to_owned())
}

/// The deepest folder on the way to `path` that is there, and the first names in it.
fn nearest(data: &Path, path: &Path) -> (String, String) {
    let there = path.ancestors().skip(1).find(|folder| data.join(folder).is_dir());
    let folder = there.unwrap_or(Path::new(""));
    let told = Path::new("DATA_DIR").join(folder).display().to_string();
    let told = told.trim_end_matches('/').to_owned();
    let Ok(entries) = fs::read_dir(data.join(folder)) else { return (told, String::new()) };
    // A folder may hold millions: the order is told of those that are looked at.
    let mut names: Vec<String> = entries
        .take(1000)
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    let more = if names.len() > NAMES { ", …" } else { "" };
    names.truncate(NAMES);
    let plain = |name: &String| name.chars().filter(|c| !c.is_control()).collect::<String>();
    (told, names.iter().map(plain).collect::<Vec<_>>().join(", ") + more)
}

/// What to do about a file that was looked for elsewhere.
pub(super) fn hint_for_file(message: &str, scene: &Scene<'_>) -> Option<String> {
    let name = message.rsplit_once(": '").map(|(_, name)| name.trim_end_matches('\''))?;
    let path = Path::new(name);
    let is_data = |path: &Path| !path.as_os_str().is_empty() && scene.data.join(path).is_file();
    let found = [Some(path), path.file_name().map(Path::new)]
        .into_iter()
        .flatten()
        .find(|path| path.is_relative() && is_data(path));
    Some(match found {
        Some(found) => {
            let found: String = found.display().to_string().chars().take(NAME_CHARS).collect();
            format!("`{found}` lies in DATA_DIR: have the program open it there, by that variable")
        }
        None if path.starts_with(scene.code) || path.is_relative() => {
            "is it in the zip, and spelt like this? Training data lies below DATA_DIR".to_owned()
        }
        None => "the path is not one of the run's: data lies below DATA_DIR, code below MODEL_DIR"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(class: &str, message: &str) -> Option<String> {
        module_of(class, message).map(|cause| match cause.kind {
            CauseKind::ImportError { module } => module,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn modules_are_named_in_every_spelling() {
        for (class, message, wanted) in [
            ("ModuleNotFoundError", "No module named 'pandas'", Some("pandas")),
            ("ModuleNotFoundError", "No module named 'a.b'; 'a' is not a package", Some("a.b")),
            ("ImportError", "No module named cv2", Some("cv2")),
            ("", "/usr/bin/python3: No module named train", Some("train")),
            (
                "",
                "python3: Error while finding module specification for 'a.b' (ModuleNotFoundError: No module named 'a')",
                Some("a"),
            ),
            ("ImportError", "cannot import name 'comb' from 'scipy.misc' (/x)", Some("scipy.misc")),
            (
                "ImportError",
                "libcudart.so.12: cannot open shared object file: No such file or directory",
                Some("libcudart.so.12"),
            ),
            (
                "",
                "./x: error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file",
                Some("libfoo.so.1"),
            ),
            ("", "Can't locate Foo/Bar.pm in @INC (you may", Some("Foo::Bar")),
            ("ImportError", "", Some("")),
            ("RuntimeError", "No module named 'pandas'", None),
            ("", "no module", None),
        ] {
            assert_eq!(module(class, message).as_deref(), wanted, "{class}: {message}");
        }
    }

    #[test]
    fn missing_data_is_only_what_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path();
        fs::create_dir(data.join("mnist")).expect("made");
        fs::write(data.join("mnist/Train.csv"), "x").expect("written");
        let scene = Scene { code: Path::new("/code"), data, has_data: true, has_gpus: false };
        let root = data.display();
        let told = |text: &str| data_of(text, &scene);
        let cause = told(&format!(
            "FileNotFoundError: [Errno 2] No such file or directory: '{root}/mnist/train.csv'"
        ))
        .expect("it is missing");
        assert_eq!(cause.kind, CauseKind::DataMissing { path: "mnist/train.csv".to_owned() });
        assert_eq!(cause.evidence, ["DATA_DIR/mnist holds: Train.csv"]);
        let blank = told(&format!("cat: '{root}/a b': No such file or directory"));
        assert_eq!(
            blank.expect("so is it").kind,
            CauseKind::DataMissing { path: "a b".to_owned() }
        );
        // It is there, is elsewhere, would be elsewhere, or something else is told of it.
        for text in [
            format!("cat: {root}/mnist/Train.csv: No such file or directory"),
            "cat: /elsewhere/x: No such file or directory".to_owned(),
            format!("cat: {root}/../secret: No such file or directory"),
            format!("cat: {root}/x: Permission denied"),
        ] {
            assert!(told(&text).is_none(), "{text}");
        }
        let hint = hint_for_file("[Errno 2] No such file or directory: 'mnist/Train.csv'", &scene);
        assert!(hint.expect("a hint").contains("lies in DATA_DIR"));
    }
}
