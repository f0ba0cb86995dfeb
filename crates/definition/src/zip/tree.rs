//! The tree that the names of a zip make: no two may be one file, here or on another machine.
//!
//! Some file systems take two names for one that differ in case or in Unicode form (`e` with
//! an accent as one character or as two), so such names are told, for folders as for files.

use std::collections::HashMap;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The folders and files so far.
#[derive(Default)]
pub(super) struct Tree {
    /// By the folder they lie in, and their folded name.
    nodes: HashMap<(usize, String), Node>,
    folders: usize,
}

struct Node {
    /// Of a folder, from 1; 0 is the root.
    folder: Option<usize>,
    written: String,
}

/// Why a name cannot be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// The same file once more.
    Twice,
    /// The first is the second in another spelling: the file, or a folder that it lies in.
    Spelling(String, String),
    /// This is a file, and would have to be a folder.
    File(String),
    /// This is a folder, and would have to be a file.
    Folder(String),
}

impl Tree {
    /// Adds a file and the folders that it lies in.
    pub(super) fn file(&mut self, path: &str) -> Result<(), Clash> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let within = self.folder(folder)?;
        let Some(node) = self.nodes.get_mut(&(within, folded(name))) else {
            let node = Node { folder: None, written: name.to_owned() };
            self.nodes.insert((within, folded(name)), node);
            return Ok(());
        };
        let before = joined(folder, &node.written);
        if node.folder.is_some() {
            return Err(Clash::Folder(before));
        }
        if node.written == name {
            return Err(Clash::Twice);
        }
        name.clone_into(&mut node.written);
        Err(Clash::Spelling(path.to_owned(), before))
    }

    /// Adds a folder and those that it lies in; tells its number. It may come as often as it
    /// likes.
    pub(super) fn folder(&mut self, path: &str) -> Result<usize, Clash> {
        let mut at = 0;
        let mut end = 0;
        for name in path.split('/').filter(|_| !path.is_empty()) {
            let parent = &path[..end];
            end += name.len() + usize::from(end > 0);
            let next = self.folders + 1;
            let node = self
                .nodes
                .entry((at, folded(name)))
                .or_insert_with(|| Node { folder: Some(next), written: name.to_owned() });
            let Some(folder) = node.folder else {
                return Err(Clash::File(joined(parent, &node.written)));
            };
            if node.written != name {
                let here = path[..end].to_owned();
                return Err(Clash::Spelling(here, joined(parent, &node.written)));
            }
            self.folders = self.folders.max(folder);
            at = folder;
        }
        Ok(at)
    }

    /// How many folders there are, also those that only stand in the names of files.
    pub(super) fn folders(&self) -> usize {
        self.folders
    }
}

impl Clash {
    /// In words, about the entry `path`; both as they may be shown.
    pub(super) fn message(&self, path: &str, show: impl Fn(&str) -> String) -> String {
        let path_shown = show(path);
        match self {
            Self::Twice => format!("'{path_shown}' is in the zip twice"),
            Self::Spelling(one, other) => {
                let alike = one.to_lowercase() == other.to_lowercase();
                let how = if alike { "in case" } else { "in how their letters are encoded" };
                format!("'{}' and '{}' differ only {how}", show(one), show(other))
            }
            Self::File(file) => {
                format!("'{path_shown}' needs a folder where '{}' is a file", show(file))
            }
            Self::Folder(folder) => {
                format!("'{path_shown}' is a file where '{}' is a folder", show(folder))
            }
        }
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// One form for all names that some file system takes for one.
fn folded(name: &str) -> String {
    let lower = name.to_lowercase();
    if lower.is_ascii() {
        return lower;
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(&lower).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_one_somewhere_clash() {
        let mut tree = Tree::default();
        for path in ["a/b.py", "a/c/d.py", "e", "caf\u{e9}/x"] {
            assert_eq!(tree.file(path), Ok(()), "{path}");
        }
        assert_eq!(tree.folders(), 3);
        let spelling =
            |one: &str, other: &str| Err(Clash::Spelling(one.to_owned(), other.to_owned()));
        assert_eq!(tree.file("a/b.py"), Err(Clash::Twice));
        assert_eq!(tree.file("a/B.py"), spelling("a/B.py", "a/b.py"));
        assert_eq!(tree.file("A/x.py"), spelling("A", "a"));
        assert_eq!(tree.file("cafe\u{301}/y"), spelling("cafe\u{301}", "caf\u{e9}"));
        assert_eq!(tree.file("e/x"), Err(Clash::File("e".to_owned())));
        assert_eq!(tree.file("E/x"), Err(Clash::File("e".to_owned())));
        assert_eq!(tree.file("a/c"), Err(Clash::Folder("a/c".to_owned())));
        assert_eq!(tree.folder("e"), Err(Clash::File("e".to_owned())));
        assert_eq!(tree.folder("a/c"), tree.folder("a/c"));
        assert_eq!(tree.file("b.py"), Ok(()), "another folder is another place");
    }
}
